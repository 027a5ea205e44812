// Deleting: under policy Savepoint a healthy stream is stopped with a last savepoint, which stays; under Delete the job is cancelled and its checkpoints go.
// A savepoint that cannot be had does not hold the deletion up for ever: the newest checkpoint stays in storage. Checkpoints from which another job is to start
// do: it could start from nothing else.
import { shorten } from '../conditions.ts';
import { isStreaming } from '../facts.ts';
import type { Context, Outcome, StateHandler } from '../model.ts';
import type { Restorer } from '../observation.ts';
import { stopRun } from '../stop.ts';
import { LOOK_AGAIN } from '../unreadable-state.ts';

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
  const { restorer } = c.observation;
  if (c.desired.deletionPolicy === 'Delete' && restorer !== undefined) return held(c, restorer);
  return {
    state: 'Deleting',
    report,
    actions: c.desired.deletionPolicy === 'Delete' ? [{ kind: 'RemoveState' }] : [],
    finalizer: 'remove',
  };
};

function held(c: Context, { job, path }: Restorer): Outcome<'Deleting'> {
  const other = isStreaming(c) ? ', or set deletionPolicy to Savepoint, which keeps them' : '';
  const message = shorten(
    `The job is stopped, and deletionPolicy Delete would remove its checkpoints. FlowJob ${job} is to start from one of them (${path}) and has none of its own yet: they stay until it has. To go on now delete that job first${other}.`,
  );
  const told = c.status.conditions.some((x) => x.reason === 'StateInUse' && x.message === message);
  return {
    state: 'Deleting',
    report: { kind: 'Stalled', reason: 'StateInUse', message },
    events: told ? [] : [{ savepoint: null, type: 'Warning', reason: 'StateInUse', message }],
    requeueAt: c.now + LOOK_AGAIN,
  };
}
