// Suspended: stopped as asked, or never started. No process exists.
import { whyStopped } from '../autoscaled.ts';
import { isOfSize } from '../change.ts';
import type { StateHandler } from '../model.ts';
import { startDesired, stopAll } from '../runs.ts';
import { waitForSql } from '../sql-source.ts';

export const suspended: StateHandler<'Suspended'> = (c) => {
  const strays = stopAll(c, { graceful: true });
  if (c.desired.suspend || strays !== null)
    return {
      state: 'Suspended',
      report: { kind: 'Suspended', reason: 'Suspended', message: whyStopped(c) ?? 'The job is stopped as asked.' },
      actions: strays === null ? [] : [strays],
    };
  if (c.sqlMissing !== null) return waitForSql(c, 'Suspended');
  // Another size is no other version: what it was before goes on.
  const changed = c.change.kind !== 'None' && !isOfSize(c.change) && c.desired.upgrade.strategy === 'Stateless';
  return startDesired(c, changed ? 'nothing' : 'restorePoint', { reason: 'Resuming', message: 'The job is resumed.' });
};
