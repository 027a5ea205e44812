// Ports for servers that cannot choose one themselves.
import { createServer } from 'node:net';

/** Below the range that systems take for outgoing connections, so that a server that was killed finds its port free when it is started again. */
const LOWEST = 20_000;
const COUNT = 10_000;

let next: number | undefined;

/** `count` ports on `address` on which nobody listens. Processes begin at different places, so that those that start together do not meet. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  next ??= (process.pid * 61) % COUNT;
  const found: number[] = [];
  for (let tried = 0; tried < COUNT && found.length < count; tried++) {
    const port = LOWEST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port, address)) found.push(port);
  }
  if (found.length < count) throw new Error(`no ${count} free ports from ${LOWEST} to ${LOWEST + COUNT - 1}`);
  return found;
}

async function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => answer(true)));
  });
}
