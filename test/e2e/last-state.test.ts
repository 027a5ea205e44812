// An upgrade without a savepoint, with the real engine: from the newest checkpoint of the version before, every row once.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { readJsonRows } from '../demo/results.ts';
import { condition, eventually } from '../harness/cli.ts';
import { withLocalOperator } from '../harness/local-operator.ts';

const { cli, out, work } = withLocalOperator('last-state');

function manifest(version: number, suspend = false): string {
  const file = join(work, 'numbers.yaml');
  writeFileSync(
    file,
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: numbers}
spec:
  mode: Streaming
  suspend: ${suspend}
  upgrade: {strategy: LastState}
  state: {checkpoint: {interval: 200ms}}
  taskManager: {replicas: 1, slots: 1}
  job:
    sql:
      inline: |
        CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence',
          'fields.n.start' = '1', 'fields.n.end' = '1000000', 'rows-per-second' = '500');
        CREATE TABLE kept (n BIGINT, v BIGINT) WITH ('connector' = 'filesystem', 'path' = '${out}', 'format' = 'json');
        INSERT INTO kept SELECT n, ${version} FROM numbers;
`,
  );
  return file;
}

const until = (what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  eventually(`numbers ${what}`, 60, async () => {
    const job = await cli.get('numbers');
    return holds(job) && job.status?.observedGeneration === job.metadata.generation ? job : undefined;
  });

test('three versions in a row lose and double nothing, and only the suspend takes a savepoint', async () => {
  for (const version of [1, 2, 3]) {
    await cli.must('apply', '-f', manifest(version));
    const job = await until(
      `runs its version ${version}`,
      (found) =>
        found.status?.state === 'Running' &&
        condition(found, 'Ready') === 'True' &&
        found.status.attempt?.epoch === version,
    );
    // A version may reach a checkpoint, from which the next one goes on, before its first row; then none of its rows would be there in the end.
    await eventually(`version ${version} makes rows visible`, 60, () =>
      readJsonRows(out).some((row) => row['v'] === version),
    );
    expect(job.status?.lastSavepoint).toBeUndefined();
    if (version > 1) expect(job.status?.attempt?.restoreFrom).toMatch(/\/chk-\d+$/);
  }
  await cli.must('apply', '-f', manifest(3, true));
  const suspended = await until('is suspended', (job) => job.status?.state === 'Suspended');
  expect(suspended.status?.lastSavepoint?.path).toBeDefined();
  const rows = readJsonRows(out);
  const written = rows.map((row) => Number(row['n'])).sort((a, b) => a - b);
  expect(written).toEqual(Array.from(written, (_, index) => index + 1));
  expect([...new Set(rows.map((row) => Number(row['v'])))].sort()).toEqual([1, 2, 3]);
}, 180_000);
