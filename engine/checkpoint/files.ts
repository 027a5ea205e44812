// Durable file operations: what is acknowledged has reached the disk, directory entries included.
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The path behind a `file:` URI; a plain path as it is. */
export function localPath(uriOrPath: string): string {
  return uriOrPath.startsWith('file:') ? fileURLToPath(uriOrPath) : uriOrPath;
}

/** True for the error of a file or folder that does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** True for the error of an exclusive create that came second. */
export function isExisting(error: unknown): boolean {
  return codeOf(error) === 'EEXIST';
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Makes the entries of a directory durable: created, renamed and removed names. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory and its missing parents, each entered durably into its parent. */
export async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Writes a new file and syncs it, but not its directory. `flag` is `wx` for an exclusive create. */
export async function writeDurably(path: string, parts: readonly Uint8Array[], flag: 'w' | 'wx' = 'w'): Promise<void> {
  const handle = await open(path, flag);
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        const { bytesWritten } = await handle.write(part, at, part.length - at);
        at += bytesWritten;
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Publishes a file atomically: readers see all of it or none. `guard` runs when the bytes are on disk, directly before the rename; when it
 * throws, nothing is published.
 */
export async function publishFile(path: string, bytes: Uint8Array, guard: () => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await writeDurably(temporary, [bytes]);
    await guard();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}
