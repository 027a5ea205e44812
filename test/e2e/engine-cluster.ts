// The embedded engine as real processes, for tests: a JobManager per attempt, TaskManagers, their REST API, and ways to kill them.
import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Endpoints } from '../../engine/config.ts';

const FROM_SOURCE = [process.execPath, resolve('engine/main.ts')];

export class EngineCluster {
  readonly root = mkdtempSync(join(tmpdir(), 'flowjob-engine-'));
  private readonly program: readonly string[];
  private readonly processes: ChildProcess[] = [];
  private readonly endpointsFile = join(this.root, 'endpoints.json');

  /** `program` is the command that `jobmanager` or `taskmanager` and its options follow. */
  constructor(config: Record<string, string | number>, program: readonly string[] = FROM_SOURCE) {
    this.program = program;
    mkdirSync(join(this.root, 'state'));
    const settings = {
      'rest.port': 0,
      'jobmanager.rpc.port': 0,
      'flowjob.state.dir': join(this.root, 'state'),
      'io.tmp.dirs': join(this.root, 'tmp'),
      'flowjob.endpoints-file': this.endpointsFile,
      ...config,
    };
    writeFileSync(join(this.root, 'config.yaml'), stringify(settings));
  }

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  startJobManager(epoch: number, jobId: string, sql: string, args: string[] = []): ChildProcess {
    rmSync(this.endpointsFile, { force: true });
    const sqlFile = join(this.root, `job-${epoch}.sql`);
    writeFileSync(sqlFile, sql);
    const run = ['--job-id', jobId, '--attempt-epoch', String(epoch), '--sql-file', sqlFile];
    return this.start(`jobmanager-${epoch}`, ['jobmanager', '--config-dir', this.root, ...run, ...args]);
  }

  startTaskManager(name: string): ChildProcess {
    return this.start(name, ['taskmanager', '--config-dir', this.root, '--resource-id', name]);
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.url(path));
    return (await response.json()) as T;
  }

  async send<T>(method: string, path: string, body: unknown): Promise<T> {
    const response = await fetch(this.url(path), { method, body: JSON.stringify(body) });
    return (await response.json()) as T;
  }

  async request(method: string, path: string, body?: string): Promise<{ status: number; body: unknown }> {
    const response = await fetch(this.url(path), { method, ...(body === undefined ? {} : { body }) });
    return { status: response.status, body: await response.json() };
  }

  /** The job's status; '' while nobody answers. */
  async status(jobId: string): Promise<string> {
    if (!existsSync(this.endpointsFile)) return '';
    return this.get<{ status?: string }>(`/jobs/${jobId}/status`).then(
      ({ status }) => status ?? '',
      () => '',
    );
  }

  async completedCheckpoints(jobId: string): Promise<number> {
    const found = await this.get<{ counts?: { completed: number } }>(`/jobs/${jobId}/checkpoints`);
    return found.counts?.completed ?? 0;
  }

  /** Waits until `condition` holds; fails with the logs after `seconds`. */
  async until(what: string, condition: () => Promise<boolean>, seconds = 25): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s\n${this.logs()}`);
      await delay(20);
    }
  }

  /** All lines of the files that a reader of the table sees. */
  rows(directory: string): string[] {
    const folder = join(this.root, directory);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
      .filter((line) => line !== '')
      .sort();
  }

  logs(): string {
    return readdirSync(this.root)
      .filter((name) => name.endsWith('.log'))
      .map((name) => `--- ${name}\n${this.log(name)}`)
      .join('\n');
  }

  /** The end of one log. */
  log(name: string): string {
    return readFileSync(join(this.root, name), 'utf8').slice(-4000);
  }

  /** Ends every process and removes all files. */
  async stop(): Promise<void> {
    await Promise.all(this.processes.map(kill));
    rmSync(this.root, { recursive: true, force: true });
  }

  private start(name: string, args: string[]): ChildProcess {
    const log = openSync(join(this.root, `${name}.log`), 'a');
    const [command, ...options] = this.program;
    const child = spawn(command!, [...options, ...args], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.processes.push(child);
    return child;
  }

  private url(path: string): string {
    return (JSON.parse(readFileSync(this.endpointsFile, 'utf8')) as Endpoints).restUrl + path;
  }
}

/** SIGKILL, and the process is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolveGone) => child.once('exit', resolveGone));
  child.kill('SIGKILL');
  await gone;
}
