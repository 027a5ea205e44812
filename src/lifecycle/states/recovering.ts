// Recovering: the attempt was lost. What is left of it is stopped; after the back-off the next attempt starts, with a higher epoch.
import { judgeDeadline, judgeTerminal } from '../endings.ts';
import type { Attempt } from '../../api/status.ts';
import { attemptOf, isStreaming, terminalOf, unreadableState } from '../facts.ts';
import { shorten } from '../conditions.ts';
import type { Context, DecidedEvent, Outcome, Report, StateHandler } from '../model.ts';
import { isOnCluster } from '../on-cluster.ts';
import { failedOnTrial, inTime } from '../roll-back.ts';
import { nextAttempt, startingAgain, stopAll } from '../runs.ts';
import { LOOK_AGAIN, stateUnreadable } from '../unreadable-state.ts';
import { waitsForImages } from '../version-to-come.ts';
import { suspending, upgrading } from './starting.ts';

export const recovering: StateHandler<'Recovering'> = (c) => {
  const attempt = attemptOf(c);
  const failed = attempt.ended === undefined ? failedOnTrial(c, attempt) : null;
  return failed ?? inTime(c, attempt, recover(c, attempt));
};

function recover(c: Context, attempt: Attempt): Outcome<'Recovering'> {
  const recovery = c.status.recovery;
  // A run that is on record as ended is not asked again how it ended. On a FlowCluster what is left of a lost one is cancelled from here, and its JobManager says so.
  const isCancelledHere = isOnCluster(c) && terminalOf(c, attempt)?.state === 'CANCELED';
  const isToBeJudged = attempt.ended === undefined && !isCancelledHere;
  const ending = (isToBeJudged ? judgeTerminal(c, attempt) : null) ?? judgeDeadline(c, attempt);
  if (ending !== null) return ending;
  if (c.desired.suspend) return { state: 'Suspending', report: suspending };
  if (c.change.kind === 'Restart' && !waitsForImages(c)) return { state: 'Upgrading', report: upgrading };

  const message = recovery?.lastFailure ?? 'The attempt was lost.';
  const left = stopAll(c, { graceful: false });
  if (left !== null)
    return { state: 'Recovering', report: { kind: 'Progressing', reason: 'Recovering', message }, actions: [left] };
  const nextAt = recovery?.nextAttemptAt === undefined ? c.now : Date.parse(recovery.nextAttemptAt);
  if (c.now < nextAt) {
    const report: Report = { kind: 'Progressing', reason: 'BackingOff', message };
    return { state: 'Recovering', report, requeueAt: nextAt };
  }
  const unreadable = isStreaming(c) && attempt.ended === undefined ? unreadableState(c) : null;
  if (unreadable !== null) return waitForState(c, unreadable);
  const next = nextAttempt(c, attempt);
  return {
    state: 'Starting',
    report: startingAgain(recovery?.lastFailure),
    patch: next.patch,
    actions: next.actions,
    events: [goesOn(next, message)],
  };
}

/** Told beside the loss itself, which an operator that died just then has told nobody. */
const goesOn = ({ patch }: ReturnType<typeof nextAttempt>, why: string): DecidedEvent => ({
  savepoint: null,
  type: 'Normal',
  reason: 'Recovering',
  message: shorten(`Attempt ${patch.attempt?.epoch} begins. The one before it was lost: ${why}`),
});

/** The run goes on by itself once its state can be read again. */
function waitForState(c: Context, unreadable: string): Outcome<'Recovering'> {
  return { state: 'Recovering', ...stateUnreadable(c, unreadable), requeueAt: c.now + LOOK_AGAIN };
}
