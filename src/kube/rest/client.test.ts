// What goes over the wire for each verb, and what becomes of answers that are errors. nock stands in for servers that fail in ways that the real one does
// not on demand; test/kubernetes/kernel asks the real one.
import { ApiError, isNotFound } from '../errors.ts';
import { LEASES } from '../leader/lease.ts';
import { nock, type Scope } from '../testing/nock.ts';
import { PlainAuthentication } from '../testing/plain-authentication.ts';
import { THINGS, stored, thing, type Thing } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Client } from './client.ts';
import { HttpsTransport, type Transport } from './transport.ts';

const SERVER = 'https://kube.test:6443';
const ROOT = '/apis/example.dev/v1/namespaces/default/things';
const a = { namespace: 'default', name: 'a' };

let clock: VirtualClock;
let authentication: PlainAuthentication;
let client: Client;
let api: Scope;

beforeEach(() => {
  nock.disableNetConnect();
  clock = new VirtualClock();
  authentication = new PlainAuthentication(SERVER);
  const transport = new HttpsTransport(authentication);
  client = new Client({ transport, clock, random: () => 0, userAgent: 'kernel-test' });
  api = nock(SERVER);
});

afterEach(() => {
  const pending = nock.pendingMocks();
  nock.abortPendingRequests();
  nock.cleanAll();
  nock.enableNetConnect();
  authentication.agent.destroy();
  expect(pending).toEqual([]);
});

const status = (code: number, reason: string, details: object = {}): object => ({
  kind: 'Status',
  code,
  reason,
  message: `the server says ${reason}`,
  details,
});

