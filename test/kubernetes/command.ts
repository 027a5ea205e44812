// Running a program to its end. When it fails, the error holds what it said.
import { execFile } from 'node:child_process';

export interface CommandOptions {
  /** Its standard input. */
  input?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Returns its standard output. */
export async function run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { input, ...rest } = options;
  return new Promise((done, failed) => {
    const child = execFile(program, args, { ...rest, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error === null) return done(stdout);
      const said = `${stdout.slice(-3000)}${stderr.slice(-3000)}`.trim();
      failed(new Error(`${program} ${args.join(' ')} failed: ${said === '' ? error.message : said}`, { cause: error }));
    });
    // A program that ends without reading its input closes the pipe; its exit code says whether that is an error.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Null when it fails. */
export async function tryRun(program: string, ...args: string[]): Promise<string | null> {
  return run(program, args).catch(() => null);
}
