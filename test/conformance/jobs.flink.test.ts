// The answers on record are those that Apache Flink gives: it is asked again what the embedded engine is compared with; with --full also what that one refuses.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { full } from '../kubernetes/full.ts';
import { askFlink, idOf, type Answer } from './flink-jobs.ts';
import { readJobs } from './jobs.ts';
import { readRecordedJobs, recordedAnswer } from './recorded-jobs.ts';

const root = join(__dirname, '../..');
const recorded = readRecordedJobs(root);
const questions = readJobs(root)
  .flatMap((job) => job.modes.map((mode) => ({ job, mode })))
  .filter(({ job, mode }) => full || job.expected[mode]?.kind !== 'refused');
const work = mkdtempSync(join(tmpdir(), 'flowjob-jobs-flink-'));
let answers: Map<string, Answer>;

// A job takes less than a second where nothing else runs.
beforeAll(async () => {
  answers = await askFlink(work, questions, () => undefined);
}, 600_000);
afterAll(() => rmSync(work, { recursive: true }));

/** Of several rows that fail a job, now this one is read first and now that one: a failure that quotes it says the same of each. */
function withoutData(answer: Answer | undefined): unknown {
  if (answer === undefined || 'results' in answer) return answer;
  return { failure: answer.failure.replace(/^(For input string: )(['"]).*\2/, '$1…') };
}

test.each(questions.map((question) => [idOf(question), question] as const))(
  'Flink answers %s as is on record',
  (id, { job, mode }) => {
    const answer = answers.get(id);
    const before = recordedAnswer(recorded, job, mode);
    expect(withoutData(answer)).toEqual(withoutData(before));
  },
);
