// The store on a real API server, with exactly the rights that the chart gives to an operator of two namespaces.
import { manifest, startOperatorParts, type OperatorParts } from '../../../test/kubernetes/operator-parts.ts';
import { until } from '../../../test/harness/until.ts';
import { KubernetesStore } from './kubernetes-store.ts';

let parts: OperatorParts;

beforeAll(async () => {
  parts = await startOperatorParts(['a', 'b']);
}, 900_000);

afterAll(async () => parts.stop(), 240_000);

test('jobs of each namespace that was named are seen, and of no other one', async () => {
  await parts.applied('a', 'one');
  await parts.applied('b', 'one');
  await parts.rights.kubectl.apply([manifest('default', 'one')]);
  const { items } = await parts.store.list('FlowJob');
  expect(items.map(({ metadata }) => metadata.namespace).sort()).toEqual(['a', 'b']);
  expect(await parts.store.get('FlowJob', { namespace: 'default', name: 'one' })).toBeNull();
}, 240_000);

test('what was written is read at once, and whoever writes from an older state is told of the conflict', async () => {
  const job = await parts.applied('a', 'written');
  const status = { observedGeneration: 1, state: 'Pending' as const, conditions: [] };
  const after = await parts.store.updateStatus<'FlowJob'>({ ...job, status });
  const read = await parts.store.get('FlowJob', job.metadata);
  expect(read?.status?.state).toBe('Pending');
  expect(read?.metadata.resourceVersion).toBe(after.metadata.resourceVersion);
  await expect(parts.store.updateStatus<'FlowJob'>({ ...job, status })).rejects.toMatchObject({ reason: 'Conflict' });
  await expect(
    parts.store.update<'FlowJob'>({ ...after, metadata: { ...after.metadata, name: 'not-there' } }),
  ).rejects.toMatchObject({ reason: 'NotFound' });
}, 240_000);

test('a status is on record as a whole, or the writer is told what the definition does not know', async () => {
  const job = await parts.applied('a', 'pruned');
  const status = { observedGeneration: 1, state: 'Pending' as const, conditions: [], ofALaterVersion: { size: 2 } };
  await expect(parts.store.updateStatus<'FlowJob'>({ ...job, status })).rejects.toThrow(
    /^status.ofALaterVersion was dropped .* flowjobs.flowjob.dev is older/,
  );
  // What was written is known here all the same, or the next write would be refused for its version.
  const read = await parts.store.get('FlowJob', job.metadata);
  expect(read?.status?.state).toBe('Pending');
}, 60_000);

test('an object that has come under the name of the one that is to go stays', async () => {
  const job = await parts.applied('a', 'named');
  await expect(parts.store.delete('FlowJob', job.metadata, 'of-the-one-before')).rejects.toMatchObject({
    reason: 'Conflict',
  });
  expect(await parts.rights.kubectl.run('get', 'flowjob', 'named', '-n', 'a', '-o', 'name')).toContain('named');
  await parts.store.delete('FlowJob', job.metadata, job.metadata.uid);
  await until('it is gone', async () => (await parts.store.get('FlowJob', job.metadata)) === null, { seconds: 60 });
}, 240_000);

test('a watch tells of what there is, of changes and of the end, and ends with its store', async () => {
  await parts.applied('b', 'watched');
  const own = new KubernetesStore({ client: parts.rights.client, recorder: parts.recorder, caches: parts.caches });
  const told: string[] = [];
  const watching = (async () => {
    for await (const { type, object } of own.watch('FlowJob', { signal: new AbortController().signal }))
      if (object.metadata.name === 'watched') told.push(type);
  })();
  await until('it is told of', () => told.length > 0, { seconds: 60 });
  await parts.rights.kubectl.run('delete', 'flowjob', 'watched', '-n', 'b');
  await until('its end is told', () => told.at(-1) === 'Deleted', { seconds: 60 });
  expect(told[0]).toBe('Changed');
  await own.close();
  await watching;
}, 240_000);

test('after a refresh a cache knows what was written the moment before', async () => {
  await parts.rights.kubectl.apply([manifest('a', 'fresh')]);
  await parts.caches.refresh();
  expect(await parts.store.get('FlowJob', { namespace: 'a', name: 'fresh' })).not.toBeNull();
}, 240_000);
