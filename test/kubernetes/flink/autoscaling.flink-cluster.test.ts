// Streams on Apache Flink that take another size while they run, in real pods: by kubectl scale, and by the load that a TaskManager cannot handle.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { until } from '../../harness/until.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { has, untilEvent } from '../flowjobs/streams.ts';
import { numbers, seen, stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

const scale = async (job: string, replicas: number): Promise<unknown> =>
  kubectl.run('scale', 'flowjob', job, '-n', NAMESPACE, `--replicas=${replicas}`);

const taskManagers = async (job: string): Promise<string[]> =>
  (await jobs.pods(job))
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.includes('-taskmanager-'))
    .sort();

const ROWS = 9_000;

test('kubectl scale takes a stream up and down in place: one attempt, no savepoint, and each row once', async () => {
  await jobs.apply('sized', stream(numbers(ROWS, 100, 1)));
  const first = await jobs.until('sized', 'runs', has(1), 180);
  await scale('sized', 2);
  const up = await jobs.until('sized', 'has two TaskManagers', has(2));
  expect(up.status?.attempt).toMatchObject({ epoch: 1, jobId: first.status!.attempt!.jobId });
  expect(await taskManagers('sized')).toEqual(['sized-1-taskmanager-0', 'sized-1-taskmanager-1']);

  await scale('sized', 1);
  const down = await jobs.until('sized', 'has one', has(1));
  expect(down.status?.attempt).toMatchObject({ epoch: 1, taskManagers: [expect.any(Number)] });
  await until('the other is gone', async () => (await taskManagers('sized')).length === 1, { seconds: 60 });
  expect(await taskManagers('sized')).toEqual([`sized-1-taskmanager-${down.status!.attempt!.taskManagers![0]}`]);
  await untilEvent('sized', NAMESPACE, 'Rescaled', /parallelism 1 on 1 TaskManager/);

  const done = await jobs.until('sized', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  expect(done.status).toMatchObject({ attempt: { epoch: 1 } });
  expect(done.status?.lastSavepoint).toBeUndefined();
  const rows = await seen(jobs, 'sized');
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      ROWS,
    ),
  ).toEqual(AS_EXPECTED);
}, 600_000);

/** The work stands behind an exchange, in a vertex of its own: sources of Flink's older kind do not tell how busy they are. */
const heavy = (perSecond: number): string => `
CREATE TABLE numbers (n BIGINT, came AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '${perSecond}');
CREATE TABLE seen (n BIGINT, chars INT) WITH ('connector' = 'blackhole');
INSERT INTO seen SELECT n, CHAR_LENGTH(REGEXP_REPLACE(REPEAT(CAST(n AS STRING), 5000), '1', '22'))
FROM (SELECT n, ROW_NUMBER() OVER (PARTITION BY n ORDER BY came) AS r FROM numbers) WHERE r = 1;`;

/** Two of them that are busy all the time take a core. */
const half = { slots: 1, resources: { limits: { memory: '1Gi', cpu: '500m' }, requests: { cpu: '10m' } } };

test('a load that one TaskManager cannot handle brings another, in place', async () => {
  const autoscaling = { enabled: true, maxParallelism: 2, targetUtilization: 0.5 };
  await jobs.apply('loaded', stream(heavy(1_000), { taskManager: half, autoscaling }));
  await jobs.until('loaded', 'runs', has(1), 240);
  const up = await jobs.until('loaded', 'has two TaskManagers', has(2), 300);
  expect(up.status).toMatchObject({ attempt: { epoch: 1 }, autoscaling: { parallelism: 2, applies: true } });
  expect(up.status?.lastSavepoint).toBeUndefined();
  expect(up.spec.taskManager.replicas).toBe(1);
  await untilEvent('loaded', NAMESPACE, 'Autoscaled', /^Overloaded: .* 1 → 2 TaskManagers/);
}, 700_000);
