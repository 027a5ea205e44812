// A kubeconfig with one context, "test", for tests in which nock stands in for the API server.
export const SERVER = 'https://kube.test:6443';

export const kubeconfig = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 'secret' } }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
  });
