// The controller of FlowClusters on a real API server, with exactly the rights that the chart gives. There is no kubelet: the test says in its stead what became of
// pods, and in the JobManager's what that answers.
import { systemClock as clock } from '../../../engine/clock.ts';
import { until } from '../../../test/harness/until.ts';
import { startOperatorParts, type OperatorParts } from '../../../test/kubernetes/operator-parts.ts';
import type { FlowCluster } from '../../api/flowcluster.ts';
import { checkClusterSpec } from '../../engine-client/flink/check-spec.ts';
import type { SessionView } from '../../lifecycle/clusters/observation.ts';
import { clusterPodCache } from '../../runtime/kubernetes/clusters/cluster-pod-cache.ts';
import type { ClusterPlan } from '../../runtime/cluster-port.ts';
import { KubernetesClusters } from '../../runtime/kubernetes/clusters/kubernetes-clusters.ts';
import { ClusterController } from './cluster-controller.ts';

const NAMESPACE = 'a';
const errors: object[] = [];
const log = { info: () => undefined, warn: () => undefined, error: (fields: object) => void errors.push(fields) };
/** FlowJobs that were to be looked at. */
const woken = new Set<string>();

/** With a JobManager that answers what the test says, and pods that cannot be made while it says so. */
class ClustersOfTest extends KubernetesClusters {
  answer: SessionView | null = null;
  fault: string | null = null;

  override createJobManager(plan: ClusterPlan): Promise<void> {
    return this.fault === null ? super.createJobManager(plan) : Promise.reject(new Error(this.fault));
  }

  override async session(): Promise<SessionView | null> {
    return Promise.resolve(this.answer);
  }
}

let parts: OperatorParts;
let runtime: ClustersOfTest;
const ending = new AbortController();
let running: Promise<unknown>;

beforeAll(async () => {
  parts = await startOperatorParts([NAMESPACE]);
  const pods = clusterPodCache(parts.options);
  const reading = pods.run(ending.signal);
  await pods.synced;
  runtime = new ClustersOfTest({ client: parts.options.client, pods, clock });
  const controller = new ClusterController({
    ...{ store: parts.store, runtime, check: checkClusterSpec, now: Date.now, log },
    wake: ({ name }) => void woken.add(name),
  });
  running = Promise.all([reading, controller.run(ending.signal)]);
}, 900_000);

afterAll(async () => {
  ending.abort();
  await running;
  await parts.stop();
}, 240_000);

const kubectl = () => parts.rights.kubectl;

const apply = (kind: string, name: string, spec: object): Promise<unknown> =>
  kubectl().apply([{ apiVersion: 'flowjob.dev/v1alpha1', kind, metadata: { namespace: NAMESPACE, name }, spec }]);
const cluster = (name: string): Promise<FlowCluster> =>
  kubectl().get<FlowCluster>('flowcluster', name, '-n', NAMESPACE);
const reasonOf = async (name: string): Promise<string | undefined> =>
  (await cluster(name)).status?.conditions.find(({ type }) => type === 'Ready')?.reason;
const is = (name: string, reason: string): Promise<unknown> =>
  until(`${name} is ${reason}`, async () => (await reasonOf(name)) === reason, { seconds: 60, every: 100 });

const events = async (name: string): Promise<string[]> => {
  const { items } = await kubectl().get<{ items: { reason: string }[] }>(
    ...[
      'events.events.k8s.io',
      '-n',
      NAMESPACE,
      '--field-selector',
      `regarding.kind=FlowCluster,regarding.name=${name}`,
    ],
  );
  return items.map(({ reason }) => reason);
};

const podNames = async (name: string): Promise<string[]> => {
  const { items } = await kubectl().get<{ items: { metadata: { name: string } }[] }>(
    ...['pods', '-n', NAMESPACE, '-l', `flowjob.dev/cluster=${name}`],
  );
  return items.map(({ metadata }) => metadata.name).sort();
};
const has = (name: string, ...pods: string[]): Promise<unknown> =>
  until(`${name} has ${pods.join(', ')}`, async () => (await podNames(name)).join() === pods.join(), {
    ...{ seconds: 60, every: 100 },
  });

/** As the kubelet says it. */
const runs = (pod: string): Promise<unknown> =>
  kubectl().run(
    ...['patch', 'pod', pod, '-n', NAMESPACE, '--subresource=status', '--type=merge', '-p'],
    JSON.stringify({ status: { phase: 'Running', podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }] } }),
  );

