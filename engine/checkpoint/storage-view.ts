// What a job's storage holds, as an operator asks it: who has the state, the newest of it, how a run ended, what is left of jobs before.
import { describeWithCode, EngineError } from '../errors.ts';
import { attemptOf, compareAttempts } from './attempt.ts';
import type { FoundState } from './found-state.ts';
import type { CheckpointStorage, JobResult, Manifest } from './storage.ts';

export interface StorageQuestion {
  /** The current run; undefined when there was none. */
  jobId?: string | undefined;
  /** A savepoint of the run that counts when it is newer than its checkpoints. */
  lastSavepoint?: string | undefined;
  /** Trigger id of a stop with a savepoint that is under way. */
  stopTriggerId?: string | undefined;
  /** Asks for `found`: for a job that has never run. */
  findState?: boolean | undefined;
  /** Asks for `savepoint`: the folder that a new job is to start from, a path or URI. */
  savepoint?: string | undefined;
}

export interface StorageView {
  /** Highest attempt epoch taken so far, 0 when none. */
  epoch: number;
  /** Newest completed checkpoint or savepoint of the run. */
  newest: { path: string; kind: 'Checkpoint' | 'Savepoint' } | null;
  /** State that is there but cannot be read: which file, why, and what to do; null when there is none such. */
  unreadable: { checkpoints: string | null; savepoint: string | null };
  /** `lastSavepoint` is not there, or not complete: removed by its owner, who may do that, or lost. */
  savepointGone?: true;
  /** The savepoint of the stop, when it is complete. */
  pendingSavepoint: string | null;
  result: RunResult | null;
  /** State that jobs before this one have left; null when there is none, or when it was not asked for. */
  found: FoundState | null;
  /** What is wrong with the savepoint that was asked for; null when nothing is. */
  savepoint: SavepointProblem | null;
}

export interface SavepointProblem {
  /** `NotFound`: not there, or not complete. `Unusable`: it cannot be read. */
  kind: 'NotFound' | 'Unusable';
  message: string;
}

/** How the run ended. */
export interface RunResult extends Pick<JobResult, 'state' | 'failure' | 'savepointPath' | 'startTime' | 'endTime'> {
  /** Absent where the engine does not count them. */
  rowsIn?: number;
  rowsOut?: number;
}

export async function viewStorage(storage: CheckpointStorage, question: StorageQuestion): Promise<StorageView> {
  const { jobId, lastSavepoint, stopTriggerId } = question;
  const epoch = (await storage.currentAttempt())?.epoch ?? 0;
  const unreadable: StorageView['unreadable'] = { checkpoints: null, savepoint: null };
  const found = question.findState === true ? await storage.findState() : null;
  const savepoint = question.savepoint === undefined ? null : await problemOf(storage, question.savepoint);
  if (jobId === undefined)
    return { epoch, newest: null, unreadable, pendingSavepoint: null, result: null, found, savepoint };

  const stopPaths = stopTriggerId === undefined ? [] : await storage.findSavepoints(jobId, stopTriggerId);
  const result = await storage.readJobResult(jobId);
  const noteUnreadable = (what: keyof typeof unreadable, error: unknown): null => {
    if (!(error instanceof EngineError) || !CANNOT_BE_READ.includes(error.code)) throw error;
    unreadable[what] ??= describeWithCode(error);
    return null;
  };
  const checkpoints = await storage.listCheckpoints(jobId).catch((error) => noteUnreadable('checkpoints', error));
  const checkpoint = checkpoints?.[0]?.path;
  const candidates: { path: string; kind: 'Checkpoint' | 'Savepoint'; manifest: Manifest }[] = [];
  let savepointGone = false;
  for (const path of new Set([checkpoint, lastSavepoint, ...stopPaths])) {
    if (path === undefined) continue;
    const manifest = await manifestOf(storage, path).catch((error) =>
      noteUnreadable(path === checkpoint ? 'checkpoints' : 'savepoint', error),
    );
    if (manifest === null && path === lastSavepoint && unreadable.savepoint === null) savepointGone = true;
    if (manifest === null || manifest.jobId !== jobId) continue;
    candidates.push({ path, manifest, kind: path === checkpoint ? 'Checkpoint' : 'Savepoint' });
  }
  candidates.sort(
    (a, b) =>
      compareAttempts(attemptOf(b.manifest), attemptOf(a.manifest)) ||
      b.manifest.checkpointId - a.manifest.checkpointId,
  );
  const newest = candidates[0];
  return {
    epoch,
    newest: newest === undefined ? null : { path: newest.path, kind: newest.kind },
    unreadable,
    ...(savepointGone ? { savepointGone } : {}),
    pendingSavepoint: candidates.find(({ path }) => stopPaths.includes(path))?.path ?? null,
    result: result === null ? null : runResult(result),
    found,
    savepoint,
  };
}

/** What keeps a job from starting from a savepoint, as far as the savepoint alone tells. */
async function problemOf(storage: CheckpointStorage, path: string): Promise<SavepointProblem | null> {
  try {
    await storage.readManifest(path);
    return null;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { kind: error.code === 'SAVEPOINT_NOT_FOUND' ? 'NotFound' : 'Unusable', message: describeWithCode(error) };
  }
}

/** What storage says of state that is there and that it cannot read: time changes nothing about it. */
const CANNOT_BE_READ: readonly string[] = ['SAVEPOINT_CORRUPT', 'SAVEPOINT_TOO_NEW'];

/** The code of an error of a task that cannot read the state that it is to start from: damaged, of a later version, or gone. */
export const isUnreadable = (code: string): boolean => code === 'SAVEPOINT_NOT_FOUND' || CANNOT_BE_READ.includes(code);

/** Null when it is not there or not complete: nothing can be restored from it. */
async function manifestOf(storage: CheckpointStorage, path: string): Promise<Manifest | null> {
  try {
    return await storage.readManifest(path);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'SAVEPOINT_NOT_FOUND') return null;
    throw error;
  }
}

function runResult(result: JobResult): RunResult {
  return {
    state: result.state,
    failure: result.failure,
    savepointPath: result.savepointPath,
    startTime: result.startTime,
    endTime: result.endTime,
    rowsIn: rowsOf(result.summary['sources']),
    rowsOut: rowsOf(result.summary['sinks']),
  };
}

/** Sum of the rows of all tables: `{flights: {rows: 3}, ...}`. */
function rowsOf(tables: unknown): number {
  if (tables === null || typeof tables !== 'object') return 0;
  return Object.values(tables as Record<string, { rows?: unknown } | null>).reduce(
    (sum, table) => sum + (typeof table?.rows === 'number' ? table.rows : 0),
    0,
  );
}
