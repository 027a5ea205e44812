// Logs of processes on this machine: one file per process and attempt.
import { readdir } from 'node:fs/promises';
import { attemptFiles, epochsOnRecord } from '../../runtime/local/layout.ts';
import type { Store } from '../../store/port.ts';
import { CommandError } from '../context.ts';
import { followFile } from '../follow-file.ts';
import { labelled, processesOfRole } from '../log-roles.ts';
import type { LogRequest } from '../place.ts';
import { existing } from '../targets.ts';
import { LOCAL_NAMESPACE } from '../../store/local/local-store.ts';

export async function printLocalLogs(
  directory: string,
  store: Store,
  { job, role, epoch: wanted, previous, follow }: LogRequest,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const epochs = epochsOnRecord(directory, job);
  const newest = wanted ?? epochs.at(-1);
  if (newest === undefined) {
    await existing(store, 'FlowJob', { namespace: LOCAL_NAMESPACE, name: job });
    throw new CommandError(`flowjob "${job}" has no process on record yet, so there is no log`);
  }
  if (!epochs.includes(newest))
    throw new CommandError(`there is no attempt ${newest}; logs are kept of attempts ${epochs.join(', ')}`);
  const epoch = previous ? epochs[epochs.indexOf(newest) - 1] : newest;
  if (epoch === undefined)
    throw new CommandError(`no log is kept of what ran before attempt ${newest}: it is the first on record`);
  const files = attemptFiles(directory, job, epoch);
  const logs = (await readdir(files.directory)).flatMap((name) => /^(.+)\.log$/.exec(name)?.[1] ?? []);
  const processes = processesOfRole(role, logs, `attempt ${epoch}`);
  const printer = labelled(print, processes);
  const follows = follow ? signal : AbortSignal.abort();
  const one = async (process: string): Promise<void> =>
    followFile(files.logFile(process), { line: printer(process), signal: follows });
  if (follow) await Promise.all(processes.map(one));
  else for (const process of processes) await one(process);
}
