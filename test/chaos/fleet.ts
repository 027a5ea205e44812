// The engine under a supervisor that starts again whatever dies, as an operator or a kubelet would, but at once: many faults in little time.
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { JobResult } from '../../engine/checkpoint/storage.ts';
import type { Endpoints } from '../../engine/config.ts';
import { EngineCluster, kill } from '../e2e/engine-cluster.ts';
import { pause, wait } from './faults.ts';

export const BUNDLE = [process.execPath, resolve('dist', 'engine.js')];
const EXIT_FENCED = 3;
/** Before a process that failed is started again, milliseconds: a full disk would have it fail at once, again and again. */
const BACK_OFF = 150;

export interface FleetJob {
  jobId: string;
  sql: string;
  args?: string[];
}

export interface FleetOptions {
  taskManagers: number;
  slots: number;
  /** Extra configuration. */
  config?: Record<string, string | number>;
  /** Seeded; says among other things whether a JobManager that comes again takes the same epoch or the next. */
  random: () => number;
  /** Where state is when it is not in the cluster's own folder: as the processes see it, and as this process does. */
  state?: { path: string; seen: string };
  /** The command that runs the engine. */
  program?: readonly string[];
}

export class Fleet {
  readonly cluster: EngineCluster;
  private readonly options: FleetOptions;
  private job: FleetJob | null = null;
  private epoch = 0;
  private names = 0;
  private supervised = false;
  jobManager: ChildProcess | null = null;
  readonly taskManagers = new Map<string, ChildProcess>();

  constructor(options: FleetOptions) {
    this.options = options;
    const config = {
      'taskmanager.numberOfTaskSlots': options.slots,
      'execution.checkpointing.interval': '150ms',
      'heartbeat.interval': '300ms',
      'heartbeat.timeout': '1500ms',
      'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0s',
      'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '0s',
      'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '1s',
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': 100_000,
      'restart-strategy.fixed-delay.delay': '50ms',
      ...options.config,
      ...(options.state === undefined ? {} : { 'flowjob.state.dir': options.state.path }),
    };
    this.cluster = new EngineCluster(config, options.program ?? BUNDLE);
  }

  /** Starts a job: the first, or the next one when the one before has ended. */
  async run(job: FleetJob): Promise<void> {
    const before = this.jobManager;
    this.jobManager = null;
    if (before !== null) await kill(before);
    this.job = job;
    this.supervised = true;
    this.epoch++;
    this.startJobManager();
    while (this.taskManagers.size < this.options.taskManagers) this.startTaskManager();
  }

  /** The job has a result: what comes now is no fault to it. */
  get ended(): boolean {
    return this.job === null || existsSync(join(this.stateFolder, 'results', `${this.job.jobId}.json`));
  }

  /** As this process sees it. */
  get stateFolder(): string {
    return this.options.state?.seen ?? this.cluster.path('state');
  }

  async status(): Promise<string> {
    return this.job === null ? '' : this.cluster.status(this.job.jobId);
  }

  /** Resolves when the JobManager reports `FINISHED`; throws when the job has failed. */
  async finished(seconds: number): Promise<void> {
    await this.cluster.until(
      'the job is FINISHED',
      async () => {
        const status = await this.status();
        if (status === 'FAILED' || status === 'CANCELED')
          throw new Error(`the job is ${status}: ${JSON.stringify(await this.exceptions())}`);
        return status === 'FINISHED';
      },
      seconds,
    );
  }

  /** Resolves when the present attempt has completed `count` checkpoints, or the job has ended. */
  async checkpoints(count: number): Promise<void> {
    await this.cluster.until(
      `${count} checkpoints`,
      async () => {
        if (this.ended) return true;
        return this.answering && (await this.completed()) >= count;
      },
      60,
    );
  }

  /** The JobManager that was started last has published its addresses. */
  get answering(): boolean {
    return this.jobManager?.pid !== undefined && this.endpoints()?.pid === this.jobManager.pid;
  }

  /** A random TaskManager. */
  pickTaskManager(): ChildProcess | null {
    const all = [...this.taskManagers.values()];
    return all[Math.floor(this.options.random() * all.length)] ?? null;
  }

  /** Asks again and again until it has happened, as an operator does: faults may come between. Resolves to the savepoint, or null without one. */
  async stopWithSavepoint(triggerId: string, seconds: number): Promise<string | null> {
    const { jobId } = this.job!;
    await this.cluster.until(
      'the job is stopped with a savepoint',
      async () => {
        if (this.ended) return true;
        const body = { triggerId, drain: false };
        if (this.answering) await this.cluster.send('POST', `/jobs/${jobId}/stop`, body).catch(() => null);
        return false;
      },
      seconds,
    );
    const result = readFileSync(join(this.stateFolder, 'results', `${jobId}.json`), 'utf8');
    const { state, savepointPath } = JSON.parse(result) as JobResult;
    if (state !== 'FINISHED') throw new Error(`the job is ${state} after it was stopped with a savepoint: ${result}`);
    await this.finished(seconds);
    return savepointPath;
  }

