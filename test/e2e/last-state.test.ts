// An upgrade without a savepoint, with the real engine: from the newest checkpoint of the version before, every row once.
import type { FlowJob } from '../../src/api/flowjob.ts';
import { readJsonRows } from '../demo/results.ts';
import { condition, eventually } from '../harness/cli.ts';
import { countingJob, untilNumbers } from '../harness/counting-job.ts';
import { withLocalOperator } from '../harness/local-operator.ts';

const operator = withLocalOperator('last-state');
const { cli, out } = operator;

const manifest = (v: number, suspend = false): string =>
  countingJob(operator, { v, suspend, upgrade: '{strategy: LastState}' });
const until = (what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  untilNumbers(operator, what, 60, holds);

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
