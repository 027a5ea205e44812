// Each way of writing, with somebody else writing in between.
import { isConflict } from './errors.ts';
import { ModelServer } from './testing/model-server.ts';
import { ModelTransport, type Fault } from './testing/model-transport.ts';
import { THINGS, clientOf, stored, thing, type Thing } from './testing/things.ts';
import { VirtualClock } from './testing/virtual-clock.ts';
import type { Client } from './rest/client.ts';
import { applyChild, controllerReference, createOrAdopt, ensureGone, modify } from './writes.ts';

const COLLECTION = '/apis/example.dev/v1/namespaces/default/things';
const owner = controllerReference(THINGS, stored('owner', 'uid-owner', 1));
const other = controllerReference(THINGS, stored('other', 'uid-other', 1));

let clock: VirtualClock;
let server: ModelServer;
let faults: Fault[];
let sent: string[];
let client: Client;

beforeEach(() => {
  clock = new VirtualClock();
  server = new ModelServer(clock);
  faults = [];
  sent = [];
  const transport = new ModelTransport(server, clock, {
    random: () => 0.5,
    latencyMs: 1,
    next: ({ method, path }) => (
      sent.push(`${method} ${path.split('?')[0]!.split('/').pop()}`),
      faults.shift() ?? null
    ),
  });
  client = clientOf(transport, clock);
});

/** What somebody else does. */
const put = (object: Thing): Thing => {
  const exists = server.contents.some(({ metadata }) => metadata.name === object.metadata.name);
  const path = exists ? `${COLLECTION}/${object.metadata.name}` : COLLECTION;
  return JSON.parse(server.answer(exists ? 'PUT' : 'POST', path, JSON.stringify(object)).body as string) as Thing;
};
const remove = (name: string): void => void server.answer('DELETE', `${COLLECTION}/${name}`, undefined);
const now = (): Thing[] => server.contents as Thing[];
const owned = (by: typeof owner): Thing => {
  const object = thing('child');
  return { ...object, metadata: { ...object.metadata, ownerReferences: [by] } };
};

test('a create whose answer was lost finds its own object again', async () => {
  faults = ['reply-lost'];
  const first = createOrAdopt(client, THINGS, thing('child'), { owner });
  await expect(clock.until(first)).rejects.toMatchObject({ code: 'CONNECTION' });
  const second = await clock.until(createOrAdopt(client, THINGS, thing('child'), { owner }));
  expect(second.metadata).toMatchObject({ uid: now()[0]!.metadata.uid, ownerReferences: [owner] });
  expect(now()).toHaveLength(1);
});

test('a name that somebody else has is not taken, by create or by apply, and the error says whose it is', async () => {
  put(owned(other));
  const before = now();
  for (const write of [
    createOrAdopt(client, THINGS, thing('child'), { owner }),
    applyChild(client, THINGS, thing('child', 'ours'), { owner, fieldManager: 'us' }),
  ])
    await expect(clock.until(write)).rejects.toMatchObject({
      code: 'NOT_OURS',
      message:
        'things default/child exists and Thing "other" controls it: rename Thing "owner", or delete what is there',
    });
  expect(now()).toEqual(before);
});

test('an applied child names its owner and the object that it means', async () => {
  const child = put(owned(owner));
  await clock.until(applyChild(client, THINGS, thing('child', 'new'), { owner, fieldManager: 'us' }));
  expect(now()).toMatchObject([
    { spec: { text: 'new' }, metadata: { uid: child.metadata.uid, ownerReferences: [owner] } },
  ]);
  // The cache still has the old one when another has taken the name.
  remove('child');
  put(owned(other));
  const late = applyChild(client, THINGS, thing('child', 'newer'), { owner, fieldManager: 'us', known: child });
  expect(isConflict(await clock.until(late.catch((error: unknown) => error)))).toBe(true);
});

test('modify decides anew on what somebody else wrote in between', async () => {
  const known = put(thing('a', 'one'));
  put({ ...known, spec: { text: 'two' } });
  const seen: string[] = [];
  const change = (current: Thing): Thing => {
    seen.push(current.spec.text);
    return { ...current, spec: { text: `${current.spec.text}!` } };
  };
  const written = await clock.until(modify(client, THINGS, known, change));
  expect(seen).toEqual(['one', 'two']);
  expect(written.spec.text).toBe('two!');
});

test('modify writes nothing when nothing is to be changed, and reads first when it is given a name alone', async () => {
  put(thing('a', 'one'));
  const seen = await clock.until(modify(client, THINGS, { namespace: 'default', name: 'a' }, () => null));
  expect(seen.spec.text).toBe('one');
  expect(sent).toEqual(['GET a']);
});

test('a modify whose answer was lost finds that it is done', async () => {
  const known = put(thing('a', 'one'));
  faults = ['reply-lost'];
  const change = (current: Thing): Thing | null =>
    current.spec.text === 'two' ? null : { ...current, spec: { text: 'two' } };
  const written = await clock.until(modify(client, THINGS, known, change));
  expect(written.spec.text).toBe('two');
  expect(sent).toEqual(['PUT a', 'PUT a', 'GET a']);
});

test('modify does not go over to another object that took the name', async () => {
  const known = put(thing('a', 'one'));
  remove('a');
  put(thing('a', 'another'));
  const writing = modify(client, THINGS, known, (current) => ({ ...current, spec: { text: 'mine' } }));
  await expect(clock.until(writing)).rejects.toMatchObject({ code: 'MADE_ANEW' });
  expect(now()[0]?.spec.text).toBe('another');
});

test('modify gives up against somebody who writes all the time', async () => {
  const known = put(thing('a', 'one'));
  const writing = modify(client, THINGS, known, (current) => {
    put({ ...current, metadata: { ...current.metadata }, spec: { text: `${current.spec.text}+` } });
    return { ...current, spec: { text: 'mine' } };
  });
  await expect(clock.until(writing)).rejects.toMatchObject({ reason: 'Conflict' });
  expect(sent.filter((call) => call === 'PUT a')).toHaveLength(5);
});

test('a delete of what is gone is done, and another object that has its name stays', async () => {
  const known = put(thing('a'));
  const ref = { namespace: 'default', name: 'a' };
  faults = ['reply-lost'];
  await clock.until(ensureGone(client, THINGS, ref, { uid: known.metadata.uid }));
  expect(now()).toEqual([]);
  put(thing('a'));
  await clock.until(ensureGone(client, THINGS, ref, { uid: known.metadata.uid }));
  expect(now()).toHaveLength(1);
});
