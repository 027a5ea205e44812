// Checkpoint storage on a folder that JobManager and TaskManagers share: a laptop's disk, or a volume mounted by all pods.
//
// Limits of the fence: the epoch is checked directly before the manifest's rename, but the two are not one step, since a file system has no
// "rename if that file is missing". An attempt that is suspended exactly between them may still publish one checkpoint. It does no harm:
// checkpoints are ordered by epoch before number, so it is never taken for newer than one of a later attempt.
import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EngineError } from '../errors.ts';
import type { OperatorRestore, OperatorSnapshot } from '../operators/operator.ts';
import { isExisting, isMissing, localPath, makeDirectory, publishFile, syncDirectory, writeDurably } from './files.ts';
import { encodeManifest, MANIFEST_NAME, readManifestFile } from './manifest-file.ts';
import { corrupt, readStateFile, writeStateFile } from './state-file.ts';
import type { CheckpointStorage, JobResult, Manifest, TaskStateHandle } from './storage.ts';

const encoder = new TextEncoder();

export class LocalCheckpointStorage implements CheckpointStorage {
  private readonly root: string;

  /** `root` is `flowjob.state.dir`: a path or a `file:` URI; made on first use. */
  constructor(root: string) {
    this.root = resolve(localPath(root));
  }

  async acquireEpoch(epoch: number, owner: string): Promise<void> {
    if (!Number.isSafeInteger(epoch) || epoch < 1)
      throw new EngineError('EPOCH_INVALID', `attempt epoch ${epoch} is not a positive whole number`);
    const directory = join(this.root, 'epochs');
    await makeDirectory(directory);
    const highest = await this.currentEpoch();
    if (highest >= epoch) throw fenced(epoch, highest);
    try {
      await writeDurably(join(directory, String(epoch)), [encoder.encode(JSON.stringify({ owner }))], 'wx');
    } catch (error) {
      if (isExisting(error)) throw fenced(epoch, epoch);
      throw error;
    }
    await syncDirectory(directory);
    await this.assertEpoch(epoch);
  }

  async currentEpoch(): Promise<number> {
    const names = await namesIn(join(this.root, 'epochs'));
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
    return writeStateFile(localPath(directory), task, snapshots);
  }

  async publishManifest(directory: string, manifest: Manifest): Promise<void> {
    const folder = localPath(directory);
    await makeDirectory(folder);
    await publishFile(join(folder, MANIFEST_NAME), encodeManifest(manifest), () => this.assertEpoch(manifest.epoch));
    await syncDirectory(dirname(folder));
  }

  async readManifest(directory: string): Promise<Manifest> {
    const folder = localPath(directory);
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
    const folder = localPath(directory);
    let restored: OperatorRestore | null = null;
    for (const file of manifest.files) {
      const operator = file.operators.find((candidate) => candidate.operatorId === operatorId);
      if (operator === undefined) continue;
      const { keyed, union } = await readStateFile(folder, file, operatorId, range);
      restored ??= { stateSchema: operator.stateSchema, keyed: [], union: [] };
      if (JSON.stringify(restored.stateSchema) !== JSON.stringify(operator.stateSchema))
        throw corrupt(join(folder, MANIFEST_NAME), `operator ${operatorId} has two different state schemas`);
      restored.keyed.push(...keyed);
      restored.union.push(...union);
    }
    return restored;
  }

  async listCheckpoints(jobId: string): Promise<{ checkpointId: number; path: string }[]> {
    const parent = join(this.root, 'checkpoints', jobId);
    const found: { checkpointId: number; epoch: number; path: string }[] = [];
    for (const name of await namesIn(parent)) {
      const match = /^chk-(\d+)$/.exec(name);
      const path = join(parent, name);
      if (match === null || !(await namesIn(path)).includes(MANIFEST_NAME)) continue;
      const { epoch } = await readManifestFile(path);
      found.push({ checkpointId: Number(match[1]), epoch, path });
    }
    found.sort((a, b) => b.epoch - a.epoch || b.checkpointId - a.checkpointId);
    return found.map(({ checkpointId, path }) => ({ checkpointId, path }));
  }

  /** Removes only what storage itself writes: a path given by mistake loses nothing else. */
  async dispose(directory: string): Promise<void> {
    const folder = localPath(directory);
    const names = await namesIn(folder);
    if (names.includes(MANIFEST_NAME)) {
      await rm(join(folder, MANIFEST_NAME), { force: true });
      await syncDirectory(folder);
    }
    for (const name of names)
      if (name.endsWith('.state') || name.startsWith(`.${MANIFEST_NAME}.`))
        await rm(join(folder, name), { force: true });
    try {
      await rmdir(folder);
    } catch (error) {
      if (isMissing(error)) return;
      const left = await namesIn(folder);
      if (left.length === 0) throw error;
      throw new EngineError('DISPOSE_FOREIGN_FILES', `${folder} holds files that are not of a savepoint: ${left[0]}`, {
        hint: 'the state is removed; remove the rest by hand when it is not needed',
        cause: error,
      });
    }
    await syncDirectory(dirname(folder));
  }

  async writeJobResult(jobId: string, result: JobResult): Promise<void> {
    const path = this.resultPath(jobId);
    await makeDirectory(dirname(path));
    await publishFile(path, encoder.encode(JSON.stringify(result, null, 2)), async () => {
      const earlier = await this.readJobResult(jobId);
      if (earlier !== null && JSON.stringify(earlier) !== JSON.stringify(result))
        throw new EngineError('JOB_RESULT_EXISTS', `job ${jobId} has ended before: ${earlier.state}`, {
          hint: 'a new run takes a new job id',
        });
    });
  }

  async readJobResult(jobId: string): Promise<JobResult | null> {
    const path = this.resultPath(jobId);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
    try {
      return JSON.parse(text) as JobResult;
    } catch (error) {
      throw corrupt(path, 'it is not JSON', error);
    }
  }

  private resultPath(jobId: string): string {
    return join(this.root, 'results', `${jobId}.json`);
  }
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

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function checkLength(folder: string, file: TaskStateHandle): Promise<void> {
  const path = join(folder, file.path);
  try {
    const { size } = await stat(path);
    if (size !== file.length) throw corrupt(path, `it has ${size} bytes, the manifest says ${file.length}`);
  } catch (error) {
    if (isMissing(error)) throw corrupt(path, 'the manifest names this file, but it does not exist', error);
    throw error;
  }
}
