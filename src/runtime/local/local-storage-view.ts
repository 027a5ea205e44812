// What a job's storage holds, as the lifecycle asks it: read through the engine's own checkpoint storage, so that both see the same.
import { attemptOf, compareAttempts } from '../../../engine/checkpoint/attempt.ts';
import { LocalCheckpointStorage } from '../../../engine/checkpoint/local-storage.ts';
import type { JobResult, Manifest } from '../../../engine/checkpoint/storage.ts';
import { describeError, EngineError } from '../../../engine/errors.ts';
import type { RunResult, StorageView } from '../../lifecycle/observation.ts';
import type { StorageQuestion } from '../port.ts';

export async function viewStorage(root: string, question: StorageQuestion): Promise<StorageView> {
  const storage = new LocalCheckpointStorage(root);
  const { jobId, lastSavepoint, stopTriggerId } = question;
  const epoch = (await storage.currentAttempt())?.epoch ?? 0;
  const unreadable: StorageView['unreadable'] = { checkpoints: null, savepoint: null };
  if (jobId === undefined) return { epoch, newest: null, unreadable, pendingSavepoint: null, result: null };

  const stopPaths = stopTriggerId === undefined ? [] : await storage.findSavepoints(jobId, stopTriggerId);
  const result = await storage.readJobResult(jobId);
  const noteUnreadable = (what: keyof typeof unreadable, error: unknown): null => {
    if (!(error instanceof EngineError) || !UNREADABLE.includes(error.code)) throw error;
    unreadable[what] ??= describeError(error);
    return null;
  };
  const checkpoints = await storage.listCheckpoints(jobId).catch((error) => noteUnreadable('checkpoints', error));
  const checkpoint = checkpoints?.[0]?.path;
  const candidates: { path: string; kind: 'Checkpoint' | 'Savepoint'; manifest: Manifest }[] = [];
  for (const path of new Set([checkpoint, lastSavepoint, ...stopPaths])) {
    if (path === undefined) continue;
    const manifest = await manifestOf(storage, path).catch((error) =>
      noteUnreadable(path === checkpoint ? 'checkpoints' : 'savepoint', error),
    );
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
    pendingSavepoint: candidates.find(({ path }) => stopPaths.includes(path))?.path ?? null,
    result: result === null ? null : runResult(result),
  };
}

/** What storage says of state that is there and that it cannot read: time changes nothing about it. */
const UNREADABLE: readonly string[] = ['SAVEPOINT_CORRUPT', 'SAVEPOINT_TOO_NEW'];

/** Null when it is not there or not complete: nothing can be restored from it. */
async function manifestOf(storage: LocalCheckpointStorage, path: string): Promise<Manifest | null> {
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
