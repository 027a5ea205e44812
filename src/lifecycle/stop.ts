// Stopping a run so that nothing of it is lost: with a savepoint, or by cancelling it. Every step can be repeated after a crash.
import type { Attempt, PendingOperation } from '../api/status.ts';
import { CANCEL_LIMIT, operationDelay } from './back-off.ts';
import { engineOf, finishedByItself, lossOf, terminalOf, timestamp, type Terminal } from './facts.ts';
import { idOf } from './ids.ts';
import type { Action, Context, DecidedEvent, Report, StatusPatch } from './model.ts';
import { missingProcesses, reportOfLoss } from './processes.ts';
import { stopAll } from './runs.ts';

/** What one pass does towards the end. `done`: no process is left; `attempt.ended` says how the run ended. */
export interface StopStep {
  done: boolean;
  patch: StatusPatch;
  actions: Action[];
  events: DecidedEvent[];
  requeueAt?: number;
  /** Why the savepoint could not be taken; it is tried again. */
  failure?: string;
  /** What keeps the job from taking a savepoint. */
  report?: Report;
}

const step = (parts: Partial<StopStep>): StopStep => ({ done: false, patch: {}, actions: [], events: [], ...parts });

/** How long a stop with a savepoint waits for an engine that is restarting its tasks, in milliseconds. */
const RESTARTING_LIMIT = 60_000;

/**
 * One step towards no run. `Savepoint` asks a healthy run for a stop with a savepoint. A run that is not healthy has published nothing
 * since the state it started from, so it is abandoned: its newest checkpoint, or what it was restored from, is where the next one goes on. `LastState`
 * leaves a healthy run where its newest checkpoint is: it is not cancelled, which might remove that.
 */
export function stopRun(c: Context, how: 'Savepoint' | 'LastState' | 'Cancel'): StopStep {
  const { attempt, pending } = c.status;
  if (attempt === undefined || attempt.ended !== undefined) {
    const stop = stopAll(c, { graceful: true });
    if (stop !== null) return step({ actions: [stop] });
    return (attempt === undefined ? null : lateEnd(c, attempt)) ?? step({ done: true });
  }
  const terminal = terminalOf(c, attempt);
  if (terminal !== null) return ended(c, attempt, terminal);

  const loss = lossOf(c, attempt);
  if (loss !== null) return abandoned(c, attempt, `the job was not running (${loss.reason})`);

  const asked = stopPending(pending, attempt);
  if (how === 'LastState' && asked === undefined) return over(c, { ...attempt, ended: 'Abandoned' }, {});
  // A stop that is under way is seen through: it may be complete already.
  if (how !== 'Cancel' && attempt.healthy) return stopWithSavepoint(c, attempt, asked);
  return cancel(c, attempt, pending?.kind === 'Cancel' && pending.jobId === attempt.jobId ? pending : undefined);
}

const stopPending = (pending: PendingOperation | undefined, attempt: Attempt): PendingOperation | undefined =>
  pending?.kind === 'StopWithSavepoint' && pending.jobId === attempt.jobId ? pending : undefined;

function stopWithSavepoint(c: Context, attempt: Attempt, pending: PendingOperation | undefined): StopStep {
  const engine = engineOf(c, attempt);
  if (pending === undefined) return goesOn(c, attempt, ask(c, attempt, 0));
  if (pending.retryAt !== undefined) {
    const retryAt = Date.parse(pending.retryAt);
    const failure = pending.failure ?? 'unknown';
    if (c.now < retryAt) return goesOn(c, attempt, { requeueAt: retryAt, failure });
    return goesOn(c, attempt, { ...ask(c, attempt, pending.failures ?? 1), failure });
  }
  const operation = engine?.operations[pending.triggerId] ?? { state: 'Unknown' };
  switch (operation.state) {
    case 'InProgress':
      return goesOn(c, attempt, {});
    case 'Completed':
      return ended(c, attempt, { state: 'FINISHED', savepointPath: operation.path });
    case 'Failed':
      return goesOn(c, attempt, savepointFailed(c, pending, operation.message));
    case 'Unknown':
      if (engine?.status === 'RUNNING')
        return step({ actions: [{ kind: 'StopWithSavepoint', jobId: attempt.jobId, triggerId: pending.triggerId }] });
      if (c.now - Date.parse(pending.startedAt) >= RESTARTING_LIMIT)
        return abandoned(c, attempt, `the job has been ${engine?.status ?? 'silent'} for ${RESTARTING_LIMIT / 1000} s`);
      return goesOn(c, attempt, { requeueAt: Date.parse(pending.startedAt) + RESTARTING_LIMIT });
  }
}

/**
 * A step after which the run goes on. Tasks that have lost a TaskManager are given another: they can take no savepoint before they run again. A JobManager
 * that does not answer may be over, so nothing is started for it.
 */
function goesOn(c: Context, attempt: Attempt, parts: Partial<StopStep>): StopStep {
  const status = engineOf(c, attempt)?.status;
  if (status === undefined || status === 'RUNNING') return step(parts);
  const missing = missingProcesses(c, attempt, 'TaskManagers');
  const requeueAt = Math.min(parts.requeueAt ?? Infinity, missing.requeueAt ?? Infinity);
  const actions = [...(parts.actions ?? []), ...missing.actions];
  const common = { ...parts, actions, ...(requeueAt === Infinity ? {} : { requeueAt }) };
  // Of two causes the one that is told is the engine's own word; the other is told while it lasts.
  if (parts.failure !== undefined) return step(common);
  const report = missing.report ?? reportOfLoss(c);
  return step({
    ...common,
    events: [...(parts.events ?? []), ...missing.events],
    ...(report === null ? {} : { report }),
  });
}

