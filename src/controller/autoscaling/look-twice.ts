// A look at a job without what an operator remembers: two readings, far enough apart for rates, and what would be decided of them.
import { setTimeout as pause } from 'node:timers/promises';
import { decide } from '../../autoscaler/decide.ts';
import { emptyHistory } from '../../autoscaler/defaults.ts';
import { emptyJournal, withLook, type Journal } from '../../autoscaler/journal.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { configOf } from './config.ts';
import { readSample, type EngineReader } from './read-sample.ts';

/** Rates need a quarter of a minute. Milliseconds. */
const APART = 16_000;

/** Null: the job does not run. Throws what `engine` throws. */
export async function lookTwice(job: FlowJob, engine: EngineReader): Promise<Journal | null> {
  const jobId = job.status?.attempt?.jobId;
  if (jobId === undefined) return null;
  const config = configOf(job.spec);
  let history = emptyHistory();
  let journal = emptyJournal();
  let since: number | null = null;
  for (let look = 0; look < 2; look++) {
    if (look > 0) await pause(APART);
    const now = Date.now();
    const { sample, running } = await readSample(engine, jobId, now);
    since = running ? (since ?? now) : null;
    const seen = { ...sample, runningSince: since };
    const result = decide({ config, history, sample: seen, now });
    history = result.history;
    journal = withLook(journal, { sample: seen, decision: result.decision, withheld: null });
  }
  return { ...journal, decisions: [] };
}
