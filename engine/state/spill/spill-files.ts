// Where runs are written: files of this attempt that nobody else reads and no crash has to survive. A port, so that tests can fill the disk.
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../errors.ts';

/** Synchronous: an operator works on its slot's thread, and what it wrote a moment ago is in the system's page cache. */
export interface SpillFile {
  /** For errors. */
  readonly path: string;
  append(bytes: Uint8Array): void;
  /** Fills `into` from `offset` on; returns fewer bytes only at the end of the file. */
  read(offset: number, into: Uint8Array): number;
  /** Closes and removes it. */
  remove(): void;
}

/** Makes a new file. `name` is new in its folder. */
export type CreateSpillFile = (name: string) => SpillFile;

/** Files in a folder that is asked for when the first one is made; their names begin with `prefix`. */
export function localSpillFiles(directory: () => string, prefix: string): CreateSpillFile {
  return (name) => new LocalSpillFile(join(directory(), `${prefix}-${name}`));
}

class LocalSpillFile implements SpillFile {
  readonly path: string;
  private readonly descriptor: number;

  constructor(path: string) {
    this.path = path;
    this.descriptor = openSync(path, 'wx+', 0o600);
  }

  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.descriptor, bytes, at);
  }

  read(offset: number, into: Uint8Array): number {
    let at = 0;
    while (at < into.length) {
      const count = readSync(this.descriptor, into, at, into.length - at, offset + at);
      if (count === 0) break;
      at += count;
    }
    return at;
  }

  remove(): void {
    closeSync(this.descriptor);
    rmSync(this.path, { force: true });
  }
}

/** What a failed write of `path` is told as. */
export function spillWriteError(path: string, cause: unknown): EngineError {
  const full = (cause as { code?: unknown } | null)?.code === 'ENOSPC';
  if (full)
    return new EngineError(
      'SPILL_DISK_FULL',
      `state that is larger than memory cannot be spilled: no space for ${path}`,
      {
        hint: 'make room there, set io.tmp.dirs to a larger disk, or raise taskmanager.memory.managed.size',
        cause,
      },
    );
  return new EngineError('SPILL_FILE', `${path} cannot be written: ${String(cause)}`, {
    hint: 'see that the folder of io.tmp.dirs can be written',
    cause,
  });
}

/** What a page that cannot be read back is told as: the task fails, and starts again from its last checkpoint. */
export function spillReadError(path: string, reason: string, cause?: unknown): EngineError {
  return new EngineError('SPILL_FILE', `spilled state in ${path} cannot be read: ${reason}`, {
    hint: 'nothing may remove or change files below io.tmp.dirs while the job runs; the task starts again from the last checkpoint',
    cause,
  });
}
