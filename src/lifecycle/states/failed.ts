// Failed: the job failed for good. Its processes stay for ttlAfterFinished.failed, for a look at them; a change of the spec runs it again, a stream
// from its newest state.
import { durationMs } from '../../api/schema-kit.ts';
import { specHash } from '../change.ts';
import { cameToItsEnd } from '../completion.ts';
import { mayStillWork, shorten } from '../endings.ts';
import { finishedByItself, isStreaming, unreadableState } from '../facts.ts';
import type { Context, Report, StateHandler } from '../model.ts';
import { invalid, notStarted, startDesired, stopAll } from '../runs.ts';
import { LOOK_AGAIN } from '../unreadable-state.ts';

export const failed: StateHandler<'Failed'> = (c) => {
  const condition = c.status.conditions.find((x) => x.type === 'Failed');
  let report: Report = {
    kind: 'Failed',
    reason: (condition?.reason ?? 'JobFailed') as Report['reason'],
    message: condition?.message ?? 'The job failed.',
  };
  const { attempt } = c.status;
  // It was given up while it worked, and came to its end before it was gone: its output is there, so it must not be written once more.
  if (attempt !== undefined && mayStillWork(attempt.ended) && finishedByItself(c)) return cameToItsEnd(c, attempt);
  const stop = stopAll(c, { graceful: true });
  if (c.desired.suspend) {
    if (stop !== null) return { state: 'Failed', report, actions: [stop] };
    return {
      state: 'Suspended',
      report: { kind: 'Suspended', reason: 'Suspended', message: 'The failed job is suspended as asked.' },
      patch: { recovery: undefined, refused: undefined },
    };
  }
  const waits = c.status.refused !== undefined && report.reason === 'StateUnreadable';
  const unreadable = waits ? unreadableState(c) : null;
  if (unreadable !== null) report = { ...report, message: shorten(notStarted(unreadable)) };
  const readable = waits && unreadable === null;
  if (hasChanged(c) || readable) {
    if (c.observation.sqlError !== null) return invalid(c);
    if (stop !== null) return { state: 'Failed', report, actions: [stop] };
    // A job that was to be resumed as it was needs its state under either strategy.
    const resumed = readable && c.change.kind === 'None';
    const stateful = isStreaming(c) && (resumed || c.desired.upgrade.strategy === 'Savepoint');
    return startDesired(c, stateful ? 'restorePoint' : 'nothing', {
      reason: 'Starting',
      message: readable ? 'The state can be read again.' : 'The failed job is run again because its spec changed.',
    });
  }
  if (stop === null) return { state: 'Failed', report, ...(waits ? { requeueAt: c.now + LOOK_AGAIN } : {}) };
  const ttl = durationMs(c.desired.batch?.ttlAfterFinished.failed ?? '1h');
  const failedAt = Date.parse(condition?.lastTransitionTime ?? '');
  const goneAt = mayStillWork(attempt?.ended) || Number.isNaN(failedAt) ? c.now : failedAt + ttl;
  if (c.now < goneAt) return { state: 'Failed', report, requeueAt: goneAt };
  return { state: 'Failed', report, actions: [stop] };
};

/** Against the version that was tried last, whether it came to run or not. */
function hasChanged(c: Context): boolean {
  const { refused } = c.status;
  return refused === undefined ? c.change.kind !== 'None' : specHash(c.desired) !== refused.specHash;
}
