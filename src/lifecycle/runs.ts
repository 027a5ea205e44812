// How attempts come about: a run is one job id; each attempt of it has a higher epoch, which fences all earlier ones in storage.
import type { Attempt } from '../api/status.ts';
import { specHash } from './change.ts';
import { highestLiveEpoch, isStreaming, live, timestamp, unreadableState } from './facts.ts';
import { idOf } from './ids.ts';
import type { Action, Context, DecidedEvent, Outcome, Report, StatusPatch } from './model.ts';

/** An epoch that nobody has had: above the last one in status and above the highest in storage. */
const nextEpoch = (c: Context): number => Math.max(c.status.attempt?.epoch ?? 0, c.observation.storage.epoch) + 1;

/**
 * Where the state of the last run stands: its newest completed checkpoint or savepoint, else what it started from itself. Undefined: no state.
 * To be asked only when the run is over, or it would still move.
 */
export function restorePoint(c: Context): string | undefined {
  const { attempt, lastSavepoint } = c.status;
  if (attempt === undefined) return undefined;
  const stopped =
    attempt.ended === 'Stopped' && lastSavepoint?.jobId === attempt.jobId ? lastSavepoint.path : undefined;
  return stopped ?? c.observation.storage.newest?.path ?? attempt.restoreFrom;
}

export interface NewRun {
  patch: StatusPatch;
  actions: Action[];
  restoreFrom: string | undefined;
}

/** A new run of the desired version, from `restoreFrom` or from empty state. The earlier run is over: by its own word, or as no process of it is left. */
export function newRun(c: Context, restoreFrom: string | undefined): NewRun {
  const epoch = nextEpoch(c);
  const hash = specHash(c.desired);
  const attempt: Attempt = {
    epoch,
    jobId: idOf(c.job.metadata.uid, 'run', epoch),
    specHash: hash,
    ...(restoreFrom === undefined ? {} : { restoreFrom }),
    startedAt: timestamp(c.now),
    runStartedAt: timestamp(c.now),
    healthy: false,
  };
  return {
    patch: {
      attempt,
      accepted: { generation: c.job.metadata.generation, specHash: hash, spec: c.desired },
      refused: undefined,
      pending: undefined,
      recovery: undefined,
      batch: undefined,
      parallelism: c.desired.job.parallelism,
    },
    actions: [{ kind: 'EnsureProcesses', epoch, skip: [] }],
    restoreFrom,
  };
}

/**
 * The next attempt after one was lost. The same run (job id) goes on from its newest checkpoint; a run whose result is on record as
 * FAILED cannot go on, so a batch job is retried as a new run of the same version.
 */
export function nextAttempt(c: Context, lost: Attempt): { patch: StatusPatch; actions: Action[] } {
  const epoch = nextEpoch(c);
  const { ended, ...rest } = lost;
  const attempt: Attempt = {
    ...rest,
    epoch,
    jobId: ended === undefined ? lost.jobId : idOf(c.job.metadata.uid, 'run', epoch),
    startedAt: timestamp(c.now),
    healthy: false,
  };
  return { patch: { attempt, pending: undefined }, actions: [{ kind: 'EnsureProcesses', epoch, skip: [] }] };
}

/** Stops whatever runs; null when nothing does. */
export function stopAll(c: Context, options: { graceful: boolean }): Action | null {
  if (live(c).length === 0) return null;
  return {
    kind: 'StopProcesses',
    epoch: highestLiveEpoch(c, c.status.attempt?.epoch ?? 0),
    graceful: options.graceful,
  };
}

/** The first look at how a new run is under way. */
export const starting: Report = {
  kind: 'Progressing',
  reason: 'Starting',
  message: 'JobManager and TaskManagers are being started.',
};

/** An outcome that every state without a run may return. */
export type Started = Outcome<'Pending'> & { state: 'Starting' | 'Failed' };

/** Starts the desired version, or fails for good when its SQL cannot be planned. */
export function startDesired(
  c: Context,
  from: 'nothing' | 'restorePoint',
  happened: { reason: DecidedEvent['reason']; message: string },
): Started {
  if (c.observation.sqlError !== null) return invalid(c);
  const stateful = from === 'restorePoint' && isStreaming(c) && c.desired.mode === 'Streaming';
  const unreadable = stateful ? unreadableState(c) : null;
  if (unreadable !== null) return refused(c, 'StateUnreadable', notStarted(unreadable));
  const run = newRun(c, stateful ? restorePoint(c) : undefined);
  const origin = run.restoreFrom === undefined ? '' : ` It goes on from ${run.restoreFrom}.`;
  return {
    state: 'Starting',
    report: starting,
    patch: run.patch,
    actions: run.actions,
    events: [{ savepoint: null, type: 'Normal', reason: happened.reason, message: happened.message + origin }],
  };
}

export const notStarted = (unreadable: string): string =>
  `The job is not started: ${unreadable}\nIt starts by itself once that can be read again. With upgrade.strategy Stateless and another spec.restartNonce it starts without state.`;

/** The desired version cannot run at all. */
export function invalid(c: Context): Refused {
  return refused(c, 'InvalidSpec', c.observation.sqlError ?? 'The spec cannot be run.');
}

interface Refused {
  state: 'Failed';
  report: Report;
  patch: StatusPatch;
  events: DecidedEvent[];
}

/**
 * The desired version is put on record, so that the next one is recognised as another. What was accepted stays: it says in which mode the last run
 * was, and where its state is to be found.
 */
function refused(c: Context, reason: 'InvalidSpec' | 'StateUnreadable', message: string): Refused {
  return {
    state: 'Failed',
    report: { kind: 'Failed', reason, message },
    patch: {
      refused: { generation: c.job.metadata.generation, specHash: specHash(c.desired) },
      pending: undefined,
      recovery: undefined,
    },
    events: [{ savepoint: null, type: 'Warning', reason, message }],
  };
}
