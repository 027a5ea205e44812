// The file system of this machine behind the port.
import { close, fsync, fsyncSync, mkdirSync, open, openSync, read, write, writeSync, closeSync } from 'node:fs';
import { link, mkdir, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { FileSystem, OpenFile } from './file-system.ts';

const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const readDescriptor = promisify(read);
const writeDescriptor = promisify(write);
const syncDescriptor = promisify(fsync);

/** True for the error of a file or directory that does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** True for the error of an exclusive create or a link that came second. */
export function isExisting(error: unknown): boolean {
  return codeOf(error) === 'EEXIST';
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

class LocalFile implements OpenFile {
  private readonly descriptor: number;
  private closed = false;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;)
      at += (await writeDescriptor(this.descriptor, bytes, at, bytes.length - at, null)).bytesWritten;
  }

  appendSync(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.descriptor, bytes, at, bytes.length - at);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const { bytesRead } = await readDescriptor(this.descriptor, bytes, at, length - at, offset + at);
      if (bytesRead === 0) return bytes.slice(0, at);
      at += bytesRead;
    }
    return bytes;
  }

  async sync(): Promise<void> {
    await syncDescriptor(this.descriptor);
  }

  /** Once: the number of a closed descriptor may be another file's by then. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await closeDescriptor(this.descriptor);
  }
}

export class LocalFileSystem implements FileSystem {
  async create(path: string, { exclusive }: { exclusive: boolean }): Promise<OpenFile> {
    return new LocalFile(await openDescriptor(path, exclusive ? 'wx' : 'w'));
  }

  createSync(path: string, { exclusive }: { exclusive: boolean }): OpenFile {
    return new LocalFile(openSync(path, exclusive ? 'wx' : 'w'));
  }

  async open(path: string): Promise<OpenFile> {
    return new LocalFile(await openDescriptor(path, 'r'));
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(from, to);
  }

  async link(from: string, to: string): Promise<void> {
    await link(from, to);
  }

  async remove(path: string): Promise<void> {
    await unlink(path).catch(unlessMissing);
  }

  async makeDirectory(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    // Each new directory is entered durably into its parent.
    for (let made = path; made.length >= first.length; made = dirname(made)) await this.syncDirectory(dirname(made));
  }

  makeDirectorySync(path: string): void {
    const first = mkdirSync(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) {
      const descriptor = openSync(dirname(made), 'r');
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
  }

  async removeDirectory(path: string): Promise<void> {
    await rmdir(path).catch(unlessMissing);
  }

  async list(path: string): Promise<string[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    } catch (error) {
      unlessMissing(error);
      return [];
    }
  }

  async size(path: string): Promise<number | null> {
    try {
      const found = await stat(path);
      return found.isFile() ? found.size : null;
    } catch (error) {
      unlessMissing(error);
      return null;
    }
  }

  async syncDirectory(path: string): Promise<void> {
    const descriptor = await openDescriptor(path, 'r');
    try {
      await syncDescriptor(descriptor);
    } finally {
      await closeDescriptor(descriptor);
    }
  }
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
