// The folder behind the local store: one file per object, a tombstone per deletion, a version file that is written last.
//
//   flowjobs/<name>.json, flowsavepoints/<name>.json   objects as `flowjob get -o json` shows them
//   tombstones/<kind>/<version>.json                    deletions that watches still ask for
//   version.json                                        the resourceVersion that all readers may rely on
//   events/, lock.<n>
//
// Order of writes: object (or tombstone), then version. A reader that takes the version first, then the objects, has every change up to that version; what it
// finds beyond it belongs to a writer that is not done. Only the holder of the lock writes.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { KINDS, type Kind } from '../../api/group.ts';
import { StoreError, type AnyObject, type Objects } from '../port.ts';
import {
  isCorrupt,
  isNotFound,
  jsonFiles,
  makeDirectory,
  readJson,
  readUndamaged,
  removeDurably,
  removeIfThere,
  restrictToOwner,
  sweepTemporaryFiles,
  writeAtomically,
} from './files.ts';

export interface Version {
  /** The newest resourceVersion that is complete. */
  current: number;
  /** Deletions up to here are forgotten: a watch cannot resume from before it. */
  floor: number;
}

interface CachedFile {
  identity: string;
  object: AnyObject;
}

const KIND_NAMES = Object.keys(KINDS) as Kind[];
/** A watch that is further behind than this many deletions lists again. */
const TOMBSTONES_KEPT = 500;

export class ObjectFiles {
  readonly root: string;
  private readonly cache = new Map<string, CachedFile>();

  constructor(root: string) {
    this.root = root;
    for (const kind of KIND_NAMES) {
      makeDirectory(this.objectDirectory(kind));
      makeDirectory(this.tombstoneDirectory(kind));
    }
    makeDirectory(this.eventDirectory);
  }

  get eventDirectory(): string {
    return join(this.root, 'events');
  }

  get versionFile(): string {
    return join(this.root, 'version.json');
  }

  /** Where the file is missing or damaged, which a crash of the whole machine can leave behind, the objects tell the version. */
  readVersion(): Version {
    const version = readUndamaged(this.versionFile) as Version | null;
    if (version !== null) return version;
    const current = this.highestVersion();
    return { current, floor: current };
  }

  /** Null when there is none. The object is shared with the cache: copy before changing. */
  read<K extends Kind>(kind: K, name: string): Objects[K] | null {
    return this.readFile(join(this.objectDirectory(kind), `${name}.json`)) as Objects[K] | null;
  }

  /** All objects of a kind, by name. `damaged` is told of each file that cannot be read; without it, the first one is thrown. */
  readAll<K extends Kind>(kind: K, damaged?: (file: string) => void): Objects[K][] {
    const directory = this.objectDirectory(kind);
    return jsonFiles(directory).flatMap((file) => {
      try {
        const object = this.readFile(join(directory, file)) as Objects[K] | null;
        return object === null ? [] : [object];
      } catch (error) {
        if (damaged === undefined || !isCorrupt(error)) throw error;
        damaged(file);
        return [];
      }
    });
  }

  /** Last states of objects deleted after `since`. */
  deletedSince<K extends Kind>(kind: K, since: number): Objects[K][] {
    const directory = this.tombstoneDirectory(kind);
    return jsonFiles(directory).flatMap((file) => {
      if (Number.parseInt(file, 10) <= since) return [];
      const object = readUndamaged(join(directory, file)) as Objects[K] | null;
      return object === null ? [] : [object];
    });
  }

  /** Stores the object under the next version. The lock is held. */
  write<T extends AnyObject>(object: T): T {
    const version = this.readVersion();
    const stored = stamped(object, version.current + 1);
    const path = join(this.objectDirectory(object.kind), `${object.metadata.name}.json`);
    writeAtomically(path, `${JSON.stringify(stored, null, 2)}\n`, true);
    this.publish({ ...version, current: version.current + 1 });
    return stored;
  }

