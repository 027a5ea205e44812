// FlowJobs on Apache Flink in real pods, under the chart's own rights and in a namespace of restricted pod security: what a user sees from apply to the end.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { bounded, engine, numbers, savepointOf, seen, stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

test('a stream is upgraded with a savepoint, loses TaskManager and JobManager, and writes each row once', async () => {
  await jobs.apply('stream', stream(numbers(9_000, 150, 1)));
  await jobs.until('stream', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);

  await jobs.apply('stream', stream(numbers(9_000, 150, 2)));
  const upgraded = await jobs.until(
    'stream',
    'runs its second version',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
    300,
  );
  expect(upgraded.status?.attempt?.restoreFrom).toMatch(savepointOf('stream'));
  expect(upgraded.status?.lastSavepoint?.path).toBe(upgraded.status?.attempt?.restoreFrom);
  // Its processes were up before the first version was stopped.
  expect(upgraded.status?.attempt?.session).toBe(true);

  await kubectl.run('delete', 'pod', 'stream-2-taskmanager-0', '-n', jobs.namespace, '--grace-period=0', '--force');
  await jobs.until('stream', 'has noticed', (job) => condition(job, 'Reconciling') !== undefined);
  await jobs.until('stream', 'runs again', (job) => condition(job, 'Ready')?.status === 'True', 120);

  await kubectl.run('delete', 'pod', 'stream-2-jobmanager', '-n', jobs.namespace);
  const recovered = await jobs.until(
    'stream',
    'runs in another attempt',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 3,
    180,
  );
  // The same run, from its newest checkpoint.
  expect(recovered.status?.attempt?.jobId).toBe(upgraded.status?.attempt?.jobId);
  expect(recovered.status?.attempt?.resumeFrom).toMatch(/\/chk-\d+$/);

  await jobs.until('stream', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  await jobs.untilNoPods('stream');
  const rows = await seen(jobs, 'stream');
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      9_000,
    ),
  ).toEqual(AS_EXPECTED);
  expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1, 2]));
}, 900_000);

test('a batch runs to Complete, its pods go, its status and its results stay', async () => {
  await jobs.apply('batch', stream(bounded(5_000), { mode: 'Batch', state: {} }));
  const done = await jobs.until('batch', 'is Complete', (job) => condition(job, 'Complete')?.status === 'True', 180);
  expect(done.status).toMatchObject({ state: 'Finished', batch: { attempts: 1 } });
  expect(done.status?.batch?.durationMs).toBeGreaterThan(0);
  await jobs.untilNoPods('batch');
  const rows = await seen(jobs, 'batch');
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      5_000,
    ),
  ).toEqual(AS_EXPECTED);
}, 500_000);

test('SQL that Flink does not take is told in a condition with line and column', async () => {
  const sql = numbers(10, 1, 1).replace('SELECT n, 1', 'SELECT nobody, 1');
  await jobs.apply('typo', stream(sql));
  const job = await jobs.until('typo', 'has failed', ({ status }) => status?.state === 'Failed', 180);
  expect(condition(job, 'Failed')?.message).toMatch(/line \d+, column \d+.*nobody/);
}, 300_000);

test('a job is suspended with a savepoint, has no pod, and goes on from it', async () => {
  const spec = (suspend: boolean): object => stream(numbers(1_000_000, 50, 1), { suspend });
  await jobs.apply('pausing', spec(false));
  await jobs.until('pausing', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
  await jobs.apply('pausing', spec(true));
  const suspended = await jobs.until('pausing', 'is suspended', ({ status }) => status?.state === 'Suspended');
  expect(condition(suspended, 'Suspended')?.status).toBe('True');
  await jobs.untilNoPods('pausing');
  await jobs.apply('pausing', spec(false));
  const resumed = await jobs.until(
    'pausing',
    'runs again',
    ({ status }) => status?.state === 'Running' && status.attempt?.healthy === true,
    180,
  );
  expect(resumed.status?.attempt?.restoreFrom).toMatch(savepointOf('pausing'));
  expect(resumed.status?.attempt?.restoreFrom).toBe(suspended.status?.lastSavepoint?.path);
}, 500_000);

test('too little memory is told with the arithmetic before anything is started', async () => {
  await jobs.apply('small', stream(numbers(10, 1, 1), { jobManager: { resources: { limits: { memory: '512Mi' } } } }));
  const job = await jobs.until('small', 'is Stalled', (one) => condition(one, 'Stalled')?.status === 'True');
  expect(condition(job, 'Stalled')?.message).toMatch(/jobManager.resources.limits.memory is 512Mi.*raise it to 704Mi/);
  expect(await jobs.pods('small')).toEqual([]);
}, 60_000);

test('no state goes from one engine to the other: the job says so and is not started', async () => {
  await jobs.until('pausing', 'runs', ({ status }) => status?.state === 'Running', 180);
  await jobs.apply('pausing', stream(numbers(1_000_000, 50, 1), { suspend: true }));
  await jobs.until('pausing', 'is suspended', ({ status }) => status?.state === 'Suspended');
  const print = "CREATE TABLE seen (n INT) WITH ('connector' = 'print'); INSERT INTO seen SELECT 1;";
  const embedded = stream(print, { engine: { type: 'Embedded' } });
  await jobs.apply('pausing', embedded);
  const told = await jobs.until('pausing', 'says why', (job) => condition(job, 'Failed')?.reason === 'EngineChanged');
  expect(condition(told, 'Failed')?.message).toMatch(/from Flink to Embedded.*set engine.type back to Flink/);
  expect(await jobs.pods('pausing')).toEqual([]);
  await jobs.apply('pausing', stream(numbers(1_000_000, 50, 1)));
  const back = await jobs.until('pausing', 'runs again', ({ status }) => status?.attempt?.healthy === true, 180);
  expect(back.status?.attempt?.restoreFrom).toMatch(savepointOf('pausing'));
  expect(back.status?.attempt?.restoreFrom).toBe(told.status?.lastSavepoint?.path);
}, 500_000);

test('its engine is refused without a version', async () => {
  const { version: _, ...without } = engine;
  await expect(jobs.apply('none', stream(numbers(10, 1, 1), { engine: without }))).rejects.toThrow(/add version/);
});
