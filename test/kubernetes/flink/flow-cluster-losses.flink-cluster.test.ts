// What a FlowCluster of Apache Flink loses and what its jobs keep, in real pods: TaskManagers that are killed or scaled away, jobs that are copied, rolled back, or
// move.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { until } from '../../harness/until.ts';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import type { FlowSavepoint } from '../../../src/api/flowsavepoint.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition, runs } from '../flowjobs/streams.ts';
import { numbers, stream } from './flink-jobs.ts';
import { outOf, SharedCluster } from './flow-clusters.ts';

const jobs = new Jobs(NAMESPACE);
const cluster = new SharedCluster(jobs, 'shared');
const CLAIM = 'shared-cluster-state';

withOperator(jobs);

// Every task slot is a pod's: which job is on which TaskManager follows from the order in which they came.
beforeAll(async () => {
  await cluster.apply({ taskManager: { replicas: 2, slots: 1, resources: { limits: { memory: '1Gi' } } } });
  await cluster.runsWith(2);
}, 300_000);

const ENDLESS = 1_000_000;
const counting = (job: string, rows = ENDLESS, more: object = {}): object =>
  cluster.job(numbers(rows, 100, 1, outOf(job)), more);

const healthy = (name: string): Promise<FlowJob> =>
  jobs.until(name, 'runs', (job) => runs(job) && job.status?.attempt?.healthy === true, 180);

const waitsForCluster = async (name: string, why: RegExp): Promise<void> => {
  await jobs.until(
    name,
    `waits for its cluster: ${why}`,
    (job) => {
      const told = condition(job, 'Reconciling');
      return told?.reason === 'WaitingForCluster' && why.test(told.message ?? '');
    },
    180,
  );
};

const suspended = (name: string): Promise<FlowJob> =>
  jobs.until(name, 'is suspended', ({ status }) => status?.state === 'Suspended', 120);

const remove = (...names: string[]): Promise<string> =>
  kubectl.run('delete', 'flowjob', ...names, '-n', jobs.namespace, '--timeout=120s');

/** Of a stream that has ended, or is at rest. */
async function expectEachOnce(job: string, rows?: number): Promise<void> {
  const ns = (await cluster.rowsOf(job)).map(({ n }) => n);
  expect(ns.length).toBeGreaterThan(0);
  expect({ job, deviation: deviationFromEachOnce(ns, rows ?? ns.length) }).toEqual({ job, deviation: AS_EXPECTED });
}

