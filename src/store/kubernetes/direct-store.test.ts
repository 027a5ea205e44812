// A watch of the command line's outlives what breaks: over real sockets, by a server that does what a real one does not on demand.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../engine/clock.ts';
import { Client } from '../../kube/rest/client.ts';
import { HttpsTransport } from '../../kube/rest/transport.ts';
import { PlainAuthentication } from '../../kube/testing/plain-authentication.ts';
import { DirectStore } from './direct-store.ts';

let server: Server;
let authentication: PlainAuthentication;
let store: DirectStore;
/** What was asked, in order: `list` or the version that a watch began at. */
let asked: string[];
/** How each request is answered, in order. */
let script: ((response: ServerResponse) => void)[];

beforeEach(async () => {
  [asked, script] = [[], []];
  server = createServer((request, response) => {
    asked.push(questionOf(request));
    const answer = script.shift();
    if (answer === undefined) response.end();
    else answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  authentication = new PlainAuthentication(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const client = new Client({
    transport: new HttpsTransport(authentication),
    clock: systemClock,
    random: () => 1,
    userAgent: 'test',
  });
  store = new DirectStore({ client, namespace: 'default', clock: systemClock, random: () => 1 });
});

afterEach(async () => {
  authentication.agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function questionOf(request: IncomingMessage): string {
  const query = new URL(request.url ?? '', 'http://x').searchParams;
  return query.has('watch') ? (query.get('resourceVersion') ?? '') : 'list';
}

const job = (name: string, resourceVersion: string): object => ({
  kind: 'FlowJob',
  metadata: { namespace: 'default', name, uid: `uid-${name}`, resourceVersion },
});
const list =
  (resourceVersion: string, ...items: object[]) =>
  (response: ServerResponse): void =>
    void response.end(JSON.stringify({ metadata: { resourceVersion }, items }));
const events =
  (...told: [string, object][]) =>
  (response: ServerResponse): void =>
    void response.end(told.map(([type, object]) => `${JSON.stringify({ type, object })}\n`).join(''));
const refuse =
  (status: number, reason: string) =>
  (response: ServerResponse): void =>
    void response.writeHead(status).end(JSON.stringify({ kind: 'Status', code: status, reason, message: reason }));
const hangUp = (response: ServerResponse): void => void response.destroy();

/** What the watch tells until `last` was told. */
async function until(last: string, resourceVersion?: string): Promise<string[]> {
  const end = new AbortController();
  const told: string[] = [];
  const from = resourceVersion === undefined ? {} : { resourceVersion };
  for await (const { type, object } of store.watch('FlowJob', { ...from, signal: end.signal })) {
    told.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`);
    if (told.at(-1) === last) end.abort();
  }
  return told;
}

test('it goes on from the last change after the connection breaks, the server ends it, or is overloaded', async () => {
  script = [
    list('5', job('a', '5')),
    hangUp,
    events(['MODIFIED', job('a', '6')]),
    refuse(503, 'ServiceUnavailable'),
    events(['BOOKMARK', { metadata: { resourceVersion: '8' } }]),
    events(['DELETED', job('a', '9')]),
  ];
  const { resourceVersion } = await store.list('FlowJob');
  expect(await until('Deleted a@9', resourceVersion)).toEqual(['Changed a@6', 'Deleted a@9']);
  expect(asked).toEqual(['list', '5', '5', '6', '6', '8']);
});

test('where the server has forgotten what came since, the list tells what changed, what is new and what is gone', async () => {
  script = [
    list('5', job('a', '2'), job('b', '3'), job('c', '4')),
    refuse(410, 'Expired'),
    list('9', job('a', '2'), job('b', '7'), job('d', '8')),
  ];
  const { resourceVersion } = await store.list('FlowJob');
  const told = await until('Changed d@8', resourceVersion);
  expect(told).toEqual(['Deleted c@4', 'Changed b@7', 'Changed d@8']);
});

test('without a version it tells first what there is', async () => {
  script = [list('5', job('a', '2')), events(['ADDED', job('b', '6')])];
  expect(await until('Changed b@6')).toEqual(['Changed a@2', 'Changed b@6']);
});

test('a refusal ends it', async () => {
  script = [refuse(403, 'Forbidden')];
  await expect(until('never', '5')).rejects.toMatchObject({ reason: 'Forbidden' });
});
