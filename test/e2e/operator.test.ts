// The operator, its command line and the real engine together: one FlowJob through its life, and nothing left behind.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { readJsonRows } from '../demo/results.ts';
import { condition, engineProcesses, eventually } from '../harness/cli.ts';
import { withLocalOperator } from '../harness/local-operator.ts';

const { cli, home, out, work } = withLocalOperator('operator');

function manifest(name: string, mode: 'Streaming' | 'Batch', expression: string): string {
  const file = join(work, `${name}.yaml`);
  const bound = mode === 'Batch' ? `'number-of-rows' = '1000'` : `'rows-per-second' = '500'`;
  writeFileSync(
    file,
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: ${name}}
spec:
  mode: ${mode}
  taskManager: {replicas: 1, slots: 1}
  ${mode === 'Streaming' ? 'state: {checkpoint: {interval: 200ms}}' : ''}
  job:
    sql:
      inline: |
        CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence',
          'fields.n.start' = '1', 'fields.n.end' = '${mode === 'Batch' ? 1000 : 1_000_000}', ${bound});
        CREATE TABLE kept (n BIGINT, v BIGINT) WITH ('connector' = 'filesystem', 'path' = '${join(out, name)}', 'format' = 'json');
        INSERT INTO kept SELECT n, ${expression} FROM numbers;
