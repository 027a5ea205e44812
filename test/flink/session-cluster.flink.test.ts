// The operator's engine client against Apache Flink itself: what it asks of the embedded engine, Flink answers in the same way.
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { EngineClient } from '../../src/engine-client/engine-client.ts';
import type { OperationView } from '../../src/lifecycle/observation.ts';
import { until } from '../harness/until.ts';
import { PROMPT_RESCALES } from './session-cluster.ts';
import { withSessionCluster } from './with-session-cluster.ts';

const flink = withSessionCluster('session', 2, PROMPT_RESCALES);
const id = (): string => randomBytes(16).toString('hex');

const COUNT = `
SET 'execution.checkpointing.interval' = '1s';
CREATE TABLE bid (bidder INT, price BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '100', 'fields.bidder.min' = '0', 'fields.bidder.max' = '9'
);
CREATE TABLE snk (bidder INT, bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT bidder, COUNT(*) FROM bid GROUP BY bidder;
`;

const ended = async (look: () => Promise<OperationView>): Promise<OperationView> =>
  until(
    'the operation ends',
    async () => {
      const view = await look();
      return view.state === 'InProgress' ? null : view;
    },
    { seconds: 60 },
  );

const reaches = async (jobId: string, state: string): Promise<unknown> =>
  until(`the job is ${state}`, async () => (await flink.client.jobStatus(jobId)).status === state, { seconds: 60 });

test('Flink tells of one TaskManager with its slots, under both prefixes of its paths', async () => {
  const overview = await flink.client.overview();
  expect(overview).toMatchObject({ taskmanagers: 1, 'slots-total': 2, 'flink-version': '2.3.0' });
  expect(await flink.client.get('/v1/overview')).toEqual(overview);
  const { taskmanagers } = await flink.client.taskManagers();
  expect(taskmanagers).toEqual([expect.objectContaining({ slotsNumber: 2, freeSlots: 2 })]);
});

test('a token that Flink does not ask for does no harm', async () => {
  const client = new EngineClient({ url: flink.cluster.rest, token: 'secret', timeoutMs: 30_000 });
  expect(await client.overview()).toMatchObject({ taskmanagers: 1 });
});

test('what only the embedded engine has, Flink refuses as not found', async () => {
  await expect(flink.client.storage({ jobId: id() })).rejects.toMatchObject({
    code: 'ENGINE_REFUSED',
    httpStatus: 404,
  });
});

test('a job of a chosen id runs, takes a checkpoint and savepoints under chosen ids, rescales, and stops with a savepoint', async () => {
  const { client } = flink;
  const jobId = id();
  await flink.submit(COUNT, jobId);
  await reaches(jobId, 'RUNNING');
  expect(await client.get('/jobs')).toEqual({ jobs: [{ id: jobId, status: 'RUNNING' }] });
  const all = async (): Promise<boolean> =>
    (await client.jobDetails(jobId)).vertices.every(({ tasks, parallelism }) => tasks['RUNNING'] === parallelism);
  await until('all tasks run', all, { seconds: 60 });

  const checkpoint = id();
  expect(await client.triggerCheckpoint(jobId, checkpoint)).toEqual({ 'request-id': checkpoint });
  expect(await ended(async () => client.checkpointStatus(jobId, checkpoint))).toEqual({
    state: 'Completed',
    path: null,
  });
  // Statistics are as old as Flink's web interface may be.
  const told = async (): Promise<boolean> => (await client.checkpoints(jobId)).latest.completed !== null;
  await until('the checkpoint is told of', told, { seconds: 60 });
  const { latest } = await client.checkpoints(jobId);
  expect(latest.restored).toBeNull();
  expect(latest.completed?.external_path).toContain(jobId);

  const savepoint = id();
  expect(await client.triggerSavepoint(jobId, savepoint)).toEqual({ 'request-id': savepoint });
  const taken = await ended(async () => client.savepointStatus(jobId, savepoint));
  expect(taken.state === 'Completed' ? taken.path!.startsWith(`${flink.savepoints}/savepoint-`) : taken).toBe(true);
  expect(await client.savepointStatus(jobId, id())).toEqual({ state: 'Unknown' });

  const requirements = await client.resourceRequirements(jobId);
  expect(Object.values(requirements)).toEqual(
    Object.keys(requirements).map(() => ({ parallelism: { lowerBound: 1, upperBound: 2 } })),
  );
  const bounds = Object.fromEntries(
    Object.keys(requirements).map((vertex) => [vertex, { lowerBound: 1, upperBound: 1 }]),
  );
  await client.updateResourceRequirements(jobId, bounds);
  const smaller = async (): Promise<boolean> =>
    (await client.jobDetails(jobId)).vertices.every(
      ({ tasks, parallelism }) => parallelism === 1 && tasks['RUNNING'] === 1,
    );
  await until('the job runs with a parallelism of one', smaller, { seconds: 60 });
  expect((await client.exceptions(jobId)).exceptionHistory.entries).toEqual([]);

  const stop = id();
  expect(await client.stopWithSavepoint(jobId, stop)).toEqual({ 'request-id': stop });
  const stopped = await ended(async () => client.savepointStatus(jobId, stop));
  expect(stopped).toMatchObject({ state: 'Completed' });
  const path = stopped.state === 'Completed' ? stopped.path! : '';
  expect(existsSync(`${path}/_metadata`)).toBe(true);
  await reaches(jobId, 'FINISHED');
  let refused: unknown = null;
  // Flink takes the wish, without effect, until its dispatcher has put the finished job away.
  const refusal = async (): Promise<unknown> =>
    client.cancel(jobId).then(
      () => null,
      (error: unknown) => error,
    );
  await until('the finished job is put away', async () => (refused = await refusal()) !== null, { seconds: 60 });
  expect(refused).toMatchObject({ code: 'ENGINE_REFUSED', httpStatus: 409 });
  expect(await client.jobStatus(jobId)).toEqual({ status: 'FINISHED' });
});

test('a job is cancelled; of one that there never was, Flink says that it was not found', async () => {
  const { client } = flink;
  const jobId = id();
  await flink.submit(COUNT, jobId);
  await reaches(jobId, 'RUNNING');
  await client.cancel(jobId);
  await reaches(jobId, 'CANCELED');
  const unknown = id();
  const refused = { code: 'ENGINE_REFUSED', httpStatus: 404 };
  await expect(client.jobDetails(unknown)).rejects.toMatchObject(refused);
  await expect(client.cancel(unknown)).rejects.toMatchObject(refused);
  // A savepoint is accepted all the same, and fails.
  const savepoint = id();
  await client.triggerSavepoint(unknown, savepoint);
  const failed = await ended(async () => client.savepointStatus(unknown, savepoint));
  expect(failed).toEqual({ state: 'Failed', message: expect.stringContaining(unknown) });
  // Flink's handler of this path alone has no answer of its own for it.
  await expect(client.jobStatus(unknown)).rejects.toMatchObject({ ...refused, httpStatus: 500 });
});
