// How attempts come about: a run is one job id; each attempt of it has a higher epoch, which fences all earlier ones in storage.
import type { Attempt } from '../api/status.ts';
import { ofAnotherPlan, specHash } from './change.ts';
import { shorten } from './conditions.ts';
import { claimOutOfReach, isOnCluster, onCluster, waitForCluster } from './on-cluster.ts';
import { firstStart, restoreCounts, type FirstStart, type Origin } from './first-start.ts';
import { LOOK_AGAIN } from './unreadable-state.ts';
import { highestLiveEpoch, isOnFlink, isStreaming, live, newestOfRun, timestamp, unreadableState } from './facts.ts';
import { idOf } from './ids.ts';
import { nextSize } from './rescale.ts';
import type { Action, Context, DecidedEvent, Outcome, Report, StatusPatch } from './model.ts';
import { nextEpoch, readyAttempt } from './prepared.ts';
import { hasOwnState, versionBefore } from './version-before.ts';

/**
 * Where the state of the last run stands: its newest completed checkpoint or savepoint, else what it started from itself. Undefined: no state.
 * To be asked only when the run is over, or it would still move.
 */
export function restorePoint(c: Context): string | undefined {
  return originOf(c)?.path;
}

function originOf(c: Context): Origin | null {
  const { attempt, lastSavepoint } = c.status;
  if (attempt === undefined) return null;
  const stopped =
    attempt.ended === 'Stopped' && lastSavepoint?.jobId === attempt.jobId ? lastSavepoint.path : undefined;
  const own = stopped ?? newestOfRun(c)?.path;
  if (own !== undefined) return { path: own, allowNonRestoredState: false };
  const { restoreFrom, restoreClaim, allowNonRestoredState = false } = attempt;
  if (restoreFrom === undefined) return null;
  return {
    path: restoreFrom,
    allowNonRestoredState,
    ...(restoreClaim === undefined ? {} : { claimName: restoreClaim }),
  };
}

export interface NewRun {
  patch: StatusPatch;
  actions: Action[];
  restoreFrom: string | undefined;
}

/** A new run of the desired version, from `origin` or from empty state. The earlier run is over: by its own word, or as no process of it is left. */
function newRun(c: Context, origin: Origin | null): NewRun {
  // Its pods have no other volume than the job's own.
  const ready = origin?.claimName === undefined ? readyAttempt(c) : undefined;
  const epoch = ready?.epoch ?? nextEpoch(c);
  const jobId = ready?.jobId ?? idOf(c.job.metadata.uid, 'run', epoch);
  const hash = specHash(c.desired);
  const attempt: Attempt = {
    epoch,
    jobId,
    specHash: hash,
    ...(origin === null ? {} : { restoreFrom: origin.path }),
    ...(origin?.claimName === undefined ? {} : { restoreClaim: origin.claimName }),
    ...(origin?.allowNonRestoredState === true ? { allowNonRestoredState: true } : {}),
    ...(ready === undefined ? {} : { session: true }),
    startedAt: timestamp(c.now),
    runStartedAt: timestamp(c.now),
    healthy: false,
    ...onCluster(c),
  };
  return {
    patch: {
      attempt,
      accepted: {
        generation: c.instead?.generation ?? c.job.metadata.generation,
        specHash: hash,
        spec: c.desired,
      },
      refused: undefined,
      previous: origin === null ? undefined : versionBefore(c),
      rolledBack: c.rolledBack,
      pending: undefined,
      scaling: undefined,
      recovery: undefined,
      batch: undefined,
      parallelism: c.desired.job.parallelism,
    },
    actions: [
      { kind: 'EnsureProcesses', epoch, skip: [] },
      ...(ready === undefined ? [] : [{ kind: 'SubmitJob' as const, epoch, jobId }]),
    ],
    restoreFrom: origin?.path,
  };
}

/**
 * The next attempt after one was lost. The same run (job id) goes on from its newest checkpoint; a run whose result is on record as
 * FAILED cannot go on, so a batch job is retried as a new run of the same version.
 */
