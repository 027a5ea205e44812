// The time between the start of a JobManager and the submission of its job, with what Flink, 2.3 where nothing else is said, was recorded to answer then.
import { EngineClientError } from '../engine-client.ts';
import { flinkJobState, submittedJobState } from './job-state.ts';
import { RecordedFlink } from './recorded-flink.fixture.ts';

const jobId = '68e6653b4af259333a782d828f7aea17';
let flink: RecordedFlink;
let answers: RecordedFlink['answers'];

beforeEach(async () => {
  flink = await RecordedFlink.start();
  answers = flink.answers;
  answers['/jobs'] = { jobs: [] };
});

afterEach(() => flink.stop());

const state = (applications = true) => flinkJobState(flink.client(), jobId, { applications });
const listed = (status: string): object => ({ jobs: [{ id: jobId, status }] });
const overviewOf = (status: string): object => ({ applications: [{ id: '1', status }] });

test('a job that is there has its own state', async () => {
  answers['/jobs'] = listed('FINISHED');
  expect(await state()).toEqual({ status: 'FINISHED', failure: null });
});

test('a program that fails behind its first INSERT is told, not the end of the job that it took down', async () => {
  answers['/jobs'] = listed('CANCELED');
  answers['/applications/overview'] = 'appmode/bad_applications_overview.json';
  answers['/applications/97ca9f2ee21ab0bc773074502aff1d20/exceptions'] = 'appmode/bad_applications_id_exceptions.json';
  expect(await state()).toEqual({
    status: 'FAILED',
    failure: expect.stringContaining("Object 'nowhere' not found") as string,
  });
  answers['/applications/overview'] = overviewOf('CANCELED');
  expect(await state()).toEqual({ status: 'CANCELED', failure: null });
});

test('of a job that has run before only its status is asked', async () => {
  answers[`/jobs/${jobId}/status`] = 'job_status.json';
  const seen = await flinkJobState(flink.client(), jobId, { applications: true, seen: true });
  expect(seen).toEqual({ status: 'RUNNING', failure: null });
});

test('a cluster whose program is still at work is coming up', async () => {
  answers['/applications/overview'] = overviewOf('RUNNING');
  expect(await state()).toEqual({ status: 'INITIALIZING', failure: null });
  answers['/applications/overview'] = { applications: [] };
  expect(await state()).toEqual({ status: 'INITIALIZING', failure: null });
});

test('SQL that Flink does not take is a failed job, with the place of the error', async () => {
  answers['/applications/overview'] = 'appmode/bad_applications_overview.json';
  answers['/applications/97ca9f2ee21ab0bc773074502aff1d20/exceptions'] = 'appmode/bad_applications_id_exceptions.json';
  expect(await state()).toEqual({
    status: 'FAILED',
    failure: expect.stringContaining('From line 1, column 18 to line 1, column 24') as string,
  });
});

test('of a program in Python that fails the error is told that Python wrote; where that is not kept, what Flink knows', async () => {
  const id = 'a'.repeat(32);
  answers['/applications/overview'] = { applications: [{ id, status: 'FAILED' }] };
  answers[`/applications/${id}/exceptions`] = 'appmode/python_applications_id_exceptions.json';
  expect(await state()).toEqual({ status: 'FAILED', failure: 'Python process exits with code: 1' });
  answers['/jobmanager/log'] = 'appmode/python_jobmanager_log.txt';
  expect(await state()).toEqual({
    status: 'FAILED',
    failure: "ValueError: invalid literal for int() with base 10: 'three' (orders.py, line 32)",
  });
});

test('a script that starts no job has failed, and is told what it lacks', async () => {
  answers['/applications/overview'] = overviewOf('FINISHED');
  expect(await state()).toEqual({ status: 'FAILED', failure: expect.stringContaining('needs an INSERT') as string });
});

test('a version that does not tell of programs is unknown until its job is there', async () => {
  answers['/applications/overview'] = overviewOf('FAILED');
  answers['/jobs/overview'] = { jobs: [] };
  expect(await state(false)).toBeNull();
});

test.each([
  ['1.20', /^IllegalArgumentException: No enum constant \S+\.NEITHER$/],
  ['2.0', /line 3, column 32 .*'nowhere' not found/],
  ['2.1', /line 3, column 32 .*'nowhere' not found/],
  ['2.2', /line 3, column 32 .*'nowhere' not found/],
])(
  'Flink %s tells of a program that fails before its job by a failed job that has no graph',
  async (version, cause) => {
    const driver = '00000000000000000000000000000001';
    const recorded = `../flink-${version}`;
    answers['/jobs'] = `${recorded}/driver_failed_jobs.json`;
    answers['/jobs/overview'] = `${recorded}/driver_failed_jobs_overview.json`;
    answers[`/jobs/${driver}/exceptions`] = `${recorded}/driver_failed_job_exceptions.json`;
    expect(await flinkJobState(flink.client(), driver, { applications: false })).toEqual({
      status: 'FAILED',
      failure: expect.stringMatching(cause) as string,
    });
  },
);

test('a JobManager that was up before its job tells that it has not heard of it; a submission that it refused is the end of that', async () => {
  const submitted = (refused?: string) => submittedJobState(flink.client(), jobId, { seen: false, refused });
  expect(await submitted()).toEqual({ status: 'INITIALIZING', failure: null, unsubmitted: true });
  expect(await submitted('no such table')).toEqual({ status: 'FAILED', failure: 'no such table' });
  answers['/jobs'] = listed('FINISHED');
  expect(await submitted('no such savepoint')).toEqual({ status: 'FINISHED', failure: null });
  answers[`/jobs/${jobId}/status`] = 'job_status.json';
  const seen = async () => submittedJobState(flink.client(), jobId, { seen: true, refused: undefined });
  expect(await seen()).toEqual({ status: 'RUNNING', failure: null });
  // A job that has run is not there to be submitted again.
  delete answers[`/jobs/${jobId}/status`];
  await expect(seen()).rejects.toThrow(EngineClientError);
});
