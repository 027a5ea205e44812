// Each verb against the real API server, and each of its refusals that the kernel reads.
import { systemClock } from '../../../engine/clock.ts';
import { EVENTS, EventRecorder } from '../../../src/kube/events.ts';
import { isAlreadyExists, isConflict, isExpired, isNotFound } from '../../../src/kube/errors.ts';
import { compareVersions, type Resource } from '../../../src/kube/object.ts';
import type { Client } from '../../../src/kube/rest/client.ts';
import { referenceTo } from '../../../src/kube/testing/things.ts';
import { applyChild, controllerReference, createOrAdopt, ensureGone, modify } from '../../../src/kube/writes.ts';
import { until } from '../../harness/until.ts';
import { CONFIG_MAPS, THINGS, ref, startFixture, thing, type Fixture, type Thing } from './fixture.ts';

let fixture: Fixture;
let client: Client;

beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
}, 900_000);

afterAll(async () => fixture.stop(), 240_000);

const failure = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was to fail');
};

test('an object is created, read, replaced, and its status apart from its spec', async () => {
  const created = await client.create(THINGS, thing('life', 'one'));
  expect(created).toMatchObject({ kind: 'Thing', spec: { text: 'one', replicas: 1 }, metadata: { generation: 1 } });
  expect(isAlreadyExists(await failure(client.create(THINGS, thing('life'))))).toBe(true);
  const replaced = await client.replace(THINGS, { ...created, spec: { text: 'two' }, status: { seen: 9 } } as Thing);
  expect(replaced).toMatchObject({ spec: { text: 'two' }, metadata: { generation: 2 } });
  expect(replaced.status).toBeUndefined();
  expect(isConflict(await failure(client.replace(THINGS, created)))).toBe(true);
  const judged = await client.replace(THINGS, { ...replaced, spec: { text: 'no' }, status: { seen: 2 } } as Thing, {
    subresource: 'status',
  });
  expect(judged).toMatchObject({ spec: { text: 'two' }, status: { seen: 2 }, metadata: { generation: 2 } });
  expect(compareVersions(judged.metadata.resourceVersion, created.metadata.resourceVersion)).toBeGreaterThan(0);
  expect(await client.get(THINGS, ref('life'))).toEqual(judged);
});

test('missing objects are null, missing kinds are an error', async () => {
  expect(await client.find(THINGS, ref('nobody'))).toBeNull();
  const unknown: Resource = { ...THINGS, group: 'nobody.example.dev' };
  expect(isNotFound(await failure(client.find(unknown, ref('x'))))).toBe(false);
});

test('patches: merge with and without a lock, JSON, scale', async () => {
  const created = await client.create(THINGS, thing('patched', 'one'));
  const merged = await client.patch(THINGS, ref('patched'), { merge: { metadata: { labels: { a: 'b' } } } });
  expect(merged).toMatchObject({ spec: { text: 'one' }, metadata: { labels: { a: 'b' } } });
  const { resourceVersion } = created.metadata;
  const stale = client.patch(THINGS, ref('patched'), { merge: { metadata: { resourceVersion, labels: { a: 'c' } } } });
  expect(isConflict(await failure(stale))).toBe(true);
  const uid = client.patch(THINGS, ref('patched'), { merge: { metadata: { uid: 'x', labels: { a: 'c' } } } });
  expect(isConflict(await failure(uid))).toBe(true);
  const json = await client.patch(THINGS, ref('patched'), { json: [{ op: 'remove', path: '/metadata/labels' }] });
  expect(json.metadata.labels).toBeUndefined();
  const dry = await client.patch(THINGS, ref('patched'), { merge: { spec: { text: 'dry' } } }, { dryRun: true });
  expect(dry.spec.text).toBe('dry');
  await client.patch(THINGS, ref('patched'), { merge: { spec: { replicas: 3 } } }, { subresource: 'scale' });
  expect((await client.getScale(THINGS, ref('patched'))).spec).toEqual({ replicas: 3 });
  expect((await client.get(THINGS, ref('patched'))).spec).toEqual({ text: 'one', replicas: 3 });
});