export function nextAttempt(c: Context, lost: Attempt): { patch: StatusPatch; actions: Action[] } {
  const epoch = nextEpoch(c);
  // Where it has a cluster of its own, that is started with its job.
  const { ended, restoreClaim, resumeFrom: _, session: _session, jobManagerUid: __, checkpointed, ...rest } = lost;
  const sized = nextSize(c, rest);
  const newest = newestOfRun(c);
  // One JobManager of a session takes an id once, so that there each attempt is a run, which begins with the state of the one before it.
  const sameRun = ended === undefined && !isOnCluster(c);
  const inherited = isOnCluster(c) && ended === undefined ? newest : null;
  const attempt: Attempt = {
    ...sized.attempt,
    // A run with a checkpoint of its own needs the volume no more that it was restored from.
    ...(restoreClaim === undefined || newest !== null ? {} : { restoreClaim }),
    ...(sameRun && isOnFlink(c) && newest !== null ? { resumeFrom: newest.path } : {}),
    ...(inherited === null ? {} : { restoreFrom: inherited.path }),
    ...(sameRun && checkpointed === true ? { checkpointed } : {}),
    epoch,
    jobId: sameRun ? lost.jobId : idOf(c.job.metadata.uid, 'run', epoch),
    startedAt: timestamp(c.now),
    healthy: false,
    ...onCluster(c),
  };
  const { restored } = c.status;
  return {
    patch: {
      ...sized.patch,
      attempt,
      pending: undefined,
      // From here on nothing leads back to where it came from.
      ...(inherited === null || restored === undefined ? {} : { restored: { ...restored, complete: true } }),
      // It has proven itself, although nobody has seen it.
      ...(hasOwnState(c) ? { previous: undefined } : {}),
    },
    actions: [{ kind: 'EnsureProcesses', epoch, skip: [] }],
  };
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

/** The same where an attempt was lost before: why stays in sight, as it may well be lost again. */
export const startingAgain = (why: string | undefined): Report =>
  why === undefined ? starting : { ...starting, message: shorten(`${starting.message} The attempt before: ${why}`) };

/** What a start is told as. */
interface Happened {
  reason: DecidedEvent['reason'];
  message: string;
}

/** An outcome that every state without a run may return. */
export type Started = Outcome<'Pending'> & { state: 'Starting' | 'Pending' | 'Failed' };

/**
 * Starts the desired version, or fails for good when its SQL cannot be planned. A job that has never run starts where spec.state.restore says, and waits
 * when that cannot be done; one that has run never goes back to it.
 */
export function startDesired(c: Context, from: 'nothing' | 'restorePoint', happened: Happened): Started {
  if (c.observation.sqlError !== null) return invalid(c);
  const noCluster = waitForCluster(c);
  if (noCluster !== null) return { state: 'Pending', ...noCluster };
  const stateful = from === 'restorePoint' && isStreaming(c) && c.desired.mode !== 'Batch';
  const other = stateful ? ofAnotherEngine(c) : null;
  if (other !== null) return refused(c, 'EngineChanged', other);
  const outOfReach = stateful && originOf(c) !== null ? (planChanged(c) ?? claimOutOfReach(c)) : null;
  if (outOfReach !== null) return refused(c, 'InvalidSpec', `The job is not started: ${outOfReach}`);
  const unreadable = stateful ? stateMissing(c) : null;
  if (unreadable !== null) return refused(c, 'StateUnreadable', notStarted(unreadable));
  if (isFirst(c, stateful)) return startFirst(c, firstStart(c), happened);
  // It goes on from state of its own, or without on purpose: from here on nothing leads back to where it came from.
  const { restored } = c.status;
  const patch = restored === undefined ? {} : { restored: { ...restored, complete: true } };
  return startRun(c, stateful ? originOf(c) : null, happened, patch);
}

/** No attempt so far, or none that has left state of its own. */
function isFirst(c: Context, stateful: boolean): boolean {
  if (c.desired.mode === 'Batch' || !isStreaming(c) || !restoreCounts(c.status)) return false;
  if (c.status.attempt === undefined) return true;
  const { ended } = c.status.attempt;
  return stateful && ended !== 'Stopped' && ended !== 'Finished' && c.observation.storage.newest === null;
}

function startFirst(c: Context, first: FirstStart, happened: Happened): Started {
  if (first.kind === 'Start')
    return startRun(c, first.from, happened, first.restored === undefined ? {} : { restored: first.restored });
  const { report, lookAgain } = first;
  const told = c.status.conditions.some((x) => x.reason === report.reason && x.message === report.message);
  return {
    state: 'Pending',
    report,
    events: first.event === undefined || told ? [] : [first.event],
    ...(lookAgain ? { requeueAt: c.now + LOOK_AGAIN } : {}),
  };
}

function startRun(c: Context, from: Origin | null, happened: Happened, patch: StatusPatch): Started {
  const run = newRun(c, from);
  const where = run.restoreFrom === undefined ? '' : ` It goes on from ${run.restoreFrom}.`;
  return {
    state: 'Starting',
    report: starting,
    patch: { ...run.patch, ...patch },
    actions: run.actions,
    events: [{ savepoint: null, type: 'Normal', reason: happened.reason, message: happened.message + where }],
  };
}

/** Why the job cannot go on from what its last version left; null when it can, or when that left nothing. */
function ofAnotherEngine(c: Context): string | null {
  const before = c.status.accepted?.spec.engine.type;
  if (before === undefined || before === c.desired.engine.type || originOf(c) === null) return null;
  return `spec.engine.type changed from ${before} to ${c.desired.engine.type}, and no state goes from one engine to the other. To start without state, so that the input is read and the output written once more, set upgrade.strategy to Stateless and another restartNonce; otherwise set engine.type back to ${before}.`;
}

const planChanged = (c: Context): string | null =>
  c.status.accepted === undefined ? null : ofAnotherPlan(c.status.accepted.spec, c.desired);

/** Why the state that the job would go on from is not to be had; null when it is, or when there has never been any. */
export function stateMissing(c: Context): string | null {
  const unreadable = unreadableState(c);
  if (unreadable !== null || c.status.attempt?.healthy !== true || originOf(c) !== null) return unreadable;
  return 'the version before it had completed checkpoints, and none is found any more. Put its state back.';
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
function refused(c: Context, reason: 'InvalidSpec' | 'StateUnreadable' | 'EngineChanged', message: string): Refused {
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
