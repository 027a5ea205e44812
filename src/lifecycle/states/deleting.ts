// Deleting: under policy Savepoint a healthy stream is stopped with a last savepoint, which stays; under Delete the job is cancelled and its checkpoints go.
// A savepoint that cannot be had does not hold the deletion up for ever: the newest checkpoint stays in storage.
import { isStreaming } from '../facts.ts';
import type { StateHandler } from '../model.ts';
import { stopRun } from '../stop.ts';

/** So many failed savepoints, and the deletion goes on without one. */
const SAVEPOINT_TRIES = 3;

export const deleting: StateHandler<'Deleting'> = (c) => {
  const report = { kind: 'Progressing', reason: 'Deleting', message: 'The job is being deleted.' } as const;
  const { attempt, pending } = c.status;
  // Once the job has been cancelled there is nothing left to take a savepoint of.
  const givenUp =
    pending?.jobId === attempt?.jobId &&
    (pending?.kind === 'Cancel' ||
      (pending?.kind === 'StopWithSavepoint' && (pending.failures ?? 0) >= SAVEPOINT_TRIES));
  const savepoint = c.desired.deletionPolicy === 'Savepoint' && isStreaming(c) && !givenUp;
  const step = stopRun(c, savepoint ? 'Savepoint' : 'Cancel');
  if (!step.done) return { state: 'Deleting', report, ...step };
  return {
    state: 'Deleting',
    report,
    actions: c.desired.deletionPolicy === 'Delete' ? [{ kind: 'RemoveState' }] : [],
    finalizer: 'remove',
  };
};
