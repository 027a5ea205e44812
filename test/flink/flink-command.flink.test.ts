// Flink's own `flink` command on a job of the embedded engine: what it says, its exit code, and what becomes of the job.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFlink } from './distribution.ts';
import { BIDS, TOKEN, withEmbeddedJobs, type EmbeddedJob } from './embedded-job.ts';

interface Said {
  code: number;
  output: string;
}

const jobs = withEmbeddedJobs();
const work = mkdtempSync(join(tmpdir(), 'flowjob-flink-command-'));
let flinkHome: string;
let job: EmbeddedJob;
let other: EmbeddedJob;

beforeAll(async () => {
  flinkHome = await ensureFlink(console.log);
  job = jobs.start(BIDS);
  other = jobs.start(BIDS);
  await Promise.all([job.runs(), other.runs()]);
});
afterAll(() => rmSync(work, { recursive: true }));

/** `flink COMMAND -m ADDRESS REST...`. Flink takes a space behind the header's colon for a part of its value, and refuses it. */
async function flink(of: EmbeddedJob, [command, ...rest]: string[], token = TOKEN): Promise<Said> {
  const args = [command!, '-m', new URL(of.url).host, ...rest];
  const env = {
    ...process.env,
    FLINK_REST_CLIENT_HEADERS: `Authorization:Bearer ${token}`,
    FLINK_LOG_DIR: work,
    // A JVM for one call need not learn how to be fast.
    JVM_ARGS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  };
  return new Promise((said) => {
    execFile(join(flinkHome, 'bin', 'flink'), args, { env }, (error, stdout, stderr) =>
      said({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

const pathIn = ({ output }: Said): string => /Savepoint completed. Path: (\S+)/.exec(output)?.[1] ?? output;
const isMetadataThere = (savepoint: string): boolean => existsSync(join(savepoint, '_metadata'));

test('it lists the job that runs', async () => {
  const { code, output } = await flink(job, ['list']);
  expect(output).toMatch(new RegExp(`Running/Restarting Jobs -+\n.* : ${job.id} : bids per bidder \\(RUNNING\\)`));
  expect(code).toBe(0);
});

test('without the token it is told what is missing', async () => {
  const { code, output } = await flink(job, ['list'], 'another');
  expect(output).toContain('Unauthorized: send the job\'s token as "Authorization: Bearer <token>".');
  expect(code).toBe(1);
});

test('it takes a savepoint and disposes of it, and the job goes on', async () => {
  const taken = await flink(job, ['savepoint', job.id]);
  const path = pathIn(taken);
  expect(taken.code).toBe(0);
  expect(isMetadataThere(path)).toBe(true);
  expect(await flink(job, ['savepoint', '-d', path])).toMatchObject({ code: 0 });
  expect(existsSync(path)).toBe(false);
  expect(await job.status()).toBe('RUNNING');
});

test('it takes a checkpoint', async () => {
  const { code, output } = await flink(job, ['checkpoint', job.id]);
  const id = Number(/Checkpoint (\d+) for job \S+ completed/.exec(output)?.[1]);
  expect(code).toBe(0);
  expect((await job.client.checkpoints(job.id)).latest.completed!.id).toBeGreaterThanOrEqual(id);
});

test('it stops the job with a savepoint in the folder that is named, and lists it as finished', async () => {
  const stopped = await flink(job, ['stop', '-p', join(work, 'savepoints'), job.id]);
  const path = pathIn(stopped);
  expect(stopped.code).toBe(0);
  expect(path).toContain(join(work, 'savepoints'));
  expect(isMetadataThere(path)).toBe(true);
  await job.reaches('FINISHED');
  const { output } = await flink(job, ['list', '-a']);
  expect(output).toMatch(new RegExp(`Terminated Jobs -+\n.* : ${job.id} : bids per bidder \\(FINISHED\\)`));
});

test('a job that has finished cannot be stopped once more: why not is told at once', async () => {
  const { code, output } = await flink(job, ['stop', job.id]);
  expect(output).toContain('CheckpointException: the job is FINISHED');
  expect(code).toBe(1);
});

test('it cancels a job', async () => {
  const { code, output } = await flink(other, ['cancel', other.id]);
  expect(output).toContain(`Cancelled job ${other.id}.`);
  expect(code).toBe(0);
  await other.reaches('CANCELED');
});