/** nock answers in real time; virtual time passes whenever nothing else happens. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  let over = false;
  const mark = (): void => void (over = true);
  promise.then(mark, mark);
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await clock.advance(50);
  }
  return promise;
}

test('each verb asks for what it says', async () => {
  const object = stored('a', '1', 5);
  const body = { ...thing('a'), apiVersion: 'example.dev/v1', kind: 'Thing' };
  const seen: object[] = [];
  const transport: Transport = {
    async send({ method, path, headers, body: sent }) {
      seen.push({ method, path, type: headers['content-type'], body: sent === undefined ? sent : JSON.parse(sent) });
      async function* answer(): AsyncGenerator<Uint8Array> {
        yield Buffer.from(JSON.stringify(object));
      }
      return { status: 200, headers: {}, body: answer() };
    },
    renew: () => undefined,
  };
  client = new Client({ transport, clock, random: () => 0, userAgent: 'test' });
  await client.get(THINGS, a);
  await client.create(THINGS, thing('a'), { fieldManager: 'us' });
  await client.replace(THINGS, object, { subresource: 'status' });
  await client.patch(THINGS, a, { merge: { spec: { text: 'x' } } }, { dryRun: true });
  await client.patch(THINGS, a, { json: [{ op: 'remove', path: '/spec' }] });
  await client.apply(THINGS, thing('a'), { fieldManager: 'us', force: true });
  await client.getScale(THINGS, a);
  await client.delete(THINGS, a, { uid: '1', resourceVersion: '5', propagation: 'Foreground', gracePeriodSeconds: 0 });
  await client.deleteCollection(THINGS, { namespace: 'default', labelSelector: 'x=y' });
  const json = 'application/json';
  const deletion = { apiVersion: 'v1', kind: 'DeleteOptions' };
  const t = 'timeout=30000ms';
  expect(seen).toEqual([
    { method: 'GET', path: `${ROOT}/a?${t}`, type: undefined, body: undefined },
    { method: 'POST', path: `${ROOT}?${t}&fieldManager=us`, type: json, body },
    { method: 'PUT', path: `${ROOT}/a/status?${t}`, type: json, body: object },
    {
      method: 'PATCH',
      path: `${ROOT}/a?${t}&dryRun=All`,
      type: 'application/merge-patch+json',
      body: { spec: { text: 'x' } },
    },
    {
      method: 'PATCH',
      path: `${ROOT}/a?${t}`,
      type: 'application/json-patch+json',
      body: [{ op: 'remove', path: '/spec' }],
    },
    { method: 'PATCH', path: `${ROOT}/a?${t}&force=true&fieldManager=us`, type: 'application/apply-patch+yaml', body },
    { method: 'GET', path: `${ROOT}/a/scale?${t}`, type: undefined, body: undefined },
    {
      method: 'DELETE',
      path: `${ROOT}/a?${t}`,
      type: json,
      body: {
        ...deletion,
        preconditions: { uid: '1', resourceVersion: '5' },
        propagationPolicy: 'Foreground',
        gracePeriodSeconds: 0,
      },
    },
    { method: 'DELETE', path: `${ROOT}?${t}&labelSelector=x%3Dy`, type: json, body: deletion },
  ]);
});

test('credentials and the name of the program go along', async () => {
  nock(SERVER, {
    reqheaders: { authorization: 'Bearer first', 'user-agent': 'kernel-test', accept: 'application/json' },
  })
    .get(`${ROOT}/a`)
    .query(true)
    .reply(200, stored('a', '1', 5));
  await client.get(THINGS, a);
});

test('a server behind a path keeps its path', async () => {
  const behind = new HttpsTransport(new PlainAuthentication(`${SERVER}/k8s/clusters/c-1/`));
  api
    .get(`/k8s/clusters/c-1${ROOT}/a`)
    .query(true)
    .reply(200, stored('a', '1', 5));
  await new Client({ transport: behind, clock, random: () => 0, userAgent: 'x' }).get(THINGS, a);
});

test('find answers null for an object that is missing, and throws for a kind that is', async () => {
  api.get(`${ROOT}/a`).query(true).reply(404, status(404, 'NotFound'));
  expect(await client.find(THINGS, a)).toBeNull();
  api.get(`${ROOT}/a`).query(true).reply(404, '404 page not found');
  await expect(client.find(THINGS, a)).rejects.toThrow(`GET ${ROOT}/a: 404 : 404 page not found`);
});

test('an error says what was asked and what the server said', async () => {
  api
    .post(ROOT)
    .query(true)
    .reply(422, status(422, 'Invalid', { causes: [{ field: 'spec.text', message: 'too long' }] }));
  const error = await client.create(THINGS, thing('a')).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    code: 'API',
    status: 422,
    reason: 'Invalid',
    details: { causes: [{ field: 'spec.text' }] },
  });
  expect((error as Error).message).toBe(`POST ${ROOT}: 422 Invalid: the server says Invalid`);
});

test('a list is fetched page by page, and its items know their kind', async () => {
  const page = (items: Thing[], next?: string): object => ({
    metadata: { resourceVersion: '7', continue: next },
    items,
  });
  const bare = ({ metadata, spec }: Thing): Thing => ({ metadata, spec });
  api
    .get(ROOT)
    .query(({ limit, continue: c }) => limit === '2' && c === undefined)
    .reply(200, page([bare(stored('a', '1', 5)), bare(stored('b', '2', 5))], 'token'));
  api
    .get(ROOT)
    .query(({ limit, continue: c }) => limit === '2' && c === 'token')
    .reply(200, page([bare(stored('c', '3', 5))], ''));
  const list = await client.list(THINGS, { namespace: 'default' }, { limit: 2 });
  expect(list).toEqual({
    resourceVersion: '7',
    items: [stored('a', '1', 5), stored('b', '2', 5), stored('c', '3', 5)],
  });
});

test('an empty list of metadata alone, whose items are null, is empty', async () => {
  api
    .get(ROOT)
    .query(true)
    .reply(200, { metadata: { resourceVersion: '7' }, items: null });
  expect(await settled(client.list(THINGS, { namespace: 'default' }))).toEqual({ items: [], resourceVersion: '7' });
});

test('a list that the server forgets under way is fetched anew, in one piece', async () => {
  api
    .get(ROOT)
    .query(({ continue: c }) => c === undefined)
    .reply(200, { metadata: { resourceVersion: '7', continue: 'token' }, items: [stored('a', '1', 5)] });
  api
    .get(ROOT)
    .query(({ continue: c }) => c === 'token')
    .reply(410, status(410, 'Expired'));
  api
    .get(ROOT)
    .query(({ limit, continue: c }) => limit === undefined && c === undefined)
    .reply(200, { metadata: { resourceVersion: '9' }, items: [stored('b', '2', 8)] });
  expect(await client.list(THINGS, { namespace: 'default' })).toEqual({
    resourceVersion: '9',
    items: [stored('b', '2', 8)],
  });
});

test('429 is waited for as long as the server asks, for writes too: nothing was done', async () => {
  api.post(ROOT).query(true).reply(429, status(429, 'TooManyRequests'), { 'retry-after': '3' });
  api
    .post(ROOT)
    .query(true)
    .reply(201, stored('a', '1', 5));
  const begun = clock.monotonic();
  await settled(client.create(THINGS, thing('a')));
  expect(clock.monotonic() - begun).toBeGreaterThanOrEqual(3_000);
});

test.each([502, 503, 504])(
  '%i is tried again for what can be done twice, and is the caller’s for a create',
  async (code) => {
    api.get(`${ROOT}/a`).query(true).times(2).reply(code, status(code, 'Unavailable'));
    api
      .get(`${ROOT}/a`)
      .query(true)
      .reply(200, stored('a', '1', 5));
    expect(await settled(client.get(THINGS, a))).toEqual(stored('a', '1', 5));
    api.post(ROOT).query(true).reply(code, status(code, 'Timeout'));
    await expect(settled(client.create(THINGS, thing('a')))).rejects.toMatchObject({ status: code });
  },
);

test('500 is the caller’s, unless the server asks to come back', async () => {
  api.get(`${ROOT}/a`).query(true).reply(500, status(500, 'InternalError'));
  await expect(settled(client.get(THINGS, a))).rejects.toMatchObject({ status: 500 });
  api
    .get(`${ROOT}/a`)
    .query(true)
    .reply(500, status(500, 'ServerTimeout', { retryAfterSeconds: 1 }));
  api
    .get(`${ROOT}/a`)
    .query(true)
    .reply(200, stored('a', '1', 5));
  await settled(client.get(THINGS, a));
});

test('a server that stays away is given up at the deadline, with its own last word', async () => {
  api.get(`${ROOT}/a`).query(true).times(100).reply(503, status(503, 'ServiceUnavailable'));
  const begun = clock.monotonic();
  await expect(settled(client.get(THINGS, a, { deadlineMs: 8_000 }))).rejects.toMatchObject({ status: 503 });
  expect(clock.monotonic() - begun).toBeLessThanOrEqual(8_000);
  nock.cleanAll();
});

test('a token that was replaced is read anew, once', async () => {
  const as = (token: string): Scope => nock(SERVER, { reqheaders: { authorization: `Bearer ${token}` } });
  as('first').get(`${ROOT}/a`).query(true).reply(401, status(401, 'Unauthorized'));
  as('second')
    .get(`${ROOT}/a`)
    .query(true)
    .reply(200, stored('a', '1', 5));
  await client.get(THINGS, a);
  as('second').get(`${ROOT}/a`).query(true).times(2).reply(401, status(401, 'Unauthorized'));
  await expect(client.get(THINGS, a)).rejects.toMatchObject({ status: 401 });
});

test('a delete that finds nothing says NotFound', async () => {
  api
    .delete('/apis/coordination.k8s.io/v1/namespaces/default/leases/a')
    .query(true)
    .reply(404, status(404, 'NotFound'));
  expect(isNotFound(await client.delete(LEASES, a).catch((error: unknown) => error))).toBe(true);
});
