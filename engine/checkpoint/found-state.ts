// What state lies in a job's storage, whichever job has written it: asked before a job starts for the first time, so that it does not start empty beside it.
import { basename } from 'node:path';
import { describeError, EngineError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { LogEntry } from './attempt-log.ts';
import { attemptOf, compareAttempts } from './attempt.ts';
import type { JobResult, Manifest } from './storage.ts';

/** State of jobs whose status nobody has any more. */
export interface FoundState {
  /** Newest completed checkpoint or savepoint; null when none is left or none can be read. */
  newest: { path: string; kind: 'Checkpoint' | 'Savepoint' } | null;
  /** The job came to its end after `newest`: to go on from that would write the output since then once more. */
  finished: boolean;
  /** State that may be newer and cannot be read, with the remedy; null when there is none such. */
  unreadable: string | null;
}

export interface FoundStateParts {
  store: ObjectStore;
  pathOf: (key: string) => string;
  newestEntry: () => Promise<LogEntry | null>;
  readManifest: (path: string) => Promise<Manifest>;
  readResult: (jobId: string) => Promise<JobResult | null>;
}

/** Of state that was removed on purpose: epochs up to the one in the name count for nothing. */
export const REMOVED = 'removed/';

interface Candidate {
  path: string;
  manifest: Manifest;
}

/** Null when no job has left any state there. */
export async function findState(parts: FoundStateParts): Promise<FoundState | null> {
  const removed = await removedUpTo(parts.store);
  const last = await parts.newestEntry();
  const results = await resultsIn(parts, last);
  const { candidates, problems } = await readAll(parts, await foldersIn(parts, last, removed));
  const counting = candidates.filter(({ manifest }) => manifest.epoch > removed);
  for (const { savepointPath, endTime } of results) {
    if (savepointPath === null || counting.some(({ path }) => basename(path) === basename(savepointPath))) continue;
    const read = await readAll(parts, [savepointPath]);
    counting.push(...read.candidates.filter(({ manifest }) => manifest.epoch > removed));
    if (read.candidates.length === 0)
      problems.push({ at: endTime, text: read.problems[0]?.text ?? gone('the savepoint', savepointPath) });
  }
  counting.sort(
    (a, b) =>
      compareAttempts(attemptOf(b.manifest), attemptOf(a.manifest)) ||
      b.manifest.checkpointId - a.manifest.checkpointId,
  );
  const newest = counting[0];
  const since = newest?.manifest.triggerTimestamp ?? 0;
  const finished = results.some((result) => isEnd(result) && result.endTime >= since);
  const unreadable = problems.find(({ at }) => at > since)?.text ?? null;
  if (newest === undefined && !finished && unreadable === null) return null;
  return {
    newest:
      newest === undefined
        ? null
        : { path: newest.path, kind: newest.manifest.kind === 'CHECKPOINT' ? 'Checkpoint' : 'Savepoint' },
    finished,
    unreadable,
  };
}

/** State of epochs up to this one was removed on purpose; 0 when none was. */
async function removedUpTo(store: ObjectStore): Promise<number> {
  const epochs = (await store.list(REMOVED)).map((key) => Number(key.slice(REMOVED.length)));
  return epochs.reduce((highest, epoch) => (Number.isSafeInteger(epoch) ? Math.max(highest, epoch) : highest), 0);
}

const isEnd = ({ state, savepointPath }: JobResult): boolean => state === 'FINISHED' && savepointPath === null;

async function foldersIn(parts: FoundStateParts, last: LogEntry | null, removed: number): Promise<string[]> {
  const { store, pathOf } = parts;
  const keys = [...(await store.list('checkpoints/')), ...(await store.list('savepoints/'))];
  const folders = new Set(
    keys.flatMap((key) => /^((checkpoints\/[^/]+\/chk-\d+|savepoints\/[^/]+))\/_metadata$/.exec(key)?.[1] ?? []),
  );
  // What was decided and has not got its name yet counts too, and the newest that was decided may not be missing.
  if (last !== null && last.attempt.epoch > removed) {
    if (last.kind === 'manifest') folders.add(last.path);
    if (last.newest !== null) folders.add(last.newest.path);
  }
  return [...folders].map((folder) => (folder.startsWith('/') ? folder : pathOf(folder)));
}

interface Problem {
  /** When what cannot be read was written, as far as it is known. */
  at: number;
  text: string;
}

async function readAll(
  parts: FoundStateParts,
  paths: readonly string[],
): Promise<{ candidates: Candidate[]; problems: Problem[] }> {
  const candidates: Candidate[] = [];
  const problems: Problem[] = [];
  const last = await parts.newestEntry();
  for (const path of paths) {
    try {
      candidates.push({ path, manifest: await parts.readManifest(path) });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      // An old one may go while one looks; the newest that was decided on may not.
      const needed = path.endsWith(last?.newest?.path ?? '/');
      if (error.code !== 'SAVEPOINT_NOT_FOUND') problems.push({ at: Infinity, text: describeError(error) });
      else if (needed) problems.push({ at: Infinity, text: gone('the newest checkpoint', path) });
    }
  }
  return { candidates, problems };
}

const gone = (what: string, path: string): string =>
  `${what} of the last job is gone: ${path}\nHint: bring it back from a backup`;

async function resultsIn(parts: FoundStateParts, last: LogEntry | null): Promise<JobResult[]> {
  const ids = new Set(
    (await parts.store.list('results/')).flatMap((key) => /^results\/([^/]+)\.json$/.exec(key)?.[1] ?? []),
  );
  if (last?.kind === 'result') ids.add(last.result.jobId);
  const results: JobResult[] = [];
  for (const id of ids) {
    const result = await parts.readResult(id);
    if (result !== null) results.push(result);
  }
  return results;
}
