// A look at a job from outside the operator: readings that are far enough apart for rates, what the operator has written down of it, and what would be decided
// of that.
import { setTimeout as pause } from 'node:timers/promises';
import { decide } from '../../autoscaler/decide.ts';
import { emptyHistory } from '../../autoscaler/defaults.ts';
import type { Kept } from '../../autoscaler/model.ts';
import { emptyJournal, withLook, type Journal } from '../../autoscaler/journal.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { configOf } from './config.ts';
import { recalled } from './learned-text.ts';
import { readSample, type EngineReader } from './read-sample.ts';

/** Between looks, milliseconds: what is read in the first five seconds does not count, and rates need 15 s after that. */
const PAUSES = [0, 5_500, 16_000];

/** `learned`: what the operator has written down; null: nothing. Answers null when the job does not run. Throws what `engine` throws. */
export async function lookFromOutside(
  job: FlowJob,
  engine: EngineReader,
  learned: string | null,
): Promise<Journal | null> {
  const jobId = job.status?.attempt?.jobId;
  if (jobId === undefined) return null;
  const config = configOf(job.spec);
  let history = emptyHistory(known(learned, job));
  let journal = emptyJournal();
  let since: number | null = null;
  for (const wait of PAUSES) {
    await pause(wait);
    const now = Date.now();
    const { sample, running } = await readSample(engine, jobId, now, job.spec.engine.type);
    since = running ? (since ?? now) : null;
    const seen = { ...sample, runningSince: since };
    const result = decide({ config, history, sample: seen, now });
    history = result.history;
    const { cost } = history.kept;
    journal = withLook(journal, { sample: seen, decision: result.decision, withheld: null, cost });
  }
  return { ...journal, decisions: [] };
}

/** The operator begins afresh where that is damaged, and says so in its log. */
function known(learned: string | null, job: FlowJob): Kept {
  try {
    return recalled(learned, job, Date.now());
  } catch {
    return recalled(null, job, Date.now());
  }
}
