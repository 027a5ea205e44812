// Jobs from jars on Apache Flink in real pods: Flink's own example TopSpeedWindowing, fetched from a server in the cluster.
import { ensureExample } from '../../flink/distribution.ts';
import { Jobs, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { savepointOf, stream } from './flink-jobs.ts';
import { serveJar, type ServedJar } from './jar-server.ts';

const jobs = new Jobs(NAMESPACE);
let served: ServedJar;

withOperator(jobs);

beforeAll(async () => {
  served = await serveJar(await ensureExample(console.log), jobs.namespace);
}, 300_000);

const fromJar = (jar: object, more: object = {}): object =>
  stream('', { job: { jar: { ...served, ...jar }, parallelism: 1 }, ...more });

test('a stream from a jar that is fetched runs, and its next version goes on from its savepoint', async () => {
  await jobs.apply('speed', fromJar({}));
  await jobs.until('speed', 'runs', ({ status }) => status?.attempt?.healthy === true, 240);
  await jobs.apply('speed', fromJar({ args: ['--execution-mode', 'STREAMING'] }));
  const upgraded = await jobs.until(
    'speed',
    'runs its second version',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
    240,
  );
  expect(upgraded.status?.attempt?.restoreFrom).toMatch(savepointOf('speed'));
  expect(upgraded.status?.attempt?.restoreFrom).toBe(upgraded.status?.lastSavepoint?.path);

  const sql = { job: { sql: { inline: 'INSERT INTO a SELECT 1' } } };
  await expect(jobs.apply('speed', stream('', sql))).rejects.toThrow(/must not change between sql and jar/);

  await jobs.apply('speed', fromJar({ args: ['--execution-mode', 'NEITHER'] }));
  const back = await jobs.until(
    'speed',
    'runs its second version again',
    (job) => job.status?.state === 'Running' && condition(job, 'Stalled')?.reason === 'RolledBack',
    240,
  );
  expect(condition(back, 'Stalled')?.message).toMatch(/No enum constant .*RuntimeExecutionMode\.NEITHER/);
}, 800_000);

test('a batch whose jar is another, or lacks the class, says so and fails after its last try', async () => {
  const batch = { mode: 'Batch', state: {}, batch: { backoffLimit: 0 } };
  const wrong = '0'.repeat(64);
  await jobs.apply('wrong', fromJar({ sha256: wrong }, batch));
  await jobs.apply('classless', fromJar({ entryClass: 'com.example.Nobody' }, batch));
  const other = await jobs.until('wrong', 'has failed', ({ status }) => status?.state === 'Failed', 180);
  expect(condition(other, 'Failed')?.message).toContain(`its SHA-256 is ${served.sha256}, not ${wrong} -> write that`);
  const classless = await jobs.until('classless', 'has failed', ({ status }) => status?.state === 'Failed', 180);
  expect(condition(classless, 'Failed')?.message).toMatch(
    /'com\.example\.Nobody' was not found in the jar file -> correct spec\.job\.jar\.entryClass/,
  );
}, 400_000);
