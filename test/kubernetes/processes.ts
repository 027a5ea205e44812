// The processes of a cluster: each writes to a log of its own and is on record by pid and start time, so that whoever comes later can end it.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeAtomically } from '../../src/store/local/files.ts';
import { isAlive, startTimeOf, type ProcessIdentity } from '../../src/store/local/process-identity.ts';
import { until } from '../harness/until.ts';

export interface ProcessState {
  name: string;
  pid: number;
  alive: boolean;
}

export class Processes {
  private readonly records: string;
  private readonly logFolder: string;
  private readonly endWithStarter: boolean;
  private readonly children = new Map<string, ChildProcess>();

  /** `endWithStarter`: they end when this process does, however it ends (programs of the control plane only). Else they live on. */
  constructor(folder: string, endWithStarter: boolean) {
    this.records = join(folder, 'processes');
    this.logFolder = join(folder, 'logs');
    this.endWithStarter = endWithStarter;
  }

  start(name: string, command: string, args: readonly string[]): void {
    mkdirSync(this.records, { recursive: true });
    mkdirSync(this.logFolder, { recursive: true });
    const log = openSync(this.logFile(name), 'a');
    try {
      const child = this.endWithStarter
        ? spawn(command, args, {
            stdio: ['pipe', log, log],
            env: { ...process.env, FLOWJOB_END_WITH_STARTER: '1' },
          })
        : spawn(command, args, { stdio: ['ignore', log, log], detached: true });
      child.once('error', (error) => console.error(`${name} cannot be started: ${error.message}`));
      if (!this.endWithStarter) child.unref();
      this.children.set(name, child);
      if (child.pid === undefined) throw new Error(`${name} cannot be started: ${command}`);
      const identity: ProcessIdentity = { pid: child.pid, startTime: startTimeOf(child.pid) ?? 'gone' };
      writeAtomically(join(this.records, `${name}.json`), JSON.stringify(identity), false);
    } finally {
      closeSync(log);
    }
  }

  /** SIGTERM and, after `graceSeconds`, SIGKILL; 0 means SIGKILL at once. Returns when the process is gone. */
  async stop(name: string, graceSeconds: number): Promise<void> {
    const identity = this.record(name);
    if (identity === null) return;
    await end(name, identity, graceSeconds);
    this.children.get(name)?.stdin?.destroy();
    this.children.delete(name);
    rmSync(join(this.records, `${name}.json`), { force: true });
  }

  isAlive(name: string): boolean {
    const identity = this.record(name);
    return identity !== null && isAlive(identity);
  }

  states(): ProcessState[] {
    if (!existsSync(this.records)) return [];
    const names = readdirSync(this.records).filter((file) => /^[^.].*\.json$/.test(file));
    return names.map((file) => {
      const name = basename(file, '.json');
      return { name, pid: this.record(name)?.pid ?? 0, alive: this.isAlive(name) };
    });
  }

  /** The end of a log, for messages. */
  tail(name: string, characters = 2000): string {
    const file = this.logFile(name);
    if (!existsSync(file)) return '';
    return `--- ${file}\n${readFileSync(file, 'utf8').slice(-characters)}`;
  }

  private logFile(name: string): string {
    return join(this.logFolder, `${name}.log`);
  }

  private record(name: string): ProcessIdentity | null {
    try {
      return JSON.parse(readFileSync(join(this.records, `${name}.json`), 'utf8')) as ProcessIdentity;
    } catch {
      return null;
    }
  }
}

/** Ends one process, the kind way first. Never one that only has its pid. */
export async function end(name: string, identity: ProcessIdentity, graceSeconds: number): Promise<void> {
  if (graceSeconds > 0 && signal(identity, 'SIGTERM')) {
    const gone = until(`${name} ends`, () => !isAlive(identity), { seconds: graceSeconds, every: 20 });
    if (
      await gone.then(
        () => true,
        () => false,
      )
    )
      return;
  }
  signal(identity, 'SIGKILL');
  await until(`${name} (pid ${identity.pid}) is gone`, () => !isAlive(identity), { seconds: 10, every: 10 });
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
