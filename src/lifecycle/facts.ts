// Small questions about the world that the states ask, each in one place.
import type { Attempt, FlowJobStatus } from '../api/status.ts';
import type { Context } from './model.ts';
import type { EngineView, ProcessView, StorageView } from './observation.ts';
import { SILENCE_LIMIT, SILENCE_TOLD, START_LIMIT } from './back-off.ts';

export const isStreaming = (c: Context): boolean => (c.status.accepted?.spec ?? c.desired).mode !== 'Batch';

/** The version that runs, or ran last, is one of Apache Flink: its storage knows no attempts, and what it goes on from has to be named. */
export const isOnFlink = (c: Context): boolean => (c.status.accepted?.spec ?? c.desired).engine.type === 'Flink';

export const isDeleting = (c: Context): boolean => c.job.metadata.deletionTimestamp !== undefined;

/** The attempt that a state with a run has. Throws RangeError when somebody has removed it from status. */
export function attemptOf(c: Context): Attempt {
  if (c.status.attempt !== undefined) return c.status.attempt;
  throw new RangeError(
    `status.state is ${c.status.state}, but status.attempt is missing: restore it, or delete the job`,
  );
}

/** RFC 3339 with milliseconds. */
export const timestamp = (ms: number): string => new Date(ms).toISOString();

/** Those of a prepared attempt, which have no job, left out. */
export const live = (c: Context): readonly ProcessView[] =>
  c.observation.processes.filter((p) => p.state === 'Running' && p.epoch !== c.prepared?.epoch);

/** The highest epoch of any process that runs, at least `floor`. */
export const highestLiveEpoch = (c: Context, floor: number): number =>
  live(c).reduce((highest, process) => Math.max(highest, process.epoch), floor);

/** The answers of the current attempt's JobManager about the current run; an earlier run's are none. */
export function engineOf(c: Context, attempt: Attempt): EngineView | null {
  const engine = c.observation.engine;
  return engine !== null && engine.jobId === attempt.jobId ? engine : null;
}

/** The current attempt's processes of one role. */
export const processesOf = (c: Context, attempt: Attempt, role: ProcessView['role']): readonly ProcessView[] =>
  c.observation.processes.filter((p) => p.epoch === attempt.epoch && p.role === role);

export const jobManagerRuns = (c: Context, attempt: Attempt): boolean =>
  processesOf(c, attempt, 'JobManager').some((p) => p.state === 'Running');

export interface Loss {
  reason: string;
  /** Somebody stopped the processes on purpose: not a failure of the job. */
  asked: boolean;
}

/**
 * Why the current attempt counts as lost, or null. A JobManager without any record was never started, which is not a loss, unless the attempt has proven
 * itself: then it has gone, and whoever took it left nothing that says how.
 */
export function lossOf(c: Context, attempt: Attempt): Loss | null {
  const jobManagers = processesOf(c, attempt, 'JobManager');
  const ended = jobManagers.find((p) => p.state === 'Exited');
  if (ended !== undefined)
    return { reason: ended.exit?.reason ?? 'the JobManager is gone', asked: ended.exit?.asked === true };
  if (attempt.healthy && jobManagers.length === 0)
    return { reason: 'the JobManager is gone, and nothing is left that says how it ended', asked: false };
  if (attempt.healthy && engineOf(c, attempt)?.unsubmitted === true)
    return { reason: 'the JobManager does not know the job any more', asked: false };
  const silent = c.observation.silentSince;
  const limit = attempt.healthy ? SILENCE_LIMIT : START_LIMIT;
  if (silent !== null && c.now - silent >= limit)
    return silence(`the JobManager has not answered for ${limit / 1000} s`, jobManagers);
  return null;
}

/** One that was told to end answers no more, and may take its time: it was not lost by itself. */
function silence(reason: string, jobManagers: readonly ProcessView[]): Loss {
  const deleted = jobManagers.find((p) => p.deleted !== undefined)?.deleted;
  return deleted === undefined ? { reason, asked: false } : { reason: deleted, asked: true };
}

/** The JobManager runs and has not answered for so long that people should know. */
export const isSilent = (c: Context): boolean =>
  c.observation.silentSince !== null && c.now - c.observation.silentSince >= SILENCE_TOLD;

export type Terminal =
  { state: 'FINISHED'; savepointPath: string | null } | { state: 'FAILED'; failure: string } | { state: 'CANCELED' };

