// The embedded engine for the state benchmark: a JobManager per job, and TaskManagers that are killed and replaced.
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Endpoints } from '../../../engine/config.ts';
import { registeredAt, type StateCluster } from './cluster.ts';
import { RunningJob, until } from './job.ts';
import { OutputProbe } from './output-probe.ts';

/** Bundles of the engine. They are copied, so that a build in between does not change what is measured. */
const PROGRAMS = ['engine.js', 'worker.js'];

export class EmbeddedStateCluster implements StateCluster {
  readonly output = new OutputProbe();
  private readonly work: string;
  private readonly endpointsFile: string;
  private jobManager: ChildProcess | null = null;
  private taskManagers: ChildProcess[] = [];
  private jobs = 0;
  private launched = 0;
  private rest = '';

  /** `work` is an empty folder; `config` comes on top of two slots for each TaskManager and parallelism 2. */
  constructor(work: string, config: Record<string, string | number> = {}) {
    this.work = work;
    this.endpointsFile = join(work, 'endpoints.json');
    mkdirSync(join(work, 'state'), { recursive: true });
    mkdirSync(join(work, 'tmp'));
    for (const program of PROGRAMS) copyFileSync(join('dist', program), join(work, program));
    const settings = {
      'rest.port': 0,
      'jobmanager.rpc.port': 0,
      'taskmanager.numberOfTaskSlots': 2,
      'taskmanager.memory.process.size': '4g',
      'parallelism.default': 2,
      // The same short wait before each restart, however often one TaskManager after the other is killed.
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': 1000,
      'restart-strategy.fixed-delay.delay': '100ms',
      // As Flink's are set here: neither waits before or after a rescale.
      'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0s',
      'flowjob.state.dir': join(work, 'state'),
      'io.tmp.dirs': join(work, 'tmp'),
      'flowjob.endpoints-file': this.endpointsFile,
      ...config,
    };
    writeFileSync(join(work, 'config.yaml'), stringify(settings));
  }

  async startJob(sql: string, fromSavepoint: string | null): Promise<RunningJob> {
    this.jobs++;
    rmSync(this.endpointsFile, { force: true });
    const jobId = this.jobs.toString(16).padStart(32, '0');
    const sqlFile = join(this.work, `job-${this.jobs}.sql`);
    writeFileSync(sqlFile, sql);
    const args = ['--job-id', jobId, '--attempt-epoch', String(this.jobs), '--sql-file', sqlFile];
    if (fromSavepoint !== null) args.push('--from-savepoint', fromSavepoint);
    this.jobManager = this.launch('jobmanager', `jobmanager-${this.jobs}`, args);
    this.launchTaskManager();
    const endpoints = await until('the JobManager', 30, async () =>
      existsSync(this.endpointsFile) ? (JSON.parse(readFileSync(this.endpointsFile, 'utf8')) as Endpoints) : null,
    );
    this.rest = endpoints.restUrl;
    const job = new RunningJob(this.rest, jobId);
    await until('the plan', 30, async () =>
      job.detail().then(
        () => true,
        () => null,
      ),
    );
    await job.running();
    return job;
  }

  launchTaskManager(): void {
    const name = `taskmanager-${++this.launched}`;
    const child = this.launch('taskmanager', name, ['--resource-id', name]);
    this.output.follow(child.stdout!);
    this.taskManagers.push(child);
  }

  async registered(count: number): Promise<void> {
    await registeredAt(this.rest, count);
  }

  killTaskManager(): void {
    this.taskManagers.shift()?.kill('SIGKILL');
  }

  async endJob(): Promise<void> {
    const processes = [this.jobManager, ...this.taskManagers].filter((child) => child !== null);
    this.jobManager = null;
    this.taskManagers = [];
    await Promise.all(processes.map(killed));
    this.output.clear();
  }

  async stop(): Promise<void> {
    await this.endJob();
  }

  private launch(role: 'jobmanager' | 'taskmanager', name: string, args: string[]): ChildProcess {
    const log = openSync(join(this.work, `${name}.log`), 'w');
    return spawn(process.execPath, [join(this.work, 'engine.js'), role, '--config-dir', this.work, ...args], {
      stdio: ['ignore', role === 'taskmanager' ? 'pipe' : log, log],
    });
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