test('a TaskManager that is killed is made anew; the streams of the cluster go on in the attempt that they were in, and each row comes once', async () => {
  const rows = 6_000;
  const names = ['first', 'second'];
  for (const name of names) await jobs.apply(name, counting(name, rows));
  const before = await Promise.all(names.map(healthy));
  const lost = await cluster.taskManager(0);

  await cluster.kill('taskmanager-0');
  await until(
    'one of the streams is told to be away',
    async () => (await Promise.all(names.map((name) => jobs.get(name)))).some((job) => !runs(job)),
    { seconds: 60, every: 200 },
  );
  await cluster.runsWith(2);
  expect((await cluster.taskManager(0)).metadata.uid).not.toBe(lost.metadata.uid);
  const after = await Promise.all(names.map(healthy));
  const attempts = (of: FlowJob[]) =>
    of.map(({ status }) => status!.attempt!).map(({ epoch, jobId }) => [epoch, jobId]);
  expect(attempts(after)).toEqual(attempts(before));

  for (const name of names) {
    await jobs.until(name, 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
    await expectEachOnce(name, rows);
  }
  await remove(...names);
}, 900_000);

/** Numbers that a stream has printed. What a table of files has not closed at a savepoint would be for one job alone to go on with. */
const printing = (job: string, rows: number): string =>
  numbers(rows, 100, 1).replace(
    /WITH \('connector' = 'filesystem'.*?\);/s,
    `WITH ('connector' = 'print', 'print-identifier' = '${job}');`,
  );

async function printed(job: string): Promise<number[]> {
  const log = await cluster.logs();
  return [...log.matchAll(new RegExp(`^${job}> \\+I\\[(\\d+), 1\\]$`, 'gm'))].map(([, n]) => Number(n));
}

const savepoint = (name: string): Promise<FlowSavepoint> =>
  kubectl.get<FlowSavepoint>('flowsavepoint', name, '-n', jobs.namespace);

test('a FlowSavepoint of a job is complete; a new job on the same cluster begins where it was taken, while the first runs on', async () => {
  const rows = 4_000;
  await jobs.apply('original', cluster.job(printing('original', rows)));
  const original = await healthy('original');
  const earlier = (await printed('original')).length;
  expect(earlier).toBeGreaterThan(0);

  const metadata = { name: 'kept', namespace: jobs.namespace };
  const spec = { jobRef: { name: 'original' }, disposalPolicy: 'Delete' };
  await kubectl.apply([{ apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowSavepoint', metadata, spec }]);
  await kubectl.run('wait', 'flowsavepoint/kept', '-n', NAMESPACE, '--for=condition=Complete', '--timeout=60s');
  const later = (await printed('original')).length;
  const { status } = await savepoint('kept');
  expect(status).toMatchObject({ state: 'Completed', engine: 'Flink', claimName: CLAIM });
  expect(status?.path).toMatch(/^\/flowjob\/state\/original\/flink\/savepoints\//);

  const restore = { savepointRef: { name: 'kept' } };
  await jobs.apply('copy', cluster.job(printing('copy', rows), { state: { checkpoint: { interval: '1s' }, restore } }));
  const copy = await healthy('copy');
  expect(copy.status?.restored?.path).toBe(status?.path);
  expect((await jobs.get('original')).status?.attempt?.jobId).toBe(original.status?.attempt?.jobId);

  for (const name of ['copy', 'original'])
    await jobs.until(name, 'has come to its end', (job) => job.status?.state === 'Finished', 240);
  const copied = await printed('copy');
  const begun = copied[0]!;
  expect(begun).toBeGreaterThanOrEqual(earlier);
  expect(begun).toBeLessThanOrEqual(later);
  expect(
    deviationFromEachOnce(
      copied.map((n) => n - begun),
      rows - begun,
    ),
  ).toEqual(AS_EXPECTED);
  expect(deviationFromEachOnce(await printed('original'), rows)).toEqual(AS_EXPECTED);

  await kubectl.run('delete', 'flowsavepoint', 'kept', '-n', jobs.namespace, '--timeout=60s');
  expect(await cluster.onVolume(`ls -d ${status!.path!} 2>&1 || true`)).toContain('No such file');
  await remove('original', 'copy');
}, 600_000);

const LACKS_ONE = /has 1 slots in all, and the job needs 2 -> raise spec.taskManager.replicas/;

interface TaskManagers {
  taskmanagers: { id: string; freeSlots: number }[];
}

const freeTaskManagers = async (): Promise<string[]> =>
  (await cluster.ask<TaskManagers>('/taskmanagers')).taskmanagers
    .filter(({ freeSlots }) => freeSlots > 0)
    .map(({ id }) => id);

test('scaled down to what suffices, a stream goes on where a slot is free; one for which none is left waits and says so', async () => {
  await cluster.scale(1);
  await cluster.runsWith(1);
  await jobs.apply('staying', counting('staying'));
  await healthy('staying');
  await cluster.scale(2);
  await cluster.runsWith(2);
  await jobs.apply('away', counting('away'));
  const before = await healthy('away');
  await jobs.apply('staying', counting('staying', ENDLESS, { suspend: true }));
  await suspended('staying');
  expect(await freeTaskManagers()).toEqual(['shared-cluster-taskmanager-0']);

  await cluster.scale(1);
  await jobs.until('away', 'is told to be away', (job) => !runs(job), 60);
  await cluster.runsWith(1);
  const after = await healthy('away');
  expect(after.status?.attempt).toMatchObject({ epoch: 1, jobId: before.status?.attempt?.jobId });

  await jobs.apply('staying', counting('staying'));
  await waitsForCluster(
    'staying',
    /has 1 slots in all, and the job needs 1, which other jobs hold -> raise spec.taskManager.replicas/,
  );
  await cluster.scale(2);
  const { status } = await healthy('staying');
  // Flink has not given it up meanwhile: by default it would, once the JobManager has been up for five minutes.
  expect(await cluster.restartsOf(status!.attempt!.jobId)).toBe(0);

  for (const name of ['staying', 'away']) {
    await jobs.apply(name, counting(name, ENDLESS, { suspend: true }));
    await suspended(name);
    await expectEachOnce(name);
  }
  await remove('staying', 'away');
}, 900_000);

test('scaled down to less than a stream needs, it says how much is lacking, and goes on once that is there again', async () => {
  const rows = 6_000;
  const sql = numbers(rows, 100, 1, outOf('wide'));
  await jobs.apply('wide', cluster.job('', { job: { sql: { inline: sql }, parallelism: 2 } }));
  const before = await healthy('wide');
  await cluster.scale(1);
  await waitsForCluster('wide', LACKS_ONE);
  expect(condition(await jobs.get('wide'), 'Ready')?.status).not.toBe('True');
  await cluster.scale(2);
  const after = await healthy('wide');
  expect(after.status?.attempt).toMatchObject({ epoch: 1, jobId: before.status?.attempt?.jobId });
  await jobs.until('wide', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  await expectEachOnce('wide', rows);
  await remove('wide');
}, 600_000);

test('a stream whose subtasks are not connected says it, too, while those run that have a slot', async () => {
  await jobs.apply('loose', cluster.job('', { job: { sql: { inline: printing('loose', ENDLESS) }, parallelism: 2 } }));
  await healthy('loose');
  await cluster.scale(1);
  await waitsForCluster('loose', LACKS_ONE);
  await cluster.scale(2);
  await healthy('loose');
  await remove('loose');
}, 600_000);

test('a job moves from its own pods to the cluster and back, each row comes once, and what its pods do not need again is left nowhere', async () => {
  const sql = numbers(ENDLESS, 100, 1, outOf('moving'));
  const state = { checkpoint: { interval: '1s' }, storage: { persistentVolumeClaim: { claimName: CLAIM } } };
  const alone = (suspend = false): object => stream(sql, { state, suspend });
  const shared = (suspend = false): object => cluster.job(sql, { suspend });
  const movesTo = async (spec: object): Promise<void> => {
    const { status } = await suspended('moving');
    await jobs.apply('moving', spec);
    const moved = await healthy('moving');
    expect(moved.status?.attempt?.restoreFrom).toBe(status?.lastSavepoint?.path);
  };

  await jobs.apply('moving', alone());
  await healthy('moving');
  await jobs.apply('moving', alone(true));
  await movesTo(shared());
  expect(await cluster.running()).toEqual(['moving']);
  await jobs.untilNoPods('moving');
  expect(await childrenOf('moving')).toEqual(KEPT);

  await jobs.apply('moving', shared(true));
  await movesTo(alone());
  expect(await cluster.running()).toEqual([]);
  await jobs.apply('moving', alone(true));
  await suspended('moving');
  await expectEachOnce('moving');
  await remove('moving');
}, 900_000);

/** Of no attempt: a job that comes back has them again, and they go with the FlowJob. */
const KEPT = [
  'networkpolicy.networking.k8s.io/moving',
  'role.rbac.authorization.k8s.io/moving-flink',
  'rolebinding.rbac.authorization.k8s.io/moving-flink',
  'service/moving-rest',
  'serviceaccount/moving-flink',
];

/** What the operator has made for the job beside its pods. */
async function childrenOf(job: string): Promise<string[]> {
  const kinds = 'configmaps,secrets,services,networkpolicies,serviceaccounts,roles,rolebindings,persistentvolumeclaims';
  const listed = await kubectl.run('get', kinds, '-n', jobs.namespace, '-l', `flowjob.dev/job=${job}`, '-o', 'name');
  return listed
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

test('an upgrade to SQL that Flink does not take is rolled back to the text that ran, on the cluster that it ran on', async () => {
  const version = (v: number, more: object = {}): object => cluster.job(numbers(ENDLESS, 100, v, outOf('back')), more);
  const unsound = numbers(ENDLESS, 100, 2, outOf('back')).replace('SELECT n, 2', 'SELECT nobody, 2');
  await jobs.apply('back', version(1));
  await healthy('back');
  await jobs.apply('back', cluster.job(unsound));
  const back = await jobs.until(
    'back',
    'is rolled back',
    (job) => job.status?.state === 'Running' && condition(job, 'Stalled')?.reason === 'RolledBack',
    240,
  );
  expect(condition(back, 'Ready')?.message).toMatch(
    /^The version of generation 2 was given up, and the one of generation 1 is run.*nobody/s,
  );
  const { accepted, attempt, lastSavepoint } = back.status!;
  expect([accepted?.generation, attempt?.epoch, attempt?.restoreFrom]).toEqual([1, 3, lastSavepoint?.path]);

  await jobs.apply('back', version(3));
  await jobs.until('back', 'runs its sound version', (job) => runs(job) && job.status?.rolledBack === undefined, 180);
  await jobs.apply('back', version(3, { suspend: true }));
  await suspended('back');
  await expectEachOnce('back');
  expect(new Set((await cluster.rowsOf('back')).map((row) => row.version))).toEqual(new Set([1, 3]));
  await remove('back');
}, 600_000);
