// Finished: the job came to its end. Its processes go after ttlAfterFinished; it runs again only when spec.restartNonce asks for another run.
import { durationMs } from '../../api/schema-kit.ts';
import { asksForAnotherRun, completion } from '../completion.ts';
import { deleteAfter } from '../delete-after.ts';
import type { Report, StateHandler } from '../model.ts';
import { startDesired, stopAll } from '../runs.ts';
import { waitForSql } from '../sql-source.ts';

export const finished: StateHandler<'Finished'> = (c) => {
  const stop = stopAll(c, { graceful: true });
  const asked = asksForAnotherRun(c);
  const another = asked && !c.desired.suspend;
  if (another && stop === null && c.sqlMissing !== null) return waitForSql(c, 'Finished');
  const { sqlError } = c.observation;
  if (another && sqlError === null) {
    if (stop !== null) return { state: 'Finished', report: clearing, actions: [stop] };
    return startDesired(c, 'nothing', { reason: 'Starting', message: 'The job is run again.' });
  }
  // A version that cannot run does not take the place of the one that did: taken back, it leaves no trace.
  const report = another && sqlError !== null ? invalid(sqlError) : completion(c, asked);
  const endedAt = Date.parse(c.status.batch?.finishedAt ?? '');
  if (stop === null) return deleteAfter(c, endedAt, { state: 'Finished', report });
  const ttl = durationMs(c.desired.batch?.ttlAfterFinished.succeeded ?? '0s');
  const goneAt = Number.isNaN(endedAt) || c.desired.suspend ? c.now : endedAt + ttl;
  if (c.now < goneAt) return deleteAfter(c, endedAt, { state: 'Finished', report, requeueAt: goneAt });
  return { state: 'Finished', report, actions: [stop] };
};

const clearing: Report = {
  kind: 'Progressing',
  reason: 'Starting',
  message: 'The job is run again as soon as the processes of the run that finished are gone.',
};

const invalid = (sqlError: string): Report => ({
  kind: 'Stalled',
  reason: 'InvalidSpec',
  message: `The job has finished, and cannot be run again as spec.restartNonce asks: ${sqlError}`,
});
