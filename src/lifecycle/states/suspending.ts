// Suspending: a stream is stopped with a savepoint, a batch is cancelled; then no process is left.
import { whyStopped } from '../autoscaled.ts';
import { cameToItsEnd } from '../completion.ts';
import { isStreaming } from '../facts.ts';
import type { StateHandler } from '../model.ts';
import { stopRun } from '../stop.ts';
import { suspending as report, upgrading } from './starting.ts';

export const suspending: StateHandler<'Suspending'> = (c) => {
  const { attempt, pending } = c.status;
  const untouched = attempt?.ended === undefined && (pending === undefined || pending.retryAt !== undefined);
  if (!c.desired.suspend && untouched) {
    if (attempt?.healthy === true && c.change.kind !== 'Restart')
      return {
        state: 'Running',
        report: {
          kind: 'Progressing',
          reason: 'Resuming',
          message: 'The job goes on: it is no longer to be suspended.',
        },
        patch: { pending: undefined },
      };
    return { state: 'Upgrading', report: upgrading };
  }
  const step = stopRun(c, isStreaming(c) ? 'Savepoint' : 'Cancel');
  if (!step.done)
    return {
      state: 'Suspending',
      ...step,
      report:
        step.failure === undefined
          ? (step.report ?? report)
          : {
              kind: 'Progressing',
              reason: 'SavepointFailed',
              message: `${step.failure} The job goes on until a savepoint is complete.`,
            },
    };
  if (attempt?.ended === 'Finished') return cameToItsEnd(c, attempt);
  return {
    state: 'Suspended',
    report: { kind: 'Suspended', reason: 'Suspended', message: whyStopped(c) ?? 'The job is stopped as asked.' },
    patch: { pending: undefined, recovery: undefined },
    events: [{ savepoint: null, type: 'Normal', reason: 'Suspended', message: 'The job is stopped as asked.' }],
  };
};
