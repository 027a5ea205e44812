// Removes what no longer counts from checkpoint storage: superseded checkpoints, what attempts have given up or left behind, pages that nobody refers to.
import { EngineError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { attemptTag, compareAttempts, parseAttemptTag, type AcquiredAttempt, type Attempt } from './attempt.ts';
import { MANIFEST_NAME } from './manifest-file.ts';
import { SHARED, type StateFolder } from './state-folder.ts';
import type { Manifest } from './storage.ts';

export interface Completed {
  checkpointId: number;
  path: string;
  manifest: Manifest;
}

export interface CleanUpParts {
  store: ObjectStore;
  open: (directory: string) => StateFolder;
  /** Throws FENCED unless the attempt has the state. */
  assertAttempt: (attempt: AcquiredAttempt) => Promise<void>;
  completed: (jobId: string) => Promise<Completed[]>;
}

export class CleanUp {
  private readonly parts: CleanUpParts;

  constructor(parts: CleanUpParts) {
    this.parts = parts;
  }

  async sweepPages(attempt: AcquiredAttempt, jobId: string, through: number): Promise<void> {
    const shared = `checkpoints/${jobId}/${SHARED}/`;
    const files = await this.parts.store.list(shared);
    const used = await this.usedKeys(jobId);
    await this.parts.assertAttempt(attempt);
    for (const key of files)
      if (!used.has(key) && isOutlived(key.slice(shared.length), attempt, through)) await this.parts.store.delete(key);
  }

  /** Removes only what storage itself writes: a path given by mistake loses nothing else. */
  async dispose(directory: string): Promise<void> {
    const folder = this.parts.open(directory);
    const names = await folder.list();
    // Without its manifest it is no checkpoint any more: first, and durably.
    if (names.includes(MANIFEST_NAME)) await folder.store.delete(folder.key(MANIFEST_NAME));
    for (const name of names) if (writerOf(name) !== null) await folder.store.delete(folder.key(name));
    await folder.store.removeUnfinished(folder.prefix);
    // One of our own that came meanwhile is of a fenced attempt, which has not noticed yet: the next clean-up takes it.
    const left = (await folder.list()).find((name) => name !== MANIFEST_NAME && writerOf(name) === null);
    if (left !== undefined)
      throw new EngineError(
        'DISPOSE_FOREIGN_FILES',
        `${folder.path} holds files that are not of a savepoint: ${left}`,
        {
          hint: 'the state is removed; remove the rest by hand when it is not needed',
        },
      );
  }

  async removeCheckpoints(attempt: AcquiredAttempt, jobId: string): Promise<void> {
    const job = `checkpoints/${jobId}/`;
    await this.parts.assertAttempt(attempt);
    const keys = (await this.parts.store.list(job)).filter(
      (key) => nameOf(key) === MANIFEST_NAME || writerOf(nameOf(key)) !== null,
    );
    // No manifest is left whose files are gone.
    const manifestsFirst = (key: string): number => (nameOf(key) === MANIFEST_NAME ? 0 : 1);
    for (const key of keys.sort((a, b) => manifestsFirst(a) - manifestsFirst(b))) await this.parts.store.delete(key);
    for (const key of await this.undecidedSavepoints(jobId))
      if (writerOf(nameOf(key)) !== null) await this.parts.store.delete(key);
    await this.removeUnfinished(jobId);
  }

  async discard(directory: string, attempt: Attempt): Promise<void> {
    const folder = this.parts.open(directory);
    const tag = attemptTag(attempt);
    for (const name of await folder.list()) if (writerOf(name) === tag) await folder.store.delete(folder.key(name));
  }

  async removeOrphans(attempt: AcquiredAttempt, jobId: string): Promise<void> {
    const job = `checkpoints/${jobId}/`;
    const used = await this.usedKeys(jobId);
    const undecided = await this.undecidedSavepoints(jobId);
    await this.parts.assertAttempt(attempt);
    for (const key of [...(await this.parts.store.list(job)), ...undecided]) {
      const writer = parseAttemptTag(writerOf(nameOf(key)) ?? '');
      if (!used.has(key) && writer !== null && compareAttempts(writer, attempt) < 0) await this.parts.store.delete(key);
    }
    await this.removeUnfinished(jobId);
  }

  /** Files in folders of savepoints that have no manifest. What was decided before this attempt began has its name. */
  private async undecidedSavepoints(jobId: string): Promise<string[]> {
    const savepoints = `savepoints/savepoint-${jobId.slice(0, 6)}-`;
    const keys = (await this.parts.store.list('savepoints/')).filter((key) => key.startsWith(savepoints));
    const complete = new Set(keys.filter((key) => nameOf(key) === MANIFEST_NAME).map(folderOf));
    return keys.filter((key) => !complete.has(folderOf(key)));
  }

  /** Of all that attempts before this one may have been writing when they died. */
  private async removeUnfinished(jobId: string): Promise<void> {
    for (const folder of [`checkpoints/${jobId}/`, 'savepoints/', 'outputs/', 'results/', 'epochs/', 'log/'])
      await this.parts.store.removeUnfinished(folder);
  }

  /** Keys of all files that the checkpoints of a job refer to. */
  private async usedKeys(jobId: string): Promise<Set<string>> {
    const used = new Set<string>();
    for (const { path, manifest } of await this.parts.completed(jobId)) {
      const folder = this.parts.open(path);
      const shared = folder.sibling(SHARED);
      for (const { path: name, pages } of manifest.files)
        for (const key of pages?.files.map((file) => shared.key(file)) ?? [folder.key(name)]) used.add(key);
    }
    return used;
  }
}

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/'));
const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** Tag of the attempt that has written a file of this name; null for names that storage does not give. */
function writerOf(name: string): string | null {
  const match = /^[^/]*-\d+-([\d.]+)\.state$|^_metadata\.([\d.]+)\.pending$|^[^/]*-([\d.]+)-\d+\.pages$/.exec(name);
  return match?.[1] ?? match?.[2] ?? match?.[3] ?? null;
}

/** True for a file of pages that a sweep may remove when nobody refers to it. */
function isOutlived(name: string, attempt: Attempt, through: number): boolean {
  const match = /-([\d.]+)-(\d+)\.pages$/.exec(name);
  const writer = match === null ? null : parseAttemptTag(match[1]!);
  if (writer === null) return false;
  const order = compareAttempts(writer, attempt);
  return order < 0 || (order === 0 && Number(match![2]) <= through);
}
