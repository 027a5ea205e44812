// `flowjob logs`: the log of one process of a job's newest attempt, or of an earlier one.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { attemptFiles, epochsOnRecord } from '../../runtime/local/layout.ts';
import { CommandError, withStore, type CliContext } from '../context.ts';
import { followFile } from '../follow-file.ts';
import { existing } from '../targets.ts';

interface LogsOptions {
  job: string;
  role: string;
  epoch: number | undefined;
  follow: boolean;
}

export async function logs(context: CliContext, directory: string, options: LogsOptions): Promise<void> {
  const epochs = epochsOnRecord(directory, options.job);
  const epoch = options.epoch ?? epochs.at(-1);
  if (epoch === undefined) {
    await withStore(context, directory, (store) => existing(store, 'FlowJob', options.job));
    throw new CommandError(`flowjob "${options.job}" has no process on record yet, so there is no log`);
  }
  if (!epochs.includes(epoch))
    throw new CommandError(`there is no attempt ${epoch}; logs are kept of attempts ${epochs.join(', ')}`);
  const files = attemptFiles(directory, options.job, epoch);
  const file = files.logFile(options.role);
  if (!existsSync(file)) {
    const roles = (await readdir(files.directory)).flatMap((name) => /^(.+)\.log$/.exec(name)?.[1] ?? []).sort();
    throw new CommandError(`attempt ${epoch} has no process "${options.role}"; it has ${roles.join(', ')}`);
  }
  await followFile(file, {
    line: context.out,
    signal: options.follow ? context.interrupted : AbortSignal.abort(),
  });
}
