// A job that was submitted to a session. That it is not there, and that it has finished, are answers recorded of Flink 2.3; those about slots are made up.
import { RecordedFlink } from './recorded-flink.fixture.ts';
import { sessionJobState } from './session-job-state.ts';

const jobId = '68e6653b4af259333a782d828f7aea17';
let flink: RecordedFlink;

beforeEach(async () => void (flink = await RecordedFlink.start()));
afterEach(() => flink.stop());

const state = (slots: number | null = null) => sessionJobState(flink.client(), jobId, { name: 'shared', slots });
const details = (status: string, tasks: Record<string, number>, duration = 100): object => ({
  state: status,
  duration,
  vertices: [
    { id: 'a', parallelism: 4, tasks },
    { id: 'b', parallelism: 1, tasks },
  ],
});
const overview = (total: number): object => ({ taskmanagers: 2, 'slots-total': total, 'slots-available': 0 });

test('a job that the JobManager has never had is not submitted', async () => {
  expect(await state()).toEqual({ status: 'INITIALIZING', failure: null, unsubmitted: true });
});

test('a job that is there has its own state', async () => {
  flink.answers[`/jobs/${jobId}`] = 'job_detail_finished.json';
  expect(await state()).toEqual({ status: 'FINISHED', failure: null });
  flink.answers[`/jobs/${jobId}`] = details('RUNNING', { RUNNING: 1, SCHEDULED: 3 });
  expect(await state()).toEqual({ status: 'RUNNING', failure: null });
});

test('for Flink a job runs that has no slot: it is told as waiting, for how many and what to do', async () => {
  flink.answers[`/jobs/${jobId}`] = details('RUNNING', { SCHEDULED: 4, RUNNING: 0 });
  flink.answers['/overview'] = overview(2);
  expect(await state()).toEqual({
    status: 'CREATED',
    failure: null,
    waiting: expect.stringMatching(/"shared" has 2 slots in all, and the job needs 4 -> raise/),
  });
});

test('a stream of which a part alone has slots runs, and is told which are missing; a batch may run one part after the other', async () => {
  flink.answers['/overview'] = overview(2);
  const inPart = details('RUNNING', { RUNNING: 2, SCHEDULED: 2 }, 3_600_000);
  flink.answers[`/jobs/${jobId}`] = { ...inPart, 'job-type': 'STREAMING' };
  expect(await state()).toEqual({
    status: 'RUNNING',
    failure: null,
    waiting: expect.stringMatching(/"shared" has 2 slots in all, and the job needs 4 -> raise/),
  });
  flink.answers[`/jobs/${jobId}`] = { ...inPart, 'job-type': 'BATCH' };
  expect(await state()).toEqual({ status: 'RUNNING', failure: null });
  // Restarted a moment ago, perhaps.
  flink.answers[`/jobs/${jobId}`] = { ...inPart, 'job-type': 'STREAMING' };
  flink.answers['/overview'] = overview(4);
  expect(await state()).toEqual({ status: 'RUNNING', failure: null });
});

test('while TaskManagers are yet to come nobody has to raise anything', async () => {
  flink.answers[`/jobs/${jobId}`] = details('RUNNING', { SCHEDULED: 4 }, 3_600_000);
  flink.answers['/overview'] = overview(0);
  const { waiting } = await state(4);
  expect(waiting).toMatch(/has 4 slots in all, and the job needs 4; 0 are there until/);
  expect(waiting).not.toContain('raise');
  expect((await state(2)).waiting).toMatch(/has 2 slots in all, and the job needs 4 -> raise/);
});

test('where there are enough it is other jobs that hold them, once the job has not been given any for a while', async () => {
  flink.answers[`/jobs/${jobId}`] = details('RUNNING', { SCHEDULED: 4 }, 5_000);
  flink.answers['/overview'] = overview(4);
  expect(await state()).toMatchObject({
    waiting: expect.stringMatching(/has 4 slots in all, and the job needs 4, which other jobs hold/),
  });
});

test('one that has slots and is about to take them waits for nothing', async () => {
  flink.answers[`/jobs/${jobId}`] = details('RUNNING', { SCHEDULED: 4 });
  flink.answers['/overview'] = overview(4);
  expect(await state()).toEqual({ status: 'CREATED', failure: null });
});
