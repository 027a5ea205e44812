// Where things are under the operator's folder: one directory per job, one per attempt in it, state apart from both.
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A job's attempts: configuration, process records, logs. Goes when the FlowJob goes. */
export const jobDirectory = (root: string, name: string): string => join(root, 'jobs', name);

export const attemptDirectory = (root: string, name: string, epoch: number): string =>
  join(jobDirectory(root, name), `attempt-${epoch}`);

/** Checkpoints, savepoints, epochs, results of all jobs that name no place of their own. */
export const statesDirectory = (root: string): string => join(root, 'state');

/** Names of all jobs on record. */
export const jobNames = (root: string): string[] => namesIn(join(root, 'jobs'));

/** Epochs of a job's attempts on record, oldest first. */
export function epochsOnRecord(root: string, name: string): number[] {
  return namesIn(jobDirectory(root, name))
    .flatMap((entry) => /^attempt-(\d+)$/.exec(entry)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export interface AttemptFiles {
  directory: string;
  configFile: string;
  sqlFile: string;
  /** Mode 0600. */
  tokenFile: string;
  /** Written by the JobManager. */
  endpointsFile: string;
  temporaryDirectory: string;
  recordFile(process: string): string;
  logFile(process: string): string;
}

export function attemptFiles(root: string, name: string, epoch: number): AttemptFiles {
  const directory = resolve(attemptDirectory(root, name, epoch));
  return {
    directory,
    configFile: join(directory, 'config.yaml'),
    sqlFile: join(directory, 'job.sql'),
    tokenFile: join(directory, 'token'),
    endpointsFile: join(directory, 'endpoints.json'),
    temporaryDirectory: join(directory, 'tmp'),
    recordFile: (process) => join(directory, `${process}.process.json`),
    logFile: (process) => join(directory, `${process}.log`),
  };
}

export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
