// Where spill files are: per job, attempt and TaskManager, so that each can be removed alone and never meets another's.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineConfig } from '../config.ts';

/** Folders for what need not outlive its process. */
export interface TemporaryFiles {
  make(folder: string): void;
  /** With all that is in it. */
  remove(folder: string): void;
}

export const localTemporaryFiles: TemporaryFiles = {
  make: (folder) => void mkdirSync(folder, { recursive: true }),
  remove: (folder) => rmSync(folder, { recursive: true, force: true }),
};

/** The first of `io.tmp.dirs`, or the system's. */
export function temporaryDirectory(config: EngineConfig): string {
  const first = config.get('io.tmp.dirs').split(/[,;:]/)[0]!;
  return join(first === '' ? tmpdir() : first, 'flowjob-spill');
}

export function spillFolder(root: string, jobId: string, epoch: number, taskManagerId: string): string {
  return join(root, `${jobId}-${epoch}`, taskManagerId.replaceAll(/[^A-Za-z0-9._-]/g, '_'));
}

/** Removes the files of a job's attempts up to `epoch`: no task of them runs any more, or it is fenced. */
export function removeSpillFolders(root: string, jobId: string, epoch: number): void {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch {
    return;
  }
  for (const name of names) {
    const at = name.lastIndexOf('-');
    if (name.slice(0, at) === jobId && Number(name.slice(at + 1)) <= epoch)
      rmSync(join(root, name), { recursive: true, force: true });
  }
}
