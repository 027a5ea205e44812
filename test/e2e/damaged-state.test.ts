// State that is damaged on disk, with the real engine: the operator says which file, and goes on when it is put back.
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { condition, engineProcesses, eventually } from '../harness/cli.ts';
import { withLocalOperator } from '../harness/local-operator.ts';

const { cli, home, work } = withLocalOperator('damaged');

const until = (what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  eventually(`counts ${what}`, 60, async () => {
    const job = await cli.get('counts');
    return holds(job) ? job : undefined;
  });
const running = (job: FlowJob): boolean => job.status?.state === 'Running' && condition(job, 'Ready') === 'True';
const stalled = (job: FlowJob): string | undefined =>
  job.status?.conditions.find(({ type, reason }) => type === 'Stalled' && reason === 'StateUnreadable')?.message;

/** The newest file below `folder` whose name ends so. */
function newest(folder: string, ending: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending));
  const paths = files.map((name) => join(folder, name));
  return paths.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]!;
}

/** Answers what the file was. */
function damage(file: string): Buffer {
  const whole = readFileSync(file);
  const damaged = Buffer.from(whole);
  for (let at = 0; at < damaged.length; at++) damaged[at]! ^= 1;
  writeFileSync(file, damaged);
  return whole;
}

test('state that cannot be read keeps a job from going on, is told with file, cause and remedy, and is read once it is back', async () => {
  writeFileSync(
    join(work, 'counts.yaml'),
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: counts}
spec:
  mode: Streaming
  taskManager: {replicas: 1, slots: 1}
  state: {checkpoint: {interval: 10m}}
  job:
    sql:
      inline: |
        CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '500');
        CREATE TABLE nowhere (n BIGINT, c BIGINT) WITH ('connector' = 'blackhole');
        INSERT INTO nowhere SELECT n, COUNT(*) FROM numbers GROUP BY n;
`,
  );
  await cli.must('apply', '-f', 'counts.yaml');
  await until('runs', running);

  const pages = newest(home, '.pages');
  const whole = damage(pages);
  const [jobManager] = engineProcesses(home).filter(({ role }) => role === 'jobmanager');
  process.kill(jobManager!.pid, 'SIGKILL');
  const waiting = await until('waits for its pages', (job) => stalled(job) !== undefined);
  expect(stalled(waiting)).toContain(`SAVEPOINT_CORRUPT: ${pages} cannot be restored from`);
  expect(stalled(waiting)).toContain('Hint: ');
  expect(waiting.status?.conditions.map(({ type }) => type)).toEqual(['Ready', 'Stalled']);
  expect(condition(waiting, 'Ready')).toBe('False');
  writeFileSync(pages, whole);
  await until('goes on from its pages', running);

  await cli.must('suspend', 'counts');
  const suspended = await until('is suspended', (job) => job.status?.state === 'Suspended');
  const savepoint = suspended.status!.lastSavepoint!.path;
  renameSync(savepoint, `${savepoint}.away`);
  await cli.must('resume', 'counts');
  const missing = await until('waits for its savepoint', (job) => stalled(job) !== undefined);
  expect(stalled(missing)).toContain(savepoint);
  renameSync(`${savepoint}.away`, savepoint);
  const resumed = await until('goes on from its savepoint', running);
  expect(resumed.status?.attempt?.restoreFrom).toBe(savepoint);

  expect((await cli.must('describe', 'counts')).match(/Warning +StateUnreadable/g)).toHaveLength(2);
}, 300_000);
