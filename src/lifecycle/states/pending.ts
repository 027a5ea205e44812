// Pending: accepted, nothing exists yet; or what the job is to start from is not there, and it waits.
import type { StateHandler } from '../model.ts';
import { startDesired, stopAll } from '../runs.ts';
import { waitForSql } from '../sql-source.ts';

export const pending: StateHandler<'Pending'> = (c) => {
  const waiting = { kind: 'Progressing', reason: 'Starting', message: 'The job is about to be started.' } as const;
  if (c.desired.suspend)
    return {
      state: 'Suspended',
      report: { kind: 'Suspended', reason: 'Suspended', message: 'The job is suspended; it has not been started yet.' },
    };
  // Processes of a job whose status was lost: nothing is known of them, so nothing may run beside them.
  const strays = stopAll(c, { graceful: true });
  if (strays !== null) return { state: 'Pending', report: waiting, actions: [strays] };
  if (c.sqlMissing !== null) return waitForSql(c, 'Pending');
  return startDesired(c, 'restorePoint', {
    reason: 'Starting',
    message: `Started with parallelism ${c.desired.job.parallelism}.`,
  });
};
