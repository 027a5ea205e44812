// An object store in a folder: a laptop's disk, or a volume that all pods of a job mount.
//
// An object is written under a temporary name beside its own, synced, and given its name in one step: by rename, or by link(2), which fails when the
// name is taken. Limits: a key cannot be a folder of other keys, and keys that look like temporary names are refused.
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { codeOf, isExisting, isMissing } from './local-file-system.ts';
import type { ObjectStore } from './object-store.ts';

const TEMPORARY = /^\..+\.tmp$/;
const READ_BYTES = 1 << 18;
/** A folder may be removed by who deletes its last object, again and again while one is to be written there. */
const CREATE_TRIES = 8;
/** Folders that are remembered at the most. */
const SETTLED = 1_000;

export class LocalObjectStore implements ObjectStore {
  private readonly fileSystem: FileSystem;
  private readonly root: string;
  private readonly writer: string;
  private written = 0;
  /** Folders whose names this process has made durable. */
  private readonly settled = new Set<string>();

  /**
   * `root` is made on first use. `writer` goes into temporary names and must be unique over all stores on the same folder, ever: a name that two could
   * use would let one publish what the other has written half.
   */
  constructor(fileSystem: FileSystem, root: string, writer: string) {
    this.fileSystem = fileSystem;
    this.root = resolve(root);
    this.writer = writer;
  }

  async put(
    key: string,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: { ifAbsent: boolean } = { ifAbsent: false },
  ): Promise<'written' | 'exists'> {
    const { fileSystem } = this;
    const path = this.path(key);
    const folder = dirname(path);
    const temporary = join(folder, `.${basename(path)}.${this.writer}-${++this.written}.tmp`);
    const file = await this.create(temporary);
    let result: 'written' | 'exists' = 'written';
    try {
      try {
        await this.settle(folder);
        for await (const part of parts) await file.append(part);
        await file.sync();
      } finally {
        await file.close();
      }
      if (options.ifAbsent) result = await this.link(temporary, path);
      else await fileSystem.rename(temporary, path);
    } catch (error) {
      // What is wrong is told, not that the rest could not be cleared away as well.
      await fileSystem.remove(temporary).catch(() => undefined);
      throw error;
    }
    // Also when another has won: who is told that the object exists may rely on it.
    await fileSystem.syncDirectory(folder).catch(unlessMissing);
    return result;
  }

  async get(key: string): Promise<Uint8Array | null> {
    const file = await this.open(key);
    if (file === null) return null;
    try {
      const parts: Uint8Array[] = [];
      let size = 0;
      for (;;) {
        const part = await file.read(size, READ_BYTES);
        if (part.length > 0) parts.push(part);
        size += part.length;
        if (part.length < READ_BYTES) break;
      }
      return parts.length === 1 ? parts[0]! : concat(parts, size);
    } finally {
      await file.close();
    }
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await this.open(key);
    if (file === null) throw objectNotFound(this.path(key));
    try {
      const bytes = await file.read(offset, length);
      if (bytes.length < length) throw objectTruncated(this.path(key), offset + bytes.length, offset + length);
      return bytes;
    } finally {
      await file.close();
    }
  }

  async size(key: string): Promise<number | null> {
    return this.fileSystem.size(this.path(key));
  }

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    await this.walk(prefix, (key, temporary) => {
      if (!temporary) keys.push(key);
    });
    return keys.sort();
  }

  /** Takes the folders along that hold nothing any more. */
  async delete(key: string): Promise<void> {
    const path = this.path(key);
    const folder = dirname(path);
    if ((await this.fileSystem.size(path)) !== null) {
      await this.fileSystem.remove(path);
      await this.fileSystem.syncDirectory(folder).catch(unlessMissing);
    }
    await this.removeEmpty(folder);
  }

  async removeUnfinished(prefix: string): Promise<void> {
    const folders = new Set<string>();
    await this.walk(prefix, async (key, temporary) => {
      if (!temporary) return;
      const path = join(this.root, key);
      folders.add(dirname(path));
      await this.fileSystem.remove(path);
    });
    for (const folder of folders) await this.removeEmpty(folder);
  }

  private async create(path: string): Promise<OpenFile> {
    for (let tries = 1; ; tries++) {
      await this.fileSystem.makeDirectory(dirname(path));
      try {
        return await this.fileSystem.create(path, { exclusive: true });
      } catch (error) {
        if (!isMissing(error) || tries === CREATE_TRIES) throw error;
      }
    }
  }

  /**
   * Makes the names of the folder and of those around it durable, also where it found them: who made them may have died before that. The folder is not
   * empty meanwhile, so nobody removes one.
   */
  private async settle(folder: string): Promise<void> {
    if (this.settled.size > SETTLED) this.settled.clear();
    const synced: string[] = [];
    for (let at = folder; at.length >= this.root.length && !this.settled.has(at); at = dirname(at)) {
      await this.fileSystem.syncDirectory(dirname(at));
      synced.push(at);
    }
    for (const at of synced) this.settled.add(at);
  }

  private async link(temporary: string, path: string): Promise<'written' | 'exists'> {
    let result: 'written' | 'exists' = 'written';
    try {
      await this.fileSystem.link(temporary, path);
    } catch (error) {
      if (!isExisting(error)) throw error;
      result = 'exists';
    }
    await this.fileSystem.remove(temporary);
    return result;
  }

  private async open(key: string): Promise<OpenFile | null> {
    try {
      return await this.fileSystem.open(this.path(key));
    } catch (error) {
      unlessMissing(error);
      return null;
    }
  }

  private async walk(prefix: string, visit: (key: string, temporary: boolean) => void | Promise<void>): Promise<void> {
    const folder = prefix === '' ? this.root : this.path(prefix.replace(/\/$/, ''));
    for (const name of await this.fileSystem.list(folder)) {
      if (!name.endsWith('/')) await visit(prefix + name, TEMPORARY.test(name));
      else if (!TEMPORARY.test(name.slice(0, -1))) await this.walk(prefix + name, visit);
    }
  }

  /** From `folder` up, below the root. */
  private async removeEmpty(folder: string): Promise<void> {
    for (let empty = folder; empty.length > this.root.length; empty = dirname(empty)) {
      if ((await this.fileSystem.list(empty)).length > 0) return;
      this.settled.delete(empty);
      try {
        await this.fileSystem.removeDirectory(empty);
      } catch (error) {
        // Something has been put there meanwhile.
        if (codeOf(error) === 'ENOTEMPTY' || isExisting(error)) return;
        throw error;
      }
    }
  }

  private path(key: string): string {
    const bad = (part: string): boolean => part === '' || part === '.' || part === '..' || TEMPORARY.test(part);
    if (/[\\\0]/.test(key) || key.split('/').some(bad))
      throw new EngineError('OBJECT_KEY', `"${key}" is not a key of an object under ${this.root}`, {
        hint: 'a key is a relative path with / between its parts, without . and .., and not the name of a temporary file',
      });
    return join(this.root, key);
  }
}

export function objectNotFound(path: string): EngineError {
  return new EngineError('OBJECT_NOT_FOUND', `${path} does not exist`, { position: { file: path } });
}

export function objectTruncated(path: string, size: number, wanted: number): EngineError {
  return new EngineError('OBJECT_TRUNCATED', `${path} ends at byte ${size}, before byte ${wanted}`, {
    position: { file: path },
  });
}

function concat(parts: Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
