// Runs the bundled command line as a user would, and finds the processes that it leads to.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FlowJob } from '../../src/api/flowjob.ts';

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** One operator in local mode under `home`; jobs run in the working directory `cwd`. */
export class Cli {
  private readonly home: string;
  private readonly cwd: string;

  constructor(home: string, cwd: string = process.cwd()) {
    this.home = home;
    this.cwd = cwd;
  }

  /** Never throws for an exit code: look at `code`. */
  async run(...args: string[]): Promise<CliResult> {
    const program = resolve('dist', 'flowjob.js');
    const env = { ...process.env, FLOWJOB_HOME: this.home, FLOWJOB_CONTEXT: '', NO_COLOR: '1' };
    return new Promise((done) => {
      execFile(
        process.execPath,
        [program, ...args],
        { cwd: this.cwd, env, maxBuffer: 2 ** 26 },
        (error, stdout, stderr) => {
          done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
        },
      );
    });
  }

  /** Throws with everything it printed when it fails. */
  async must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`flowjob ${args.join(' ')} ended with code ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  async get(name: string): Promise<FlowJob> {
    return JSON.parse(await this.must('get', 'flowjobs', name, '-o', 'json')) as FlowJob;
  }
}

export interface EngineProcess {
  pid: number;
  role: 'operator' | 'jobmanager' | 'taskmanager';
  args: string[];
}

/** All processes whose command line names `home`, by role; from outside, not from what the operator believes. */
export function engineProcesses(home: string): EngineProcess[] {
  return commandLines().flatMap(({ pid, args }) => {
    if (!args.some((arg) => arg.includes(home))) return [];
    const program = args.find((arg) => /(engine|operator)\.js$/.test(arg));
    if (program === undefined) return [];
    const role = program.endsWith('operator.js')
      ? 'operator'
      : args.find((arg) => arg === 'jobmanager' || arg === 'taskmanager');
    return role === undefined ? [] : [{ pid, role: role, args }];
  });
}

function commandLines(): { pid: number; args: string[] }[] {
  if (!existsSync('/proc/self/cmdline'))
    return execFileSync('ps', ['-axo', 'pid=,args='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => ({ pid: Number(line.trim().split(/\s+/)[0]), args: line.trim().split(/\s+/).slice(1) }));
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        return [{ pid: Number(entry), args: readFileSync(join('/proc', entry, 'cmdline'), 'utf8').split('\0') }];
      } catch {
        return [];
      }
    });
}

/** Polls until `probe` gives something other than undefined or false. Throws with `what` when `seconds` have passed. */
export async function eventually<T>(
  what: string,
  seconds: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await delay(25);
  }
}

/** The status of a condition, `Unknown` when it is not there. */
export function condition(job: FlowJob, type: string): string {
  return job.status?.conditions.find((candidate) => candidate.type === type)?.status ?? 'Unknown';
}