  /** Asks for another parallelism of every vertex, in place. False: nobody answered, or it was refused. */
  async rescale(parallelism: number): Promise<boolean> {
    const path = `/jobs/${this.job!.jobId}/resource-requirements`;
    try {
      const vertices = Object.keys(await this.cluster.get<Record<string, unknown>>(path));
      const bounds = { parallelism: { lowerBound: 1, upperBound: parallelism } };
      const answer = await this.cluster.send<{ errors?: string[] }>(
        'PUT',
        path,
        Object.fromEntries(vertices.map((vertex) => [vertex, bounds])),
      );
      return answer.errors === undefined;
    } catch {
      return false;
    }
  }

  /** All processes at once, as when a machine loses its power: none is started again before all are dead. */
  async killAll(): Promise<boolean> {
    const all = [this.jobManager, ...this.taskManagers.values()].filter((child) => child !== null);
    for (const child of all) child.kill('SIGSTOP');
    const hit = all.some((child) => child.exitCode === null);
    await Promise.all(all.map(kill));
    return hit;
  }

  /**
   * The JobManager is cut off and its successor takes over with processes of its own; then the old one wakes up beside it. `false`: it was gone
   * already. Throws when the old one goes on instead of ending as fenced.
   */
  async splitBrain(): Promise<boolean> {
    const old = this.jobManager;
    if (old === null || !this.answering) return false;
    const orphans = [...this.taskManagers.entries()];
    const log = `jobmanager-${this.epoch}.log`;
    const hit = await pause(old.pid, async () => {
      this.jobManager = null;
      for (const [name] of orphans) this.taskManagers.delete(name);
      this.epoch++;
      this.startJobManager();
      while (this.taskManagers.size < this.options.taskManagers) this.startTaskManager();
      await this.checkpoints(1);
    });
    if (!hit) return false;
    await this.cluster.until('the JobManager that woke up has ended', async () => old.exitCode !== null, 15);
    // Or it was stopped in the middle of a publication that counts, and finds that its successor has completed it.
    if (old.exitCode !== EXIT_FENCED && !this.cluster.log(log).includes('counts, but could not be put in its place'))
      throw new Error(
        `the JobManager that woke up beside its successor ended with code ${old.exitCode}:\n${this.cluster.log(log)}`,
      );
    await Promise.all(orphans.map(async ([, child]) => kill(child)));
    return true;
  }

  /** Ends every process and removes all files. */
  async stop(): Promise<void> {
    this.supervised = false;
    await this.cluster.stop();
  }

  /** What the JobManager says of the job's failures. */
  async exceptions(): Promise<unknown> {
    return this.cluster.get(`/jobs/${this.job!.jobId}/exceptions`).catch(String);
  }

  async checkpointHistory(): Promise<unknown> {
    return this.cluster.get(`/jobs/${this.job!.jobId}/checkpoints`).catch(String);
  }

  private async completed(): Promise<number> {
    return this.cluster.completedCheckpoints(this.job!.jobId).catch(() => 0);
  }

  private endpoints(): Endpoints | null {
    try {
      return JSON.parse(readFileSync(this.cluster.path('endpoints.json'), 'utf8')) as Endpoints;
    } catch {
      return null;
    }
  }

  private startJobManager(): void {
    const { jobId, sql, args } = this.job!;
    const child = this.cluster.startJobManager(this.epoch, jobId, sql, args);
    this.jobManager = child;
    const { epoch } = this;
    child.once('exit', (code) => {
      if (!this.supervised || this.jobManager !== child) return;
      // A container that restarts has the epoch it had; an operator that gave the attempt up takes the next one.
      if (code === EXIT_FENCED || this.options.random() < 0.5) this.epoch = epoch + 1;
      void this.again(code, () => {
        if (this.jobManager === child) this.startJobManager();
      });
    });
  }

  private startTaskManager(name = `tm-${this.names++}`): void {
    const child = this.cluster.startTaskManager(name);
    this.taskManagers.set(name, child);
    child.once('exit', (code) => {
      if (!this.supervised || this.taskManagers.get(name) !== child) return;
      void this.again(code, () => {
        if (this.taskManagers.get(name) !== child) return;
        this.taskManagers.delete(name);
        // Under its old name, as a container, or under a new one, as a pod.
        this.startTaskManager(this.options.random() < 0.5 ? name : undefined);
      });
    });
  }

  private async again(code: number | null, start: () => void): Promise<void> {
    if (code !== null && code !== EXIT_FENCED) await wait(BACK_OFF);
    if (this.supervised) start();
  }
}
