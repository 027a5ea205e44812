// FlowSavepoints: Pending, InProgress, then Completed or Failed for good. The trigger id is written before the engine is asked.
import type { FlowSavepoint, FlowSavepointStatus, SavepointState } from '../api/flowsavepoint.ts';
import type { EventReason } from '../api/events.ts';
import type { SavepointReason } from '../api/reasons.ts';
import { s3AccessOf } from '../api/s3.ts';
import type { LastSavepoint } from '../api/status.ts';
import { savepointConditions } from './conditions.ts';
import { engineOf, isDeleting, isOnFlink, isSilent, isStreaming, timestamp } from './facts.ts';
import { idOf } from './ids.ts';
import type { Action, Context, DecidedEvent, SavepointDecision } from './model.ts';
import { restorePoint } from './runs.ts';

export interface SavepointOutcome {
  decision: SavepointDecision;
  actions: Action[];
  events: DecidedEvent[];
  /** Set when it has just completed: the job's newest savepoint. */
  completed?: LastSavepoint;
}

/** One FlowSavepoint of the job. `mayStart`: no other one is being taken and the job is not about to be stopped. */
export function decideSavepoint(c: Context, savepoint: FlowSavepoint, mayStart: boolean): SavepointOutcome {
  const state = savepoint.status?.state ?? 'Pending';
  if (savepoint.metadata.deletionTimestamp !== undefined && state !== 'InProgress') return removal(c, savepoint);
  switch (state) {
    case 'Pending':
      return pending(c, savepoint, mayStart);
    case 'InProgress':
      return inProgress(c, savepoint);
    case 'Completed':
    case 'Failed':
      return settled(savepoint);
  }
}

/**
 * A FlowSavepoint whose FlowJob does not exist: not yet, as manifests come in any order, or not any more. `restorer`: a job that would start from it.
 */
export function decideOrphan(savepoint: FlowSavepoint, restorer: string | undefined, now: number): SavepointOutcome {
  const state = savepoint.status?.state ?? 'Pending';
  if (savepoint.metadata.deletionTimestamp !== undefined) {
    if (savepoint.spec.disposalPolicy !== 'Delete' || savepoint.status?.path === undefined) return removed(savepoint);
    return restorer === undefined ? disposed(savepoint, savepoint.status.path) : held(savepoint, restorer, now);
  }
  if (state === 'Completed' || state === 'Failed') return settled(savepoint);
  const message = `There is no FlowJob ${savepoint.spec.jobRef.name} in this namespace.`;
  if (state === 'Pending') return outcome(savepoint, now, 'Pending', 'Progressing', 'JobNotFound', message);
  return fail(savepoint, now, 'JobNotFound', message);
}

function pending(c: Context, savepoint: FlowSavepoint, mayStart: boolean): SavepointOutcome {
  const attempt = c.status.attempt;
  if (!isStreaming(c)) return fail(savepoint, c.now, 'WrongMode', 'The job is a batch job, which takes no savepoints.');
  if (isDeleting(c) || c.status.state === 'Finished' || c.status.state === 'Failed')
    return fail(savepoint, c.now, 'JobNotRunning', 'The job does not run any more.');
  const engine = attempt === undefined ? null : engineOf(c, attempt);
  if (isSilent(c)) {
    const message = 'Waits until the JobManager of the job answers.';
    return outcome(savepoint, c.now, 'Pending', 'Progressing', 'JobManagerSilent', message);
  }
  if (!mayStart || c.status.state !== 'Running' || attempt === undefined || engine?.status !== 'RUNNING')
    return outcome(savepoint, c.now, 'Pending', 'Progressing', 'JobNotRunning', 'Waits until the job runs.');
  const triggerId = idOf(savepoint.metadata.uid, 'savepoint');
  return outcome(savepoint, c.now, 'InProgress', 'Progressing', 'InProgress', 'The engine is taking the savepoint.', {
    fields: { triggerId, jobId: attempt.jobId },
    actions: [{ kind: 'TriggerSavepoint', jobId: attempt.jobId, triggerId }],
  });
}

function inProgress(c: Context, savepoint: FlowSavepoint): SavepointOutcome {
  const { triggerId, jobId } = savepoint.status ?? {};
  const attempt = c.status.attempt;
  if (triggerId === undefined || jobId === undefined) return pending(c, savepoint, true);
  if (attempt?.jobId !== jobId || attempt.ended !== undefined)
    return fail(savepoint, c.now, 'SavepointFailed', 'The job ended before the savepoint was complete.');
  const engine = engineOf(c, attempt);
  const operation = engine?.operations[triggerId] ?? { state: 'Unknown' };
  const message = 'The engine is taking the savepoint.';
  switch (operation.state) {
    case 'Failed':
      return fail(savepoint, c.now, 'SavepointFailed', operation.message);
    case 'Completed':
      return complete(c, savepoint, operation.path ?? '', { triggerId, jobId });
    case 'InProgress':
    case 'Unknown':
      // Unknown after the JobManager was started again: the same id asks for the same savepoint.
      return outcome(savepoint, c.now, 'InProgress', 'Progressing', 'InProgress', message, {
        actions:
          operation.state === 'Unknown' && engine?.status === 'RUNNING'
            ? [{ kind: 'TriggerSavepoint', jobId, triggerId }]
            : [],
      });
  }
}

