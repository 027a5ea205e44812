// FlowJobs on Apache Flink that tests run in pods: numbers that come once each, into files that Flink makes visible with its checkpoints.
import { kubectl, type Jobs } from '../flowjobs/operator.ts';
import { FLINK_IMAGE } from '../flink-image.ts';

/** Small, as several stand on one node of two cores. */
export const engine = { type: 'Flink', version: '2.3', image: FLINK_IMAGE };

const OUT = '/flowjob/state/out';

/** Counts up to `rows`, with `version` beside each number, into the folder `out`. */
export const numbers = (rows: number, perSecond: number, version: number, out = OUT): string => `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '${perSecond}',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '${rows - 1}');
CREATE TABLE seen (n BIGINT, version INT) WITH ('connector' = 'filesystem', 'path' = '${out}', 'format' = 'csv',
  'sink.rolling-policy.rollover-interval' = '1 s', 'sink.rolling-policy.check-interval' = '500 ms');
INSERT INTO seen SELECT n, ${version} FROM numbers;`;

/** The same as a batch: Flink takes a sequence for endless where the number of its rows is not said as well. */
export const bounded = (rows: number): string =>
  numbers(rows, 1_000_000, 1).replace("'rows-per-second'", `'number-of-rows' = '${rows}', 'rows-per-second'`);

export const stream = (sql: string, more: object = {}): object => ({
  mode: 'Streaming',
  engine,
  state: { checkpoint: { interval: '1s' } },
  job: { sql: { inline: sql } },
  taskManager: { slots: 1, resources: { limits: { memory: '1Gi' } } },
  ...more,
});

/** Waits until the attempt has proven itself. */
export const healthyIn = (jobs: Jobs, name: string, epoch: number, seconds = 240): ReturnType<Jobs['get']> =>
  jobs.until(
    name,
    `runs in attempt ${epoch}`,
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === epoch,
    seconds,
  );

/** Of where an attempt has started from: a savepoint of the job itself. */
export const savepointOf = (job: string): RegExp =>
  new RegExp(`^/flowjob/state/${job}/flink/savepoints/\\w+/savepoint-`);

export interface Seen {
  n: number;
  version: number;
}

/** What is visible of the output: files whose names begin with a dot are not complete. */
export async function seen(jobs: Jobs, name: string): Promise<Seen[]> {
  return seenIn(await jobs.onVolume(name, `cat ${OUT}/part-* 2>/dev/null || true`));
}

/** Of the text of its files. */
export function seenIn(text: string): Seen[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(',').map(Number))
    .map(([n, version]) => ({ n: n!, version: version! }));
}

/** The number of the checkpoint that an attempt of a job that is highly available has found as its own and gone on from, by the log of its JobManager. */
export async function foundCheckpoint(jobs: Jobs, name: string, epoch: number): Promise<string> {
  const log = await kubectl.run('logs', `${name}-${epoch}-jobmanager`, '-n', jobs.namespace);
  expect(log).toMatch(/Found [1-9]\d* checkpoints in KubernetesStateHandleStore/);
  return /Restoring job \w+ from Checkpoint (\d+)/.exec(log)?.[1] ?? 'none';
}
