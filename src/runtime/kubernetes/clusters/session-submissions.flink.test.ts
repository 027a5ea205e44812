// Jobs that are submitted to a session of Apache Flink itself as FlowClusters have it: where their state goes, what waits for slots, what is refused, and their end.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../../engine/clock.ts';
import { withSessionCluster } from '../../../../test/flink/with-session-cluster.ts';
import { until } from '../../../../test/harness/until.ts';
import { admit } from '../../../api/admission.ts';
import type { FlowJob } from '../../../api/flowjob.ts';
import { resolveSpec } from '../../../api/resolved.ts';
import { EngineClient } from '../../../engine-client/engine-client.ts';
import { DRIVER_JAR_CONTENT, UPLOADS } from '../../../engine-client/flink/driver-jar.ts';
import { driverJarOf } from '../../../engine-client/flink/session-config.ts';
import { sessionJobState } from '../../../engine-client/flink/session-job-state.ts';
import type { AttemptPlan } from '../../port.ts';
import { SessionSubmissions } from './session-submissions.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowjob-session-'));
mkdirSync(join(folder, UPLOADS));
writeFileSync(join(folder, UPLOADS, driverJarOf('jm')), Buffer.from(DRIVER_JAR_CONTENT, 'base64'));
const flink = withSessionCluster('shared', 2, { 'web.upload.dir': folder });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = { namespace: 'a', name: 'orders' };
const submissions = new SessionSubmissions({
  clock: systemClock,
  changed: () => undefined,
  onTrouble: (error) => {
    throw error;
  },
});
const connection = () => ({ url: flink.cluster.rest, token: null });
const client = (): EngineClient => new EngineClient(connection());
const state = (jobId: string) => sessionJobState(client(), jobId, { name: 'shared', slots: null });

const COUNT = `
CREATE TABLE bid (bidder INT) WITH ('connector' = 'datagen', 'rows-per-second' = '100', 'fields.bidder.min' = '0', 'fields.bidder.max' = '9');
CREATE TABLE snk (bidder INT, bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT bidder, COUNT(*) FROM bid GROUP BY bidder;`;

function plan(letter: string, parallelism: number, sql = COUNT, restoreFrom?: string): AttemptPlan {
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: key,
    spec: {
      mode: 'Streaming',
      engine: { type: 'Flink', clusterRef: { name: 'shared' } },
      state: { checkpoint: { interval: '500ms' } },
      job: { sql: { inline: sql }, parallelism },
    },
  }) as FlowJob;
  // Begun long after these submissions: what an operator before may have sent is waited for, for two minutes (session-runtime.test.ts has that).
  const startedAt = new Date(Date.now() + 3600_000).toISOString();
  return {
    key,
    uid: 'u',
    spec: resolveSpec(job.spec, { storage: { uri: `file://${folder}` } }),
    attempt: {
      ...{ epoch: 1, jobId: letter.repeat(32), specHash: '', startedAt, runStartedAt: startedAt, healthy: false },
      jobManagerUid: 'jm',
      ...(restoreFrom === undefined ? {} : { restoreFrom }),
    },
  };
}

const is = (jobId: string, wanted: string): Promise<unknown> =>
  until(`the job is ${wanted}`, async () => (await state(jobId)).status === wanted, { seconds: 90, every: 200 });

const isOver = ({ attempt }: AttemptPlan): Promise<unknown> =>
  until(
    'the job is over',
    () => {
      submissions.stop(key, attempt, connection());
      return submissions.endOf(key, attempt.jobId);
    },
    { seconds: 60, every: 100 },
  );

/** Complete ones of a job, in the folder that its spec makes of the cluster's. */
const checkpoints = (jobId: string): string[] => {
  const of = join(folder, key.name, 'flink', 'checkpoints', jobId);
  return readdirSync(of)
    .filter((name) => name.startsWith('chk-') && readdirSync(join(of, name)).includes('_metadata'))
    .map((name) => join(of, name));
};

test('a job keeps its checkpoints below its own id, they outlive it, and the next attempt goes on from one of them', async () => {
  const first = plan('a', 1);
  expect(await state(first.attempt.jobId)).toMatchObject({ unsubmitted: true });
  submissions.submit(first, connection());
  await is(first.attempt.jobId, 'RUNNING');
  await until('a checkpoint is complete', () => checkpoints(first.attempt.jobId).length > 0, { seconds: 60 });
  await isOver(first);
  expect(await state(first.attempt.jobId)).toMatchObject({ status: 'CANCELED' });
  const left = checkpoints(first.attempt.jobId);
  expect(left).not.toEqual([]);
  const next = plan('b', 1, COUNT, left.at(-1));
  submissions.submit(next, connection());
  await is(next.attempt.jobId, 'RUNNING');
  expect((await client().checkpoints(next.attempt.jobId)).counts.restored).toBe(1);
  await isOver(next);
}, 240_000);

test('a job that needs more slots than there are waits, and says how many', async () => {
  const wide = plan('c', 3);
  submissions.submit(wide, connection());
  const waiting = await until('it waits', async () => (await state(wide.attempt.jobId)).waiting ?? null, {
    seconds: 60,
  });
  expect(waiting).toMatch(/has 2 slots in all, and the job needs 3/);
  expect(await state(wide.attempt.jobId)).toMatchObject({ status: 'CREATED' });
  await isOver(wide);
}, 120_000);

test('SQL that Flink does not take is refused with the place of the error, and leaves no job', async () => {
  const wrong = plan('d', 1, COUNT.replace('SELECT bidder,', 'SELECT nobody,'));
  submissions.submit(wrong, connection());
  const why = await until('it is refused', () => submissions.refused(key, wrong.attempt.jobId), { seconds: 60 });
  expect(why).toMatch(/line \d+, column \d+.*nobody/);
  expect(await state(wrong.attempt.jobId)).toMatchObject({ unsubmitted: true });
  await isOver(wrong);
}, 120_000);

test('a submission for another JobManager than the one that answers is not taken, and is no refusal of the program', async () => {
  const { attempt, ...rest } = plan('e', 1);
  const elsewhere = { ...rest, attempt: { ...attempt, jobManagerUid: 'other' } };
  submissions.submit(elsewhere, connection());
  const refusal = await until('it is told', () => submissions.refusal(key, attempt.jobId), { seconds: 60 });
  expect(refusal.reason).toContain('Another JobManager answers there.');
  expect(submissions.refused(key, attempt.jobId)).toBeNull();
  expect(await state(attempt.jobId)).toMatchObject({ unsubmitted: true });
}, 120_000);
