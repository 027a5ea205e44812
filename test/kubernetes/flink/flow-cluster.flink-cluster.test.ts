// Several FlowJobs on one FlowCluster of Apache Flink, in real pods: what a user sees from apply to the end.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { bounded, engine, numbers } from './flink-jobs.ts';
import { outOf, SharedCluster } from './flow-clusters.ts';

const jobs = new Jobs(NAMESPACE);
const cluster = new SharedCluster(jobs, 'shared');
const limits = { memory: '1Gi' };

withOperator(jobs);

const ROWS = 9_000;
const version = (n: number): object => cluster.job(numbers(ROWS, 100, n, outOf('stream')));

test('a stream and a batch share a cluster: the batch ends, the stream is upgraded and outlives the JobManager, each row comes once', async () => {
  await jobs.apply('stream', version(1));
  const waiting = await jobs.until('stream', 'waits', (job) => condition(job, 'Reconciling') !== undefined);
  expect(condition(waiting, 'Reconciling')).toMatchObject({
    reason: 'WaitingForCluster',
    message: expect.stringContaining(`There is no FlowCluster "${cluster.name}"`),
  });
  await cluster.apply({ taskManager: { replicas: 1, slots: 2, resources: { limits } } });
  await cluster.is('Running');
  await jobs.until('stream', 'runs', ({ status }) => status?.attempt?.healthy === true, 120);
  expect(await jobs.pods('stream')).toEqual([]);

  await jobs.apply(
    'batch',
    cluster.job(bounded(5_000).replaceAll('/flowjob/state/out', outOf('batch')), { mode: 'Batch', state: {} }),
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

  await kubectl.run('delete', 'pod', `${cluster.name}-cluster-jobmanager`, '-n', jobs.namespace);
  const recovered = await jobs.until(
    'stream',
    'runs on another JobManager',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 3,
    240,
  );
  expect(recovered.status?.attempt?.jobManagerUid).not.toBe(upgraded.status?.attempt?.jobManagerUid);
  expect(recovered.status?.attempt?.restoreFrom).toMatch(/\/chk-\d+$/);

  await jobs.until('stream', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  const rows = await cluster.rowsOf('stream');
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      ROWS,
    ),
  ).toEqual(AS_EXPECTED);
  expect(new Set(rows.map((row) => row.version))).toEqual(new Set([1, 2]));
  const batch = await cluster.rowsOf('batch');
  expect(
    deviationFromEachOnce(
      batch.map(({ n }) => n),
      5_000,
    ),
  ).toEqual(AS_EXPECTED);
}, 1_200_000);

test('SQL that Flink does not take is told in a condition with line and column, and nothing is left running', async () => {
  const sql = numbers(10, 1, 1, outOf('typo')).replace('SELECT n, 1', 'SELECT nobody, 1');
  await jobs.apply('typo', cluster.job(sql));
  const job = await jobs.until('typo', 'has failed', ({ status }) => status?.state === 'Failed', 180);
  expect(condition(job, 'Failed')?.message).toMatch(/line \d+, column \d+.*nobody/);
  expect(await cluster.running()).toEqual([]);
}, 300_000);

const wide = (suspend = false): object => ({
  ...cluster.job('', { suspend }),
  job: { sql: { inline: numbers(1_000_000, 50, 1, outOf('wide')) }, parallelism: 3 },
});

test('a job that has too few slots says so, and runs once the cluster is scaled', async () => {
  await jobs.apply('wide', wide());
  const waiting = await jobs.until(
    'wide',
    'waits for slots',
    (job) => condition(job, 'Reconciling')?.reason === 'WaitingForCluster',
  );
  expect(condition(waiting, 'Reconciling')?.message).toMatch(/has 2 slots in all, and the job needs 3/);
  await cluster.scale(2);
  await jobs.until('wide', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
  expect((await cluster.is('Running')).status?.taskManager?.replicas).toBe(2);
}, 500_000);

test('a change of the cluster waits while a job runs, and is carried out when that is suspended', async () => {
  const changed = { ...engine, config: { 'rest.profiling.enabled': 'true' } };
  const taskManager = { replicas: 2, slots: 2, resources: { limits } };
  await cluster.apply({ engine: changed, taskManager });
  const held = await cluster.is('ChangeWaiting', 60);
  expect(held.status?.conditions.find(({ type }) => type === 'Reconciling')?.message).toContain('run on it: wide.');
  const before = (await cluster.pods()).map(({ metadata }) => metadata.uid);

  await jobs.apply('wide', wide(true));
  const suspended = await jobs.until('wide', 'is suspended', ({ status }) => status?.state === 'Suspended');
  await cluster.is('Running');
  const after = await cluster.pods();
  expect(after).toHaveLength(3);
  for (const { metadata } of after) expect(before).not.toContain(metadata.uid);
  expect((await cluster.get()).status?.accepted).toMatchObject({ spec: { engine: changed } });

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
  await kubectl.run('delete', 'flowcluster', cluster.name, '-n', jobs.namespace, '--wait=false');
  const held = await cluster.is('InUse', 60);
  expect(held.status?.conditions.find(({ type }) => type === 'Reconciling')?.message).toContain(
    'batch, stream, typo, wide',
  );
  expect(await cluster.pods()).not.toEqual([]);
  await kubectl.run('delete', 'flowjob', '--all', '-n', jobs.namespace, '--timeout=120s');
  await kubectl.run('wait', '--for=delete', `flowcluster/${cluster.name}`, '-n', jobs.namespace, '--timeout=120s');
  expect(await cluster.pods()).toEqual([]);
}, 400_000);
