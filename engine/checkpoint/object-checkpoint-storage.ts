// Checkpoint storage on an object store: where everything is, and in which order it is written, so that a checkpoint is complete for everybody or nobody.
//
// A manifest is published in three steps: it is written under a pending name; the log (attempt-log.ts) decides that it counts; it gets its name. Who is
// fenced loses at the second. Readers look through the log, so that they see what was decided when the third has not been done yet.
//
// What is removed (clean-up.ts) can be removed late, by a process that was paused and is fenced by now: so no name is used twice. Names of files have the
// attempt in them, and a folder has one manifest, ever.
import { EngineError } from '../errors.ts';
import type { OperatorRestore, OperatorSnapshot } from '../operators/operator.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { AttemptLog, type LogEntry } from './attempt-log.ts';
import { attemptOf, attemptTag, compareAttempts, type AcquiredAttempt, type Attempt } from './attempt.ts';
import { CleanUp, type Completed } from './clean-up.ts';
import { findState, REMOVED, type FoundState } from './found-state.ts';
import { encodeManifest, MANIFEST_NAME, readManifestFile } from './manifest-file.ts';
import { readOperatorPages } from './page-reader.ts';
import { corrupt, readStateFile, writeStateFile } from './state-file.ts';
import { SHARED, StateFolder } from './state-folder.ts';
import type { CheckpointStorage, JobResult, Manifest, TaskStateHandle } from './storage.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface StorageLocation {
  /** Of the job's state. */
  store: ObjectStore;
  /** Tells what this process writes from what all others do. */
  writer: string;
  /** How people know the object of this key. */
  pathOf: (key: string) => string;
  /** A folder in another one that may be anywhere. */
  savepointPath: (parent: string, name: string) => string;
  /** The folder behind a path or URI; one that is relative is in the store. */
  open: (directory: string) => StateFolder;
}

export class ObjectCheckpointStorage implements CheckpointStorage {
  private readonly location: StorageLocation;
  private readonly store: ObjectStore;
  private readonly log: AttemptLog;
  private readonly cleanUp: CleanUp;

  constructor(location: StorageLocation) {
    this.location = location;
    this.store = location.store;
    this.log = new AttemptLog(new StateFolder(location.store, 'log/', location.pathOf('log')), location.writer);
    this.cleanUp = new CleanUp({
      store: this.store,
      open: location.open,
      assertAttempt: async (attempt) => this.log.assert(attempt),
      completed: async (jobId) => this.completed(jobId),
    });
  }

  async acquireAttempt(epoch: number, owner: string): Promise<AcquiredAttempt> {
    if (!Number.isSafeInteger(epoch) || epoch < 1)
      throw new EngineError('EPOCH_INVALID', `attempt epoch ${epoch} is not a positive whole number`);
    const earlier = { epoch: await this.unloggedEpoch(), restart: 0 };
    const attempt = await this.log.acquire(epoch, owner, earlier, async (decided) => this.complete(decided));
    // Version 0.1.0 knew no log: a process of it that is still there finds here that it is fenced.
    await this.store.put(`epochs/${epoch}`, [encoder.encode(JSON.stringify({ owner }))], { ifAbsent: true });
    return attempt;
  }

  async currentAttempt(): Promise<Attempt | null> {
    const logged = (await this.log.newest())?.attempt ?? { epoch: 0, restart: 0 };
    const unlogged = await this.unloggedEpoch();
    if (unlogged > logged.epoch) return { epoch: unlogged, restart: 0 };
    return logged.epoch === 0 ? null : { epoch: logged.epoch, restart: logged.restart };
  }

  async assertAttempt(attempt: AcquiredAttempt): Promise<void> {
    await this.log.assert(attempt);
  }

  checkpointPath(jobId: string, checkpointId: number): string {
    return this.location.pathOf(checkpointKey(jobId, checkpointId));
  }

  savepointPath(jobId: string, triggerId: string, targetDirectory?: string): string {
    const name = `savepoint-${jobId.slice(0, 6)}-${triggerId}`;
    if (targetDirectory === undefined) return this.location.pathOf(`savepoints/${name}`);
    return this.location.savepointPath(targetDirectory, name);
  }

  async writeTaskState(
    directory: string,
    task: { vertexId: string; subtask: number; attempt: string },
    snapshots: OperatorSnapshot[],
  ): Promise<TaskStateHandle> {
    return writeStateFile(this.location.open(directory), task, snapshots);
  }

