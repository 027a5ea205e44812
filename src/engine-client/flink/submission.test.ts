// Submissions as Flink was recorded to answer them (test/fixtures/flink-VERSION/submission; the status stands in a file's name).
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { planRequest, SQL_DRIVER, sqlArguments, submissionAnswer, submissionRequest } from './submission.ts';

const recorded = resolve(__dirname, '../../../test/fixtures');
const answerOf = (file: string, version = '2.3') =>
  submissionAnswer(
    Number(/_(\d{3})[.]json$/.exec(file)?.[1] ?? 200),
    readFileSync(join(recorded, `flink-${version}/submission`, file), 'utf8'),
  );

const jobId = '11111111111111111111111111111111';
const sql = { jar: 'driver.jar', jobId, entryClass: SQL_DRIVER, programArgs: sqlArguments({ file: '/job.sql' }) };

test('a text of SQL is run by Flink’s driver under the id that was chosen', () => {
  expect(submissionRequest(sql)).toEqual({
    path: '/jars/driver.jar/run',
    body: { jobId, entryClass: SQL_DRIVER, programArgsList: ['--scriptUri', 'file:///job.sql'] },
  });
  expect(sqlArguments({ text: 'INSERT INTO a SELECT 1' })).toEqual(['--script', 'INSERT INTO a SELECT 1']);
});

test('a program of a jar starts where it is told, as it is told', () => {
  const request = submissionRequest({
    jar: 'job 1.jar',
    jobId,
    programArgs: ['-D', 'x'],
    parallelism: 3,
    restoreFrom: 'file:/savepoints/1',
    allowNonRestoredState: true,
    configuration: { 'pipeline.name': 'orders' },
  });
  expect(request).toEqual({
    path: '/jars/job%201.jar/run',
    body: {
      jobId,
      programArgsList: ['-D', 'x'],
      parallelism: 3,
      savepointPath: 'file:/savepoints/1',
      allowNonRestoredState: true,
      flinkConfiguration: { 'pipeline.name': 'orders' },
    },
  });
});

test('without a savepoint nothing is said of state that is left over', () => {
  expect(submissionRequest({ ...sql, allowNonRestoredState: true }).body).not.toHaveProperty('allowNonRestoredState');
});

test('a plan is asked for without anything that is of a run alone', () => {
  expect(planRequest({ ...sql, restoreFrom: 'file:/savepoints/1', configuration: {} })).toEqual({
    path: '/jars/driver.jar/plan',
    body: { jobId, entryClass: SQL_DRIVER, programArgsList: ['--scriptUri', 'file:///job.sql'] },
  });
});

test('a job is submitted once: the same id again is no second one, whether the first runs or has ended', () => {
  expect(answerOf('submitted.json')).toEqual({ kind: 'Submitted' });
  expect(answerOf('same_id_running_400.json')).toEqual({ kind: 'AlreadyThere' });
  expect(answerOf('same_id_ended_400.json')).toEqual({ kind: 'AlreadyThere' });
});

test.each(['2.0', '2.1', '2.2'])(
  'Flink %s says in its own words that a job is there, and what is wrong with a text',
  (version) => {
    expect(answerOf('submitted.json', version)).toEqual({ kind: 'Submitted' });
    expect(answerOf('same_id_running_400.json', version)).toEqual({ kind: 'AlreadyThere' });
    expect(answerOf('same_id_ended_400.json', version)).toEqual({ kind: 'AlreadyThere' });
    const place = expect.stringMatching(/line 3, column 32 .*'nowhere' not found/) as string;
    expect(answerOf('invalid_sql_400.json', version)).toEqual({ kind: 'Refused', message: place });
    expect(answerOf('plan_invalid_sql_500.json', version)).toEqual({ kind: 'Refused', message: place });
    const needsInsert = expect.stringContaining('needs an INSERT') as string;
    expect(answerOf('no_job_400.json', version)).toEqual({ kind: 'Refused', message: needsInsert });
  },
);

test.each([
  [
    'invalid_sql_400.json',
    "SQL validation failed. From line 2, column 46 to line 2, column 52: Object 'nowhere' not found",
  ],
  [
    'plan_invalid_sql_500.json',
    "SQL validation failed. From line 2, column 46 to line 2, column 52: Object 'nowhere' not found",
  ],
  [
    'no_job_400.json',
    'The program came to its end without a job: a script of SQL needs an INSERT, the main method of a jar a call of execute().',
  ],
  [
    'no_savepoint_400.json',
    "Cannot find checkpoint or savepoint file/directory 'file:/nowhere' on file system 'file'.",
  ],
  ['no_jar_500.json', 'RestHandlerException: Jar file /upload/flink-web-upload/none.jar does not exist'],
])('%s is told by its root cause', (file, message) => {
  expect(answerOf(file)).toEqual({ kind: 'Refused', message: expect.stringContaining(message) });
});

test('an answer that says nothing of the job leaves it open whether there is one', () => {
  const trace = 'a.B: x\n\tat x.y(Z.java:1)\nCaused by: org.apache.pekko.pattern.AskTimeoutException: Ask timed out';
  const unreachable = { kind: 'Unreachable', message: expect.any(String) };
  expect(submissionAnswer(400, JSON.stringify({ errors: [trace] }))).toEqual(unreachable);
  expect(
    submissionAnswer(503, '{"errors":["Service temporarily unavailable due to an ongoing leader election."]}'),
  ).toEqual(unreachable);
  expect(submissionAnswer(502, '<html>')).toEqual(unreachable);
  expect(submissionAnswer(404, '{"errors":["Not found: /jars/a/run"]}')).toEqual({
    kind: 'Refused',
    message: 'Not found: /jars/a/run',
  });
});
