// The JobManager without its process (Flink's JobMaster): storage, TaskManagers' connections and the clock around the coordinator. It feeds
// events in and carries actions out. job-manager.ts makes a program of it; a simulation runs the same on a clock and a network of its own.
import type { AcquiredAttempt } from '../checkpoint/attempt.ts';
import type { CheckpointStorage, JobResult, Manifest } from '../checkpoint/storage.ts';
import { every, type Clock } from '../clock.ts';
import type { EngineConfig } from '../config.ts';
import type { Connectors } from '../connectors/registry.ts';
import { describeError, describeWithCode, EngineError } from '../errors.ts';
import type { JobView, TaskManagerView } from '../rest/gateway.ts';
import type { Network } from '../rpc/network.ts';
import { codeOf } from '../storage/local-file-system.ts';
import type { TemporaryFiles } from '../storage/temporary-files.ts';
import { ActionRunner, isFatal } from './action-runner.ts';
import { commitLast, isHeld, outputsOf } from './commit.ts';
import { Coordinator } from './coordinator/coordinator.ts';
import type { CoordinatorEvent } from './coordinator/messages.ts';
import { endedView } from './ended-view.ts';
import { clearEnded, clearSinks, prepareJob, type JobArguments, type PlanJob } from './prepare-job.ts';
import { TaskManagerLinks } from './task-manager-links.ts';

export const EXIT_FENCED = 3;
/** To be started again: the state says how to go on. */
export const EXIT_UNCERTAIN = 1;

/** How often a JobManager that writes nothing looks whether the job is still its own. */
const FENCE_CHECK_MS = 5_000;
/** How long the last messages, and the answer to who asked for the end, have to leave. */
const FAREWELL_MS = 50;

/** The world of a JobMaster. */
export interface JobMasterOptions {
  config: EngineConfig;
  job: JobArguments;
  storage: CheckpointStorage;
  connectors: Connectors;
  /** Of this machine. */
  temporaryFiles: TemporaryFiles;
  network: Network;
  clock: Clock;
  token: string | null;
  /** Names this process in the attempt's record. */
  owner: string;
  /** Opens what it offers beside the TaskManagers' connections. */
  serve: () => Promise<void>;
  /** Tells where it listens, once it does. Throws FENCED when a later attempt has told so. */
  announce: (attempt: AcquiredAttempt, rpcPort: number) => void;
  /** Removes the spill files of the job's attempts up to `epoch`. */
  removeSpilled: (epoch: number) => void;
  plan?: PlanJob;
  log: (message: string) => void;
  /** Ends the process. */
  exit: (code: number) => void;
}

/** An error of the operating system, such as a full disk: nothing is wrong with the job, and who started this process starts another. */
function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  return !(error instanceof EngineError) && typeof code === 'string' && /^E[A-Z0-9]+$/.test(code);
}

export class JobMaster {
  private readonly options: JobMasterOptions;
  private readonly links: TaskManagerLinks;
  private readonly startTime: number;
  /** Null until the state is this process's. */
  private acquired: AcquiredAttempt | null = null;
  private coordinator: Coordinator | null = null;
  /** The job's view when no coordinator runs it. */
  private ended: JobView | null = null;
  /** What came before there was a coordinator. */
  private early: CoordinatorEvent[] = [];
  private runner: ActionRunner | null = null;
  private stopTimer: (() => void) | null = null;

  constructor(options: JobMasterOptions) {
    this.options = options;
    this.startTime = options.clock.now();
    const { jobId, epoch } = options.job;
    const greeting = { type: 'registered', jobId, epoch } as const;
    this.links = new TaskManagerLinks(options.token, greeting, (event) => this.deliver(event));
  }

  get config(): EngineConfig {
    return this.options.config;
  }

  get job(): JobArguments {
    return this.options.job;
  }

  get attempt(): AcquiredAttempt | null {
    return this.acquired;
  }

  get storage(): CheckpointStorage {
    return this.options.storage;
  }

  /** Resolves when the job runs, or has ended. Does not throw for what is wrong with the job, which is its status, but for what is wrong with the machine. */
  async start(): Promise<void> {
    const { config, job, storage, clock, network, owner, serve, announce } = this.options;
    try {
      const attempt = await storage.acquireAttempt(job.epoch, owner);
      this.acquired = attempt;
      every(clock, FENCE_CHECK_MS, () => this.checkFence(attempt));
      const host = config.get('jobmanager.bind-host');
      const rpcPort = await this.links.listen(network, host, config.integer('jobmanager.rpc.port'));
      await serve();
      // A later attempt may have told where it is meanwhile: nobody would find it any more.
      await storage.assertAttempt(attempt);
      announce(attempt, rpcPort);
      const result = await storage.readJobResult(job.jobId);
      if (result !== null) await this.reportEarlier(attempt, result);
      else await this.run(attempt);
    } catch (error) {
      if (isFatal(error)) this.halt(error);
      else throw error;
    }
  }

  view(): JobView | null {
    return this.coordinator?.view() ?? this.ended;
  }

  taskManagers(): TaskManagerView[] {
    return this.coordinator?.taskManagers() ?? [];
  }

  get jobCoordinator(): Coordinator | null {
    return this.coordinator;
  }

