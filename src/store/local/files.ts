// Files that are whole or not there: written under another name, synced, renamed into place, the folder synced.
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../port.ts';
import { startTimeOf } from './process-identity.ts';

let sequence = 0;

/** `x.json` -> `.x.json.<pid>-<n>.tmp`: the pid tells later whether anybody still writes to it. */
export function temporaryName(path: string): string {
  sequence++;
  return join(dirname(path), `.${basename(path)}.${process.pid}-${sequence}.tmp`);
}

/** For the owner only: SQL texts hold passwords, and they stand in objects, in their tombstones and beside the processes. */
const OWNER_ONLY = 0o600;

/** Writes `text` to `path` so that a reader, and a reader after a crash, sees the old content or the new. `durable`: on disk when this returns. */
export function writeAtomically(path: string, text: string, durable: boolean): void {
  const temporary = temporaryName(path);
  const file = openSync(temporary, 'wx', OWNER_ONLY);
  try {
    writeSync(file, text);
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  if (durable) syncDirectory(dirname(path));
}

export function removeDurably(path: string): void {
  removeIfThere(path);
  syncDirectory(dirname(path));
}

export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Null when there is no such file. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** Parsed JSON of a file; null when there is none. Throws StoreError Corrupt that names the file. */
export function readJson(path: string): unknown {
  const text = readIfThere(path);
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new StoreError(
      'Corrupt',
      `${path} is not JSON: ${(error as Error).message}; restore the file from a backup, or remove it to give the object up`,
      error,
    );
  }
}

/** Parsed JSON of a file that can be done without; null when there is none or it is damaged. */
export function readUndamaged(path: string): unknown {
  try {
    return readJson(path);
  } catch (error) {
    if (isCorrupt(error)) return null;
    throw error;
  }
}

export function isCorrupt(error: unknown): boolean {
  return error instanceof StoreError && error.reason === 'Corrupt';
}

/** Names of the `.json` files in a folder, in order. */
export function jsonFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .sort();
}

/** Takes everybody else's rights to the files of a folder away: version 0.1.0 let all users of the machine read them. */
export function restrictToOwner(directory: string): void {
  for (const name of jsonFiles(directory)) chmodSync(join(directory, name), OWNER_ONLY);
}

/** Removes what writers that are gone left half-written. */
export function sweepTemporaryFiles(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /\.(\d+)-\d+\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && Number(pid) !== process.pid && startTimeOf(Number(pid)) === null)
      rmSync(join(directory, name), { force: true });
  }
}

export function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true });
}

export function isNotFound(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
