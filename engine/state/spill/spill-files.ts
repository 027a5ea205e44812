// Where runs are written: files of this attempt that nobody else reads and no crash has to survive.
import { join } from 'node:path';
import { EngineError } from '../../errors.ts';
import type { TemporaryFile, TemporaryFiles } from '../../storage/temporary-files.ts';

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
export function spillFilesIn(files: TemporaryFiles, directory: () => string, prefix: string): CreateSpillFile {
  return (name) => new FileOfRun(files, join(directory(), `${prefix}-${name}`));
}

class FileOfRun implements SpillFile {
  readonly path: string;
  private readonly files: TemporaryFiles;
  private readonly file: TemporaryFile;

  constructor(files: TemporaryFiles, path: string) {
    this.files = files;
    this.path = path;
    this.file = files.create(path, { exclusive: true });
  }

  append(bytes: Uint8Array): void {
    this.file.append(bytes);
  }

  read(offset: number, into: Uint8Array): number {
    return this.file.read(offset, into);
  }

  remove(): void {
    this.file.close();
    this.files.remove(this.path);
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
