// batch.deleteAfterFinished: a job that has ended is deleted as a person would delete it.
import { durationMs } from '../api/schema-kit.ts';
import type { JobState } from '../api/status.ts';
import type { Context, Outcome } from './model.ts';

/** `endedAt`: milliseconds since the epoch; NaN when it is not on record, and then nothing is deleted. */
export function deleteAfter<S extends JobState>(c: Context, endedAt: number, outcome: Outcome<S>): Outcome<S> {
  const after = c.desired.batch?.deleteAfterFinished;
  if (after === undefined || Number.isNaN(endedAt)) return outcome;
  const at = endedAt + durationMs(after);
  if (c.now < at) return { ...outcome, requeueAt: Math.min(outcome.requeueAt ?? at, at) };
  const message = `The FlowJob is deleted: spec.batch.deleteAfterFinished (${after}) has passed since its end.`;
  return {
    ...outcome,
    actions: [...(outcome.actions ?? []), { kind: 'DeleteJob' }],
    events: [...(outcome.events ?? []), { savepoint: null, type: 'Normal', reason: 'Deleting', message }],
  };
}
