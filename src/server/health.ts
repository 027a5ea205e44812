// What the kubelet asks the operator: is it alive, is it ready. Plain node:http: two paths.
import { createServer, type Server } from 'node:http';

export interface HealthOptions {
  port: number;
  /** Caches are synced. */
  ready: () => boolean;
}

/** Listening. `/healthz`: the event loop turns. `/readyz`: the operator knows what there is. */
export async function serveHealth({ port, ready }: HealthOptions): Promise<Server> {
  const server = createServer((request, response) => {
    const ok = request.url === '/healthz' || (request.url === '/readyz' && ready());
    const known = request.url === '/healthz' || request.url === '/readyz';
    response.writeHead(ok ? 200 : known ? 503 : 404, { 'content-type': 'text/plain' });
    response.end(ok ? 'ok\n' : known ? 'the caches are not synced yet\n' : 'there are /healthz and /readyz\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return server;
}
