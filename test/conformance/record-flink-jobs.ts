// Puts the jobs of jobs/*.sql to a real Flink and records what it answers: what is in the sinks, or why there is nothing.
// Run: node test/conformance/record-flink-jobs.ts [--all]; without --all only jobs that have no answer yet, or have changed. All take three minutes
// where nothing else runs.
// Needs what test/flink/tools.ts says.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FLINK_VERSION } from '../flink/distribution.ts';
import { askFlink, idOf } from './flink-jobs.ts';
import { readJobs } from './jobs.ts';
import { FILE, readRecordedJobs, together, writeRecordedJobs, type RecordedJob } from './recorded-jobs.ts';

const root = resolve(import.meta.dirname, '../..');
const jobs = readJobs(root);
const isNew = process.argv.includes('--all') || !existsSync(join(root, FILE));
const known: ReadonlyMap<string, RecordedJob> = isNew ? new Map() : readRecordedJobs(root);
const asked = jobs.filter(({ name, digest }) => known.get(name)?.digest !== digest);
const questions = asked.flatMap((job) => job.modes.map((mode) => ({ job, mode })));
const work = mkdtempSync(join(tmpdir(), 'flink-jobs-'));
try {
  const answers = questions.length === 0 ? new Map() : await askFlink(work, questions, console.log);
  const record = (job: (typeof jobs)[number]): RecordedJob => {
    const { name, digest, modes } = job;
    if (!asked.includes(job)) return known.get(name)!;
    return { name, digest, answers: together(modes.map((mode) => [mode, answers.get(idOf({ job, mode }))!] as const)) };
  };
  writeRecordedJobs(root, FLINK_VERSION, jobs.map(record));
} finally {
  rmSync(work, { recursive: true, force: true });
}
