// The operator with Apache Flink, JVMs in the place of pods: a stream takes another size while it runs, asked for and by decision of the autoscaler.
import { systemClock } from '../../engine/clock.ts';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { Autoscaler } from '../../src/controller/autoscaling/autoscaler.ts';
import { Controller } from '../../src/controller/controller.ts';
import { LocalLearned } from '../../src/store/local/local-learned.ts';
import { LocalRevisions } from '../../src/store/local/local-revisions.ts';
import { AS_EXPECTED, deviationFromEachOnce } from '../harness/each-once.ts';
import { until } from '../harness/until.ts';
import { JvmJob } from './jvm-job.ts';

const silent = { info: () => undefined, warn: () => undefined };

let one: JvmJob;
let stop: () => Promise<void>;

beforeEach(async () => {
  one = await JvmJob.open();
  const { store, runtime, work } = one;
  const errors: unknown[] = [];
  const autoscaler = new Autoscaler({
    jobs: async () => (await store.list('FlowJob')).items,
    runtime,
    clock: systemClock,
    wake: (job) => controller.wake(job),
    record: () => undefined,
    learned: new LocalLearned(work),
    tell: (event) => store.recordEvent(event),
    onTrouble: (error) => void errors.push(error),
  });
  const controller: Controller = new Controller({
    store,
    autoscaler,
    runtime,
    revisions: new LocalRevisions(work),
    checkSql: () => null,
    now: Date.now,
    log: { ...silent, error: (fields) => void errors.push(fields) },
  });
  const abort = new AbortController();
  const running = [controller.run(abort.signal), autoscaler.run(abort.signal)];
  stop = async () => {
    abort.abort();
    await Promise.all(running);
    await autoscaler.close();
    expect(errors).toEqual([]);
  };
});

afterEach(async () => {
  await stop();
  await one.close();
});

const reaches = async (what: string, holds: (job: FlowJob) => boolean, seconds = 120): Promise<FlowJob> =>
  one.reaches(what, holds, seconds);
const has =
  (replicas: number) =>
  ({ status }: FlowJob): boolean =>
    status?.state === 'Running' && status.scaling === undefined && status.taskManager?.replicas === replicas;

const size = (replicas: number): object => ({
  taskManager: { replicas, slots: 1, resources: { limits: { memory: '1Gi' } } },
});
const taskManagers = (): number =>
  one.runtime.processes().filter(({ role, state }) => role === 'TaskManager' && state === 'Running').length;

const ROWS = 6_000;

test('a stream is scaled up and down in place: one attempt, no savepoint, and each row once', async () => {
  const sql = `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '${ROWS - 1}');
CREATE TABLE seen (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'file://${one.work}/out', 'format' = 'csv');
INSERT INTO seen SELECT n FROM numbers;`;
  await one.apply(sql);
  await reaches('runs', has(1), 180);
  await one.apply(sql, size(2));
  await reaches('has two TaskManagers', has(2));
  expect(taskManagers()).toBe(2);
  await one.apply(sql, size(1));
  await reaches('has one', has(1));
  await until('the other is gone', () => taskManagers() === 1, { seconds: 60 });
  const { status } = await reaches('has come to its end', (job) => job.status?.state === 'Finished', 240);
  expect(status).toMatchObject({ attempt: { epoch: 1 } });
  expect(status?.lastSavepoint).toBeUndefined();
  expect(deviationFromEachOnce(one.rows().map(Number), ROWS)).toEqual(AS_EXPECTED);
}, 600_000);

test('a load that one TaskManager cannot handle brings another, in place', async () => {
  const sql = `
CREATE TABLE numbers (n BIGINT, came AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '1000');
CREATE TABLE seen (n BIGINT, chars INT) WITH ('connector' = 'blackhole');
INSERT INTO seen SELECT n, CHAR_LENGTH(REGEXP_REPLACE(REPEAT(CAST(n AS STRING), 5000), '1', '22'))
FROM (SELECT n, ROW_NUMBER() OVER (PARTITION BY n ORDER BY came) AS r FROM numbers) WHERE r = 1;`;
  await one.apply(sql, { autoscaling: { enabled: true, maxParallelism: 2, targetUtilization: 0.5 } });
  await reaches('runs', has(1), 180);
  const { status, spec } = await reaches('has two TaskManagers', has(2), 240);
  expect(status).toMatchObject({ attempt: { epoch: 1 }, autoscaling: { parallelism: 2, applies: true } });
  expect(status?.autoscaling?.reason).toBe('Overloaded');
  expect(spec.taskManager.replicas).toBe(1);
}, 600_000);
