// A job that came to its end on its own: how that is put on record and told, what is told of an edit that came later, and when it is run again.
import { specChanges } from '../api/change-class.ts';
import type { Attempt, BatchSummary } from '../api/status.ts';
import { fieldName } from './change.ts';
import { isStreaming, timestamp } from './facts.ts';
import type { Context, Outcome, Report } from './model.ts';

/** Fields that say what is computed, not with which means. */
const WORK = ['mode', 'job.sql.inline', 'job.jar.uri', 'job.jar.entryClass', 'job.jar.args', 'job.jar.sha256'];

/** The end, from whichever state the job was in. No later edit of the spec runs it again but one of spec.restartNonce. */
export function cameToItsEnd(c: Context, attempt: Attempt): Outcome<'Starting'> & { state: 'Finished' } {
  const report = completion(c, false);
  return {
    state: 'Finished',
    report,
    patch: {
      attempt: { ...attempt, healthy: true, ended: 'Finished' },
      pending: undefined,
      refused: undefined,
      previous: undefined,
      rolledBack: undefined,
      batch: summaryOf(c, attempt),
    },
    events: [{ savepoint: null, type: 'Normal', reason: 'Completed', message: report.message }],
  };
}

function summaryOf(c: Context, attempt: Attempt): BatchSummary {
  const result = c.observation.storage.result;
  return {
    startedAt: attempt.runStartedAt,
    finishedAt: timestamp(result?.endTime ?? c.now),
    durationMs: result === null ? 0 : Math.max(0, result.endTime - result.startTime),
    ...(result?.rowsIn === undefined ? {} : { rowsIn: result.rowsIn }),
    ...(result?.rowsOut === undefined ? {} : { rowsOut: result.rowsOut }),
    attempts: (c.status.recovery?.restarts ?? 0) + 1,
    // What the spec says, also where a version that was given up is not the one that ran.
    restartNonce: c.job.spec.restartNonce,
  };
}

/**
 * Only spec.restartNonce asks for another run, by a value that it had neither for the run that finished nor when the end was put on record:
 * what was set in between asked to restart a job from where it was, and a run from the start would write all its output once more.
 */
export function asksForAnotherRun(c: Context): boolean {
  const { accepted, batch } = c.status;
  const nonce = c.desired.restartNonce;
  return accepted !== undefined && nonce !== accepted.spec.restartNonce && nonce !== batch?.restartNonce;
}

/** `another`: another run is asked for. */
export function completion(c: Context, another: boolean): Report {
  const ended = isStreaming(c) ? 'The job came to the end of its input.' : 'The batch job came to its end.';
  const note = noteOf(c, another);
  return { kind: 'Complete', reason: 'Completed', message: note === null ? ended : `${ended} ${note}` };
}

/** What becomes of a spec that is not the one that was run; null when there is nothing to tell. */
function noteOf(c: Context, another: boolean): string | null {
  const accepted = c.status.accepted?.spec;
  if (accepted === undefined) return null;
  const changed = specChanges(accepted, c.desired).filter(({ path }) => WORK.includes(path));
  const since = `The spec has changed since the run that finished (${changed.map(({ path }) => fieldName(path, c.desired)).join(', ')})`;
  const raisedTooEarly = !another && accepted.restartNonce !== c.desired.restartNonce;
  const raise = raisedTooEarly ? 'raise spec.restartNonce once more' : 'raise spec.restartNonce';
  if (changed.length > 0 && c.observation.sqlError !== null)
    return `${since} and cannot be run as it is: ${c.observation.sqlError}\nNothing is run for that. Correct it, and ${raise} to run it.`;
  if (another) return 'It is run again, as spec.restartNonce asks, once spec.suspend is false.';
  if (changed.length > 0) return `${since}, for which nothing is run: ${raise} to run the present one.`;
  if (raisedTooEarly)
    return `spec.restartNonce changed before the end was on record, when there was nothing left to restart: ${raise} to run the job again from the start.`;
  return null;
}