function complete(
  c: Context,
  savepoint: FlowSavepoint,
  path: string,
  ids: { triggerId: string; jobId: string },
): SavepointOutcome {
  const completedAt = timestamp(c.now);
  const { state, jobManager } = c.status.accepted?.spec ?? c.desired;
  const s3 = s3AccessOf(state.storage, jobManager.podTemplate);
  const done = outcome(savepoint, c.now, 'Completed', 'Complete', 'Completed', 'The savepoint is complete.', {
    fields: {
      path,
      completedAt,
      ...(isOnFlink(c) ? { engine: 'Flink' } : {}),
      ...(c.observation.claimName === null ? {} : { claimName: c.observation.claimName }),
      ...(s3 === null ? {} : { s3 }),
    },
  });
  const events = [
    {
      savepoint: savepoint.metadata.name,
      type: 'Normal',
      reason: 'Completed',
      message: `The savepoint is complete at ${path}.`,
    },
  ] as const;
  return { ...done, events: [...events], completed: { path, completedAt, ...ids } };
}

/** The files go under policy Delete, unless the job would restore from them. */
function removal(c: Context, savepoint: FlowSavepoint): SavepointOutcome {
  const path = savepoint.status?.path;
  if (savepoint.spec.disposalPolicy !== 'Delete' || path === undefined) return removed(savepoint);
  const restorer = c.observation.restorers[savepoint.metadata.name];
  if (restorer !== undefined) return held(savepoint, restorer, c.now);
  if (!isDeleting(c) && inUse(c, path)) return held(savepoint, c.job.metadata.name, c.now);
  return disposed(savepoint, path);
}

/** The job was restored from it, is about to be, or has none that is newer: more than what keeps files from going, for retention has time. */
export function isRestoredFrom(c: Context, path: string): boolean {
  const { attempt, lastSavepoint } = c.status;
  return lastSavepoint?.path === path || attempt?.restoreFrom === path || inUse(c, path);
}

/** `job` would restore from it. */
function held(savepoint: FlowSavepoint, job: string, now: number): SavepointOutcome {
  const why = { reason: IN_USE, message: `FlowJob ${job} would restore from this savepoint, so its files stay.` };
  const conditions = savepointConditions(savepoint, 'Failed', why, timestamp(now)).filter((x) => x.type !== 'Failed');
  return { ...settled(savepoint, { conditions }), events: [] };
}

/** Its object goes, and its files with it. That they do is written before they do: who starts from a savepoint looks for that. */
function disposed(savepoint: FlowSavepoint, path: string): SavepointOutcome {
  const { conditions = [], claimName, s3, engine = 'Embedded' } = savepoint.status ?? {};
  const where = { ...(claimName === undefined ? {} : { claimName }), ...(s3 === undefined ? {} : { s3 }) };
  const kept = conditions.filter(({ reason }) => reason !== IN_USE);
  const outcome = removed(savepoint);
  return {
    ...outcome,
    decision: { ...outcome.decision, status: { ...outcome.decision.status, conditions: kept } },
    actions: [{ kind: 'DisposeSavepoint', path, engine, ...where }],
  };
}

const IN_USE = 'InUse' satisfies SavepointReason;

/** Whether its files go, or may: until a condition says that they are held because a job would restore from them. */
export const isBeingRemoved = ({ metadata, spec, status }: FlowSavepoint): boolean =>
  metadata.deletionTimestamp !== undefined &&
  spec.disposalPolicy === 'Delete' &&
  !(status?.conditions ?? []).some(({ reason }) => reason === IN_USE);

/** The current run started from it and has not proven itself, or the next run would start from it. */
function inUse(c: Context, path: string): boolean {
  const attempt = c.status.attempt;
  if (attempt === undefined || attempt.ended === 'Finished') return false;
  // A run that has proven itself goes on from checkpoints of its own.
  if (attempt.healthy && attempt.ended === undefined) return false;
  return attempt.restoreFrom === path || restorePoint(c) === path;
}

const removed = (savepoint: FlowSavepoint): SavepointOutcome => ({
  decision: { name: savepoint.metadata.name, status: statusOf(savepoint), finalizer: 'remove' },
  actions: [],
  events: [],
});

const settled = (savepoint: FlowSavepoint, fields: Partial<FlowSavepointStatus> = {}): SavepointOutcome => ({
  decision: { name: savepoint.metadata.name, status: { ...statusOf(savepoint), ...fields }, finalizer: 'keep' },
  actions: [],
  events: [],
});

const statusOf = (savepoint: FlowSavepoint): FlowSavepointStatus => ({
  ...(savepoint.status ?? { conditions: [] }),
  observedGeneration: savepoint.metadata.generation,
});

function fail(
  savepoint: FlowSavepoint,
  now: number,
  reason: SavepointReason & EventReason,
  message: string,
): SavepointOutcome {
  const failed = outcome(savepoint, now, 'Failed', 'Failed', reason, message);
  return { ...failed, events: [{ savepoint: savepoint.metadata.name, type: 'Warning', reason, message }] };
}

function outcome(
  savepoint: FlowSavepoint,
  now: number,
  state: SavepointState,
  kind: 'Progressing' | 'Complete' | 'Failed',
  reason: SavepointReason,
  message: string,
  more: { fields?: Partial<FlowSavepointStatus>; actions?: Action[] } = {},
): SavepointOutcome {
  const conditions = savepointConditions(savepoint, kind, { reason, message }, timestamp(now));
  return {
    decision: {
      name: savepoint.metadata.name,
      status: { ...statusOf(savepoint), ...more.fields, state, conditions },
      finalizer: 'keep',
    },
    actions: more.actions ?? [],
    events: [],
  };
}
