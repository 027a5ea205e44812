// Checkpoint storage on a folder that JobManager and TaskManagers share: a laptop's disk, or a volume mounted by all pods.
//
// Limits of the fence: the epoch is checked directly before the manifest's rename, but the two are not one step, since a file system has no
// "rename if that file is missing". An attempt that is suspended exactly between them may still publish one checkpoint. It does no harm:
// checkpoints are ordered by epoch before number, so it is never taken for newer than one of a later attempt.
import { randomBytes } from 'node:crypto';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError } from '../errors.ts';
import type { OperatorRestore, OperatorSnapshot } from '../operators/operator.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { LocalFileSystem } from '../storage/local-file-system.ts';
import { LocalObjectStore } from '../storage/local-object-store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { encodeManifest, MANIFEST_NAME, readManifestFile } from './manifest-file.ts';
import { corrupt, readStateFile, writeStateFile } from './state-file.ts';
import { StateFolder } from './state-folder.ts';
import type { CheckpointStorage, JobResult, Manifest, TaskStateHandle } from './storage.ts';

const encoder = new TextEncoder();

export class LocalCheckpointStorage implements CheckpointStorage {
  private readonly root: string;
  private readonly fileSystem: FileSystem;
  private readonly writer: string;
  private readonly store: ObjectStore;

  /**
   * `root` is `flowjob.state.dir`: a path or a `file:` URI; made on first use. `writer` tells this process's unfinished writes from all others'.
   */
  constructor(
    root: string,
    fileSystem: FileSystem = new LocalFileSystem(),
    writer: string = randomBytes(8).toString('hex'),
  ) {
    this.root = resolve(localPath(root));
    this.fileSystem = fileSystem;
    this.writer = writer;
    this.store = new LocalObjectStore(fileSystem, this.root, writer);
  }

  async acquireEpoch(epoch: number, owner: string): Promise<void> {
    if (!Number.isSafeInteger(epoch) || epoch < 1)
      throw new EngineError('EPOCH_INVALID', `attempt epoch ${epoch} is not a positive whole number`);
    const highest = await this.currentEpoch();
    if (highest >= epoch) throw fenced(epoch, highest);
    const entry = encoder.encode(JSON.stringify({ owner }));
    if ((await this.store.put(`epochs/${epoch}`, [entry], { ifAbsent: true })) === 'exists') throw fenced(epoch, epoch);
    await this.assertEpoch(epoch);
  }

  async currentEpoch(): Promise<number> {
    const names = (await this.store.list('epochs/')).map((key) => key.slice('epochs/'.length));
    return names.reduce((highest, name) => (/^\d+$/.test(name) ? Math.max(highest, Number(name)) : highest), 0);
  }

  async assertEpoch(epoch: number): Promise<void> {
    const highest = await this.currentEpoch();
    if (highest !== epoch) throw fenced(epoch, highest);
  }

  checkpointPath(jobId: string, checkpointId: number): string {
    return join(this.root, 'checkpoints', jobId, `chk-${checkpointId}`);
  }

  savepointPath(jobId: string, triggerId: string, targetDirectory?: string): string {
    const parent = targetDirectory === undefined ? join(this.root, 'savepoints') : resolve(localPath(targetDirectory));
    return join(parent, `savepoint-${jobId.slice(0, 6)}-${triggerId}`);
  }

  async writeTaskState(
    directory: string,
    task: { vertexId: string; subtask: number; epoch: number },
    snapshots: OperatorSnapshot[],
  ): Promise<TaskStateHandle> {
    return writeStateFile(this.folder(directory), task, snapshots);
  }

  async publishManifest(directory: string, manifest: Manifest): Promise<void> {
    const folder = this.folder(directory);
    const bytes = encodeManifest(manifest);
    await this.assertEpoch(manifest.epoch);
    await folder.store.put(folder.key(MANIFEST_NAME), [bytes]);
  }

  async readManifest(directory: string): Promise<Manifest> {
    const folder = this.folder(directory);
    const manifest = await readManifestFile(folder);
    for (const file of manifest.files) await checkLength(folder, file);
    return manifest;
  }

