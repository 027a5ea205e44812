// How a run that ended, or an attempt that was lost, is judged: finished, failed for good, or tried again after a back-off.
import { durationMs } from '../api/schema-kit.ts';
import type { Attempt } from '../api/status.ts';
import { recoveryDelay, RESET_AFTER } from './back-off.ts';
import { cameToItsEnd } from './completion.ts';
import { shorten } from './conditions.ts';
import { isStreaming, lossOf, terminalOf, timestamp, type Loss } from './facts.ts';
import type { Context, DecidedEvent, Outcome, StatusPatch } from './model.ts';
import { stopAll } from './runs.ts';
import { savepointPatch } from './stop.ts';

type Ending = Outcome<'Starting'> & { state: 'Finished' | 'Failed' | 'Recovering' };

const warning = (reason: DecidedEvent['reason'], message: string): DecidedEvent => ({
  savepoint: null,
  type: 'Warning',
  reason,
  message,
});

/** The checks that every state with a live run begins with. Null: the run goes on. */
export function endingOf(c: Context, attempt: Attempt): Ending | null {
  return judgeTerminal(c, attempt) ?? judgeDeadline(c, attempt) ?? judgeLoss(c, attempt);
}

export function judgeTerminal(c: Context, attempt: Attempt): Ending | null {
  const terminal = terminalOf(c, attempt);
  if (terminal === null) return null;
  switch (terminal.state) {
    case 'FINISHED':
      if (terminal.savepointPath === null) return cameToItsEnd(c, attempt);
      return failed(c, attempt, {
        reason: 'JobFailed',
        message: `The job was stopped from outside; its savepoint is at ${terminal.savepointPath}. Change spec.restartNonce to go on from it.`,
        ended: 'Stopped',
        patch: savepointPatch(c, attempt, terminal.savepointPath),
      });
    case 'CANCELED':
      return failed(c, attempt, {
        reason: 'JobFailed',
        message: 'The job was cancelled from outside. Change spec.restartNonce to run it again.',
        ended: 'Cancelled',
      });
    case 'FAILED':
      return isStreaming(c)
        ? failed(c, attempt, { reason: 'JobFailed', message: terminal.failure, ended: 'Failed' })
        : retry(c, { ...attempt, ended: 'Failed' }, { reason: terminal.failure, asked: false });
  }
}

export function judgeDeadline(c: Context, attempt: Attempt): Ending | null {
  const deadline = c.desired.batch?.activeDeadline;
  if (deadline === undefined || c.now < deadlineAt(attempt, deadline)) return null;
  return failed(c, attempt, {
    reason: 'DeadlineExceeded',
    message: `The job did not end within spec.batch.activeDeadline (${deadline}).`,
    ended: 'Cancelled',
  });
}

const deadlineAt = (attempt: Attempt, deadline: string): number =>
  Date.parse(attempt.runStartedAt) + durationMs(deadline);

/** When the deadline of the run passes, to look again then. */
export function deadlineOf(c: Context): { requeueAt?: number } {
  const deadline = c.desired.batch?.activeDeadline;
  const attempt = c.status.attempt;
  return deadline === undefined || attempt === undefined ? {} : { requeueAt: deadlineAt(attempt, deadline) };
}

export function judgeLoss(c: Context, attempt: Attempt): Ending | null {
  const loss = lossOf(c, attempt);
  return loss === null ? null : retry(c, attempt, loss);
}

/** The next attempt after a back-off; for a batch job that used up its retries the end. */
function retry(c: Context, attempt: Attempt, loss: Loss): Ending {
  const streaming = isStreaming(c);
  const held = streaming && attempt.healthy && c.now - Date.parse(attempt.startedAt) >= RESET_AFTER;
  const before = held ? 0 : (c.status.recovery?.restarts ?? 0);
  const restarts = loss.asked ? before : before + 1;
  const limit = c.desired.batch?.backoffLimit;
  if (!streaming && limit !== undefined && restarts > limit)
    return failed(c, attempt, {
      reason: 'BackoffLimitExceeded',
      message: `The job failed more often than spec.batch.backoffLimit (${limit}) allows. The last time: ${loss.reason}`,
      ended: attempt.ended ?? 'Abandoned',
    });
  const nextAttemptAt = c.now + (loss.asked ? 0 : recoveryDelay(restarts));
  const stop = stopAll(c, { graceful: false });
  return {
    state: 'Recovering',
    report: { kind: 'Progressing', reason: 'Recovering', message: shorten(loss.reason) },
    patch: {
      attempt: { ...attempt, healthy: false },
      pending: undefined,
      recovery: { restarts, nextAttemptAt: timestamp(nextAttemptAt), lastFailure: shorten(loss.reason) },
    },
    actions: stop === null ? [] : [stop],
    events: [
      loss.asked
        ? {
            savepoint: null,
            type: 'Normal',
            reason: 'Recovering',
            message: 'The job was stopped on purpose; it goes on.',
          }
        : warning(attempt.ended === undefined ? 'ProcessLost' : 'Recovering', shorten(loss.reason)),
    ],
    requeueAt: nextAttemptAt,
  };
}

function failed(
  c: Context,
  attempt: Attempt,
  how: {
    reason: 'JobFailed' | 'DeadlineExceeded' | 'BackoffLimitExceeded';
    message: string;
    ended: NonNullable<Attempt['ended']>;
    patch?: StatusPatch;
  },
): Ending {
  const message = shorten(how.message);
  const stop = mayStillWork(how.ended) ? stopAll(c, { graceful: how.ended === 'Cancelled' }) : null;
  return {
    state: 'Failed',
    report: { kind: 'Failed', reason: how.reason, message },
    patch: { ...how.patch, attempt: { ...attempt, ended: how.ended }, pending: undefined },
    actions: stop === null ? [] : [stop],
    events: [warning(how.reason, message)],
  };
}

/** A job that is over by the engine's own word may keep its processes for a look at them; one that was cut off or lost may not go on. */
export const mayStillWork = (ended: Attempt['ended']): boolean => ended === 'Cancelled' || ended === 'Abandoned';
