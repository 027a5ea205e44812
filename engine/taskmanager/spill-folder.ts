// Where spill files are: per job, attempt and TaskManager, so that each can be removed alone and never meets another's.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineConfig } from '../config.ts';
import type { TemporaryFiles } from '../storage/temporary-files.ts';

/** The first of `io.tmp.dirs`, or the system's. */
export function temporaryDirectory(config: EngineConfig): string {
  const first = config.get('io.tmp.dirs').split(/[,;:]/)[0]!;
  return join(first === '' ? tmpdir() : first, 'flowjob-spill');
}

export function spillFolder(root: string, jobId: string, epoch: number, taskManagerId: string): string {
  return join(root, `${jobId}-${epoch}`, taskManagerId.replaceAll(/[^A-Za-z0-9._-]/g, '_'));
}

/** Removes the files of a job's attempts up to `epoch`: no task of them runs any more, or it is fenced. */
export function removeSpillFolders(files: TemporaryFiles, root: string, jobId: string, epoch: number): void {
  for (const name of files.list(root)) {
    const at = name.lastIndexOf('-');
    if (name.slice(0, at) === jobId && Number(name.slice(at + 1)) <= epoch) files.remove(join(root, name));
  }
}
