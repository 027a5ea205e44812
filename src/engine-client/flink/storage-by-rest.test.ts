// What is known of a job's state while its JobManager answers, from what Flink 2.3 was recorded to answer.
import { RecordedFlink } from './recorded-flink.fixture.ts';
import { storageByRest } from './storage-by-rest.ts';

const jobId = '68e6653b4af259333a782d828f7aea17';
const triggerId = '25a58a75a6517af266d3f0b9acadaa72';
let flink: RecordedFlink;

beforeEach(async () => {
  flink = await RecordedFlink.start();
});

afterEach(() => flink.stop());

const stopped = '/data/savepoints/savepoint-68e665-914643625659';

test('a job that runs has its newest checkpoint, and no result', async () => {
  flink.answers[`/jobs/${jobId}`] = 'job_detail.json';
  flink.answers[`/jobs/${jobId}/checkpoints`] = 'job_checkpoints.json';
  expect(await storageByRest(flink.client(), { jobId })).toMatchObject({
    newest: { path: `/data/checkpoints/${jobId}/chk-12`, kind: 'Checkpoint' },
    result: null,
    pendingSavepoint: null,
  });
});

test('a job that was stopped ended with its savepoint, also where somebody else had asked for it', async () => {
  flink.answers[`/jobs/${jobId}`] = 'job_detail_finished.json';
  flink.answers[`/jobs/${jobId}/checkpoints`] = 'job_checkpoints_finished.json';
  const ended = {
    newest: { path: stopped, kind: 'Savepoint' },
    result: { state: 'FINISHED', savepointPath: stopped, startTime: 1795367682278, endTime: 1795368037891 },
  };
  expect(await storageByRest(flink.client(), { jobId })).toMatchObject(ended);
  flink.answers[`/jobs/${jobId}/savepoints/${triggerId}`] = 'job_stop_status_completed.json';
  expect(await storageByRest(flink.client(), { jobId, stopTriggerId: triggerId })).toMatchObject({
    ...ended,
    pendingSavepoint: stopped,
  });
});

test('a job that came to its end by itself has no savepoint', async () => {
  flink.answers[`/jobs/${jobId}`] = 'job_detail_finished.json';
  flink.answers[`/jobs/${jobId}/checkpoints`] = 'job_checkpoints.json';
  const { result } = await storageByRest(flink.client(), { jobId });
  expect(result).toMatchObject({ state: 'FINISHED', savepointPath: null });
});

test('a failed job has its root cause', async () => {
  flink.answers[`/jobs/${jobId}`] = 'job_detail_failed.json';
  flink.answers[`/jobs/${jobId}/checkpoints`] = 'job_checkpoints.json';
  flink.answers[`/jobs/${jobId}/exceptions`] = 'job_exceptions_failed.json';
  const { result } = await storageByRest(flink.client(), { jobId });
  expect(result).toMatchObject({
    state: 'FAILED',
    failure: "NumberFormatException: For input string: 'x315580014'. Invalid character found.",
  });
});

test('what a job was restored from counts as its own only where it is of the same run', async () => {
  flink.answers[`/jobs/${jobId}`] = 'job_detail.json';
  const restored = (path: string): object => ({
    latest: {
      completed: null,
      savepoint: null,
      restored: { id: 9, restore_timestamp: 1, is_savepoint: false, external_path: path },
    },
  });
  flink.answers[`/jobs/${jobId}/checkpoints`] = restored(`file:/s/checkpoints/${jobId}/chk-9`);
  const own = await storageByRest(flink.client(), { jobId });
  expect(own.newest?.path).toBe(`/s/checkpoints/${jobId}/chk-9`);
  flink.answers[`/jobs/${jobId}/checkpoints`] = restored('file:/s/savepoints/x/savepoint-1');
  expect((await storageByRest(flink.client(), { jobId })).newest).toBeNull();
  const taken = await storageByRest(flink.client(), { jobId, lastSavepoint: '/s/savepoints/x/savepoint-1' });
  expect(taken.newest?.path).toBe('/s/savepoints/x/savepoint-1');
});

test('of a cluster without its job nothing is known', async () => {
  expect(await storageByRest(flink.client(), { jobId })).toMatchObject({ newest: null, result: null });
});