  async writePages(directory: string, name: string, parts: Iterable<Uint8Array>): Promise<void> {
    const shared = this.location.open(directory).sibling(SHARED);
    await shared.store.put(shared.key(name), parts);
  }

  async sweepPages(attempt: AcquiredAttempt, jobId: string, through: number): Promise<void> {
    await this.cleanUp.sweepPages(attempt, jobId, through);
  }

  async publishManifest(attempt: AcquiredAttempt, directory: string, manifest: Manifest): Promise<void> {
    const folder = this.location.open(directory);
    const pending = folder.key(pendingName(attempt));
    const { jobId, checkpointId, kind: manifestKind } = manifest;
    await folder.store.put(pending, [encodeManifest(manifest)]);
    const decision = { kind: 'manifest', jobId, checkpointId, manifestKind, path: this.logPath(folder) } as const;
    try {
      await this.log.append(attempt, decision);
    } catch (error) {
      // It is not decided, unless that is not known; what cannot be removed now goes with the orphans.
      if (!(error instanceof EngineError && error.code === 'STORAGE_UNCERTAIN'))
        await folder.store.delete(pending).catch(() => undefined);
      throw error;
    }
    await this.effect(() => this.nameManifest(folder, attempt), `the manifest in ${folder.path}`);
  }

  async readManifest(directory: string): Promise<Manifest> {
    const folder = this.location.open(directory);
    const manifest = await this.manifestIn(folder);
    for (const file of manifest.files) await checkLength(folder, file);
    return manifest;
  }

  async readOperatorState(
    directory: string,
    manifest: Manifest,
    operatorId: string,
    range: { start: number; end: number },
  ): Promise<OperatorRestore | null> {
    const folder = this.location.open(directory);
    let restored: OperatorRestore | null = null;
    const keyed: OperatorRestore['keyed'][] = [];
    let ownedBytes = 0;
    for (const file of manifest.files) {
      const operator = file.operators.find((candidate) => candidate.operatorId === operatorId);
      if (operator === undefined) continue;
      restored ??= { stateSchema: operator.stateSchema, keyed: [], keyGroups: range, union: [] };
      if (JSON.stringify(restored.stateSchema) !== JSON.stringify(operator.stateSchema))
        throw corrupt(folder.nameOf(MANIFEST_NAME), `operator ${operatorId} has two different state schemas`);
      if (file.pages !== undefined) {
        const read = await readOperatorPages(folder.sibling(SHARED), file, operatorId, range);
        restored.union.push(...read.union);
        keyed.push(read.pages);
        ownedBytes += read.ownedBytes;
        continue;
      }
      const read = await readStateFile(folder, file, operatorId, range);
      keyed.push(read.keyed);
      ownedBytes += read.ownedBytes;
      restored.union.push(...read.union);
    }
    return restored === null ? null : { ...restored, keyed: chained(keyed), ownedBytes };
  }

  async listCheckpoints(jobId: string): Promise<{ checkpointId: number; path: string }[]> {
    return (await this.completed(jobId)).map(({ checkpointId, path }) => ({ checkpointId, path }));
  }

  /** Completed checkpoints, newest first, as they were read: an older one may be gone before it could be read again. */
  private async completed(jobId: string): Promise<Completed[]> {
    for (;;) {
      const last = await this.log.newest();
      const newest = last?.newest?.jobId === jobId ? last.newest : null;
      const ids = new Set(newest === null ? [] : [newest.checkpointId]);
      for (const key of await this.store.list(`checkpoints/${jobId}/`)) {
        const match = /^checkpoints\/[^/]*\/chk-(\d+)\/_metadata$/.exec(key);
        if (match !== null) ids.add(Number(match[1]));
      }
      const found: (Completed & { attempt: Attempt })[] = [];
      let error: unknown = null;
      for (const checkpointId of ids) {
        const path = this.checkpointPath(jobId, checkpointId);
        try {
          const manifest = await this.manifestIn(this.location.open(path));
          found.push({ checkpointId, path, manifest, attempt: attemptOf(manifest) });
        } catch (reason) {
          // A disk that fails for a moment says nothing about the checkpoint: who took it for gone would remove its pages.
          if (!(reason instanceof EngineError)) throw reason;
          // Older ones may be damaged, or go while one looks. The newest may be neither, and before there was a log nobody knows which it is.
          if (newest === null ? !isGone(reason) : newest.checkpointId === checkpointId) error = reason;
        }
      }
      if (error === null) {
        return found.sort((a, b) => compareAttempts(b.attempt, a.attempt) || b.checkpointId - a.checkpointId);
      }
      if ((await this.log.newest())?.seq === last?.seq) throw newest === null ? error : lost(error);
    }
  }

