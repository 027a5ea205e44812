// What Flink answered to the jobs of jobs/*.sql, as record-flink-jobs.ts has put it on record.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mode } from './embedded-job.ts';
import type { Answer } from './flink-jobs.ts';
import type { Job } from './jobs.ts';

export interface RecordedJob {
  name: string;
  /** Of the job that was asked; an answer to another text is none. */
  digest: string;
  /** Modes of the same answer stand together. */
  answers: ({ modes: Mode[] } & Answer)[];
}

export const FILE = 'test/fixtures/flink-2.3/sql-jobs.json';

const read = (root: string): { flink: string; jobs: RecordedJob[] } =>
  JSON.parse(readFileSync(join(root, FILE), 'utf8')) as ReturnType<typeof read>;

export function readRecordedJobs(root: string): Map<string, RecordedJob> {
  return new Map(read(root).jobs.map((job) => [job.name, job]));
}

/** Of the Flink that was asked. */
export const recordedVersion = (root: string): string => read(root).flink;

/** @throws Error that says how to ask Flink, when it was not asked this job as it is now */
export function recordedAnswer(recorded: ReadonlyMap<string, RecordedJob>, job: Job, mode: Mode): Answer {
  const found = recorded.get(job.name);
  const answer = found?.digest === job.digest ? found.answers.find(({ modes }) => modes.includes(mode)) : undefined;
  if (answer !== undefined) return 'results' in answer ? { results: answer.results } : { failure: answer.failure };
  throw new Error(
    `${FILE} has no answer to ${job.name} (${mode}) as it is now: run node test/conformance/record-flink-jobs.ts`,
  );
}

export function writeRecordedJobs(root: string, flink: string, jobs: readonly RecordedJob[]): void {
  const lines = jobs.map((job) => `    ${JSON.stringify(job)}`).join(',\n');
  writeFileSync(join(root, FILE), `{\n  "flink": "${flink}",\n  "jobs": [\n${lines}\n  ]\n}\n`);
}

/** Answers by mode, brought together. */
export function together(answers: readonly (readonly [Mode, Answer])[]): RecordedJob['answers'] {
  const found = new Map<string, RecordedJob['answers'][number]>();
  for (const [mode, answer] of answers) {
    const text = JSON.stringify(answer);
    const same = found.get(text);
    if (same === undefined) found.set(text, { modes: [mode], ...answer });
    else same.modes.push(mode);
  }
  return [...found.values()];
}