  /**
   * Whether what an earlier attempt's savepoint holds is all there. Before this one ran, it has cleared away what was not visible: so what is there is visible,
   * and stays.
   */
  async holds(savepoint: Manifest): Promise<boolean> {
    const { storage, connectors } = this.options;
    return isHeld(storage, connectors, savepoint);
  }

  deliver(event: CoordinatorEvent): void {
    const { coordinator, runner } = this;
    if (coordinator === null || runner === null) {
      if (this.ended === null) this.early.push(event);
      return;
    }
    for (const action of coordinator.handle(event, this.now, this.options.clock.now())) runner.run(action);
    this.setTimer(coordinator);
  }

  /** The whole cluster ends: TaskManagers too. */
  shutDown(): void {
    const { clock, exit } = this.options;
    this.links.sendAll({ type: 'shutDown' });
    clock.after(FAREWELL_MS, () => exit(0));
  }

  private async run(attempt: AcquiredAttempt): Promise<void> {
    const { config, job, storage, connectors, temporaryFiles, removeSpilled, plan, log } = this.options;
    try {
      removeSpilled(job.epoch - 1);
      const options = await prepareJob(config, storage, connectors, job, attempt, plan);
      this.runner = new ActionRunner({
        attempt,
        jobId: job.jobId,
        storage,
        connectors,
        outputs: outputsOf(connectors, options.plan),
        temporaryFiles,
        clearSinks: async (execution) => clearSinks(connectors, options, attempt, execution),
        links: this.links,
        deliver: (event) => this.deliver(event),
        halt: (error) => this.halt(error),
        ended: (status) => this.jobEnded(status),
        log,
      });
      this.coordinator = new Coordinator(options, this.now, this.startTime);
    } catch (error) {
      if (isFatal(error) || isTransient(error)) throw error;
      await this.failBeforeStart(attempt, error);
      return;
    }
    this.deliver({ type: 'start' });
    const early = this.early;
    this.early = [];
    for (const event of early) this.deliver(event);
  }

  /** Bad SQL, a missing savepoint: the job is FAILED, and the process stays to say so. */
  private async failBeforeStart(attempt: AcquiredAttempt, error: unknown): Promise<void> {
    const { job, storage, clock, log } = this.options;
    const result: JobResult = {
      jobId: job.jobId,
      state: 'FAILED',
      startTime: this.startTime,
      endTime: clock.now(),
      failure: describeWithCode(error),
      savepointPath: null,
      summary: {},
    };
    log(`job ${job.jobId} failed before it ran: ${describeError(error)}`);
    await storage.writeJobResult(attempt, result);
    this.end(result, error);
  }

  /** The job had ended before this attempt. Its last files may still have to be made visible, and what is not needed any more removed. */
  private async reportEarlier(attempt: AcquiredAttempt, result: JobResult): Promise<void> {
    const { config, job, storage, connectors, plan, log } = this.options;
    if (result.savepointPath !== null) {
      const manifest = await storage.readManifest(result.savepointPath).catch((error: unknown) => {
        // Removed by its owner, who heard of it only after its files were made visible.
        if (error instanceof EngineError && error.code === 'SAVEPOINT_NOT_FOUND') return null;
        throw error;
      });
      if (manifest !== null) await commitLast(storage, connectors, attempt, manifest, log);
    }
    await clearEnded(config, storage, connectors, job, attempt, result.state, plan).catch((error: unknown) => {
      if (isFatal(error)) throw error;
      log(`what earlier attempts have left could not be removed: ${describeError(error)}`);
    });
    this.end(result);
  }

  private end(result: JobResult, error?: unknown): void {
    const { config, job } = this;
    const name = config.get('pipeline.name') === '' ? 'flowjob' : config.get('pipeline.name');
    this.ended = endedView(result, { name, epoch: job.epoch, config: config.entries() }, error);
    this.early = [];
    this.jobEnded(result.state);
  }

  private jobEnded(status: JobResult['state']): void {
    const { config, job, removeSpilled, log } = this.options;
    log(`job ${job.jobId} is ${status}`);
    this.links.sendAll({ type: 'releaseJob', jobId: job.jobId });
    removeSpilled(job.epoch);
    if (config.boolean('execution.shutdown-on-application-finish')) this.shutDown();
  }

  /** Whole milliseconds of the clock that does not jump. */
  private get now(): number {
    return Math.floor(this.options.clock.monotonic());
  }

  private setTimer(coordinator: Coordinator): void {
    const { clock } = this.options;
    this.stopTimer?.();
    const at = coordinator.nextTimer();
    const fire = (): void => this.deliver({ type: 'timer' });
    this.stopTimer = at === null ? null : clock.after(Math.max(0, at - this.now), fire);
  }

  /** One that waits for slots, or has ended, would not find out otherwise that another has taken its place. */
  private checkFence(attempt: AcquiredAttempt): void {
    const { storage, log } = this.options;
    storage.assertAttempt(attempt).catch((error: unknown) => {
      if (isFatal(error)) this.halt(error);
      else log(`whether the attempt still has the job could not be checked: ${describeError(error)}`);
    });
  }

  /**
   * Nothing may be done any more, not even to the tasks, which find their channels closed: another attempt owns the job, or the next process has to find
   * out what has been decided.
   */
  private halt(error: EngineError): void {
    const { log, exit } = this.options;
    log(describeError(error));
    exit(error.code === 'FENCED' ? EXIT_FENCED : EXIT_UNCERTAIN);
  }
}
