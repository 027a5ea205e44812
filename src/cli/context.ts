// What every command works with: where it reads and writes, the environment, the clock. Commands reach the world only through this and a Place.
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { QueryIntoFiles } from '../engine-client/query-into-files.ts';
import type { SqlProblem } from '../engine-client/validate-sql.ts';

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
  /** Called as `kubectl flowjob`. */
  asPlugin: boolean;
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
