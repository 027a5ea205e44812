// Starting: the attempt stands in status; its processes come up. Over when the new version has proven itself: a stream by its first completed
// checkpoint, which is asked for as soon as all tasks run; a batch by running.
import type { Attempt, PendingOperation } from '../../api/status.ts';
import { operationDelay } from '../back-off.ts';
import { shorten } from '../conditions.ts';
import { deadlineOf, endingOf } from '../endings.ts';
import { attemptOf, engineOf, isStreaming, timestamp } from '../facts.ts';
import { idOf } from '../ids.ts';
import type { Context, Outcome, Report, StateHandler } from '../model.ts';
import { missingProcesses, reportOfLoss } from '../processes.ts';
import { starting as report } from '../runs.ts';

export const starting: StateHandler<'Starting'> = (c) => {
  const attempt = attemptOf(c);
  const ending = endingOf(c, attempt);
  if (ending !== null) return ending;
  if (c.desired.suspend) return { state: 'Suspending', report: suspending };
  if (c.change.kind === 'Restart' || c.change.kind === 'Scale') return { state: 'Upgrading', report: upgrading };

  const missing = missingProcesses(c, attempt);
  const requeueAt = missing.requeueAt === undefined ? deadlineOf(c) : { requeueAt: missing.requeueAt };
  const engine = engineOf(c, attempt);
  if (engine?.status !== 'RUNNING')
    return {
      state: 'Starting',
      report: missing.report ?? reportOfLoss(c) ?? comingUp(engine?.rootCause ?? null),
      actions: missing.actions,
      events: missing.events,
      ...requeueAt,
    };
  const proof = isStreaming(c) ? firstCheckpoint(c, attempt) : healthy(c, attempt);
  return {
    ...proof,
    report: missing.report ?? proof.report,
    actions: [...missing.actions, ...(proof.actions ?? [])],
    events: [...missing.events, ...(proof.events ?? [])],
  };
};

export const suspending = {
  kind: 'Progressing',
  reason: 'Suspending',
  message: 'The job is being stopped because spec.suspend asks for it.',
} as const;

export const upgrading = {
  kind: 'Progressing',
  reason: 'Upgrading',
  message: 'The running version is being stopped; the new one starts when it is gone.',
} as const;

const waiting = {
  kind: 'Progressing',
  reason: 'WaitingForCheckpoint',
  message: 'The job runs; its first checkpoint has not completed yet.',
} as const;

/** A job that fails and is restarted by the engine before it ever ran would otherwise look as if it only needed time. */
const comingUp = (rootCause: string | null): Report =>
  rootCause === null ? report : { kind: 'Progressing', reason: 'Recovering', message: shorten(rootCause) };

function healthy(c: Context, attempt: Attempt): Outcome<'Starting'> {
  const message = isStreaming(c) ? 'The job runs; its first checkpoint is complete.' : 'The batch job runs.';
  return {
    state: 'Running',
    report: { kind: 'Ready', reason: 'Running', message: 'The job runs.' },
    patch: {
      attempt: { ...attempt, healthy: true },
      ...(c.status.restored === undefined ? {} : { restored: { ...c.status.restored, complete: true } }),
      pending: undefined,
    },
    events: [{ savepoint: null, type: 'Normal', reason: 'Running', message }],
  };
}

function firstCheckpoint(c: Context, attempt: Attempt): Outcome<'Starting'> {
  const engine = engineOf(c, attempt);
  if ((engine?.completedCheckpoints ?? 0) > 0) return healthy(c, attempt);
  const pending = c.status.pending;
  if (pending?.kind !== 'Checkpoint' || pending.jobId !== attempt.jobId) return ask(c, attempt, 0);
  if (pending.retryAt !== undefined) {
    const retryAt = Date.parse(pending.retryAt);
    return c.now < retryAt
      ? { state: 'Starting', report: waiting, requeueAt: retryAt }
      : ask(c, attempt, pending.failures ?? 1);
  }
  const operation = engine?.operations[pending.triggerId] ?? { state: 'Unknown' };
  switch (operation.state) {
    case 'Completed':
      return healthy(c, attempt);
    case 'InProgress':
      return { state: 'Starting', report: waiting };
    case 'Failed':
      return failed(c, pending, operation.message);
    case 'Unknown':
      return { state: 'Starting', report: waiting, actions: [trigger(pending)] };
  }
}

const trigger = (pending: PendingOperation) =>
  ({ kind: 'TriggerCheckpoint', jobId: pending.jobId, triggerId: pending.triggerId }) as const;

function ask(c: Context, attempt: Attempt, failures: number): Outcome<'Starting'> {
  const pending: PendingOperation = {
    kind: 'Checkpoint',
    triggerId: idOf(attempt.jobId, attempt.epoch, 'checkpoint', c.now),
    jobId: attempt.jobId,
    startedAt: timestamp(c.now),
    ...(failures === 0 ? {} : { failures }),
  };
  return { state: 'Starting', report: waiting, patch: { pending }, actions: [trigger(pending)] };
}

/** Tasks that are not all up yet decline a checkpoint: that is ordinary, so the first tries follow each other closely. */
function failed(c: Context, pending: PendingOperation, failure: string): Outcome<'Starting'> {
  const failures = (pending.failures ?? 0) + 1;
  const retryAt = c.now + Math.min(5_000, operationDelay(failures) / 4);
  return {
    state: 'Starting',
    report: waiting,
    patch: { pending: { ...pending, failures, failure, retryAt: timestamp(retryAt) } },
    requeueAt: retryAt,
  };
}
