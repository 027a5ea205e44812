// FlowJobs in real pods, under the chart's own rights and in a namespace of restricted pod security: what a user sees from apply to the end.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { Jobs, killOperator, kubectl, NAMESPACE, withOperator } from './operator.ts';
import { condition } from './streams.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

const numbers = (rows: number, perSecond: number): string => `
CREATE TABLE numbers (n BIGINT, k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '${perSecond}',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '${rows - 1}', 'fields.k.min' = '0', 'fields.k.max' = '4');`;

/** Which numbers came, each once. */
const stream = (rows: number, perSecond: number, plus = 0): string => `${numbers(rows, perSecond)}
CREATE TABLE seen (n BIGINT, version INT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'csv');
INSERT INTO seen SELECT n, ${plus} FROM numbers;`;

test('a batch runs to Complete, its pods go, its status and its results stay', async () => {
  const sql = `${numbers(20_000, 1_000_000)}
CREATE TABLE counts (k INT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'csv');
INSERT INTO counts SELECT k, COUNT(*) FROM numbers GROUP BY k;`;
  await jobs.apply('batch', { mode: 'Batch', job: { sql: { inline: sql } } });
  const done = await jobs.until('batch', 'is Complete', (job) => condition(job, 'Complete')?.status === 'True');
  expect(done.status).toMatchObject({ state: 'Finished', batch: { rowsIn: 20_000, rowsOut: 5 } });
  await jobs.untilNoPods('batch');
  const rows = (await jobs.onVolume('batch', 'cat /flowjob/state/out/part-*')).trim().split('\n');
  expect(rows.reduce((sum, row) => sum + Number(row.split(',')[1]), 0)).toBe(20_000);
  expect(await kubectl.run('wait', '--for=condition=Complete', 'flowjob/batch', '-n', jobs.namespace)).toContain(
    'condition met',
  );
}, 500_000);

test('a stream is upgraded with a savepoint, loses its JobManager and its operator, and writes each row once', async () => {
  const spec = (version: number): object => ({
    mode: 'Streaming',
    state: { checkpoint: { interval: '500ms' } },
    job: { sql: { inline: stream(12_000, 400, version) } },
  });
  await jobs.apply('stream', spec(1));
  await jobs.until('stream', 'runs', ({ status }) => status?.attempt?.healthy === true);
  await jobs.apply('stream', spec(2));
  const upgraded = await jobs.until(
    'stream',
    'runs its second version',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
  );
  expect(upgraded.status?.lastSavepoint?.path).toBe(upgraded.status?.attempt?.restoreFrom);

  await kubectl.run('delete', 'pod', 'stream-2-jobmanager', '-n', jobs.namespace, '--grace-period=0', '--force');
  await killOperator();
  await jobs.until('stream', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  await jobs.untilNoPods('stream');
  const rows = (await jobs.onVolume('stream', 'cat /flowjob/state/out/part-*')).trim().split('\n');
  const seen = rows.map((row) => Number(row.split(',')[0]));
  expect(deviationFromEachOnce(seen, 12_000)).toEqual(AS_EXPECTED);
  expect(new Set(rows.map((row) => row.split(',')[1]))).toEqual(new Set(['1', '2']));
}, 700_000);

test('a job is suspended with a savepoint, has no pod, and goes on from it', async () => {
  const spec = (suspend: boolean): object => ({
    mode: 'Streaming',
    suspend,
    state: { checkpoint: { interval: '500ms' } },
    job: { sql: { inline: stream(1_000_000, 200) } },
  });
  await jobs.apply('pausing', spec(false));
  await jobs.until('pausing', 'runs', ({ status }) => status?.attempt?.healthy === true);
  await jobs.apply('pausing', spec(true));
  const suspended = await jobs.until('pausing', 'is suspended', ({ status }) => status?.state === 'Suspended');
  expect(condition(suspended, 'Suspended')?.status).toBe('True');
  await jobs.untilNoPods('pausing');
  await jobs.apply('pausing', spec(false));
  const resumed = await jobs.until(
    'pausing',
    'runs again',
    ({ status }) => status?.state === 'Running' && status.attempt?.healthy === true,
  );
  expect(resumed.status?.attempt?.restoreFrom).toBe(suspended.status?.lastSavepoint?.path);
}, 500_000);

test('bad SQL is told in a condition with line and column, and no pod is made', async () => {
  await jobs.apply('typo', { mode: 'Streaming', job: { sql: { inline: 'INSERT INTO nowhere\nSELEC 1;' } } });
  const job = await jobs.until('typo', 'is Stalled', (one) => condition(one, 'Stalled')?.status === 'True');
  expect(condition(job, 'Stalled')?.message).toMatch(/line 2, column 1/);
  expect(await jobs.pods('typo')).toEqual([]);
});

test('an image that is not there is told with the remedy, and the job runs when it was corrected', async () => {
  const spec = (engine: object): object => ({
    mode: 'Streaming',
    engine,
    job: { sql: { inline: stream(1_000_000, 200) } },
  });
  await jobs.apply('image', spec({ image: 'flowjob:no-such-tag' }));
  const waiting = await jobs.until('image', 'says why', (job) => condition(job, 'Ready')?.reason === 'PodNotStarting');
  expect(condition(waiting, 'Ready')?.message).toMatch(/no-such-tag.*correct spec\.engine\.image/s);
  await jobs.apply('image', spec({}));
  await jobs.until('image', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
}, 500_000);
