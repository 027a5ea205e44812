// What the kubelet and Prometheus ask the operator: is it alive, is it ready, how is it doing. Plain node:http: three paths.
import { createServer, type Server } from 'node:http';

export interface ServeOptions {
  port: number;
  /** Null: alive. Else why the process is to be ended and started anew. */
  stuck: () => string | null;
  /** Null: ready. Else what it waits for. */
  notReady: () => string | null;
  metrics: { contentType: string; text: () => Promise<string> };
}

interface Answer {
  status: number;
  contentType: string;
  body: string;
}

/** Listening. `/healthz` fails when only a restart helps; `/readyz` when the operator does not know yet what there is. */
export async function serve({ port, stuck, notReady, metrics }: ServeOptions): Promise<Server> {
  const paths: Record<string, () => Answer | Promise<Answer>> = {
    '/healthz': () => verdict(stuck()),
    '/readyz': () => verdict(notReady()),
    '/metrics': async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() }),
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!;
    const answer = paths[path] ?? (() => plain(404, `there are ${Object.keys(paths).join(', ')}`));
    Promise.resolve()
      .then(answer)
      .catch((error: unknown) => plain(500, String(error)))
      .then(({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body))
      // Whoever asked has gone.
      .catch(() => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return server;
}

const plain = (status: number, text: string): Answer => ({ status, contentType: 'text/plain', body: `${text}\n` });
const verdict = (trouble: string | null): Answer => (trouble === null ? plain(200, 'ok') : plain(503, trouble));
