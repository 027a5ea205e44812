// A stream that is scaled up and down while it runs, by the operator and the real engine: one attempt, TaskManagers that come and go, and output as if
// nothing had happened.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { condition, eventually } from '../harness/cli.ts';
import { withLocalOperator } from '../harness/local-operator.ts';
import { has, taskManagers } from '../harness/size.ts';

const ROWS = 900_000;
const PER_SECOND = 20_000;
const KEYS = 37;
const WINDOW_MS = 10_000;

const { cli, home, out, work } = withLocalOperator('scale');

/** Row n has the time n milliseconds. */
async function apply(replicas: number): Promise<void> {
  const file = join(work, 'windows.yaml');
  writeFileSync(
    file,
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: windows}
spec:
  mode: Streaming
  taskManager: {replicas: ${replicas}, slots: 1}
  state: {checkpoint: {interval: 300ms}}
  job:
    sql:
      inline: |
        CREATE TABLE numbers (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts)
          WITH ('connector' = 'datagen', 'rows-per-second' = '${PER_SECOND}', 'fields.id.kind' = 'sequence',
            'fields.id.start' = '0', 'fields.id.end' = '${ROWS - 1}');
        CREATE TABLE totals (k BIGINT, window_end BIGINT, n BIGINT, total BIGINT)
          WITH ('connector' = 'filesystem', 'path' = '${out}', 'format' = 'csv');
        INSERT INTO totals SELECT k, MAX(id) / ${WINDOW_MS}, COUNT(*), SUM(id)
          FROM TABLE(TUMBLE(TABLE (SELECT id, id % ${KEYS} AS k, ts FROM numbers), DESCRIPTOR(ts), INTERVAL '10' SECOND))
          GROUP BY k, window_start, window_end;
`,
  );
  await cli.must('apply', '-f', file);
}

/** Reckoned here. */
function expected(): string[] {
  const groups = new Map<string, { n: number; total: number }>();
  for (let id = 0; id < ROWS; id++) {
    const key = `${id % KEYS},${Math.floor(id / WINDOW_MS)}`;
    const { n, total } = groups.get(key) ?? { n: 0, total: 0 };
    groups.set(key, { n: n + 1, total: total + id });
  }
  return [...groups].map(([key, { n, total }]) => `${key},${n},${total}`).sort();
}

const written = (): string[] =>
  readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|\/)[^._][^/]*$/.test(file))
    .flatMap((file) => {
      try {
        return readFileSync(join(out, file), 'utf8').split('\n');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EISDIR') return [];
        throw error;
      }
    })
    .filter((line) => line !== '')
    .sort();

const seen: string[] = [];

const until = (what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  eventually(`windows ${what}`, 60, async () => {
    const job = await cli.get('windows');
    seen.push(`${job.status?.state} ${condition(job, 'Ready')}`);
    return holds(job) && job.status?.observedGeneration === job.metadata.generation ? job : undefined;
  });

const isReady = ({ status }: FlowJob): boolean =>
  status?.conditions.some(({ type, reason }) => type === 'Ready' && reason === 'Running') === true;

test('a stream is scaled up and down in place: one attempt, Ready all the while, no savepoint, and each row exactly once', async () => {
  await apply(1);
  const first = await until('runs', (job) => has(1)(job) && isReady(job));
  seen.length = 0;
  for (const replicas of [3, 1, 2]) {
    await apply(replicas);
    const job = await until(`has ${replicas} TaskManagers`, (job) => has(replicas)(job) && isReady(job));
    expect(job.status?.attempt).toMatchObject({ epoch: 1, jobId: first.status!.attempt!.jobId });
    expect(job.status?.accepted?.spec).toMatchObject({ taskManager: { replicas }, job: { parallelism: replicas } });
    expect(taskManagers(home, 'windows')).toBe(replicas);
  }
  expect(new Set(seen)).toEqual(new Set(['Running True']));
  const events = await cli.must('describe', 'windows');
  expect(events.match(/Rescaled/g)?.length).toBeGreaterThanOrEqual(1);
  const end = await until('comes to its end', (job) => condition(job, 'Complete') === 'True');
  expect(end.status?.attempt).toMatchObject({ epoch: 1 });
  expect(end.status?.lastSavepoint).toBeUndefined();
  expect(written()).toEqual(expected());
}, 180_000);
