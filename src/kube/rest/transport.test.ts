// Connections that break, say nothing, or are dead already when they are used: over real sockets.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { KubeError } from '../errors.ts';
import { PlainAuthentication } from '../testing/plain-authentication.ts';
import { THINGS, stored, thing } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Client } from './client.ts';
import { HttpsTransport } from './transport.ts';

const a = { namespace: 'default', name: 'a' };

let server: Server;
let asked: string[];
/** One per request, the last for all that follow. */
let answers: ((response: ServerResponse, request: IncomingMessage) => void)[];
let clock: VirtualClock;
let authentication: PlainAuthentication;
let client: Client;

const good = (response: ServerResponse): void => void response.end(JSON.stringify(stored('a', '1', 5)));
const hangUp = (response: ServerResponse): void => void response.destroy();
const halfAnAnswer = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('{"metadata":', () => response.destroy());
};
const nothing = (): void => undefined;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.method!);
    request.resume();
    (answers.length > 1 ? answers.shift()! : answers[0]!)(response, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  authentication = new PlainAuthentication(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  clock = new VirtualClock();
  client = clientOf(authentication);
});

afterEach(async () => {
  authentication.agent.destroy();
  server.closeAllConnections();
  if (server.listening) server.close();
});

const clientOf = (as: PlainAuthentication): Client =>
  new Client({ transport: new HttpsTransport(as), clock, random: () => 0, userAgent: 'test' });

/** Sockets need real time; virtual time passes whenever nothing else happens. */
async function settled<T>(promise: Promise<T>, stepMs = 5): Promise<T> {
  let over = false;
  const mark = (): void => void (over = true);
  promise.then(mark, mark);
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(stepMs);
  }
  return promise;
}

test.each([
  ['hung up', hangUp],
  ['broken off within the answer', halfAnAnswer],
])('a connection that is %s is tried again for what can be done twice', async (_, fault) => {
  answers = [fault, fault, good];
  expect(await settled(client.get(THINGS, a))).toEqual(stored('a', '1', 5));
  answers = [fault, good];
  await settled(client.replace(THINGS, stored('a', '1', 5)));
  answers = [fault, good];
  await settled(client.patch(THINGS, a, { merge: {} }));
  answers = [fault, good];
  await settled(client.delete(THINGS, a));
  expect(asked).toEqual(['GET', 'GET', 'GET', 'PUT', 'PUT', 'PATCH', 'PATCH', 'DELETE', 'DELETE']);
});

test('a create whose answer is lost is the caller’s: it may have been carried out', async () => {
  answers = [hangUp, good];
  await expect(settled(client.create(THINGS, thing('a')))).rejects.toMatchObject({ code: 'CONNECTION', sent: true });
  answers = [hangUp, good];
  await expect(settled(client.patch(THINGS, a, { json: [] }))).rejects.toMatchObject({
    code: 'CONNECTION',
    sent: true,
  });
  expect(asked).toEqual(['POST', 'PATCH']);
});

test('a server that is not there is tried again for creates too: nothing was sent', async () => {
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const creating = client.create(THINGS, thing('a'));
  creating.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 20));
  answers = [good];
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(await settled(creating)).toEqual(stored('a', '1', 5));
  expect(asked).toEqual(['POST']);
});

test('a server that says nothing is given up at the deadline, and idle connections are not used again', async () => {
  answers = [good];
  await settled(Promise.all([client.get(THINGS, a), client.get(THINGS, a)]));
  expect(Object.values(authentication.agent.freeSockets).flat()).toHaveLength(2);
  answers = [nothing];
  await expect(settled(client.get(THINGS, a, { deadlineMs: 2_000 }))).rejects.toMatchObject({
    code: 'DEADLINE',
    message: 'GET /apis/example.dev/v1/namespaces/default/things/a: no answer within 2 s',
  });
  expect(authentication.renewed).toEqual(['connections']);
});

test('a caller that gives up gets its own reason', async () => {
  answers = [nothing];
  const giveUp = new AbortController();
  const waiting = client.get(THINGS, a, { signal: giveUp.signal });
  waiting.catch(() => undefined);
  await once(server, 'request');
  giveUp.abort(new Error('no longer of interest'));
  await expect(waiting).rejects.toThrow('no longer of interest');
});

test('a write that may no longer be sent when its connection stands is not sent', async () => {
  let mayWrite = true;
  const fence = {
    signal: new AbortController().signal,
    remaining: () => 10_000,
    check: () => {
      if (!mayWrite) throw new KubeError('LEADERSHIP_LOST', 'no longer leads');
    },
  };
  answers = [good];
  const fenced = client.fenced(fence);
  const writing = fenced.replace(THINGS, stored('a', '1', 5));
  writing.catch(() => undefined);
  // The call has been made; its connection is not there yet.
  mayWrite = false;
  await expect(settled(writing)).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(asked).toEqual([]);
  await settled(fenced.get(THINGS, a));
  mayWrite = true;
  await settled(fenced.replace(THINGS, stored('a', '1', 5)));
  // On a connection that was kept, too.
  mayWrite = false;
  await expect(settled(fenced.replace(THINGS, stored('a', '1', 5)))).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(asked).toEqual(['GET', 'PUT']);
});

test('a fenced write does not outlast the time for which it may write, at the server either', async () => {
  const urls: string[] = [];
  const fence = { signal: new AbortController().signal, remaining: () => 1_500, check: () => undefined };
  answers = [(_, { url }) => void urls.push(url!)];
  await expect(settled(client.fenced(fence).replace(THINGS, stored('a', '1', 5)))).rejects.toMatchObject({
    code: 'DEADLINE',
  });
  expect(urls[0]).toContain('timeout=1500ms');
});

test('a server that speaks no HTTP is an error of the connection', async () => {
  const babbler = createTcpServer((socket) => socket.end('hello\n')).listen(0, '127.0.0.1');
  await once(babbler, 'listening');
  const other = new PlainAuthentication(`http://127.0.0.1:${(babbler.address() as AddressInfo).port}`);
  await expect(settled(clientOf(other).create(THINGS, thing('a')))).rejects.toMatchObject({ code: 'CONNECTION' });
  babbler.close();
});
