// A watch over real sockets: what the server sends in which pieces, and how it stops.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { isExpired } from '../errors.ts';
import { PlainAuthentication } from '../testing/plain-authentication.ts';
import { THINGS, stored, type Thing } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Client, type Selection } from './client.ts';
import { linesOf } from './lines.ts';
import { HttpsTransport } from './transport.ts';
import type { WatchEvent } from './watch.ts';

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let clock: VirtualClock;
let client: Client;
let authentication: PlainAuthentication;

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  authentication = new PlainAuthentication(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  clock = new VirtualClock();
  client = new Client({ transport: new HttpsTransport(authentication), clock, random: () => 0, userAgent: 'test' });
});

afterEach(async () => {
  authentication.agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
const watching = (options: { signal?: AbortSignal; selection?: Selection } = {}): AsyncGenerator<WatchEvent<Thing>> =>
  client.watch(THINGS, options.selection ?? {}, {
    resourceVersion: '5',
    timeoutSeconds: 300,
    silenceMs: 75_000,
    signal: options.signal ?? new AbortController().signal,
  });

async function all(events: AsyncIterable<WatchEvent<Thing>>): Promise<{ told: string[]; error: unknown }> {
  const told: string[] = [];
  try {
    for await (const event of events)
      told.push(
        event.type === 'BOOKMARK' ? `BOOKMARK ${event.resourceVersion}` : `${event.type} ${event.object.spec.text}`,
      );
    return { told, error: null };
  } catch (error) {
    return { told, error };
  }
}

test('events come in order, however the bytes are cut, and bookmarks with them', async () => {
  const text = ['ü😀 a', 'b', 'c'];
  const bytes = Buffer.from(
    text.map((t, i) => event('MODIFIED', stored('a', '1', 6 + i, t))).join('') +
      event('BOOKMARK', { metadata: { resourceVersion: '20' } }),
  );
  let asked = '';
  answer = (request, response) => {
    asked = request.url!;
    const send = (at: number): void => {
      if (at >= bytes.length) return void response.end();
      response.write(bytes.subarray(at, at + 7), () => setImmediate(() => send(at + 7)));
    };
    send(0);
  };
  const { told, error } = await all(watching({ selection: { namespace: 'default', labelSelector: 'x=y' } }));
  expect(error).toBeNull();
  expect(told).toEqual(['MODIFIED ü😀 a', 'MODIFIED b', 'MODIFIED c', 'BOOKMARK 20']);
  expect(asked).toBe(
    '/apis/example.dev/v1/namespaces/default/things?labelSelector=x%3Dy&watch=1&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=300',
  );
});

test('a connection that is cut within a line tells what came before it and throws', async () => {
  answer = (_, response) => {
    response.write(
      event('ADDED', stored('a', '1', 6, 'whole')) + event('ADDED', stored('b', '2', 7)).slice(0, 30),
      () => setTimeout(() => response.destroy(), 20),
    );
  };
  const { told, error } = await all(watching());
  expect(told).toEqual(['ADDED whole']);
  expect(error).toMatchObject({ code: 'CONNECTION', sent: true });
  expect(authentication.renewed).toEqual(['connections']);
});

test.each([
  ['no JSON', '{"type":"ADDED","obj\n'],
  ['no event', '{"type":"ADDED","object":{}}\n'],
  ['no event', 'null\n'],
  ['not UTF-8', Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xff, 0x0a])])],
])('a line that is %s is an error, not an event less', async (what, line) => {
  answer = (_, response) => {
    response.write(event('ADDED', stored('a', '1', 6, 'before')));
    response.write(line);
    response.end(event('ADDED', stored('b', '2', 8, 'after')));
  };
  const { told, error } = await all(watching());
  expect(told).toEqual(['ADDED before']);
  expect(error).toMatchObject({ code: 'WATCH_GARBLED' });
  expect(String(error)).toContain(what);
});

test.each([
  [
    'an answer',
    (response: ServerResponse) =>
      response.writeHead(410).end(JSON.stringify({ kind: 'Status', code: 410, reason: 'Gone' })),
  ],
  [
    'an event with a code',
    (response: ServerResponse) => response.end(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })),
  ],
  [
    'an event with a reason alone',
    (response: ServerResponse) => response.end(event('ERROR', { kind: 'Status', reason: 'Expired' })),
  ],
  [
    'a version from the future',
    (response: ServerResponse) =>
      response.writeHead(504).end(
        JSON.stringify({
          kind: 'Status',
          code: 504,
          reason: 'Timeout',
          details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
        }),
      ),
  ],
])('a version that the server does not know is told as expired: %s', async (_, reply) => {
  answer = (__, response) => void reply(response);
  const { error } = await all(watching());
  expect(isExpired(error)).toBe(true);
});

test('an error that is none of the version is told as what it is', async () => {
  answer = (_, response) => void response.end(event('ERROR', { kind: 'Status', code: 500, reason: 'InternalError' }));
  const { error } = await all(watching());
  expect(isExpired(error)).toBe(false);
  expect(error).toMatchObject({ status: 500, reason: 'InternalError' });
});

test('a connection that stays open and says nothing is given up after 75 s; any byte starts them anew', async () => {
  let half!: ServerResponse;
  answer = (_, response) => {
    half = response;
    response.write(event('ADDED', stored('a', '1', 6, 'one')));
  };
  const events = watching();
  expect(await events.next()).toMatchObject({ value: { type: 'ADDED' } });
  const next = events.next();
  next.catch(() => undefined);
  await clock.advance(70_000);
  half.write(' ');
  // Bytes come in real time.
  await new Promise((resolve) => setTimeout(resolve, 50));
  await clock.advance(70_000);
  half.write('\n' + event('ADDED', stored('b', '2', 7, 'two')));
  expect(await next).toMatchObject({ value: { object: { metadata: { name: 'b' } } } });
  const silent = events.next();
  silent.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(75_001);
  await expect(silent).rejects.toMatchObject({ code: 'WATCH_SILENT' });
  expect(authentication.renewed).toEqual(['connections']);
});

test('who stops listening closes the connection, by its signal or by leaving the loop', async () => {
  let closed = Promise.withResolvers<void>();
  answer = (_, response) => {
    response.on('close', () => closed.resolve());
    response.write(event('ADDED', stored('a', '1', 6)));
  };
  for await (const _ of watching()) break;
  await closed.promise;
  closed = Promise.withResolvers();
  const stop = new AbortController();
  const events = watching({ signal: stop.signal });
  await events.next();
  const next = events.next();
  stop.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
  await closed.promise;
});

test('however a text is cut into chunks, its lines are the same', async () => {
  const lines = fc.array(
    fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((line) => !/[\n\r]/.test(line) && line.trim() !== '' && line.isWellFormed()),
  );
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (texts, sizes) => {
      const bytes = Buffer.from(texts.map((line) => `${line}\n`).join(''));
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          yield bytes.subarray(at, at + size);
          at += size;
        }
      }
      const found: string[] = [];
      for await (const line of linesOf(chunks())) found.push(line);
      expect(found).toEqual(texts);
    }),
  );
});
