// What Flink is told to run: the SQL text by its SqlDriver, or a jar. As the last arguments of StandaloneApplicationClusterEntryPoint.
import { isRemote } from '../../api/jar.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { SQL_DRIVER, sqlArguments } from './submission.ts';

export interface ProgramFiles {
  /** Holds the SQL text. */
  script: string;
  /** Where a jar is that was fetched. */
  jar: string;
}

/** Options come before `--`, which everything behind it is for the program itself: without it an argument such as `-D` would be taken for Flink's own. */
export function programArguments({ job }: Pick<ResolvedFlowJobSpec, 'job'>, files: ProgramFiles): string[] {
  const { jar } = job;
  if (jar === undefined) return ['--job-classname', SQL_DRIVER, ...sqlArguments({ file: files.script })];
  return [
    // `local:` is read where it is; of any other URI Flink would write a copy into its own folder first.
    ...['--jars', `local://${isRemote(jar.uri) ? files.jar : pathInImage(jar.uri)}`],
    ...(jar.entryClass === undefined ? [] : ['--job-classname', jar.entryClass]),
    ...(jar.args === undefined || jar.args.length === 0 ? [] : ['--', ...jar.args]),
  ];
}

/** `local:///path` and `/path` are one. */
const pathInImage = (uri: string): string => uri.replace(/^local:\/\//, '');