/** Chooses a trigger id and, where the engine can take it at once, asks for the stop. */
function ask(c: Context, attempt: Attempt, failures: number): Pick<StopStep, 'patch' | 'actions'> {
  const pending: PendingOperation = {
    kind: 'StopWithSavepoint',
    triggerId: idOf(attempt.jobId, 'stop', c.now),
    jobId: attempt.jobId,
    startedAt: timestamp(c.now),
    ...(failures === 0 ? {} : { failures }),
  };
  const running = engineOf(c, attempt)?.status === 'RUNNING';
  return {
    patch: { pending },
    actions: running ? [{ kind: 'StopWithSavepoint', jobId: attempt.jobId, triggerId: pending.triggerId }] : [],
  };
}

function savepointFailed(c: Context, pending: PendingOperation, message: string): Partial<StopStep> {
  const failures = (pending.failures ?? 0) + 1;
  const retryAt = c.now + operationDelay(failures);
  return {
    patch: { pending: { ...pending, failures, failure: message, retryAt: timestamp(retryAt) } },
    events: [{ savepoint: null, type: 'Warning', reason: 'SavepointFailed', message }],
    requeueAt: retryAt,
    failure: message,
  };
}

function cancel(c: Context, attempt: Attempt, pending: PendingOperation | undefined): StopStep {
  const engine = engineOf(c, attempt);
  // Nothing to ask: the engine is not up yet, and a process that is stopped before it ran anything leaves nothing behind.
  if (engine === null) return over(c, { ...attempt, ended: 'Cancelled' }, {});
  const action: Action = { kind: 'CancelJob', jobId: attempt.jobId };
  if (pending === undefined) {
    const triggerId = idOf(attempt.jobId, 'cancel', c.now);
    const operation = { kind: 'Cancel', triggerId, jobId: attempt.jobId, startedAt: timestamp(c.now) } as const;
    return step({ patch: { pending: operation }, actions: [action], requeueAt: c.now + CANCEL_LIMIT });
  }
  if (c.now - Date.parse(pending.startedAt) >= CANCEL_LIMIT) return over(c, { ...attempt, ended: 'Cancelled' }, {});
  return step({
    actions: engine.status === 'CANCELLING' ? [] : [action],
    requeueAt: Date.parse(pending.startedAt) + CANCEL_LIMIT,
  });
}

function abandoned(c: Context, attempt: Attempt, why: string): StopStep {
  const message = `No savepoint could be taken because ${why}. The next version goes on from the newest checkpoint, where a recovery would have gone on too.`;
  const events: DecidedEvent[] = attempt.healthy
    ? [{ savepoint: null, type: 'Warning', reason: 'SavepointFailed', message }]
    : [];
  const asked = stopPending(c.status.pending, attempt);
  return { ...over(c, { ...attempt, ended: 'Abandoned' }, asked === undefined ? {} : { pending: asked }), events };
}

/**
 * A run that was given up may have come to its end on its own before its processes were gone. What storage says then holds: a job that is
 * finished does not run again, and a stop that was completed has made its output visible, which an older checkpoint would double.
 */
function lateEnd(c: Context, attempt: Attempt): StopStep | null {
  if (attempt.ended !== 'Abandoned' && attempt.ended !== 'Cancelled') return null;
  const { pendingSavepoint } = c.observation.storage;
  if (finishedByItself(c)) return over(c, { ...attempt, ended: 'Finished' }, {});
  if (attempt.ended === 'Cancelled' || pendingSavepoint === null) return null;
  return over(c, { ...attempt, ended: 'Stopped' }, savepointPatch(c, attempt, pendingSavepoint));
}

/** Puts the end of the run on record; its processes are stopped once that is written. */
function ended(c: Context, attempt: Attempt, terminal: Terminal): StopStep {
  switch (terminal.state) {
    case 'CANCELED':
      return over(c, { ...attempt, ended: 'Cancelled' }, {});
    case 'FAILED':
      return over(c, { ...attempt, ended: 'Failed' }, {}, terminal.failure);
    case 'FINISHED':
      return terminal.savepointPath === null
        ? over(c, { ...attempt, ended: 'Finished' }, {})
        : over(c, { ...attempt, ended: 'Stopped' }, savepointPatch(c, attempt, terminal.savepointPath));
  }
}

export function savepointPatch(c: Context, attempt: Attempt, path: string): StatusPatch {
  const { pending } = c.status;
  const triggerId = pending?.kind === 'StopWithSavepoint' ? pending.triggerId : idOf(attempt.jobId, path);
  return { lastSavepoint: { path, triggerId, jobId: attempt.jobId, completedAt: timestamp(c.now) } };
}

function over(c: Context, attempt: Attempt, patch: StatusPatch, failure?: string): StopStep {
  const stop = stopAll(c, { graceful: true });
  const events: DecidedEvent[] = [];
  if (patch.lastSavepoint !== undefined)
    events.push({
      savepoint: null,
      type: 'Normal',
      reason: 'SavepointCompleted',
      message: `The job was stopped with a savepoint at ${patch.lastSavepoint.path}.`,
    });
  if (failure !== undefined)
    events.push({
      savepoint: null,
      type: 'Warning',
      reason: 'JobFailed',
      message: `The job failed before it could be stopped: ${failure}. Its newest checkpoint takes the place of a savepoint.`,
    });
  return step({ patch: { pending: undefined, ...patch, attempt }, actions: stop === null ? [] : [stop], events });
}
