// Several FlowJobs on one FlowCluster of Apache Flink, in real pods: what a user sees from apply to the end.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { until } from '../../harness/until.ts';
import type { FlowCluster } from '../../../src/api/flowcluster.ts';
import { Jobs, kubectl, NAMESPACE, withOperator, type PodInfo } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { bounded, engine, numbers, seenIn, type Seen } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);
const CLUSTER = 'shared';

withOperator(jobs);

async function applyCluster(more: object = {}): Promise<void> {
  const metadata = { name: CLUSTER, namespace: jobs.namespace };
  const limits = { memory: '1Gi' };
  const spec = { engine, jobManager: {}, taskManager: { replicas: 1, slots: 2, resources: { limits } }, ...more };
  await kubectl.apply([{ apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowCluster', metadata, spec }]);
}

const cluster = (): Promise<FlowCluster> => kubectl.get('flowcluster', CLUSTER, '-n', jobs.namespace);

const isReady = ({ status }: FlowCluster, reason = 'Running'): boolean =>
  status?.conditions.some((one) => one.type === 'Ready' && one.reason === reason) === true;

const clusterIs = (reason: string, seconds = 180): Promise<FlowCluster> =>
  until(
    `the cluster is ${reason}`,
    async () => {
      const found = await cluster();
      if (isReady(found, reason)) return found;
      throw new Error(JSON.stringify(found.status?.conditions));
    },
    { seconds, every: 200 },
  );

const clusterPods = async (): Promise<PodInfo[]> =>
  (await kubectl.get<{ items: PodInfo[] }>(...['pods', '-n', jobs.namespace, '-l', `flowjob.dev/cluster=${CLUSTER}`]))
    .items;

/** Names of jobs that have not ended, by the JobManager's word. */
async function runningOnCluster(): Promise<string[]> {
  const path = `/api/v1/namespaces/${jobs.namespace}/pods/${CLUSTER}-cluster-jobmanager:8081/proxy/jobs/overview`;
  const answer = JSON.parse(await kubectl.run('get', '--raw', path)) as { jobs: { name: string; state: string }[] };
  return answer.jobs.filter(({ state }) => !['FINISHED', 'FAILED', 'CANCELED'].includes(state)).map(({ name }) => name);
}

const out = (job: string): string => `/flowjob/state/out/${job}`;
const rowsOf = async (job: string): Promise<Seen[]> =>
  seenIn(await jobs.onVolume(`${CLUSTER}-cluster`, `cat ${out(job)}/part-* 2>/dev/null || true`));

const onCluster = (sql: string, more: object = {}): object => ({
  mode: 'Streaming',
  engine: { type: 'Flink', clusterRef: { name: CLUSTER } },
  state: { checkpoint: { interval: '1s' } },
  job: { sql: { inline: sql } },
  ...more,
});

const ROWS = 9_000;
const version = (n: number): object => onCluster(numbers(ROWS, 100, n, out('stream')));

test('a stream and a batch share a cluster: the batch ends, the stream is upgraded and outlives the JobManager, each row comes once', async () => {
  await jobs.apply('stream', version(1));
  const waiting = await jobs.until('stream', 'waits', (job) => condition(job, 'Reconciling') !== undefined);
  expect(condition(waiting, 'Reconciling')).toMatchObject({
    reason: 'WaitingForCluster',
    message: expect.stringContaining(`There is no FlowCluster "${CLUSTER}"`),
  });
  await applyCluster();
  await clusterIs('Running');
  await jobs.until('stream', 'runs', ({ status }) => status?.attempt?.healthy === true, 120);
  expect(await jobs.pods('stream')).toEqual([]);

  await jobs.apply(
    'batch',
    onCluster(bounded(5_000).replaceAll('/flowjob/state/out', out('batch')), { mode: 'Batch', state: {} }),
  );
  const done = await jobs.until('batch', 'is Complete', (job) => condition(job, 'Complete')?.status === 'True', 180);
  expect(done.status).toMatchObject({ state: 'Finished', batch: { attempts: 1 } });

  await jobs.apply('stream', version(2));
  const upgraded = await jobs.until(
    'stream',
    'runs its second version',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
    180,
  );
  expect(upgraded.status?.lastSavepoint?.path).toBe(upgraded.status?.attempt?.restoreFrom);
  expect(upgraded.status?.lastSavepoint?.path).toContain('/flowjob/state/stream/flink/savepoints/');

  await kubectl.run('delete', 'pod', `${CLUSTER}-cluster-jobmanager`, '-n', jobs.namespace);
  const recovered = await jobs.until(
    'stream',
    'runs on another JobManager',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 3,
    240,
  );
  expect(recovered.status?.attempt?.jobManagerUid).not.toBe(upgraded.status?.attempt?.jobManagerUid);
  expect(recovered.status?.attempt?.restoreFrom).toMatch(/\/chk-\d+$/);

  await jobs.until('stream', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  const rows = await rowsOf('stream');
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      ROWS,
    ),
  ).toEqual(AS_EXPECTED);
  expect(new Set(rows.map((row) => row.version))).toEqual(new Set([1, 2]));
  const batch = await rowsOf('batch');
  expect(
    deviationFromEachOnce(
      batch.map(({ n }) => n),
      5_000,
    ),
  ).toEqual(AS_EXPECTED);
}, 1_200_000);

test('SQL that Flink does not take is told in a condition with line and column, and nothing is left running', async () => {
  const sql = numbers(10, 1, 1, out('typo')).replace('SELECT n, 1', 'SELECT nobody, 1');
  await jobs.apply('typo', onCluster(sql));
  const job = await jobs.until('typo', 'has failed', ({ status }) => status?.state === 'Failed', 180);
  expect(condition(job, 'Failed')?.message).toMatch(/line \d+, column \d+.*nobody/);
  expect(await runningOnCluster()).toEqual([]);
}, 300_000);

const wide = (suspend = false): object => ({
  ...onCluster('', { suspend }),
  job: { sql: { inline: numbers(1_000_000, 50, 1, out('wide')) }, parallelism: 3 },
});

test('a job that has too few slots says so, and runs once the cluster is scaled', async () => {
  await jobs.apply('wide', wide());
  const waiting = await jobs.until(
    'wide',
    'waits for slots',
    (job) => condition(job, 'Reconciling')?.reason === 'WaitingForCluster',
  );
  expect(condition(waiting, 'Reconciling')?.message).toMatch(/has 2 slots in all, and the job needs 3/);
  await kubectl.run('scale', 'flowcluster', CLUSTER, '--replicas=2', '-n', jobs.namespace);
  await jobs.until('wide', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
  expect((await clusterIs('Running')).status?.taskManager?.replicas).toBe(2);
}, 500_000);

test('a change of the cluster waits while a job runs, and is carried out when that is suspended', async () => {
  const changed = { ...engine, config: { 'rest.profiling.enabled': 'true' } };
  const taskManager = { replicas: 2, slots: 2, resources: { limits: { memory: '1Gi' } } };
  await applyCluster({ engine: changed, taskManager });
  const held = await clusterIs('ChangeWaiting', 60);
  expect(held.status?.conditions.find(({ type }) => type === 'Reconciling')?.message).toContain('run on it: wide.');
  const before = (await clusterPods()).map(({ metadata }) => metadata.uid);

  await jobs.apply('wide', wide(true));
  const suspended = await jobs.until('wide', 'is suspended', ({ status }) => status?.state === 'Suspended');
  await clusterIs('Running');
  const after = await clusterPods();
  expect(after).toHaveLength(3);
  for (const { metadata } of after) expect(before).not.toContain(metadata.uid);
  expect((await cluster()).status?.accepted).toMatchObject({ spec: { engine: changed } });

  await jobs.apply('wide', wide());
  const resumed = await jobs.until(
    'wide',
    'runs again',
    ({ status }) => status?.attempt?.healthy === true && status.state === 'Running',
    180,
  );
  expect(resumed.status?.attempt?.restoreFrom).toBe(suspended.status?.lastSavepoint?.path);
}, 600_000);

test('a cluster that is deleted runs on while FlowJobs name it, says which, and goes with the last of them', async () => {
  await kubectl.run('delete', 'flowcluster', CLUSTER, '-n', jobs.namespace, '--wait=false');
  const held = await clusterIs('InUse', 60);
  expect(held.status?.conditions.find(({ type }) => type === 'Reconciling')?.message).toContain(
    'batch, stream, typo, wide',
  );
  expect(await clusterPods()).not.toEqual([]);
  await kubectl.run('delete', 'flowjob', '--all', '-n', jobs.namespace, '--timeout=120s');
  await kubectl.run('wait', '--for=delete', `flowcluster/${CLUSTER}`, '-n', jobs.namespace, '--timeout=120s');
  expect(await clusterPods()).toEqual([]);
}, 400_000);
