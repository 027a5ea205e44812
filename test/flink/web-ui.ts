// Apache Flink's web UI before a job of the embedded engine: the UI's files, and everything else from the job's REST API. A browser sends no token, so what
// stands between the two adds it.
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { run } from '../kubernetes/command.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.ttf': 'font/ttf',
};

/** Unpacks the UI of the distribution `home` below `folder`. Returns where it is. */
export async function unpackWebUi(home: string, folder: string): Promise<string> {
  const jar = readdirSync(join(home, 'lib')).find((name) => /^flink-dist-.*\.jar$/.test(name));
  if (jar === undefined) throw new Error(`${home}/lib has no flink-dist jar, which holds the web UI`);
  await run('unzip', ['-q', '-o', join(home, 'lib', jar), 'web/*', '-d', folder]);
  return join(folder, 'web');
}

export interface WebUi {
  /** `http://host:port` */
  url: string;
  /** What the engine answered with an error: `404 GET /path: ...`. */
  refused: string[];
  close: () => void;
}

/** Serves the UI's `files` before the engine at `engine` (`http://host:port`). */
export async function serveWebUi(files: string, engine: string, token: string): Promise<WebUi> {
  const refused: string[] = [];
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = request;
    const body = await buffer(request);
    const answer = await fetch(engine + url, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body.length === 0 ? {} : { body }),
    });
    const content = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) refused.push(`${answer.status} ${method} ${url}: ${content.toString().slice(0, 500)}`);
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
    response.end(content);
  };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://ui');
    const name = pathname === '/' ? 'index.html' : normalize(pathname);
    const type = TYPES[extname(name)];
    const file = type === undefined ? null : await readFile(join(files, name)).catch(() => null);
    if (file === null) return forward(request, response);
    response.writeHead(200, { 'content-type': type! });
    response.end(file);
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      response.writeHead(502);
      response.end(String(error));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, refused, close };
}
