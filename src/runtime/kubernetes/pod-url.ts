/** Where a port of a pod is reached: `http://10.0.0.9:8081`. */
export const podUrl = (address: string, port: number): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
