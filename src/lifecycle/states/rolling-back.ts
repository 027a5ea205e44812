// RollingBack: a version that has not proven itself was given up. When no process of it is left, storage has the last word: either it has had a checkpoint
// after all, and goes on, or the version before it starts from the state that it had left, or what the spec asks for by then.
import { cameToItsEnd } from '../completion.ts';
import { runInstead } from '../context.ts';
import { attemptOf, finishedByItself, timestamp } from '../facts.ts';
import type { Context, Outcome, StateHandler } from '../model.ts';
import { reportOfRollBack } from '../roll-back.ts';
import { startDesired, stopAll } from '../runs.ts';
import { hasOwnState } from '../version-before.ts';

export const rollingBack: StateHandler<'RollingBack'> = (c) => {
  const attempt = attemptOf(c);
  const stop = stopAll(c, { graceful: false });
  if (stop !== null) return { state: 'RollingBack', report: reportOfRollBack(failureOf(c)), actions: [stop] };
  if (finishedByItself(c)) return cameToItsEnd(c, attempt);
  if (hasOwnState(c)) return provenAfterAll(c);
  if (c.desired.suspend)
    return {
      state: 'Suspended',
      report: { kind: 'Suspended', reason: 'Suspended', message: 'The job is stopped as asked.' },
      patch: { attempt: { ...attempt, ended: attempt.ended ?? 'Abandoned' }, accepted: c.status.previous },
      events: [{ savepoint: null, type: 'Normal', reason: 'Suspended', message: 'The job is stopped as asked.' }],
    };
  return start(c);
};

const failureOf = (c: Context): string => c.status.rolledBack?.failure ?? '';

/** A spec that cannot be run, or not beside the version that runs, is told of while that runs. */
function start(c: Context): Outcome<'RollingBack'> {
  const { previous, accepted } = c.status;
  const back = c.instead === undefined && c.change.kind !== 'Restart' ? runInstead(c, (previous ?? accepted)!) : c;
  if (back.instead === undefined) {
    const stateful = c.desired.upgrade.strategy !== 'Stateless';
    return startDesired(c, stateful ? 'restorePoint' : 'nothing', {
      reason: 'Starting',
      message: 'The spec has changed since: its version starts in place of the one that was given up.',
    });
  }
  return startDesired(back, 'restorePoint', {
    reason: 'RolledBack',
    message: `The version of generation ${back.instead.generation} starts again.`,
  });
}

/** Its first checkpoint was complete in the moment when it was given up: what that published must not come again. */
function provenAfterAll(c: Context): Outcome<'RollingBack'> {
  const { ended, ...attempt } = attemptOf(c);
  const patch = { previous: undefined, rolledBack: undefined };
  if (ended !== undefined)
    return {
      state: 'Failed',
      report: { kind: 'Failed', reason: 'JobFailed', message: failureOf(c) },
      patch,
      events: [{ savepoint: null, type: 'Warning', reason: 'JobFailed', message: failureOf(c) }],
    };
  const message = 'Its first checkpoint was complete before its processes were gone: the version is not rolled back.';
  return {
    state: 'Recovering',
    report: { kind: 'Progressing', reason: 'Recovering', message },
    patch: { ...patch, attempt, recovery: { restarts: 1, nextAttemptAt: timestamp(c.now), lastFailure: message } },
    events: [{ savepoint: null, type: 'Normal', reason: 'Recovering', message }],
  };
}