  async findSavepoints(jobId: string, triggerId: string): Promise<string[]> {
    const first = `savepoints/savepoint-${jobId.slice(0, 6)}-${triggerId}`;
    const last = await this.log.newest();
    const folders = new Set(last?.kind === 'manifest' ? [last.path] : []);
    for (const key of await this.store.list('savepoints/'))
      if (key.endsWith(`/${MANIFEST_NAME}`)) folders.add(key.slice(0, -MANIFEST_NAME.length - 1));
    return [...folders]
      .filter((folder) => folder === first || folder.startsWith(`${first}-`))
      .map((folder) => this.location.pathOf(folder));
  }

  async dispose(directory: string): Promise<void> {
    await this.cleanUp.dispose(directory);
  }

  async removeCheckpoints(attempt: AcquiredAttempt, jobId: string): Promise<void> {
    await this.cleanUp.removeCheckpoints(attempt, jobId);
  }

  async discard(directory: string, attempt: Attempt): Promise<void> {
    await this.cleanUp.discard(directory, attempt);
  }

  async removeOrphans(attempt: AcquiredAttempt, jobId: string): Promise<void> {
    await this.cleanUp.removeOrphans(attempt, jobId);
  }

  async recordOutputs(
    attempt: AcquiredAttempt,
    jobId: string,
    outputs: Readonly<Record<string, string>>,
  ): Promise<void> {
    const known = await this.readOutputs(jobId);
    if (Object.entries(outputs).every(([operatorId, place]) => known.get(operatorId)?.includes(place))) return;
    await this.assertAttempt(attempt);
    await this.store.put(`${outputsOf(jobId)}${attemptTag(attempt)}.json`, [encoder.encode(JSON.stringify(outputs))]);
  }

  async readOutputs(jobId: string): Promise<ReadonlyMap<string, string[]>> {
    const found = new Map<string, string[]>();
    for (const key of await this.store.list(outputsOf(jobId))) {
      const outputs = this.parse(key, await this.store.get(key)) as Record<string, string> | null;
      for (const [operatorId, place] of Object.entries(outputs ?? {}))
        found.set(operatorId, [...new Set([...(found.get(operatorId) ?? []), place])]);
    }
    return found;
  }

  async writeJobResult(attempt: AcquiredAttempt, result: JobResult): Promise<void> {
    const { jobId } = result;
    const existing = await this.readJobResult(jobId);
    if (existing === null) {
      await this.log.append(attempt, { kind: 'result', result });
      await this.effect(() => this.putResult(result), `the result of job ${jobId}`);
    } else if (JSON.stringify(existing) !== JSON.stringify(result))
      throw new EngineError('JOB_RESULT_EXISTS', `job ${jobId} already has another result`, {
        hint: 'a new run takes a new job id',
      });
  }

  async readJobResult(jobId: string): Promise<JobResult | null> {
    const bytes = await this.store.get(resultKey(jobId));
    if (bytes === null) {
      const last = await this.log.newest();
      return last?.kind === 'result' && last.result.jobId === jobId ? last.result : null;
    }
    return this.parse(resultKey(jobId), bytes) as JobResult;
  }

  async findState(): Promise<FoundState | null> {
    return findState({
      store: this.store,
      pathOf: this.location.pathOf,
      newestEntry: async () => this.log.newest(),
      readManifest: async (path) => this.readManifest(path),
      readResult: async (jobId) => this.readJobResult(jobId),
    });
  }

  async markRemoved(): Promise<void> {
    const attempt = await this.currentAttempt();
    if (attempt !== null) await this.store.put(`${REMOVED}${attempt.epoch}`, [], { ifAbsent: true });
  }

  private parse(key: string, bytes: Uint8Array | null): unknown {
    try {
      return bytes === null ? null : JSON.parse(decoder.decode(bytes));
    } catch (error) {
      throw corrupt(this.location.pathOf(key), 'it is not JSON', error);
    }
  }

  /** The highest epoch that version 0.1.0 took, which kept no log; 0 when none. */
  private async unloggedEpoch(): Promise<number> {
    const names = (await this.store.list('epochs/')).map((key) => key.slice('epochs/'.length));
    return names.reduce((highest, name) => (/^\d+$/.test(name) ? Math.max(highest, Number(name)) : highest), 0);
  }