test('lists come in pages, selected by label', async () => {
  for (let i = 0; i < 7; i++) {
    const map = { metadata: { namespace: 'default', name: `page-${i}`, labels: { pages: 'yes' } } };
    await client.create(CONFIG_MAPS, map);
  }
  const pages = { labelSelector: 'pages=yes' };
  const list = await client.list(CONFIG_MAPS, pages, { limit: 3 });
  expect(list.items.map(({ metadata }) => metadata.name)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `page-${i}`));
  expect(list.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
});

test('a list that the server forgets after its first page is fetched anew, whole', async () => {
  const somebody = await fixture.newClient();
  const requester = (client as unknown as { requester: { call: (call: object) => Promise<unknown> } }).requester;
  const call = requester.call.bind(requester);
  const limits: unknown[] = [];
  const spy = jest.spyOn(requester, 'call').mockImplementation(async (asked) => {
    limits.push((asked as { query: { limit?: string } }).query.limit);
    if (limits.length === 2) {
      await somebody.patch(CONFIG_MAPS, ref('page-0'), { merge: { data: { changed: 'yes' } } });
      await fixture.plane.etcd.compact();
      // Its cache would remember.
      await fixture.plane.apiServer.restart();
    }
    return call(asked);
  });
  try {
    const list = await client.list(CONFIG_MAPS, { labelSelector: 'pages=yes' }, { limit: 3 });
    expect(list.items).toHaveLength(7);
    expect(list.items[0]?.data).toEqual({ changed: 'yes' });
    expect(limits).toEqual(['3', '3', undefined]);
  } finally {
    spy.mockRestore();
  }
}, 240_000);

test('deletes: with preconditions, with finalizers, of a whole selection', async () => {
  const created = await client.create(THINGS, thing('going'));
  expect(isConflict(await failure(client.delete(THINGS, ref('going'), { uid: 'another' })))).toBe(true);
  expect(isConflict(await failure(client.delete(THINGS, ref('going'), { resourceVersion: '1' })))).toBe(true);
  const finalizers = ['kernel.example.dev/held'];
  await modify(client, THINGS, created, (one) => ({ ...one, metadata: { ...one.metadata, finalizers } }));
  await client.delete(THINGS, ref('going'), { uid: created.metadata.uid, propagation: 'Foreground' });
  const deleting = await client.get(THINGS, ref('going'));
  expect(deleting.metadata.deletionTimestamp).toBeDefined();
  await modify(client, THINGS, ref('going'), (one) => ({ ...one, metadata: { ...one.metadata, finalizers: [] } }));
  expect(await client.find(THINGS, ref('going'))).toBeNull();
  expect(isNotFound(await failure(client.delete(THINGS, ref('going'))))).toBe(true);
  await ensureGone(client, THINGS, ref('going'));
  for (const name of ['x', 'y', 'z'])
    await client.create(THINGS, { ...thing(name), metadata: { ...ref(name), labels: { go: String(name !== 'z') } } });
  await client.deleteCollection(THINGS, { namespace: 'default', labelSelector: 'go=true' });
  const left = await client.list(THINGS, { namespace: 'default', labelSelector: 'go' });
  expect(left.items.map(({ metadata }) => metadata.name)).toEqual(['z']);
});

test('what we apply is ours: fields that we no longer name go, those of others stay, and a conflict is told unless forced', async () => {
  const fieldManager = 'kernel';
  const map = (data: Record<string, string>): { metadata: ReturnType<typeof ref>; data: Record<string, string> } => ({
    metadata: ref('applied'),
    data,
  });
  await client.apply(CONFIG_MAPS, map({ a: '1', b: '1' }), { fieldManager });
  await client.patch(
    CONFIG_MAPS,
    ref('applied'),
    { merge: { data: { theirs: 'x', a: '9' } } },
    { fieldManager: 'them' },
  );
  expect(isConflict(await failure(client.apply(CONFIG_MAPS, map({ a: '2' }), { fieldManager })))).toBe(true);
  const applied = await client.apply(CONFIG_MAPS, map({ a: '2' }), { fieldManager, force: true });
  expect(applied.data).toEqual({ a: '2', theirs: 'x' });
  const again = await client.apply(CONFIG_MAPS, map({ a: '2' }), { fieldManager, force: true });
  expect(again.metadata.resourceVersion).toBe(applied.metadata.resourceVersion);
});

