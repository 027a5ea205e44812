// The operator with a program in Python on Apache Flink, JVMs in the place of pods: as docs/how-to/run-on-flink.md says to write it.
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { PYTHON_DRIVER } from '../../src/engine-client/flink/python.ts';
import { AS_EXPECTED, deviationFromEachOnce } from '../harness/each-once.ts';
import { InVain, until } from '../harness/until.ts';
import { JvmJob } from './jvm-job.ts';
import { startOperator } from './jvm-operator.ts';
import { ensurePyFlink } from './pyflink.ts';
import { FLINK_VERSION } from './releases.ts';
import { messageOf, runs } from './told.ts';

let one: JvmJob;
let python: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  python = await ensurePyFlink(console.log);
}, 900_000);

beforeEach(async () => {
  one = await JvmJob.open();
  for (const folder of ['in', 'out']) mkdirSync(join(one.work, folder));
  copyFileSync(resolve(__dirname, 'orders.py'), script());
  stop = startOperator(one);
});

afterEach(async () => {
  await stop();
  await one.close();
});

const script = (): string => join(one.work, 'orders.py');

function addFile(name: string, numbers: readonly number[]): void {
  const hidden = join(one.work, 'in', `.${name}`);
  writeFileSync(hidden, `${numbers.join('\n')}\n`);
  renameSync(hidden, join(one.work, 'in', `${name}.csv`));
}

async function apply(version: string, more: object, ...options: string[]): Promise<void> {
  const uri = `local:///opt/flink/opt/flink-python-${FLINK_VERSION}.jar`;
  const folders = ['--input', `file://${one.work}/in`, '--output', `file://${one.work}/out`];
  const program = ['-pyclientexec', python, '-pyexec', python, '-py', script()];
  const args = [...program, ...folders, '--version', version, ...options];
  await one.apply('', { job: { jar: { uri, entryClass: PYTHON_DRIVER, args }, parallelism: 1 }, ...more });
}

const reaches = async (what: string, holds: (job: FlowJob) => boolean, ends = false): Promise<FlowJob> =>
  one.reaches(
    what,
    (job) => {
      if (holds(job)) return true;
      if (!ends && job.status?.state === 'Failed') throw new InVain(JSON.stringify(job.status.conditions));
      return false;
    },
    300,
  );

/** Number, its root, the version that wrote it. */
const seen = (): number[][] => one.rows().map((row) => row.split(',').map(Number));
async function eachOnce(rows: number): Promise<void> {
  await until('all rows are there', () => seen().length >= rows, { seconds: 180, every: 200 });
  const numbers = seen().map(([n]) => n!);
  expect(deviationFromEachOnce(numbers, rows)).toEqual(AS_EXPECTED);
  expect(seen().filter(([n, root]) => root !== Math.floor(Math.sqrt(n!)))).toEqual([]);
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

test('a stream in Python goes on from its savepoint in its next version, each row once; of the one after that, which fails, the error of Python is told', async () => {
  addFile('a', numbers(0, 100));
  await apply('1', {}, '--follow');
  await reaches('runs', runs(1));
  await eachOnce(100);

  await apply('2', {}, '--follow');
  const { status } = await reaches('runs its second version', runs(2));
  expect(status?.attempt?.restoreFrom).toBe(status?.lastSavepoint?.path);
  addFile('b', numbers(100, 200));
  await eachOnce(200);
  expect(new Set(seen().map(([, , version]) => version))).toEqual(new Set([1, 2]));

  await apply('three', {}, '--follow');
  const back = await reaches(
    'runs its second version again',
    (job) => job.status?.state === 'Running' && messageOf(job, 'Stalled') !== undefined,
  );
  expect(messageOf(back, 'Stalled')).toMatch(
    /ValueError: invalid literal for int\(\) with base 10: 'three' \(orders\.py, line 32\)/,
  );
  await eachOnce(200);
}, 900_000);

test('a batch in Python tells why its function fails, and completes without that row', async () => {
  const batch = { mode: 'Batch', state: {}, batch: { backoffLimit: 0 } };
  addFile('a', [0, 1, -2]);
  await apply('1', {
    ...batch,
    engine: { type: 'Flink', version: '2.3', config: { 'restart-strategy.type': 'none' } },
  });
  const failed = await reaches('has failed', ({ status }) => status?.state === 'Failed', true);
  expect(messageOf(failed, 'Failed')).toMatch(
    /ValueError: isqrt\(\) argument must be nonnegative \(orders\.py, line 19\)/,
  );

  addFile('a', [0, 1, 2]);
  await apply('1', { ...batch, restartNonce: 1 });
  await reaches('has finished', ({ status }) => status?.state === 'Finished', true);
  await eachOnce(3);
}, 900_000);
