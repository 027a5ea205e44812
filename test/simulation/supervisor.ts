// Plays the operator: starts the job, starts again what has died, asks for savepoints, upgrades the job, and sees it to its end. It sees what an
// operator sees: exit codes, and what the JobManager's REST API would answer.
import type { JobResult } from '../../engine/checkpoint/storage.ts';
import type { OperationStatus } from '../../engine/rest/gateway.ts';
import type { Cluster, JobManagerProcess, TaskManagerProcess } from './cluster.ts';
import { Random } from './random.ts';
import type { Operation, Request, Schedule, Target } from './schedule.ts';
import type { World } from './world.ts';

/** How often it looks, milliseconds. */
const LOOK = 40;

interface Asked {
  request: Request;
  state: 'waiting' | 'asking' | 'done';
  /** The job that was asked. */
  jobId: string;
}

export interface SupervisorOptions {
  world: World;
  cluster: Cluster;
  schedule: Schedule;
  sql: () => string;
  /** What is in storage, as nobody hinders it. */
  readResult: (jobId: string) => Promise<JobResult | null>;
  /** Where the first job goes on from, and who it is. */
  restore?: { savepoint: string; epoch: number; jobId: string };
}

export class Supervisor {
  /** Savepoints that the JobManager has said are complete. */
  readonly savepoints: { path: string; jobId: string }[] = [];
  /** How the last job ended. */
  result: JobResult | null = null;
  epoch: number;
  jobId: string;
  parallelism: number;
  jobManagersStarted = 0;
  private readonly options: SupervisorOptions;
  private readonly random: Random;
  private readonly requests: Asked[];
  private fromSavepoint: string | null;
  private jobs = 0;
  private jobManager: JobManagerProcess | null = null;
  private taskManagers: TaskManagerProcess[] = [];
  private generation = 0;
  /** JobManagers that died in a row; who restarts them waits longer each time. */
  private deaths = 0;
  private notBefore = 0;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.random = new Random(options.schedule.seed, 'supervisor');
    this.requests = options.schedule.requests.map((request) => ({
      request,
      state: 'waiting',
      jobId: '',
    }));
    this.jobId = options.restore?.jobId ?? jobIdOf(++this.jobs);
    this.epoch = options.restore?.epoch ?? 1;
    this.fromSavepoint = options.restore?.savepoint ?? null;
    this.parallelism = options.schedule.parallelism;
  }

  start(): void {
    this.startJobManager();
    this.startTaskManagers();
    this.look();
  }

  /** The processes that a fault may hit. */
  find(target: Target): JobManagerProcess | TaskManagerProcess | null {
    if (target.kind === 'jobmanager') return this.jobManager;
    return this.taskManagers[target.index % this.taskManagers.length] ?? null;
  }

  /** Too early: the one before may be alive. */
  startSuccessor(): void {
    if (this.result !== null) return;
    this.epoch++;
    this.startJobManager();
  }

  /** For people who look for what the job waits for. */
  describe(): string {
    const { jobManager } = this;
    const view = jobManager?.master.view() ?? null;
    if (jobManager === null || view === null)
      return `no JobManager has a view of it; the last said ${this.options.cluster.log.slice(-3).join('; ')}`;
    const tasks = view.vertices.flatMap(({ subtasks }) =>
      subtasks.map(({ state, taskManagerId }) => `${state} on ${taskManagerId ?? 'none'}`),
    );
    const { counts, history } = view.checkpoints;
    const process = jobManager.process.paused ? 'paused' : jobManager.process.alive ? 'alive' : 'dead';
    return (
      `${process}, ${view.status}; tasks ${tasks.join(', ')}; checkpoints ${JSON.stringify(counts)}, the last ` +
      `${history[0]?.status} ${history[0]?.failureMessage ?? ''}; TaskManagers ${jobManager.master
        .taskManagers()
        .map(({ id, slots, freeSlots }) => `${id} ${freeSlots}/${slots}`)
        .join(', ')}; last exception ${view.exceptions[0]?.stacktrace ?? 'none'}`
    );
  }

  /** The job is over: its processes are let go, all but those that cannot hear of it. */
  private dismiss(): void {
    const { world } = this.options;
    for (const { process } of this.taskManagers) if (!process.paused) world.kill(process, 'dismissed');
    if (this.jobManager !== null && !this.jobManager.process.paused) world.kill(this.jobManager.process, 'dismissed');
  }

  private startJobManager(): void {
    const { cluster, schedule, sql } = this.options;
    this.jobManagersStarted++;
    const job = {
      jobId: this.jobId,
      epoch: this.epoch,
      sql,
      fromSavepoint: this.fromSavepoint,
      allowNonRestoredState: false,
    };
    this.jobManager = cluster.startJobManager(job, {
      ...schedule.config,
      'jobmanager.rpc.port': '0',
      'parallelism.default': String(this.parallelism),
      'flowjob.job-key': 'sim',
    });
  }

  private startTaskManagers(): void {
    const { schedule } = this.options;
    // A batch runs its tasks one after the other where there are few slots.
    const atOnce = schedule.batch ? 1 : Math.ceil(this.parallelism / schedule.slots);
    const needed = Math.max(schedule.taskManagers, atOnce);
    this.generation++;
    this.taskManagers = Array.from({ length: needed }, (_, index) => this.startTaskManager(index));
  }

  private startTaskManager(index: number): TaskManagerProcess {
    const { cluster, schedule } = this.options;
    // A pod that restarts keeps its name; one that is replaced does not.
    const name = this.random.chance(0.5) ? '' : `-${this.random.below(1_000)}`;
    return cluster.startTaskManager(`tm${this.generation}-${index}${name}`, schedule.slots, schedule.config);
  }

  private look(): void {
    const { world } = this.options;
    if (this.result !== null) return;
    world.after(world.fate, LOOK, 'look', () => this.look());
    this.replaceDead();
    this.pursueRequests();
    this.watchEnd();
  }

  private replaceDead(): void {
    const { schedule, world } = this.options;
    const { jobManager } = this;
    if (jobManager?.process.alive === true && jobManager.master.jobCoordinator !== null) this.deaths = 0;
    if (jobManager?.process.alive === false && world.time >= this.notBefore && this.random.chance(0.3)) {
      this.notBefore = world.time + Math.min(10_000, 10 * 2 ** this.deaths++);
      // One that was fenced, or that exited, is followed by the next epoch.
      const same = jobManager.exitCode !== 3 && this.random.chance(schedule.sameEpoch);
      if (!same) this.epoch++;
      this.startJobManager();
    }
    this.taskManagers.forEach((one, index) => {
      if (!one.process.alive && this.random.chance(0.3)) this.taskManagers[index] = this.startTaskManager(index);
    });
  }

  private pursueRequests(): void {
    const { world } = this.options;
    const { jobManager } = this;
    if (jobManager === null || !jobManager.process.alive || jobManager.process.paused) return;
    for (const asked of this.requests) {
      if (asked.state === 'done' || asked.request.at > world.time) continue;
      if (asked.request.type === 'rescale') {
        if (this.rescale(jobManager, asked.request.parallelism)) asked.state = 'done';
        continue;
      }
      if (asked.state === 'asking') {
        const status = statusOf(jobManager, asked.request, asked.jobId);
        if (status !== null) {
          this.answered(asked, status);
          continue;
        }
      }
      // Also when a JobManager that has taken over does not know of it: the repeated call is the same call.
      asked.state = 'asking';
      asked.jobId = this.jobId;
      this.ask(jobManager, asked.request);
      if (asked.request.type === 'upgrade') return;
    }
  }

  /** False: there is no job yet. */
  private rescale({ process, gateway, master }: JobManagerProcess, parallelism: number): boolean {
    const vertices = master.view()?.vertices;
    if (master.jobCoordinator === null || vertices === undefined) return false;
    const bounds = { parallelism: { lowerBound: 1, upperBound: parallelism } };
    const requirements = Object.fromEntries(vertices.map(({ id }) => [id, bounds]));
    this.options.world.after(process, 0.1, 'rescale', () => {
      gateway.updateResourceRequirements(this.jobId, requirements).catch(() => undefined);
    });
    return true;
  }

  private ask({ process, gateway }: JobManagerProcess, request: Operation): void {
    const { world } = this.options;
    const { jobId } = this;
    world.after(process, 0.1, 'request', () => {
      const { triggerId } = request;
      const spec = { triggerId, targetDirectory: null };
      const sent =
        request.type === 'checkpoint'
          ? gateway.triggerCheckpoint(jobId, triggerId)
          : request.type === 'savepoint'
            ? gateway.triggerSavepoint(jobId, spec)
            : gateway.stopWithSavepoint(jobId, { ...spec, drain: false });
      // A job that takes no commands now will be asked again.
      sent.catch(() => undefined);
    });
  }

  private answered(asked: Asked, status: OperationStatus): void {
    if (status.state === 'IN_PROGRESS') return;
    asked.state = 'done';
    if (asked.request.type === 'checkpoint') return;
    if (status.state === 'COMPLETED' && asked.request.type === 'savepoint')
      this.savepoints.push({ path: status.location, jobId: this.jobId });
  }

  /** The result in storage decides, as it does for whoever comes after. */
  private watchEnd(): void {
    const { jobManager, jobId } = this;
    if (jobManager === null || !jobManager.process.alive || jobManager.process.paused) return;
    const status = jobManager.master.view()?.status;
    if (status !== 'FINISHED' && status !== 'FAILED' && status !== 'CANCELED') return;
    void this.options.readResult(jobId).then((result) => {
      if (result === null || this.jobId !== jobId || this.result !== null) return;
      if (result.state === 'FINISHED' && result.savepointPath !== null) this.upgrade(result.savepointPath);
      else {
        this.result = result;
        this.dismiss();
      }
    });
  }

  /** A new job takes the old one's place, with other processes. */
  private upgrade(savepoint: string): void {
    const { world } = this.options;
    const asked = this.requests.find(({ request, jobId }) => request.type === 'upgrade' && jobId === this.jobId);
    if (asked !== undefined) asked.state = 'done';
    if (asked?.request.type === 'upgrade') this.parallelism = asked.request.parallelism;
    this.savepoints.push({ path: savepoint, jobId: this.jobId });
    // An operator proves the old processes gone. One that is suspended may escape it, and is fenced.
    if (this.jobManager !== null) world.kill(this.jobManager.process, 'stopped');
    for (const { process } of this.taskManagers) if (!process.paused) world.kill(process, 'stopped');
    this.fromSavepoint = savepoint;
    this.jobId = jobIdOf(++this.jobs);
    this.epoch++;
    this.startJobManager();
    this.startTaskManagers();
  }
}

function statusOf({ gateway }: JobManagerProcess, request: Operation, jobId: string): OperationStatus | null {
  try {
    return request.type === 'checkpoint'
      ? gateway.checkpointTriggerStatus(jobId, request.triggerId)
      : gateway.savepointStatus(jobId, request.triggerId);
  } catch {
    return null;
  }
}

const jobIdOf = (number: number): string => number.toString(16).padStart(32, '0');
