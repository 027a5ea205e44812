// What the autoscaler has learned, on a real API server and with the rights that the chart gives: whose it is, who may write it, and that it goes with its job.
import { systemClock } from '../../../engine/clock.ts';
import { startOperatorParts, type OperatorParts } from '../../../test/kubernetes/operator-parts.ts';
import { until } from '../../../test/harness/until.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import type { LearnedOwner } from '../../controller/autoscaling/learned.ts';
import { LeaseFence } from '../../kube/leader/fence.ts';
import { KubernetesLearned } from './kubernetes-learned.ts';

let parts: OperatorParts;
let learned: KubernetesLearned;

beforeAll(async () => {
  parts = await startOperatorParts(['a', 'b']);
  learned = new KubernetesLearned(parts.rights.client);
}, 900_000);
afterAll(async () => parts.stop(), 240_000);

const ownerOf = ({ metadata: { namespace, name, uid } }: FlowJob): LearnedOwner => ({ key: { namespace, name }, uid });

interface Written {
  metadata: { labels: Record<string, string>; ownerReferences: object[]; resourceVersion: string };
  data: Record<string, string>;
}
const written = (name: string): Promise<Written> =>
  parts.rights.kubectl.get<Written>('configmap', `${name}-autoscaling`, '-n', 'a');

test('it stands in a ConfigMap of the job, under its labels, and is read by the next leader', async () => {
  const job = await parts.applied('a', 'orders');
  const owner = ownerOf(job);
  expect(await learned.read(owner)).toBeNull();
  await learned.write(owner, '{"first":1}');
  await learned.write(owner, '{"second":2}');
  expect(await new KubernetesLearned(parts.rights.client).read(owner)).toBe('{"second":2}');
  const { metadata, data } = await written('orders');
  expect(data).toEqual({ 'learned.json': '{"second":2}' });
  expect(metadata.labels).toEqual({
    'app.kubernetes.io/name': 'flowjob',
    'app.kubernetes.io/instance': 'orders',
    'app.kubernetes.io/managed-by': 'flowjob-operator',
    'flowjob.dev/job': 'orders',
  });
  expect(metadata.ownerReferences).toMatchObject([{ kind: 'FlowJob', uid: owner.uid, controller: true }]);
  await learned.write(owner, '{"second":2}');
  expect((await written('orders')).metadata.resourceVersion).toBe(metadata.resourceVersion);
}, 240_000);

test('it goes with its job, and says nothing of one that comes under the name', async () => {
  const owner = ownerOf(await parts.applied('a', 'gone'));
  await learned.write(owner, '{}');
  const next = { ...owner, uid: '00000000-0000-4000-8000-000000000000' };
  expect(await learned.read(next)).toBeNull();
  await expect(learned.write(next, '{}')).rejects.toThrow('gone-autoscaling');
  await parts.rights.kubectl.run('delete', 'flowjob', 'gone', '-n', 'a');
  await until('it is gone', async () => (await learned.read(owner)) === null, { seconds: 120 });
}, 240_000);

test('a ConfigMap that somebody else made under its name is left alone', async () => {
  const owner = ownerOf(await parts.applied('a', 'taken'));
  const theirs = { 'job.sql': 'SELECT 1' };
  await parts.rights.kubectl.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'taken-autoscaling', namespace: 'a' }, data: theirs },
  ]);
  expect(await learned.read(owner)).toBeNull();
  await expect(learned.write(owner, '{}')).rejects.toThrow('nobody controls');
  expect((await written('taken')).data).toEqual(theirs);
}, 240_000);

test('one whose key was removed is damaged, not absent', async () => {
  const owner = ownerOf(await parts.applied('a', 'edited'));
  await learned.write(owner, '{}');
  const patch = JSON.stringify({ data: null });
  await parts.rights.kubectl.run('patch', 'configmap', 'edited-autoscaling', '-n', 'a', '--type=merge', '-p', patch);
  expect(await learned.read(owner)).toBe('');
}, 240_000);

test('a leader that has lost its lease writes nothing', async () => {
  const owner = ownerOf(await parts.applied('a', 'fenced'));
  const fence = new LeaseFence(systemClock, systemClock.monotonic() + 60_000);
  const leading = new KubernetesLearned(parts.rights.client.fenced(fence));
  await leading.write(owner, '{"by":"the leader"}');
  fence.lose('another replica leads');
  await expect(leading.write(owner, '{"by":"the one before"}')).rejects.toThrow('no longer leads');
  expect(await learned.read(owner)).toBe('{"by":"the leader"}');
}, 240_000);

test('a namespace that is being deleted takes no more of it, and goes', async () => {
  const owner = ownerOf(await parts.applied('b', 'leaving'));
  await learned.write(owner, '{}');
  await parts.rights.kubectl.run('patch', 'flowjob', 'leaving', '-n', 'b', '--type=merge', '-p', FINALIZER);
  await parts.rights.kubectl.run('delete', 'namespace', 'b', '--wait=false');
  const late = { ...owner, key: { namespace: 'b', name: 'late' } };
  await until(
    'it is refused',
    async () => {
      const refusal = await learned.write(late, '{}').then(
        () => '',
        (error: Error) => error.message,
      );
      return refusal.includes('being terminated');
    },
    { seconds: 60 },
  );
  await parts.rights.kubectl.run('patch', 'flowjob', 'leaving', '-n', 'b', '--type=merge', '-p', NO_FINALIZER);
  await until(
    'the namespace is gone',
    async () => (await parts.rights.kubectl.run('get', 'namespace', 'b', '--ignore-not-found')).trim() === '',
    { seconds: 120 },
  );
}, 400_000);

const FINALIZER = JSON.stringify({ metadata: { finalizers: ['flowjob.dev/operator'] } });
const NO_FINALIZER = JSON.stringify({ metadata: { finalizers: null } });
