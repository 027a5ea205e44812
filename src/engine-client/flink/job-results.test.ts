// Results as Flink, 2.3 where nothing else is said, has written them, in a temporary folder.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readResult } from './job-results.ts';
import { volumeFiles } from './state-files/volume.ts';
import { viewStateFolder } from './state-folder.ts';

const fixtures = resolve(__dirname, '../../../test/fixtures');
const jobId = 'a'.repeat(32);
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowjob-flink-results-'));
  mkdirSync(join(root, 'ha/results', jobId), { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true }));

const entry = (status: string, more: object = {}): string =>
  JSON.stringify({
    result: {
      id: jobId,
      name: 'f',
      'application-status': status,
      'accumulator-results': {},
      'net-runtime': 10058,
      'application-id': '00000000000000000000000000000000',
      'start-time': 1795958141781,
      'end-time': 1795958151839,
      ...more,
    },
    version: 1,
  });

function write(text: string, file = `${jobId}.json`): string {
  const path = join(root, 'ha/results', jobId, file);
  writeFileSync(path, text);
  return path;
}

test.each([`${jobId}.json`, `${jobId}_DIRTY.json`])('a run that has finished is known to be, from %s', async (file) => {
  write(entry('SUCCEEDED'), file);
  const { result } = await viewStateFolder(volumeFiles, root, { jobId });
  const times = { startTime: 1795958141781, endTime: 1795958151839 };
  expect(result).toEqual({ state: 'FINISHED', failure: null, savepointPath: null, ...times });
});

test('one that was stopped with a savepoint has ended with it', async () => {
  write(entry('SUCCEEDED'));
  const savepoint = join(root, 'savepoints', 'b'.repeat(32), 'savepoint-aaaaaa-0577e6c7cc94');
  mkdirSync(savepoint, { recursive: true });
  const header = Buffer.alloc(24);
  header.writeUInt32BE(0x4960672d, 0);
  header.writeInt32BE(6, 4);
  writeFileSync(join(savepoint, '_metadata'), header);
  const { result } = await viewStateFolder(volumeFiles, root, { jobId, stopTriggerId: 'b'.repeat(32) });
  expect(result?.savepointPath).toBe(savepoint);
});

test('why it failed is told by its root', async () => {
  const trace =
    'org.apache.flink.runtime.client.JobExecutionException: Job execution failed.\n\tat a.B.c(B.java:1)\nCaused by: java.lang.ArithmeticException: / by zero\n\tat a.D.e(D.java:2)\n';
  write(entry('FAILED', { 'failure-cause': { class: 'x', 'stack-trace': trace, 'serialized-throwable': '' } }));
  expect(await readResult(volumeFiles, root, jobId)).toMatchObject({
    state: 'FAILED',
    failure: 'ArithmeticException: / by zero',
  });
  const long = `java.lang.Error: ${'x'.repeat(5000)}\n\tat a.B.c(B.java:1)\n`;
  write(entry('FAILED', { 'failure-cause': { class: 'x', 'stack-trace': long } }));
  expect((await readResult(volumeFiles, root, jobId))?.failure).toHaveLength(1000);
});

test('a version that writes no times tells how long it ran, and the file when it ended', async () => {
  const path = write(entry('CANCELED', { 'start-time': undefined, 'end-time': undefined }));
  utimesSync(path, 1000, 1000);
  expect(await readResult(volumeFiles, root, jobId)).toEqual({
    ...{ state: 'CANCELED', failure: null },
    ...{ startTime: 1_000_000 - 10058, endTime: 1_000_000 },
  });
});

test.each([
  ['1.20', 3, 4, /For input string/],
  ['2.1', 3, 4, /no number/],
  ['2.2', 3, 4, /no number/],
])('what Flink %s has written is read', async (version, finished, failed, cause) => {
  const read = async (id: number, file: string): Promise<unknown> => {
    const run = String(id).padStart(32, '0');
    mkdirSync(join(root, 'ha/results', run));
    copyFileSync(join(fixtures, `flink-${version}`, file), join(root, 'ha/results', run, `${run}.json`));
    return readResult(volumeFiles, root, run);
  };
  expect(await read(finished, 'result_finished.json')).toMatchObject({ state: 'FINISHED', failure: null });
  const failure = expect.stringMatching(cause) as string;
  expect(await read(failed, 'result_failed.json')).toMatchObject({ state: 'FAILED', failure });
});

test('a run that has none has not ended, nor has one that was left in no known state; another’s result is not its own', async () => {
  expect(await readResult(volumeFiles, root, jobId)).toBeNull();
  write(entry('SUCCEEDED'), `${'c'.repeat(32)}.json`);
  expect(await readResult(volumeFiles, root, jobId)).toBeNull();
  write(entry('UNKNOWN'));
  expect(await readResult(volumeFiles, root, jobId)).toBeNull();
});

test('a result that was cut off is told: a run that is over is not run again for that', async () => {
  write(entry('SUCCEEDED').slice(0, 20));
  await expect(viewStateFolder(volumeFiles, root, { jobId })).rejects.toThrow(/cannot be read.*Remove the file/);
});
