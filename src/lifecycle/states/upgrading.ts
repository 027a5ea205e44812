// Upgrading: the running version is stopped, with a savepoint or without state; then the version that the spec asks for by then is started: beside the
// processes that are ending when a savepoint ended the run, which can do nothing more; else when no process of it is left.
import { cameToItsEnd } from '../completion.ts';
import { isStreaming } from '../facts.ts';
import type { StateHandler } from '../model.ts';
import { startDesired } from '../runs.ts';
import { waitForSql } from '../sql-source.ts';
import { stopRun } from '../stop.ts';
import { suspending, upgrading as report } from './starting.ts';

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
  if (!step.done && attempt?.ended !== 'Stopped')
    return {
      state: 'Upgrading',
      ...step,
      report:
        step.failure === undefined
          ? (step.report ?? report)
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
