// Objects of several namespaces, read as one cache.
import type { Client } from '../rest/client.ts';
import { stored, THINGS, type Thing } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Informers } from './informers.ts';

const inNamespace = (namespace: string, name: string, uid: string, version: number): Thing => {
  const thing = stored(name, uid, version);
  return { ...thing, metadata: { ...thing.metadata, namespace } };
};

/** Answers lists from `objects`; its watches say nothing. Namespaces in `refused` cannot be listed. */
function setUp(namespaces: readonly string[], objects: Thing[], refused: Set<string> = new Set()) {
  const clock = new VirtualClock();
  const selections: unknown[] = [];
  const client = {
    list: async (_resource: unknown, { namespace }: { namespace?: string }) => {
      selections.push(namespace);
      if (refused.has(namespace ?? '')) throw new Error('forbidden');
      const items = objects.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
      return { items, resourceVersion: '50' };
    },
    currentVersion: async () => '50',
    watch: async function* (_resource: unknown, _selection: unknown, { signal }: { signal: AbortSignal }) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
  } as unknown as Client;
  const informers = new Informers<Thing>({
    client,
    resource: THINGS,
    namespaces,
    clock,
    random: () => 0,
    onTrouble: () => undefined,
    indexers: { text: ({ spec }) => [spec.text] },
  });
  const stop = new AbortController();
  const running = informers.run(stop.signal);
  return { clock, informers, selections, refused, end: async () => (stop.abort(), clock.until(running)) };
}

const objects = (): Thing[] => [
  inNamespace('a', 'x', '1', 10),
  inNamespace('b', 'x', '2', 11),
  inNamespace('c', 'x', '3', 12),
];

test('each namespace that was named is asked by itself, and no other one is seen', async () => {
  const { clock, informers, selections, end } = setUp(['a', 'b'], objects());
  await clock.until(informers.synced);
  expect(selections).toEqual(['a', 'b']);
  expect(informers.list().map(({ metadata }) => metadata.namespace)).toEqual(['a', 'b']);
  expect(informers.get({ namespace: 'b', name: 'x' })?.metadata.uid).toBe('2');
  expect(informers.get({ namespace: 'c', name: 'x' })).toBeUndefined();
  expect(informers.by('text', '')).toHaveLength(2);
  await end();
});

test('without names all namespaces are asked for at once', async () => {
  const { clock, informers, selections, end } = setUp([], objects());
  await clock.until(informers.synced);
  expect(selections).toEqual([undefined]);
  expect(informers.get({ namespace: 'c', name: 'x' })?.metadata.uid).toBe('3');
  await end();
});

test('an own write is read back, and told of, from the namespace that it is in', async () => {
  const { clock, informers, end } = setUp(['a', 'b'], []);
  await clock.until(informers.synced);
  const told: string[] = [];
  const off = informers.onChange(({ type, object }) => told.push(`${type} ${object.metadata.namespace}`));
  informers.record(inNamespace('b', 'new', '9', 60));
  expect(informers.get({ namespace: 'b', name: 'new' })?.metadata.uid).toBe('9');
  expect(informers.get({ namespace: 'a', name: 'new' })).toBeUndefined();
  off();
  informers.record(inNamespace('a', 'new', '8', 61));
  expect(told).toEqual(['Added b']);
  await end();
});

test('it is not synced while one namespace cannot be read', async () => {
  const refused = new Set(['b']);
  const { clock, informers, end } = setUp(['a', 'b'], objects(), refused);
  await clock.advance(1_000);
  expect(informers.hasSynced).toBe(false);
  refused.clear();
  await clock.until(informers.synced);
  expect(informers.hasSynced).toBe(true);
  await end();
});