/** The run read all its input: a savepoint of a stop that came to nothing before is not where it ended. */
export function finishedByItself(c: Context): boolean {
  const { result } = c.observation.storage;
  return result?.state === 'FINISHED' && result.savepointPath === null;
}

/** How the run ended, by its result in storage (written before any terminal status is reported) or by the engine's answer; null while it has not. */
export function terminalOf(c: Context, attempt: Attempt): Terminal | null {
  const result = c.observation.storage.result;
  const engine = engineOf(c, attempt);
  if (finishedByItself(c)) return { state: 'FINISHED', savepointPath: null };
  const state = result?.state ?? engine?.status;
  const savepointPath = result?.savepointPath ?? c.observation.storage.pendingSavepoint;
  if (state === 'FINISHED') return { state, savepointPath };
  if (state === 'CANCELED') return savepointPath === null ? { state } : { state: 'FINISHED', savepointPath };
  if (state === 'FAILED')
    return {
      state,
      failure: result?.failure ?? engine?.rootCause ?? 'the engine gave no cause; see the log of the JobManager',
    };
  // A stop whose savepoint is complete has stopped the run, whoever died before that was put on record.
  if (engine === null && savepointPath !== null) return { state: 'FINISHED', savepointPath };
  return null;
}

/** Why no streaming run may go on from what can be read of the last one's state: something newer is there that cannot be; null when all can. */
export function unreadableState(c: Context): string | null {
  const { attempt, lastSavepoint } = c.status;
  const { checkpoints, savepoint } = c.observation.storage.unreadable;
  // A run that was stopped with a savepoint goes on from that alone.
  const stopped = attempt?.ended === 'Stopped' && lastSavepoint?.jobId === attempt.jobId;
  const unreadable = stopped ? savepoint : (checkpoints ?? savepoint);
  return unreadable ?? lostSavepoint(c, stopped) ?? lostCheckpoints(c, stopped);
}

/**
 * Path of the job's last savepoint where the current run has taken it or started from it, so that it may be the newest state. One that is older is none of the
 * run's, and a folder of Apache Flink does not say whose it is.
 */
export function savepointOfRun({ attempt, lastSavepoint }: Pick<FlowJobStatus, 'attempt' | 'lastSavepoint'>) {
  if (attempt === undefined || lastSavepoint === undefined) return undefined;
  const { path, jobId } = lastSavepoint;
  return jobId === attempt.jobId || attempt.restoreFrom === path ? path : undefined;
}

/** The newest state that the current run has made itself; null when it has none. What it started from may be named beside that, as no folder of Flink says whose it is. */
export function newestOfRun({ status, observation }: Context): StorageView['newest'] {
  const { newest, pendingSavepoint } = observation.storage;
  const isOwn = status.lastSavepoint?.jobId === status.attempt?.jobId || pendingSavepoint !== null;
  return newest?.kind === 'Savepoint' && !isOwn ? null : newest;
}

/** The next run would go on from the job's last savepoint, and that is gone. One with newer state beside it may go: its owner removed it. */
function lostSavepoint(c: Context, stopped: boolean): string | null {
  const { attempt, lastSavepoint } = c.status;
  const { savepointGone, newest } = c.observation.storage;
  if (savepointGone !== true || attempt === undefined || lastSavepoint === undefined) return null;
  const startedFrom = newest === null && attempt.restoreFrom === lastSavepoint.path;
  return stopped || startedFrom
    ? `SAVEPOINT_NOT_FOUND: there is no completed savepoint in ${lastSavepoint.path}, from which the job has to go on\nHint: put the folder back`
    : null;
}

/** A run that has had checkpoints would go on from where it began, or from nothing, were it started again without them. */
function lostCheckpoints(c: Context, stopped: boolean): string | null {
  if (stopped || c.status.attempt?.checkpointed !== true || newestOfRun(c) !== null) return null;
  return 'the run had completed checkpoints, and none of them is found any more\nHint: put them back';
}

/** A FlowSavepoint is being taken: a stop waits for it, so that neither disturbs the other. */
export const savepointInFlight = (c: Context): boolean =>
  c.savepoints.some(
    (s) =>
      s.status?.state === 'InProgress' &&
      s.status.jobId === c.status.attempt?.jobId &&
      s.status.triggerId !== undefined,
  );
