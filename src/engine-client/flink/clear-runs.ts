// Removes what earlier runs of a job have left in the folder of its state and nobody needs any more. Only what has a name as Flink or the operator gives it is
// touched, and savepoints never: they are FlowSavepoints' own.
import { basename } from 'node:path';
import { FLINK_FOLDERS } from './config.ts';
import { HA_FOLDERS, isFolderOf } from './high-availability.ts';
import type { StateFiles } from './state-files/port.ts';

export interface RunsInUse {
  /** The run that goes on, or ended last, and the one that is up to follow it. */
  jobIds: readonly string[];
  /** Paths of state that somebody may go back to: the runs in whose folders they are stay whole. */
  needed: readonly string[];
  /** The run has state of its own, so that it goes on without that of the runs before it. */
  hasState: boolean;
}

const JOB_ID = /^[0-9a-f]{32}$/;

/** Nothing of the job may run meanwhile. `root`: the folder of one job. Throws StoreUnavailable. */
export async function clearOlderRuns(files: StateFiles, root: string, runs: RunsInUse): Promise<void> {
  const { jobIds, needed, hasState } = runs;
  const kept = [...jobIds, ...needed.flatMap((path) => path.split('/').filter((part) => JOB_ID.test(part)))];
  const oldFolders = {
    [FLINK_FOLDERS.checkpoints]: (name: string) => hasState && JOB_ID.test(name) && !kept.includes(name),
    [HA_FOLDERS.results]: (name: string) => JOB_ID.test(name) && !kept.includes(name),
    [HA_FOLDERS.runs]: (name: string) => /-[0-9a-f]{8}$/.test(name) && !isFolderOf(name, kept),
  };
  for (const [parent, isOld] of Object.entries(oldFolders))
    for (const folder of await files.folders(`${root}/${parent}`))
      if (isOld(basename(folder))) await files.remove(folder);
}
