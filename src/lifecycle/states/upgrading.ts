// Upgrading: the running version is stopped, with a savepoint or without state; then the version that the spec asks for by then is started: beside the
// processes that are ending when a savepoint ended the run, which can do nothing more; else when no process of it is left.
import { cameToItsEnd } from '../completion.ts';
import { isStreaming } from '../facts.ts';
import { isOnCluster } from '../on-cluster.ts';
import type { Context, Report, StateHandler } from '../model.ts';
import { failureOf, inPlainOrder } from '../prepared.ts';
import { startDesired } from '../runs.ts';
import { waitForSql } from '../sql-source.ts';
import { stopRun } from '../stop.ts';
import { suspending, upgradingOf } from './starting.ts';

export const upgrading: StateHandler<'Upgrading'> = (c) => {
  const { attempt, pending } = c.status;
  const untouched = attempt?.ended === undefined && (pending === undefined || pending.retryAt !== undefined);
  if (c.desired.suspend && attempt?.ended === undefined) return { state: 'Suspending', report: suspending };
  if (untouched && attempt?.healthy === true && c.change.kind !== 'Restart')
    return {
      state: 'Running',
      report: {
        kind: 'Progressing',
        reason: 'Upgrading',
        message: 'The change was taken back; the running version goes on.',
      },
      patch: { pending: undefined },
    };

  const { strategy } = c.desired.upgrade;
  const stateful = isStreaming(c) && strategy !== 'Stateless';
  const step = stopRun(c, !stateful ? 'Cancel' : strategy === 'LastState' ? 'LastState' : 'Savepoint');
  // The processes of a run that its savepoint has ended can do nothing more. On a FlowCluster its own word is waited for that it is over, which comes at once.
  const mayStart = step.done || (attempt?.ended === 'Stopped' && !isOnCluster(c));
  if (!mayStart)
    return {
      state: 'Upgrading',
      ...step,
      report:
        step.failure === undefined
          ? (step.report ?? reportOf(c))
          : {
              kind: 'Progressing',
              reason: 'SavepointFailed',
              message: `${step.failure} The running version goes on until a savepoint is complete.`,
            },
    };
  // The change came too late to replace anything, and a run from the start would write all output once more.
  if (attempt?.ended === 'Finished') return cameToItsEnd(c, attempt);
  if (c.sqlMissing !== null) return waitForSql(c, 'Upgrading');
  const started = startDesired(c, stateful ? 'restorePoint' : 'nothing', {
    reason: 'Starting',
    message: `The new version starts with parallelism ${c.desired.job.parallelism}.`,
  });
  return { ...started, actions: [...step.actions, ...(started.actions ?? [])] };
};

function reportOf(c: Context): Report {
  const failure = failureOf(c);
  if (c.prepared !== undefined)
    return upgradingOf(c, 'The running version is being stopped; the new one, which is up, takes over then.');
  return failure === undefined ? upgradingOf(c) : upgradingOf(c, inPlainOrder(failure));
}
