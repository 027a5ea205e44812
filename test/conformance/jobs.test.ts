// The embedded engine against what Apache Flink answered to the same jobs over the same files, as a stream and as a batch.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DIFFERENCES, type Outcome } from './differences.ts';
import { runEmbeddedJob, type Mode } from './embedded-job.ts';
import type { Answer } from './flink-jobs.ts';
import { writeJobInputs } from './job-inputs.ts';
import { resultsOf } from './job-results.ts';
import { comparable } from './job-rows.ts';
import { placed, readJobs, sinksOf, type Deviation, type Job } from './jobs.ts';
import { readRecordedJobs, recordedAnswer } from './recorded-jobs.ts';

const root = join(__dirname, '../..');
const jobs = readJobs(root);
const recorded = readRecordedJobs(root);
const work = mkdtempSync(join(tmpdir(), 'flowjob-jobs-'));
const inputs = join(work, 'inputs');
beforeAll(() => writeJobInputs(inputs));
afterAll(() => rmSync(work, { recursive: true }));

async function ask(job: Job, mode: Mode): Promise<Answer> {
  const id = `${job.name}/${mode}`;
  const folder = join(work, id);
  const script = placed(job.script, inputs, join(folder, 'output'), id);
  const { failure, printed } = await runEmbeddedJob(folder, script, mode);
  return failure === null ? { results: resultsOf(job.script, join(folder, 'output'), id, printed) } : { failure };
}

function compared(answer: Answer, { script }: Job): unknown {
  if ('failure' in answer) return { failure: answer.failure.split('\n')[0] };
  return comparable(answer.results, script, placed(script, '', '', ''));
}

/** What is worked out by hand, as an answer. */
function answerOf(outcome: Outcome, { script }: Job): Answer {
  return 'failure' in outcome ? outcome : { results: { [sinksOf(script)[0]!.name]: outcome.rows } };
}

/** What is known of each job in each mode, of this kind. */
const known = (kind: Deviation['kind'] | 'same') =>
  jobs.flatMap((job) =>
    job.modes
      .filter((mode) => (job.expected[mode]?.kind ?? 'same') === kind)
      .map((mode) => [job.name, mode, job.expected[mode]?.text ?? '', job] as const),
  );

test.each(known('same'))('%s in %s has the result of Flink', async (_name, mode, _text, job) => {
  const flink = recordedAnswer(recorded, job, mode);
  const own = await ask(job, mode);
  if ('failure' in own) throw new Error(own.failure);
  if ('failure' in flink) throw new Error(`Flink: ${flink.failure}`);
  expect(compared(own, job)).toEqual(compared(flink, job));
});

test.each(known('refused'))('%s in %s is refused with %s, which Flink runs', async (_name, mode, code, job) => {
  expect(await ask(job, mode)).toEqual({ failure: expect.stringMatching(`^${code}: `) });
  expect(recordedAnswer(recorded, job, mode)).toHaveProperty('results');
});

test.each(known('fails'))('%s in %s fails with %s, and with Flink', async (_name, mode, code, job) => {
  expect(await ask(job, mode)).toEqual({ failure: expect.stringMatching(`^${code}: `) });
  expect(recordedAnswer(recorded, job, mode)).toHaveProperty('failure');
});

test.each(known('differs'))('%s in %s differs from Flink: %s', async (name, mode, _text, job) => {
  const { embedded, flink } = DIFFERENCES[name]!;
  expect(compared(await ask(job, mode), job)).toEqual(compared(answerOf(embedded, job), job));
  expect(compared(recordedAnswer(recorded, job, mode), job)).toEqual(compared(answerOf(flink, job), job));
  expect(compared(answerOf(embedded, job), job)).not.toEqual(compared(answerOf(flink, job), job));
});

test('what is worked out by hand is of jobs that differ, and of all of them', () => {
  expect(Object.keys(DIFFERENCES).sort()).toEqual([...new Set(known('differs').map(([name]) => name))].sort());
});

test('of forty jobs and more there are rows that are equal', () => {
  const rows = known('same').flatMap(([name, mode, , job]) => {
    const answer = recordedAnswer(recorded, job, mode);
    return 'results' in answer && Object.values(answer.results).some(({ length }) => length > 0) ? [name] : [];
  });
  expect(new Set(rows).size).toBeGreaterThanOrEqual(40);
});
