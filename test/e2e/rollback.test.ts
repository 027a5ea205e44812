// Upgrades that come to nothing, with the real engine: the version before goes on from the state that it had left, every row once.
import type { FlowJob } from '../../src/api/flowjob.ts';
import { readJsonRows } from '../demo/results.ts';
import { condition, eventually } from '../harness/cli.ts';
import { countingJob, untilNumbers, type Version } from '../harness/counting-job.ts';
import { withLocalOperator } from '../harness/local-operator.ts';

const operator = withLocalOperator('rollback');
const { cli, out, work } = operator;

const manifest = ({ deadline = '5m', ...version }: Omit<Version, 'upgrade'> & { deadline?: string }): string =>
  countingJob(operator, { ...version, upgrade: `{rollback: {deadline: ${deadline}}}` });

const secretive = `CREATE TABLE lines (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '${work}/in', 'format' = 'csv',
          'csv.null-literal' = '\${secret:nobody:nothing}');
        CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
        INSERT INTO nowhere SELECT n FROM lines;`;

const until = (what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  untilNumbers(operator, what, 90, holds);
const isRolledBack = ({ status }: FlowJob): boolean =>
  status?.state === 'Running' && status.conditions.some((x) => x.type === 'Stalled' && x.reason === 'RolledBack');
const message = (job: FlowJob): string | undefined => job.status?.conditions.find((x) => x.type === 'Ready')?.message;
const rowsOf = (v: number): number => readJsonRows(out).filter((row) => row['v'] === v).length;

test('versions that do not fit their state, or come to no checkpoint, are rolled back; a sound one takes over; every row once', async () => {
  await cli.must('apply', '-f', manifest({ v: 1 }));
  await until('runs', (job) => condition(job, 'Ready') === 'True');
  await eventually('rows are there', 60, () => rowsOf(1) > 0);

  await cli.must('apply', '-f', manifest({ v: 2, source: 'others' }));
  const first = await until('is rolled back', isRolledBack);
  expect(message(first)).toMatch(
    /^The version of generation 2 was given up, and the one of generation 1 is run.*STATE_NOT_RESTORED/s,
  );
  expect(condition(first, 'Ready')).toBe('False');
  expect(first.status?.attempt).toMatchObject({ epoch: 3, restoreFrom: first.status?.lastSavepoint?.path });
  const waited = await cli.run('wait', 'flowjob/numbers', '--for', 'condition=Ready', '--timeout', '60s');
  expect(waited.code).not.toBe(0);
  expect(waited.stderr).toContain('it was rolled back: The version of generation 2');
  expect(await cli.must('describe', 'numbers')).toMatch(/Warning +RollingBack .*\n.*Normal +RolledBack /);
  const before = rowsOf(1);
  await eventually('the version before writes on', 60, () => rowsOf(1) > before);

  // It waits for a secret that nobody has.
  await cli.must('apply', '-f', manifest({ v: 3, more: secretive, deadline: '10s' }));
  const second = await until('is rolled back again', (job) => isRolledBack(job) && job.metadata.generation === 3);
  expect(message(second)).toMatch(
    /^The version of generation 3 .*\(10s\): .*its SQL text refers to key "nothing" of Secret "nobody"/s,
  );

  await cli.must('apply', '-f', manifest({ v: 4 }));
  const good = await until('runs its sound version', (job) => condition(job, 'Ready') === 'True');
  expect(good.status?.rolledBack).toBeUndefined();
  await eventually('its rows are there', 60, () => rowsOf(4) > 0);
  await cli.must('apply', '-f', manifest({ v: 4, suspend: true }));
  await until('is suspended', (job) => job.status?.state === 'Suspended');

  const rows = readJsonRows(out);
  const written = rows.map((row) => Number(row['n'])).sort((a, b) => a - b);
  expect(written).toEqual(Array.from(written, (_, index) => index + 1));
  expect([...new Set(rows.map((row) => Number(row['v'])))].sort()).toEqual([1, 4]);
}, 400_000);