  async readOperatorState(
    directory: string,
    manifest: Manifest,
    operatorId: string,
    range: { start: number; end: number },
  ): Promise<OperatorRestore | null> {
    const folder = this.folder(directory);
    let restored: OperatorRestore | null = null;
    const keyed: OperatorRestore['keyed'][] = [];
    for (const file of manifest.files) {
      const operator = file.operators.find((candidate) => candidate.operatorId === operatorId);
      if (operator === undefined) continue;
      restored ??= { stateSchema: operator.stateSchema, keyed: [], keyGroups: range, union: [] };
      if (JSON.stringify(restored.stateSchema) !== JSON.stringify(operator.stateSchema))
        throw corrupt(folder.nameOf(MANIFEST_NAME), `operator ${operatorId} has two different state schemas`);
      const holdsKeys = operator.keyGroups.some((keyGroup) => keyGroup >= range.start && keyGroup <= range.end);
      if (operator.unionEntries === 0 && !holdsKeys) continue;
      const read = await readStateFile(folder, file, operatorId, range);
      keyed.push(read.keyed);
      restored.union.push(...read.union);
    }
    return restored === null ? null : { ...restored, keyed: chained(keyed) };
  }

  async listCheckpoints(jobId: string): Promise<{ checkpointId: number; path: string }[]> {
    const found: { checkpointId: number; epoch: number; path: string }[] = [];
    for (const key of await this.store.list(`checkpoints/${jobId}/`)) {
      const match = /^checkpoints\/[^/]*\/chk-(\d+)\/_metadata$/.exec(key);
      if (match === null) continue;
      const checkpointId = Number(match[1]);
      const path = this.checkpointPath(jobId, checkpointId);
      const { epoch } = await readManifestFile(this.folder(path));
      found.push({ checkpointId, epoch, path });
    }
    found.sort((a, b) => b.epoch - a.epoch || b.checkpointId - a.checkpointId);
    return found.map(({ checkpointId, path }) => ({ checkpointId, path }));
  }

  /** Removes only what storage itself writes: a path given by mistake loses nothing else. */
  async dispose(directory: string): Promise<void> {
    const folder = this.folder(directory);
    const names = await folder.list();
    if (names.includes(MANIFEST_NAME)) await folder.store.delete(folder.key(MANIFEST_NAME));
    for (const name of names)
      if (name.endsWith('.state') && !name.includes('/')) await folder.store.delete(folder.key(name));
    await folder.store.removeUnfinished(folder.prefix);
    const [left] = await folder.list();
    if (left !== undefined)
      throw new EngineError(
        'DISPOSE_FOREIGN_FILES',
        `${folder.path} holds files that are not of a savepoint: ${left}`,
        {
          hint: 'the state is removed; remove the rest by hand when it is not needed',
        },
      );
  }

  async writeJobResult(jobId: string, result: JobResult): Promise<void> {
    const bytes = encoder.encode(JSON.stringify(result, null, 2));
    if ((await this.store.put(resultKey(jobId), [bytes], { ifAbsent: true })) === 'written') return;
    if (JSON.stringify(await this.readJobResult(jobId)) !== JSON.stringify(result))
      throw new EngineError('JOB_RESULT_EXISTS', `job ${jobId} already has another result`, {
        hint: 'a new run takes a new job id',
      });
  }

  async readJobResult(jobId: string): Promise<JobResult | null> {
    const bytes = await this.store.get(resultKey(jobId));
    if (bytes === null) return null;
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as JobResult;
    } catch (error) {
      throw corrupt(join(this.root, resultKey(jobId)), 'it is not JSON', error);
    }
  }

  /** Folders outside of the state's root have a store of their own: a savepoint may be anywhere. */
  private folder(directory: string): StateFolder {
    const path = resolve(localPath(directory));
    if (path.startsWith(this.root + sep))
      return new StateFolder(this.store, `${path.slice(this.root.length + 1).replaceAll(sep, '/')}/`, path);
    const parent = new LocalObjectStore(this.fileSystem, dirname(path), this.writer);
    return new StateFolder(parent, `${basename(path)}/`, path);
  }
}

const resultKey = (jobId: string): string => `results/${jobId}.json`;

/** The path behind a `file:` URI; a plain path as it is. */
function localPath(uriOrPath: string): string {
  return uriOrPath.startsWith('file:') ? fileURLToPath(uriOrPath) : uriOrPath;
}

function fenced(epoch: number, highest: number): EngineError {
  return new EngineError(
    'FENCED',
    highest === epoch
      ? `attempt epoch ${epoch} has been taken by another attempt`
      : `attempt epoch ${epoch} is not the highest one, which is ${highest}`,
    { hint: 'another attempt of this job owns its state; this one must end' },
  );
}

async function* chained(parts: readonly OperatorRestore['keyed'][]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part;
}

async function checkLength(folder: StateFolder, file: TaskStateHandle): Promise<void> {
  const size = await folder.store.size(folder.key(file.path));
  const path = folder.nameOf(file.path);
  if (size === null) throw corrupt(path, 'the manifest names this file, but it does not exist');
  if (size !== file.length) throw corrupt(path, `it has ${size} bytes, the manifest says ${file.length}`);
}