  /** Gives effect to a decision. Any number of processes may do it, at any time. */
  private async complete(decided: LogEntry): Promise<void> {
    if (decided.kind === 'manifest') await this.nameManifest(this.location.open(decided.path), decided.attempt);
    if (decided.kind === 'result') await this.putResult(decided.result);
  }

  private async nameManifest(folder: StateFolder, attempt: Attempt): Promise<void> {
    const pending = folder.key(pendingName(attempt));
    const bytes = await folder.store.get(pending);
    if (bytes === null) return;
    const late = new Error('another attempt has named it');
    const isLate = async (): Promise<boolean> => {
      const last = await this.log.newest();
      return last?.kind !== 'manifest' || last.path !== this.logPath(folder);
    };
    // Who has the state by now has named it, and may have disposed of it: it must not come back. Asked when the write has begun, for of one that began
    // earlier than the next attempt nothing is left when that one has removed what was unfinished.
    async function* parts(): AsyncGenerator<Uint8Array> {
      if (await isLate()) throw late;
      yield bytes!;
    }
    try {
      await folder.store.put(folder.key(MANIFEST_NAME), parts());
    } catch (error) {
      if (error === late) return;
      throw error;
    }
    await folder.store.delete(pending);
  }

  private async putResult(result: JobResult): Promise<void> {
    const bytes = encoder.encode(JSON.stringify(result, null, 2));
    await this.store.put(resultKey(result.jobId), [bytes], { ifAbsent: true });
  }

  /** What has been decided cannot fail any more: if it cannot be put in place now, the next process does it. */
  private async effect(work: () => Promise<void>, what: string): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw new EngineError(
        'STORAGE_UNCERTAIN',
        `${what} counts, but could not be put in its place: ${String(cause)}`,
        {
          hint: 'the process ends; the next one does it',
          cause,
        },
      );
    }
  }

  /** Also one that has been decided and has not got its name yet. */
  private async manifestIn(folder: StateFolder): Promise<Manifest> {
    try {
      return await readManifestFile(folder);
    } catch (error) {
      const last = isGone(error) ? await this.log.newest() : null;
      if (last?.kind !== 'manifest' || last.path !== this.logPath(folder)) throw error;
      return await readManifestFile(folder, pendingName(last.attempt)).catch(async (reason: unknown) => {
        // It may have got its name just now.
        if (isGone(reason)) return readManifestFile(folder);
        throw reason;
      });
    }
  }

  private logPath(folder: StateFolder): string {
    return folder.store === this.store ? folder.prefix.slice(0, -1) : folder.path;
  }
}

const checkpointKey = (jobId: string, checkpointId: number): string => `checkpoints/${jobId}/chk-${checkpointId}`;
/** A file per attempt that wrote elsewhere than those before it. */
const outputsOf = (jobId: string): string => `outputs/${jobId}/`;
const resultKey = (jobId: string): string => `results/${jobId}.json`;

/** Of a manifest that has not been decided, or has not got its name yet. */
const pendingName = (attempt: Attempt): string => `${MANIFEST_NAME}.${attemptTag(attempt)}.pending`;

const isGone = (error: unknown): boolean => error instanceof EngineError && error.code === 'SAVEPOINT_NOT_FOUND';

/** The job of a newest checkpoint that cannot be read fails, and stays so: whoever repairs it has to start another from it. */
function lost(error: unknown): unknown {
  if (!(error instanceof EngineError) || !(isGone(error) || error.code === 'SAVEPOINT_CORRUPT')) return error;
  const message = isGone(error) ? `the newest checkpoint is gone: ${error.message}` : error.message;
  return new EngineError('SAVEPOINT_CORRUPT', message, {
    hint: 'bring it back and start a new job from it, or start one from a savepoint',
    ...(error.position === undefined ? {} : { position: error.position }),
    cause: error,
  });
}

async function* chained(parts: readonly OperatorRestore['keyed'][]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part;
}

async function checkLength(
  folder: StateFolder,
  file: Pick<TaskStateHandle, 'path' | 'pages'> & { length: number | null },
): Promise<void> {
  if (file.pages !== undefined) {
    const shared = folder.sibling(SHARED);
    for (const name of file.pages.files)
      await checkLength(shared, { path: name, length: name === file.path ? file.length : null });
    return;
  }
  const size = await folder.store.size(folder.key(file.path));
  const path = folder.nameOf(file.path);
  if (size === null) throw corrupt(path, 'the manifest names this file, but it does not exist');
  if (file.length !== null && size !== file.length)
    throw corrupt(path, `it has ${size} bytes, the manifest says ${file.length}`);
}