  /** Removes the object under the next version: a tombstone first, so that a crash in between goes on with the deletion. The lock is held. */
  remove(object: AnyObject): void {
    const version = this.readVersion();
    const next = version.current + 1;
    const directory = this.tombstoneDirectory(object.kind);
    writeAtomically(join(directory, tombstoneName(next)), JSON.stringify(stamped(object, next)), true);
    removeDurably(join(this.objectDirectory(object.kind), `${object.metadata.name}.json`));
    this.publish({ floor: this.forgetTombstones(directory, version), current: next });
  }

  /**
   * Puts right what a writer left that died: temporary files, deletions without their end, a version behind the objects. The lock is held. After a crash
   * of the whole machine the version file may be old, but every object that a caller was told of is there: the highest version among them counts.
   * A damaged object is left for people to repair; it holds up nobody else.
   */
  recover(): void {
    for (const directory of [this.root, this.eventDirectory]) sweepTemporaryFiles(directory);
    for (const kind of KIND_NAMES) {
      for (const directory of [this.objectDirectory(kind), this.tombstoneDirectory(kind)]) {
        sweepTemporaryFiles(directory);
        restrictToOwner(directory);
      }
      const deleted = new Set(this.deletedSince(kind, 0).map((object) => object.metadata.uid));
      for (const object of this.readAll(kind, skip))
        if (deleted.has(object.metadata.uid))
          removeDurably(join(this.objectDirectory(kind), `${object.metadata.name}.json`));
    }
    const version = this.readVersion();
    const highest = this.highestVersion();
    if (highest > version.current) this.publish({ ...version, current: highest });
  }

  /** Of objects and deletions. */
  private highestVersion(): number {
    return KIND_NAMES.flatMap<AnyObject>((kind) => [...this.readAll(kind, skip), ...this.deletedSince(kind, 0)]).reduce(
      (highest, object) => Math.max(highest, versionOf(object)),
      0,
    );
  }

  private objectDirectory(kind: Kind): string {
    return join(this.root, KINDS[kind].plural);
  }

  private tombstoneDirectory(kind: Kind): string {
    return join(this.root, 'tombstones', KINDS[kind].plural);
  }

  /** Not synced: recover() finds it again from the objects, which are. */
  private publish(version: Version): void {
    writeAtomically(this.versionFile, JSON.stringify(version), false);
  }

  private forgetTombstones(directory: string, version: Version): number {
    const files = jsonFiles(directory);
    if (files.length <= 2 * TOMBSTONES_KEPT) return version.floor;
    const old = files.slice(0, files.length - TOMBSTONES_KEPT);
    const floor = Math.max(version.floor, Number.parseInt(old.at(-1)!, 10));
    // Said before it is true: a watch that asks in between lists again for nothing, but misses nothing.
    this.publish({ ...version, floor });
    for (const file of old) removeIfThere(join(directory, file));
    return floor;
  }

  /** Every write makes a new file, so inode, time and size tell whether the cached object still holds. */
  private readFile(path: string): AnyObject | null {
    let identity: string;
    try {
      const { ino, mtimeNs, size } = statSync(path, { bigint: true });
      identity = `${ino}/${mtimeNs}/${size}`;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.cache.delete(path);
      return null;
    }
    const cached = this.cache.get(path);
    if (cached?.identity === identity) return cached.object;
    const object = readJson(path) as AnyObject | null;
    if (object === null) return null;
    if (typeof object.metadata?.resourceVersion !== 'string')
      throw new StoreError(
        'Corrupt',
        `${path} is not an object of the store; restore the file from a backup, or remove it`,
      );
    this.cache.set(path, { identity, object });
    return object;
  }
}

const skip = (): void => undefined;

/** resourceVersion as the number that it is in this store. */
export function versionOf(object: AnyObject): number {
  return Number(object.metadata.resourceVersion);
}

function stamped<T extends AnyObject>(object: T, version: number): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
}

/** Padded, so that names sort as numbers do. */
function tombstoneName(version: number): string {
  return `${String(version).padStart(16, '0')}.json`;
}
