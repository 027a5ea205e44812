// Finished: the job came to its end. Its processes go after ttlAfterFinished; it runs again only when somebody asks for another run.
import { durationMs } from '../../api/schema-kit.ts';
import { asksForAnotherRun } from '../change.ts';
import { live } from '../facts.ts';
import type { Report, StateHandler } from '../model.ts';
import { startDesired, stopAll } from '../runs.ts';

export const finished: StateHandler<'Finished'> = (c) => {
  const complete = c.status.conditions.find((x) => x.type === 'Complete');
  const report: Report = {
    kind: 'Complete',
    reason: 'Completed',
    message: complete?.message ?? 'The job came to its end.',
  };
  const stop = stopAll(c, { graceful: true });
  const accepted = c.status.accepted?.spec;
  if (!c.desired.suspend && accepted !== undefined && asksForAnotherRun(accepted, c.desired)) {
    if (stop !== null && c.observation.sqlError === null) return { state: 'Finished', report, actions: [stop] };
    return startDesired(c, 'nothing', { reason: 'Starting', message: 'The job is run again.' });
  }
  if (stop === null) return { state: 'Finished', report };
  const ttl = durationMs(c.desired.batch?.ttlAfterFinished.succeeded ?? '0s');
  const endedAt = Date.parse(c.status.batch?.finishedAt ?? '');
  const goneAt = Number.isNaN(endedAt) || c.desired.suspend ? c.now : endedAt + ttl;
  if (c.now < goneAt) return { state: 'Finished', report, requeueAt: goneAt };
  const message = `The processes of the finished job are stopped (${live(c).length} of them).`;
  return {
    state: 'Finished',
    report,
    actions: [stop],
    events: [{ savepoint: null, type: 'Normal', reason: 'TimeToLiveExpired', message }],
  };
};
