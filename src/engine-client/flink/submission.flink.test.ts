// Submissions to Apache Flink itself, of a jar that nobody has uploaded.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../../test/harness/until.ts';
import { withSessionCluster } from '../../../test/flink/with-session-cluster.ts';
import { EngineClient } from '../engine-client.ts';
import { DRIVER_JAR, DRIVER_JAR_CONTENT, UPLOADS } from './driver-jar.ts';
import { SQL_DRIVER, sqlArguments, type Submission } from './submission.ts';

const uploads = mkdtempSync(join(tmpdir(), 'flowjob-uploads-'));
mkdirSync(join(uploads, UPLOADS));
writeFileSync(join(uploads, UPLOADS, DRIVER_JAR), Buffer.from(DRIVER_JAR_CONTENT, 'base64'));
const flink = withSessionCluster('submission', 2, { 'web.upload.dir': uploads });
afterAll(() => rmSync(uploads, { recursive: true }));

const id = (): string => randomBytes(16).toString('hex');
const COUNT = `
SET 'execution.checkpointing.interval' = '1s';
CREATE TABLE bid (bidder INT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '100', 'fields.bidder.min' = '0', 'fields.bidder.max' = '9'
);
CREATE TABLE snk (bidder INT, bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT bidder, COUNT(*) FROM bid GROUP BY bidder;
`;

const submissionOf = (jobId: string, text = COUNT, more: Partial<Submission> = {}): Submission => ({
  jar: DRIVER_JAR,
  jobId,
  entryClass: SQL_DRIVER,
  programArgs: sqlArguments({ text }),
  parallelism: 1,
  ...more,
});
const client = (): EngineClient => new EngineClient({ url: flink.cluster.rest, token: null, timeoutMs: 60_000 });
const jobs = async (): Promise<{ id: string }[]> => (await client().get<{ jobs: { id: string }[] }>('/jobs')).jobs;
const isIn = async (jobId: string, state: string): Promise<unknown> =>
  until(`the job is ${state}`, async () => (await client().jobStatus(jobId)).status === state, { seconds: 60 });

test('a plan is answered, and invalid SQL with what is wrong, while no job comes about', async () => {
  expect(await client().plan(submissionOf(id()))).toEqual({ kind: 'Submitted' });
  const invalid = await client().plan(submissionOf(id(), COUNT.replace('FROM bid', 'FROM nowhere')));
  expect(invalid).toMatchObject({ kind: 'Refused', message: expect.stringContaining("Object 'nowhere' not found") });
  expect(await jobs()).toEqual([]);
});

test('the same submission is one job, at once, while that runs and once it has ended; another goes on from its savepoint', async () => {
  const jobId = id();
  const submission = submissionOf(jobId);
  const both = await Promise.all([client().submit(submission), client().submit(submission)]);
  expect(both.map(({ kind }) => kind).sort()).toEqual(['AlreadyThere', 'Submitted']);
  await isIn(jobId, 'RUNNING');
  expect(await client().submit(submission)).toEqual({ kind: 'AlreadyThere' });
  const running = async (): Promise<boolean> =>
    (await client().jobDetails(jobId)).vertices.every(({ tasks }) => tasks['RUNNING'] === 1);
  await until('all tasks run', running, { seconds: 60 });
  const stop = id();
  await client().stopWithSavepoint(jobId, stop);
  const path = await until(
    'the savepoint is complete',
    async () => {
      const view = await client().savepointStatus(jobId, stop);
      if (view.state === 'Failed') throw new Error(view.message);
      return view.state === 'Completed' ? view.path : null;
    },
    { seconds: 60 },
  );
  await isIn(jobId, 'FINISHED');
  expect(await client().submit(submission)).toEqual({ kind: 'AlreadyThere' });
  await isIn(jobId, 'FINISHED');

  const next = id();
  expect(
    await client().submit(submissionOf(next, COUNT, { restoreFrom: path, configuration: { 'pipeline.name': 'next' } })),
  ).toEqual({
    kind: 'Submitted',
  });
  const { latest } = await until(
    'it is restored',
    async () => {
      const answer = await client().checkpoints(next);
      return answer.latest.restored === null ? null : answer;
    },
    { seconds: 60 },
  );
  expect(latest.restored).toMatchObject({ is_savepoint: true, external_path: expect.stringContaining(path) });
  expect(await client().get(`/jobs/${next}`)).toMatchObject({ name: 'next' });
  await client().cancel(next);
  await isIn(next, 'CANCELED');
});

test('a submission whose answer nobody waits for is carried out all the same', async () => {
  const jobId = id();
  const hasty = new EngineClient({ url: flink.cluster.rest, token: null, timeoutMs: 20 });
  expect(await hasty.submit(submissionOf(jobId))).toMatchObject({ kind: 'Unreachable' });
  const there = async (): Promise<boolean> => (await jobs()).some((job) => job.id === jobId);
  await until('the job is there', there, { seconds: 60 });
  await isIn(jobId, 'RUNNING');
  expect(await client().submit(submissionOf(jobId))).toEqual({ kind: 'AlreadyThere' });
  await client().cancel(jobId);
});

test('what cannot be started is refused with its cause', async () => {
  const cause = async (submission: Submission): Promise<unknown> => {
    const answer = await client().submit(submission);
    return answer.kind === 'Refused' ? answer.message : answer;
  };
  expect(await cause(submissionOf(id(), COUNT.replace('FROM bid', 'FROM nowhere')))).toContain("'nowhere' not found");
  expect(await cause(submissionOf(id(), 'SHOW TABLES;'))).toContain('needs an INSERT');
  expect(await cause(submissionOf(id(), COUNT, { restoreFrom: 'file:/nowhere' }))).toContain('file:/nowhere');
  expect(await cause(submissionOf(id(), COUNT, { jar: 'none.jar' }))).toContain('none.jar does not exist');
});
