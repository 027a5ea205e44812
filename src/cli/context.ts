// What every command works with: where it reads and writes, the folder, the store, the clock. Commands reach the world only through this.
import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { QueryIntoFiles } from '../engine-client/query-into-files.ts';
import type { SqlProblem } from '../engine-client/validate-sql.ts';
import { runningOperator } from '../controller/operator-lock.ts';
import { LocalStore } from '../store/local/local-store.ts';

/** The programs that the command line starts, bundled or as source. */
export interface Programs {
  /** The Node binary that runs them. Throws CommandError when none is new enough. */
  node: () => string;
  operatorFile: string;
  engineFile: string;
}

export interface CliContext {
  out: (text: string) => void;
  err: (text: string) => void;
  env: NodeJS.ProcessEnv;
  cwd: string;
  now: () => Date;
  /** Aborts on Ctrl-C. */
  interrupted: AbortSignal;
  /** All of standard input, for `-f -`. */
  readInput: () => Promise<string>;
  validateSql: (name: string, spec: ResolvedFlowJobSpec) => SqlProblem | null;
  queryIntoFiles: (name: string, spec: ResolvedFlowJobSpec, directory: string) => QueryIntoFiles | null;
  programs: Programs;
}

/** Ends a command with this exit code; `message` goes to standard error. Everything else that is thrown is a defect. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** The operator's folder: --dir, else FLOWJOB_HOME, else .flowjob. */
export function homeDirectory(context: CliContext, dir: string | undefined): string {
  const given = dir ?? context.env['FLOWJOB_HOME'] ?? '.flowjob';
  return isAbsolute(given) ? given : resolve(join(context.cwd, given));
}

/** Runs `use` with the store in `directory`, and closes it. Only who `makes` something makes the folder. */
export async function withStore<T>(
  context: CliContext,
  directory: string,
  use: (store: LocalStore) => Promise<T>,
  makes = false,
): Promise<T> {
  if (!makes && !existsSync(directory))
    throw new CommandError(
      `there is no folder ${directory}; name the right one with --dir or FLOWJOB_HOME, or begin with: flowjob local up`,
    );
  const store = new LocalStore({ directory, now: context.now });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Says so when what is shown may have become old. */
export function noteWithoutOperator(context: CliContext, directory: string): void {
  if (runningOperator(directory) === null)
    context.err(`No operator runs on ${directory}: this is how the last one left it. Start one with: flowjob local up`);
}

/** Says so when nobody will act on what was just written. */
export function warnWithoutOperator(context: CliContext, directory: string): void {
  if (runningOperator(directory) === null)
    context.err(`Nothing acts on it yet: no operator runs on ${directory}. Start one with: flowjob local up`);
}
