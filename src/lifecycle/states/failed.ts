// Failed: the job failed for good. Its processes stay for ttlAfterFinished.failed, for a look at them; a change of the spec runs it again, a stream
// from its newest state.
import { specChanges } from '../../api/change-class.ts';
import { durationMs } from '../../api/schema-kit.ts';
import { whySized } from '../autoscaled.ts';
import { isOfSize, specHash } from '../change.ts';
import { cameToItsEnd } from '../completion.ts';
import { deleteAfter } from '../delete-after.ts';
import { shorten } from '../conditions.ts';
import { mayStillWork } from '../endings.ts';
import { restoreCounts } from '../first-start.ts';
import { finishedByItself, isStreaming } from '../facts.ts';
import type { Context, Report, StateHandler } from '../model.ts';
import { invalid, notStarted, startDesired, stateMissing, stopAll } from '../runs.ts';
import { LOOK_AGAIN } from '../unreadable-state.ts';

const NEXT_IS_MISSING = '\nThe SQL text that the spec names for its next version is missing: ';

export const failed: StateHandler<'Failed'> = (c) => {
  const condition = c.status.conditions.find((x) => x.type === 'Failed');
  const failure = (condition?.message ?? 'The job failed.').split(NEXT_IS_MISSING)[0]!;
  let report: Report = {
    kind: 'Failed',
    reason: (condition?.reason ?? 'JobFailed') as Report['reason'],
    message: shorten(failure + (c.sqlMissing === null ? '' : NEXT_IS_MISSING + c.sqlMissing)),
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
  const unreadable = waits ? stateMissing(c) : null;
  if (unreadable !== null) report = { ...report, message: shorten(notStarted(unreadable)) };
  const readable = waits && unreadable === null;
  if (c.sqlMissing === null && (hasChanged(c) || readable)) {
    if (c.observation.sqlError !== null) return invalid(c);
    if (stop !== null) return { state: 'Failed', report, actions: [stop] };
    // A job that was to be resumed as it was needs its state under either strategy.
    const resumed = readable && c.change.kind === 'None';
    const stateful = isStreaming(c) && (resumed || c.desired.upgrade.strategy !== 'Stateless');
    return startDesired(c, stateful ? 'restorePoint' : 'nothing', {
      reason: 'Starting',
      message: readable ? 'The state can be read again.' : 'The failed job is run again because its spec changed.',
    });
  }
  const failedAt = Date.parse(condition?.lastTransitionTime ?? '');
  if (stop === null)
    return deleteAfter(c, failedAt, { state: 'Failed', report, ...(waits ? { requeueAt: c.now + LOOK_AGAIN } : {}) });
  const ttl = durationMs(c.desired.batch?.ttlAfterFinished.failed ?? '1h');
  const goneAt = mayStillWork(attempt?.ended) || Number.isNaN(failedAt) ? c.now : failedAt + ttl;
  if (c.now < goneAt) return deleteAfter(c, failedAt, { state: 'Failed', report, requeueAt: goneAt });
  return { state: 'Failed', report, actions: [stop] };
};

/** Against the version that was tried last, whether it came to run or not. */
function hasChanged(c: Context): boolean {
  const { refused } = c.status;
  if (restoreChanged(c)) return true;
  // What an autoscaler had decided is no change that anybody has made.
  if (isOfSize(c.change) && whySized(c) !== undefined) return false;
  return refused === undefined ? c.change.kind !== 'None' : specHash(c.desired) !== refused.specHash;
}

/** Another place to start from is asked for, of a job that has not come to its first checkpoint. */
function restoreChanged(c: Context): boolean {
  const accepted = c.status.accepted?.spec;
  if (accepted === undefined || !restoreCounts(c.status)) return false;
  return specChanges(accepted, c.desired).some(({ path }) => path.startsWith('state.restore.'));
}