test('a cluster is made, is scaled by its subresource, and goes when no FlowJob names it any more', async () => {
  await apply('FlowCluster', 'shared', { engine: { version: '2.3' } });
  await has('shared', 'shared-cluster-jobmanager');
  await runs('shared-cluster-jobmanager');
  await has('shared', 'shared-cluster-jobmanager', 'shared-cluster-taskmanager-0');
  await runs('shared-cluster-taskmanager-0');
  runtime.answer = { taskManagers: 1, slots: 2 };
  await is('shared', 'Running');
  for (const child of ['configmap/shared-cluster', 'service/shared-cluster-rest', 'networkpolicy/shared-cluster'])
    expect(await kubectl().run('get', child, '-n', NAMESPACE, '-o', 'name')).toContain('shared-cluster');
  expect(await kubectl().run('get', 'pvc', 'shared-cluster-state', '-n', NAMESPACE, '-o', 'name')).toContain('shared');

  await kubectl().run('scale', 'flowcluster', 'shared', '--replicas=2', '-n', NAMESPACE);
  await has('shared', 'shared-cluster-jobmanager', 'shared-cluster-taskmanager-0', 'shared-cluster-taskmanager-1');

  await apply('FlowJob', 'orders', {
    ...{ mode: 'Streaming', engine: { type: 'Flink', clusterRef: { name: 'shared' } } },
    job: { sql: { inline: 'INSERT INTO b SELECT * FROM a' } },
  });
  await until('the job is seen', async () => parts.store.get('FlowJob', { namespace: NAMESPACE, name: 'orders' }), {
    seconds: 30,
  });
  await kubectl().run('delete', 'flowcluster', 'shared', '-n', NAMESPACE, '--wait=false');
  await is('shared', 'InUse');
  expect(await podNames('shared')).toHaveLength(3);
  expect(await events('shared')).toEqual(expect.arrayContaining(['Starting', 'Running', 'InUse']));
  await until('the job is woken by what becomes of its cluster', () => woken.has('orders'), { seconds: 30 });
  await kubectl().run('delete', 'flowjob', 'orders', '-n', NAMESPACE);
  // Nobody ends pods here that have no node but the API server, which does so at once.
  await kubectl().run('wait', '--for=delete', 'flowcluster/shared', '-n', NAMESPACE, '--timeout=60s');
  expect(await podNames('shared')).toEqual([]);
  expect(await kubectl().run('get', 'pvc', 'shared-cluster-state', '-n', NAMESPACE, '-o', 'name')).toContain('shared');
  expect(parts.troubles).toEqual([]);
  expect(errors).toEqual([]);
}, 240_000);

test('passes that keep failing are told in conditions and as an event, until what was decided is done', async () => {
  runtime.answer = null;
  runtime.fault = 'no pods today';
  await apply('FlowCluster', 'faulty', { engine: { version: '2.3' } });
  await is('faulty', 'OperatorError');
  expect((await cluster('faulty')).status?.conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
    'Ready=False',
    'Stalled=True',
  ]);
  expect((await cluster('faulty')).status?.conditions[0]?.message).toContain('no pods today');
  await until('the event is there', async () => (await events('faulty')).includes('OperatorError'), { seconds: 30 });
  const told = (await cluster('faulty')).metadata.resourceVersion;
  const failures = errors.length;
  await until('it was tried again', () => errors.length >= failures + 2, { seconds: 60 });
  expect((await cluster('faulty')).metadata.resourceVersion).toBe(told);
  runtime.fault = null;
  await is('faulty', 'Starting');
  await has('faulty', 'faulty-cluster-jobmanager');
}, 240_000);

test('what cannot be run is told with the arithmetic, and nothing is made', async () => {
  await apply('FlowCluster', 'small', {
    engine: { version: '2.3' },
    jobManager: { resources: { limits: { memory: '512Mi' } } },
  });
  await is('small', 'InvalidSpec');
  expect((await cluster('small')).status?.conditions.at(-1)?.message).toMatch(/memory is 512Mi.*raise it to 704Mi/);
  expect(await podNames('small')).toEqual([]);
}, 120_000);

test('where the state is cannot be changed', async () => {
  await apply('FlowCluster', 'kept', { engine: { version: '2.3' } });
  const elsewhere = { storage: { uri: 's3://bucket/states' } };
  await expect(apply('FlowCluster', 'kept', { engine: { version: '2.3' }, state: elsewhere })).rejects.toThrow(
    /the state of its jobs would be left behind/,
  );
}, 60_000);