`,
  );
  return file;
}

const until = (name: string, what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  eventually(`${name} ${what}`, 40, async () => {
    const job = await cli.get(name);
    return holds(job) && job.status?.observedGeneration === job.metadata.generation ? job : undefined;
  });

const running = (job: FlowJob): boolean => job.status?.state === 'Running' && condition(job, 'Ready') === 'True';

test('a stream is upgraded, suspended, resumed, taken down and up, and deleted, and each number is written exactly once', async () => {
  await cli.must('apply', '-f', manifest('numbers', 'Streaming', '1'));
  await until('numbers', 'runs', running);
  await cli.must('apply', '-f', manifest('numbers', 'Streaming', '2'));
  const upgraded = await until('numbers', 'runs in its new version', running);
  expect(upgraded.status?.attempt?.restoreFrom).toBe(upgraded.status?.lastSavepoint?.path);

  await cli.must('suspend', 'numbers');
  const suspended = await until('numbers', 'is suspended', (job) => job.status?.state === 'Suspended');
  expect(condition(suspended, 'Suspended')).toBe('True');
  expect(engineProcesses(home).map((process) => process.role)).toEqual(['operator']);

  await cli.must('resume', 'numbers');
  await until('numbers', 'runs again', running);
  await cli.must('local', 'down');
  expect(engineProcesses(home)).toEqual([]);
  await cli.must('local', 'up');
  await until('numbers', 'goes on after up', running);

  const path = (await cli.get('numbers')).status!.lastSavepoint!.path;
  await cli.must('delete', 'numbers');
  await eventually('no process is left', 20, () => engineProcesses(home).length === 1);
  expect(existsSync(path)).toBe(true);

  const rows = readJsonRows(join(out, 'numbers'));
  const written = rows.map((row) => Number(row['n'])).sort((a, b) => a - b);
  expect(written).toEqual(Array.from(written, (_, index) => index + 1));
  expect(new Set(rows.map((row) => row['v']))).toEqual(new Set([1, 2]));
}, 180_000);

test('a stream whose TaskManager dies in the moment in which it is to be suspended is given another, and stopped with a savepoint', async () => {
  await cli.must('apply', '-f', manifest('bereft', 'Streaming', '1'));
  await until('bereft', 'runs', running);
  const [operator, taskManager] = ['operator', 'taskmanager'].map(
    (role) => engineProcesses(home).find((process) => process.role === role)!.pid,
  );
  // It learns of both at once.
  process.kill(operator!, 'SIGSTOP');
  await cli.must('suspend', 'bereft');
  process.kill(taskManager!, 'SIGKILL');
  process.kill(operator!, 'SIGCONT');
  const { status } = await until('bereft', 'is suspended', (job) => job.status?.state === 'Suspended');
  expect(status?.attempt).toMatchObject({ epoch: 1, ended: 'Stopped' });
  expect(status?.lastSavepoint?.jobId).toBe(status?.attempt?.jobId);
  const written = readJsonRows(join(out, 'bereft')).map((row) => Number(row['n']));
  expect(written.sort((a, b) => a - b)).toEqual(Array.from(written, (_, index) => index + 1));
  await cli.must('delete', 'bereft');
}, 120_000);

test('a stream that was deleted with a savepoint waits when it is applied again, goes on from it as asked, and writes each number exactly once', async () => {
  const file = manifest('again', 'Streaming', '1');
  await cli.must('apply', '-f', file);
  await until('again', 'runs', running);
  await cli.must('delete', 'again');
  await cli.must('apply', '-f', file);
  const waiting = await until('again', 'is stalled', (job) => condition(job, 'Stalled') === 'True');
  expect(waiting.status?.conditions.find(({ type }) => type === 'Stalled')).toMatchObject({ reason: 'StateFound' });
  expect(engineProcesses(home).map((process) => process.role)).toEqual(['operator']);

  const asked = readFileSync(file, 'utf8').replace('interval: 200ms}', 'interval: 200ms}, restore: {policy: Newest}');
  writeFileSync(file, asked);
  await cli.must('apply', '-f', file);
  const restored = await until('again', 'runs again', running);
  expect(restored.status?.restored).toMatchObject({ origin: 'Newest', complete: true });

  // The same state under another name: from the path that the first job has left.
  const path = restored.status!.restored!.path!;
  await cli.must('delete', 'again');
  const moved = manifest('moved', 'Streaming', '1');
  const from = `interval: 200ms}, restore: {uri: "file://${path}"}`;
  writeFileSync(moved, readFileSync(moved, 'utf8').replace('interval: 200ms}', from));
  await cli.must('apply', '-f', moved);
  await until('moved', 'runs', running);
  await cli.must('delete', 'moved');
  await eventually('no process is left', 20, () => engineProcesses(home).length === 1);

  const written = numbersIn('again');
  expect(written).toEqual(Array.from(written, (_, index) => index + 1));
  const others = numbersIn('moved');
  // It has gone on behind what the savepoint had read.
  expect(others[0]).toBeGreaterThan(1);
  expect(others).toEqual(Array.from(others, (_, index) => others[0]! + index));
}, 180_000);

const numbersIn = (name: string): number[] =>
  readJsonRows(join(out, name))
    .map((row) => Number(row['n']))
    .sort((a, b) => a - b);

test('a batch job completes with a summary, leaves no process, and writes nothing more when its SQL is edited', async () => {
  await cli.must('apply', '-f', manifest('thousand', 'Batch', 'n * 2'));
  const job = await until('thousand', 'is complete', (found) => condition(found, 'Complete') === 'True');
  expect(job.status?.batch).toMatchObject({ rowsIn: 1000, rowsOut: 1000, attempts: 1 });
  await eventually('no process is left', 20, () => engineProcesses(home).length === 1);
  expect(readJsonRows(join(out, 'thousand'))).toHaveLength(1000);

  await cli.must('apply', '-f', manifest('thousand', 'Batch', 'n * 3'));
  const edited = await until('thousand', 'says so', ({ status }) =>
    status!.conditions.some(({ message }) => message.includes('raise spec.restartNonce')),
  );
  expect(condition(edited, 'Complete')).toBe('True');
  expect(edited.status?.attempt).toEqual(job.status?.attempt);
  expect(readJsonRows(join(out, 'thousand'))).toHaveLength(1000);
}, 90_000);

test('SQL that cannot be planned is refused at apply, with its line and column', async () => {
  const file = manifest('wrong', 'Batch', 'no_such_column');
  const { code, stderr } = await cli.run('apply', '-f', file);
  expect(code).toBe(1);
  expect(stderr).toContain('no_such_column');
  expect(stderr).toMatch(/line \d+/);
}, 30_000);
