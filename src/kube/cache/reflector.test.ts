// How a reflector behaves over hours: at rest, in an outage, beside a server that says 410 to everything.
import { ConnectionError } from '../errors.ts';
import { ModelServer } from '../testing/model-server.ts';
import { ModelTransport, type Fault } from '../testing/model-transport.ts';
import { THINGS, clientOf, seeded, thing, type Thing } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Informer } from './informer.ts';

const COLLECTION = '/apis/example.dev/v1/namespaces/default/things';
const HOUR = 3_600_000;

let clock: VirtualClock;
let server: ModelServer;
let fault: Fault | null;
let asked: { what: 'list' | 'version' | 'watch'; at: number }[];
let troubles: unknown[];
let informer: Informer<Thing>;
let ending: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  server = new ModelServer(clock);
  fault = null;
  asked = [];
  troubles = [];
  ending = new AbortController();
  const random = seeded(7);
  const transport = new ModelTransport(server, clock, {
    random,
    latencyMs: 5,
    next: ({ path }) => {
      const what = path.includes('watch=1')
        ? 'watch'
        : path.includes('limit=1&') || path.endsWith('limit=1')
          ? 'version'
          : 'list';
      asked.push({ what, at: clock.monotonic() });
      return fault;
    },
  });
  informer = new Informer<Thing>({
    client: clientOf(transport, clock, random),
    resource: THINGS,
    clock,
    random,
    onTrouble: (error) => troubles.push(error),
  });
  running = Promise.resolve();
});

const begin = (): void => void (running = informer.run(ending.signal));

afterEach(async () => {
  ending.abort();
  await clock.until(running);
});

const write = (name: string): void => void server.answer('POST', COLLECTION, JSON.stringify(thing(name)));
const count = (what: string): number => asked.filter((request) => request.what === what).length;
const names = (): string[] => informer.store.list().map(({ metadata }) => metadata.name);

test('synced comes with the first list, however late that is', async () => {
  fault = 'refused';
  write('a');
  begin();
  let synced = false;
  void informer.synced.then(() => (synced = true));
  await clock.advance(HOUR);
  expect([synced, informer.hasSynced]).toEqual([false, false]);
  fault = null;
  await clock.advance(60_000);
  expect([synced, informer.hasSynced, names()]).toEqual([true, true, ['a']]);
});

test('at rest it asks for a watch every five to ten minutes, and lists once an hour', async () => {
  begin();
  await clock.advance(4 * HOUR);
  expect(troubles).toEqual([]);
  expect(count('list')).toBeGreaterThanOrEqual(4);
  expect(count('list')).toBeLessThanOrEqual(5);
  const watches = asked.filter(({ what }) => what === 'watch').map(({ at }) => at);
  for (let i = 1; i < watches.length; i++) {
    expect(watches[i]! - watches[i - 1]!).toBeGreaterThanOrEqual(300_000);
    expect(watches[i]! - watches[i - 1]!).toBeLessThanOrEqual(601_000);
  }
});

test('it never gives up on a server that is away, asks it less and less often, and is back within half a minute of it', async () => {
  begin();
  write('a');
  await clock.advance(1_000);
  fault = 'refused';
  server.endWatches(new ConnectionError('reset', true, null));
  await clock.advance(1_000);
  const before = asked.length;
  await clock.advance(HOUR);
  const perMinute = (asked.length - before) / 60;
  expect(perMinute).toBeGreaterThan(1);
  expect(perMinute).toBeLessThan(20);
  write('b');
  fault = null;
  await clock.advance(31_000);
  expect(names()).toEqual(['a', 'b']);
});

test('a server that forgets everything at once is listed anew, but not in a rush', async () => {
  begin();
  await clock.advance(1_000);
  const before = asked.length;
  // Whatever version is asked for, it is too old.
  let written = 0;
  const forget = (): void => {
    write(`x${written++}`);
    write(`x${written++}`);
    server.compact();
    server.endWatches(new ConnectionError('reset', true, null));
  };
  for (let i = 0; i < 600; i++) {
    forget();
    await clock.advance(100);
  }
  expect(asked.length - before).toBeLessThan(200);
  await clock.advance(60_000);
  expect(informer.store.size).toBe(1_200);
});

test('a watch that ends as soon as it begins is begun again, but not in a rush', async () => {
  begin();
  await clock.advance(1_000);
  const before = asked.length;
  for (let i = 0; i < 600; i++) {
    server.endWatches();
    await clock.advance(100);
  }
  expect(asked.length - before).toBeLessThan(60);
});

test('a server that was set back to a backup is noticed at the next watch, not at the next list of the hour', async () => {
  begin();
  write('a');
  server.backUp();
  write('b');
  write('c');
  await clock.advance(1_000);
  server.restore();
  server.endWatches(new ConnectionError('reset', true, null));
  await clock.advance(2_000);
  expect(names()).toEqual(['a']);
});

test('it stops when it is told to, whatever it waits for', async () => {
  begin();
  await clock.advance(1_000);
  ending.abort();
  await clock.until(running, 0);
  const before = asked.length;
  await clock.advance(HOUR);
  expect(asked.length).toBe(before);
});

test('a refresh knows what was written before it even when the watch is mute, and is no trouble', async () => {
  begin();
  await clock.until(informer.synced);
  await clock.advance(1_000);
  server.silenceWatches();
  write('written-before');
  expect(informer.store.size).toBe(0);
  await clock.until(informer.refresh());
  expect(informer.store.size).toBe(1);
  expect(troubles).toEqual([]);
  expect(count('list')).toBe(2);
});

test('a refresh that is asked for while a list is under way waits for another one', async () => {
  begin();
  await clock.until(informer.synced);
  const first = informer.refresh();
  await clock.advance(3);
  write('late');
  const second = informer.refresh();
  await clock.until(Promise.all([first, second]));
  expect(informer.store.size).toBe(1);
});

test('a refresh waits for a server that is away, and does not wait for its back-off', async () => {
  begin();
  await clock.until(informer.synced);
  fault = 'refused';
  server.endWatches(new Error('cut'));
  await clock.advance(120_000);
  fault = null;
  const asked = clock.monotonic();
  await clock.until(informer.refresh());
  expect(clock.monotonic() - asked).toBeLessThan(100);
});