test('children: made, found again, left alone when they are another’s, and gone with their owner', async () => {
  const parent = await client.create(THINGS, thing('parent'));
  const stranger = await client.create(THINGS, thing('stranger'));
  const owner = controllerReference(THINGS, parent);
  const child = { metadata: ref('child'), data: { a: '1' } };
  const made = await createOrAdopt(client, CONFIG_MAPS, child, { owner, fieldManager: 'kernel' });
  expect((await createOrAdopt(client, CONFIG_MAPS, child, { owner })).metadata.uid).toBe(made.metadata.uid);
  const applied = await applyChild(
    client,
    CONFIG_MAPS,
    { ...child, data: { a: '2' } },
    { owner, fieldManager: 'kernel' },
  );
  expect(applied).toMatchObject({ data: { a: '2' }, metadata: { uid: made.metadata.uid } });
  const theirs = { owner: controllerReference(THINGS, stranger), fieldManager: 'kernel' };
  expect(await failure(applyChild(client, CONFIG_MAPS, child, theirs))).toMatchObject({ code: 'NOT_OURS' });
  // The cache lags behind: the object it knows is gone, another has its name.
  await client.delete(CONFIG_MAPS, ref('child'));
  await createOrAdopt(client, CONFIG_MAPS, child, theirs);
  const late = applyChild(client, CONFIG_MAPS, child, { owner, fieldManager: 'kernel', known: made });
  expect(isConflict(await failure(late))).toBe(true);
});

test('status under lock: decided anew when somebody else wrote in between', async () => {
  const known = await client.create(THINGS, thing('judged', 'one'));
  await client.patch(THINGS, ref('judged'), { merge: { spec: { text: 'two' } } });
  const seen: (string | undefined)[] = [];
  const written = await modify(
    client,
    THINGS,
    known,
    (current) => (seen.push(current.spec.text), { ...current, status: { seen: current.metadata.generation! } }),
    { subresource: 'status' },
  );
  expect(seen).toEqual(['one', 'two']);
  expect(written.status).toEqual({ seen: 2 });
});

test('events are accepted, with messages of any length and alphabet, and counted as a series', async () => {
  const about = await client.create(THINGS, thing('talked-about'));
  const recorder = new EventRecorder({
    client,
    controller: 'kernel.example.dev/test',
    instance: 'test-1',
    clock: systemClock,
    random: Math.random,
    metrics: { eventDropped: (cause) => dropped.push(cause) },
  });
  const dropped: string[] = [];
  const event = {
    regarding: referenceTo(THINGS, about),
    related: referenceTo(THINGS, about),
    type: 'Warning' as const,
    action: 'TryIt',
    reason: 'ItIsATest',
  };
  for (let i = 0; i < 3; i++) recorder.record({ ...event, message: 'once and again' });
  recorder.record({ ...event, message: 'ü'.repeat(3_000) });
  await recorder.close();
  expect(dropped).toEqual([]);
  const { items } = await client.list(EVENTS, { namespace: 'default', fieldSelector: 'reason=ItIsATest' });
  const said = items.map(({ note, series, eventTime }) => ({
    note: note.slice(0, 20),
    count: series?.count,
    eventTime,
  }));
  expect(said).toHaveLength(2);
  expect(said).toContainEqual({
    note: 'once and again',
    count: 3,
    eventTime: expect.stringMatching(/\.\d{6}Z$/) as string,
  });
});

test('a watch from a version that was compacted is told as expired', async () => {
  const { metadata } = await client.get(THINGS, ref('life'));
  for (const text of ['x', 'y']) await client.patch(THINGS, ref('life'), { merge: { spec: { text } } });
  await fixture.plane.etcd.compact();
  await fixture.plane.apiServer.restart();
  const options = {
    resourceVersion: metadata.resourceVersion,
    timeoutSeconds: 60,
    silenceMs: 60_000,
    signal: new AbortController().signal,
  };
  // A watch is not repeated, and right after its start the server may still say 429, or the client meet a connection that ended with it.
  await until(
    'it is told as expired',
    async () => {
      const error = await failure(client.watch(THINGS, {}, options).next());
      if (!isExpired(error)) throw error;
      return true;
    },
    { seconds: 60 },
  );
}, 240_000);
