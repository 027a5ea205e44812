// What jobs that have ended may not leave behind: anything of checkpoints, of savepoints what has no manifest, of sinks what is not visible.
//
// An attempt that has lost the job may not know it yet, and its tasks and its JobManager may make files from when the job has its result on: all may have been
// cleared for the last time by then. Nobody of the job need be there any more to remove those: they alone are excused. To a JobManager that begins after the
// result the one before it has lost the job, too.
import { basename, dirname } from 'node:path';
import { compareAttempts, parseAttemptTag, type Attempt } from '../../engine/checkpoint/attempt.ts';
import { STATE_DIRECTORY, type Cluster } from './cluster.ts';
import type { SimDisk } from './disk.ts';

export function leftOver(disk: SimDisk, { jobManagers }: Cluster, output: string): string[] {
  const hasManifest = (path: string): boolean => disk.inode(`${dirname(path)}/_metadata`) !== undefined;
  const savepoints = disk.paths(`${STATE_DIRECTORY}/savepoints`).filter((path) => !hasManifest(path));
  const hidden = disk.paths(output).filter((path) => basename(path).startsWith('.'));
  const results = disk.paths(`${STATE_DIRECTORY}/results`);
  if (results.length === 0) throw new Error('a job has ended, and its result is nowhere');
  const resultAt = Math.max(...results.map((path) => disk.inode(path)!.created));
  const attempts = jobManagers.map(({ master }) => master.attempt).filter((attempt) => attempt !== null);
  return [...disk.paths(`${STATE_DIRECTORY}/checkpoints`), ...savepoints, ...hidden].filter((path) => {
    const writer = writerOf(path);
    const lostTheJob = writer !== null && attempts.some((attempt) => compareAttempts(attempt, writer) > 0);
    return !lostTheJob || disk.inode(path)!.created < resultAt;
  });
}

/** Null: its name does not tell. */
function writerOf(path: string): Attempt | null {
  // A manifest that has not got its own name yet is called after that.
  const named = path.replace(/\/\.(_metadata\.[\d.]+\.pending)\.[^./]*-\d+\.tmp$/, '/$1');
  const match = /\.inprogress\.([\d.]+)$|-([\d.]+)\.state$|-([\d.]+)-\d+\.pages$|_metadata\.([\d.]+)\.pending$/.exec(
    named,
  );
  return parseAttemptTag(match?.slice(1).find((tag) => tag !== undefined) ?? '');
}
