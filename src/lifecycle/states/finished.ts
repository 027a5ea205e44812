// Finished: the job came to its end. Its processes go after ttlAfterFinished; it runs again only when somebody asks for another run.
import { durationMs } from '../../api/schema-kit.ts';
import { asksForAnotherRun } from '../change.ts';
import type { Context, Report, StateHandler } from '../model.ts';
import { startDesired, stopAll } from '../runs.ts';

export const finished: StateHandler<'Finished'> = (c) => {
  const stop = stopAll(c, { graceful: true });
  const accepted = c.status.accepted?.spec;
  const another = !c.desired.suspend && accepted !== undefined && asksForAnotherRun(accepted, c.desired);
  // A version that cannot run does not take the place of the one that did: taken back, it leaves no trace.
  const report = another && c.observation.sqlError !== null ? invalid(c.observation.sqlError) : complete(c);
  if (another && report.kind === 'Complete') {
    if (stop !== null) return { state: 'Finished', report, actions: [stop] };
    return startDesired(c, 'nothing', { reason: 'Starting', message: 'The job is run again.' });
  }
  if (stop === null) return { state: 'Finished', report };
  const ttl = durationMs(c.desired.batch?.ttlAfterFinished.succeeded ?? '0s');
  const endedAt = Date.parse(c.status.batch?.finishedAt ?? '');
  const goneAt = Number.isNaN(endedAt) || c.desired.suspend ? c.now : endedAt + ttl;
  if (c.now < goneAt) return { state: 'Finished', report, requeueAt: goneAt };
  return { state: 'Finished', report, actions: [stop] };
};

const invalid = (sqlError: string): Report => ({
  kind: 'Stalled',
  reason: 'InvalidSpec',
  message: `The job has finished. The new version cannot run: ${sqlError}`,
});

function complete(c: Context): Report {
  const before = c.status.conditions.find((x) => x.type === 'Complete');
  return { kind: 'Complete', reason: 'Completed', message: before?.message ?? 'The job came to its end.' };
}
