// Giving up a new version that has not proven itself: when, and what is told of it from then on. Until its first checkpoint is complete it has published
// nothing, so that the version before goes on as if there had been no other.
import { durationMs } from '../api/schema-kit.ts';
import type { Attempt, JobState, RolledBack, Version } from '../api/status.ts';
import { SILENCE_TOLD } from './back-off.ts';
import { shorten } from './conditions.ts';
import { engineOf, jobManagerRuns, terminalOf, unreadableState } from './facts.ts';
import type { Context, Outcome, Report } from './model.ts';
import { stopAll } from './runs.ts';
import { hasOwnState, isAnother } from './version-before.ts';

type RollBack = Outcome<'Starting'> & { state: 'RollingBack' };

/** The version on its way has one before it to go back to, and has not proven itself. */
function isOnTrial(c: Context): boolean {
  const { accepted, previous } = c.status;
  if (accepted === undefined || previous === undefined || c.desired.upgrade.rollback?.enabled !== true) return false;
  return isAnother(previous.spec, accepted.spec) && !hasOwnState(c);
}

/** Its run has failed for good, by the engine's own word; null when it has not, or is not to be rolled back for that. */
export function failedOnTrial(c: Context, attempt: Attempt): RollBack | null {
  if (!isOnTrial(c)) return null;
  const terminal = terminalOf(c, attempt);
  return terminal?.state === 'FAILED'
    ? rollBack(c, { ...attempt, ended: 'Failed' }, `It failed before its first checkpoint: ${terminal.failure}`)
    : null;
}

/** It has had its time. `outcome`: what is done about it otherwise. State that nobody can read is waited for: the version before could not read it either. */
export function inTime<O extends Outcome<'Starting'> | Outcome<'Recovering'>>(
  c: Context,
  attempt: Attempt,
  outcome: O,
): O | RollBack {
  const at = trialEndsAt(c, attempt);
  if (at === null || !['Starting', 'Recovering'].includes(outcome.state)) return outcome;
  if (c.now < at) return { ...outcome, requeueAt: Math.min(outcome.requeueAt ?? Infinity, at) };
  if (unreadableState(c) !== null) return outcome;
  const asksUntil = isBeingAsked(c, attempt, outcome);
  if (asksUntil !== null) return { ...outcome, requeueAt: Math.min(outcome.requeueAt ?? Infinity, asksUntil) };
  const deadline = c.desired.upgrade.rollback?.deadline;
  const cause = causeOf(c, attempt, outcome.report);
  return rollBack(
    c,
    attempt,
    `It was not at its first checkpoint within spec.upgrade.rollback.deadline (${deadline})${cause === null ? '.' : `: ${cause}`}`,
  );
}

/**
 * An operator that comes back after the deadline, or whose job was paused, has not heard of the version for a while: it listens, and asks for the first
 * checkpoint, before it judges. Until when, milliseconds since the epoch; null when that is done.
 */
function isBeingAsked(
  c: Context,
  attempt: Attempt,
  outcome: Outcome<'Starting'> | Outcome<'Recovering'>,
): number | null {
  const { silentSince } = c.observation;
  const silentUntil = silentSince === null ? 0 : silentSince + SILENCE_TOLD;
  if (jobManagerRuns(c, attempt) && engineOf(c, attempt) === null && c.now < silentUntil) return silentUntil;
  const pending = outcome.patch?.pending ?? c.status.pending;
  if (pending?.kind !== 'Checkpoint' || pending.jobId !== attempt.jobId || pending.failures !== undefined) return null;
  const until = Date.parse(pending.startedAt) + SILENCE_TOLD;
  return c.now < until ? until : null;
}

function trialEndsAt(c: Context, attempt: Attempt): number | null {
  const deadline = c.desired.upgrade.rollback?.deadline;
  return deadline === undefined || !isOnTrial(c) ? null : Date.parse(attempt.runStartedAt) + durationMs(deadline);
}

const NONE_COMPLETED = 'its tasks ran, but no checkpoint completed; the log of the JobManager may say why';

/** What kept it, as far as that is known. */
function causeOf(c: Context, attempt: Attempt, { reason, message }: Report): string | null {
  const rootCause = engineOf(c, attempt)?.rootCause ?? null;
  if (rootCause !== null) return rootCause;
  if (reason === 'WaitingForCheckpoint') return c.status.pending?.failure ?? NONE_COMPLETED;
  return reason === 'Starting' ? (c.status.recovery?.lastFailure ?? null) : message;
}

function rollBack(c: Context, attempt: Attempt, why: string): RollBack {
  const failure = shorten(why);
  const { generation, specHash } = c.status.accepted!;
  const { replicas } = c.job.spec.taskManager;
  const rolledBack: RolledBack = {
    generation,
    specHash,
    failure,
    size: { replicas, parallelism: c.asked.job.parallelism },
  };
  const stop = stopAll(c, { graceful: false });
  return {
    state: 'RollingBack',
    report: reportOfRollBack(failure),
    patch: { attempt, rolledBack, pending: undefined, scaling: undefined, recovery: undefined },
    actions: stop === null ? [] : [stop],
    events: [
      {
        savepoint: null,
        type: 'Warning',
        reason: 'RollingBack',
        message: shorten(
          `The version of generation ${generation} is given up, and the one of generation ${c.status.previous!.generation} started again. ${failure}`,
        ),
      },
    ],
  };
}

export const reportOfRollBack = (failure: string): Report => ({
  kind: 'Progressing',
  reason: 'RollingBack',
  message: shorten(`The new version is being stopped; the one before it starts again when it is gone. ${failure}`),
});

/** States in which what is said of the job itself says enough. */
const SAY_ENOUGH: readonly JobState[] = ['RollingBack', 'Finished', 'Failed', 'Deleting'];

/** A job whose spec asks for a version that was given up is not as the spec asks, however well the version before it runs. */
export function tellRolledBack(c: Context, outcome: Outcome<JobState>): Outcome<JobState> {
  const { state, report } = outcome;
  if (c.rolledBack === undefined || c.instead === undefined || SAY_ENOUGH.includes(state)) return outcome;
  const note = noteOf(c.rolledBack, c.instead);
  if (state === 'Running' && report.kind !== 'Stalled') {
    const more = report.message === 'The job runs.' ? [] : [report.message];
    return {
      ...outcome,
      report: { kind: 'Stalled', reason: 'RolledBack', message: shorten([note, ...more].join('\n')) },
    };
  }
  // A standstill keeps its own reason, by which it is known for the same one in the next pass.
  const told = (report.kind === 'Stalled' && state !== 'Running') || report.message.includes(note);
  return told ? outcome : { ...outcome, report: { ...report, message: shorten(`${report.message}\n${note}`) } };
}

const noteOf = (givenUp: RolledBack, instead: Version): string =>
  `The version of generation ${givenUp.generation} was given up, and the one of generation ${instead.generation} is run from the state that it had left: correct the spec, or change spec.restartNonce to try the same version again. ${givenUp.failure}`;
