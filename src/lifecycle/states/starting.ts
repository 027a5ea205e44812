// Starting: the attempt stands in status; its processes come up. Over when the new version has proven itself: a stream by its first completed
// checkpoint, which is asked for as soon as all tasks run; a batch by running.
import type { Attempt, PendingOperation } from '../../api/status.ts';
import { operationDelay } from '../back-off.ts';
import { shorten } from '../conditions.ts';
import { deadlineOf, endingOf } from '../endings.ts';
import { attemptOf, engineOf, isOnFlink, isStreaming, timestamp } from '../facts.ts';
import { idOf } from '../ids.ts';
import type { Action, Context, DecidedEvent, Outcome, Report, StateHandler } from '../model.ts';
import type { EngineView } from '../observation.ts';
import { clusterReport, findJobManager, looksAgainAt, submitting } from '../on-cluster.ts';
import { missingProcesses, reportOfLoss } from '../processes.ts';
import { failedOnTrial, inTime } from '../roll-back.ts';
import { startingAgain } from '../runs.ts';
import { reportOfImages, waitsForImages } from '../version-to-come.ts';

export const starting: StateHandler<'Starting'> = (c) => {
  const attempt = attemptOf(c);
  return failedOnTrial(c, attempt) ?? inTime(c, attempt, start(c, attempt));
};

function start(c: Context, attempt: Attempt): Outcome<'Starting'> {
  const ending = endingOf(c, attempt);
  if (ending !== null) return ending;
  if (c.desired.suspend) return { state: 'Suspending', report: suspending };
  if ((c.change.kind === 'Restart' && !waitsForImages(c)) || c.change.kind === 'Scale')
    return { state: 'Upgrading', report: upgrading };

  const unplaced = findJobManager(c, attempt);
  if (unplaced !== null) {
    const { requeueAt: deadline = Infinity } = deadlineOf(c);
    const { requeueAt = Infinity } = unplaced;
    const at = Math.min(requeueAt, deadline);
    return { ...unplaced, ...(at === Infinity ? {} : { requeueAt: at }) };
  }
  const missing = missingProcesses(c, attempt);
  const engine = engineOf(c, attempt);
  const due = missing.requeueAt ?? deadlineOf(c).requeueAt ?? Infinity;
  const at = Math.min(due, looksAgainAt(c, engine));
  const requeueAt = at === Infinity ? {} : { requeueAt: at };
  if (engine?.status !== 'RUNNING')
    return {
      state: 'Starting',
      report: missing.report ?? reportOfLoss(c) ?? comingUp(c, attempt, engine),
      actions: [...missing.actions, ...submission(attempt, engine)],
      events: missing.events,
      ...requeueAt,
    };
  const proof = isStreaming(c) ? firstCheckpoint(c, attempt) : healthy(c, attempt);
  const told =
    proof.state === 'Starting' && engine.waiting !== undefined ? clusterReport(engine.waiting) : proof.report;
  return {
    ...proof,
    report: missing.report ?? told,
    actions: [...missing.actions, ...(proof.actions ?? [])],
    events: [...missing.events, ...(proof.events ?? [])],
  };
}

/** To a JobManager of its own that was up before its job. */
const submission = ({ epoch, jobId, session }: Attempt, engine: EngineView | null): Action[] =>
  session === true && engine?.unsubmitted === true ? [{ kind: 'SubmitJob', epoch, jobId }] : [];

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

/** With what the change puts at risk, while there is time to take it back. */
export function upgradingOf({ observation }: Context, message: string = upgrading.message): Report {
  const { stateAtRisk } = observation;
  return { ...upgrading, message: shorten(stateAtRisk === undefined ? message : `${message} ${stateAtRisk}`) };
}

const waiting = {
  kind: 'Progressing',
  reason: 'WaitingForCheckpoint',
  message: 'The job runs; its first checkpoint has not completed yet.',
} as const;

/** A job that fails and is restarted by the engine before it ever ran would otherwise look as if it only needed time. */
function comingUp({ status: { recovery } }: Context, { session }: Attempt, engine: EngineView | null): Report {
  if (engine?.waiting !== undefined) return clusterReport(engine.waiting);
  if (session !== true && engine?.unsubmitted === true) return submitting;
  const rootCause = engine?.rootCause ?? null;
  if (rootCause !== null) return { kind: 'Progressing', reason: 'Recovering', message: shorten(rootCause) };
  return startingAgain(recovery?.lastFailure);
}

function healthy(c: Context, attempt: Attempt): Outcome<'Starting'> {
  const message = isStreaming(c) ? 'The job runs; its first checkpoint is complete.' : 'The batch job runs.';
  return {
    state: 'Running',
    report: reportOfImages(c) ?? { kind: 'Ready', reason: 'Running', message: 'The job runs.' },
    patch: {
      attempt: { ...attempt, healthy: true, ...(isStreaming(c) && isOnFlink(c) ? { checkpointed: true } : {}) },
      ...(c.status.restored === undefined ? {} : { restored: { ...c.status.restored, complete: true } }),
      pending: undefined,
      previous: undefined,
    },
    events: [{ savepoint: null, type: 'Normal', reason: 'Running', message }, ...otherVersion(c, attempt)],
  };
}

/** Command lines, configuration and what is asked of Flink go by the version that the spec names. */
function otherVersion(c: Context, attempt: Attempt): DecidedEvent[] {
  const release = engineOf(c, attempt)?.release;
  // What runs, which a change that waits or is refused may differ from.
  const { version } = c.status.accepted!.spec.engine;
  const has = /^\d+\.\d+/.exec(release ?? '')?.[0];
  if (has === undefined || version === undefined || has === version) return [];
  const message = `spec.engine.version is ${version}, and the image has Apache Flink ${release} -> name an image of ${version} in spec.engine.image, or correct spec.engine.version`;
  return [{ savepoint: null, type: 'Warning', reason: 'VersionMismatch', message }];
}

function firstCheckpoint(c: Context, attempt: Attempt): Outcome<'Starting'> {
  const engine = engineOf(c, attempt);
  if ((engine?.completedCheckpoints ?? 0) > 0) return healthy(c, attempt);
  const pending = c.status.pending;
  if (pending?.kind !== 'Checkpoint' || pending.jobId !== attempt.jobId) return ask(c, attempt);
  if (pending.retryAt !== undefined) {
    const retryAt = Date.parse(pending.retryAt);
    return c.now < retryAt ? { state: 'Starting', report: waiting, requeueAt: retryAt } : ask(c, attempt, pending);
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

/** `before`: the try that failed; why stays known. */
function ask(
  c: Context,
  attempt: Attempt,
  { failures = 0, failure }: Partial<PendingOperation> = {},
): Outcome<'Starting'> {
  const pending: PendingOperation = {
    kind: 'Checkpoint',
    triggerId: idOf(attempt.jobId, attempt.epoch, 'checkpoint', c.now),
    jobId: attempt.jobId,
    startedAt: timestamp(c.now),
    ...(failures === 0 ? {} : { failures }),
    ...(failure === undefined ? {} : { failure }),
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
