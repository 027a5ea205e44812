// The JobManager: the shell around the coordinator. It owns sockets, storage and the clock, feeds events in and carries actions out.
import { renameSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import type { JobResult } from '../checkpoint/storage.ts';
import type { EngineConfig, Endpoints } from '../config.ts';
import { describeError, EngineError } from '../errors.ts';
import type { JobView, TaskManagerView } from '../rest/gateway.ts';
import { createRestServer } from '../rest/server.ts';
import { readToken } from '../rpc/token.ts';
import { removeSpillFolders, temporaryDirectory } from '../taskmanager/spill-folder.ts';
import { ActionRunner, commitAll } from './action-runner.ts';
import { Coordinator } from './coordinator/coordinator.ts';
import type { CoordinatorEvent } from './coordinator/messages.ts';
import { endedView } from './ended-view.ts';
import { Gateway } from './job-gateway.ts';
import { prepareJob, type JobArguments } from './prepare-job.ts';
import { TaskManagerLinks } from './task-manager-links.ts';

export const EXIT_FENCED = 3;

/** How often a JobManager that writes nothing looks whether the job is still its own. */
const FENCE_CHECK_MS = 5_000;

export class JobManager {
  readonly config: EngineConfig;
  readonly job: JobArguments;
  readonly storage: LocalCheckpointStorage;
  private readonly exit: (code: number) => void;
  private readonly links: TaskManagerLinks;
  private readonly startTime = Date.now();
  private coordinator: Coordinator | null = null;
  /** The job's view when no coordinator runs it. */
  private ended: JobView | null = null;
  /** What came before there was a coordinator. */
  private early: CoordinatorEvent[] = [];
  private runner: ActionRunner | null = null;
  private timer: NodeJS.Timeout | null = null;

  /** `exit` ends the process. */
  constructor(config: EngineConfig, job: JobArguments, exit: (code: number) => void) {
    this.config = config;
    this.job = job;
    this.exit = exit;
    const stateDirectory = config.get('flowjob.state.dir');
    if (stateDirectory === '')
      throw new EngineError('CONFIG_INVALID', 'flowjob.state.dir is not set', {
        hint: "set it to the folder of the job's state",
      });
    this.storage = new LocalCheckpointStorage(stateDirectory);
    const greeting = { type: 'registered', jobId: job.jobId, epoch: job.epoch } as const;
    this.links = new TaskManagerLinks(readToken(config), greeting, (event) => this.deliver(event));
  }

  /** Resolves when the job runs, or has ended. Does not throw for what is wrong with the job: that is its status. */
  async start(): Promise<void> {
    try {
      await this.storage.acquireEpoch(this.job.epoch, `pid ${process.pid}`);
      setInterval(() => this.checkFence(), FENCE_CHECK_MS).unref();
      await this.listen();
      const result = await this.storage.readJobResult(this.job.jobId);
      if (result !== null) await this.reportEarlier(result);
      else await this.run();
    } catch (error) {
      if (error instanceof EngineError && error.code === 'FENCED') this.fenced(error);
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

  deliver(event: CoordinatorEvent): void {
    const { coordinator, runner } = this;
    if (coordinator === null || runner === null) {
      if (this.ended === null) this.early.push(event);
      return;
    }
    for (const action of coordinator.handle(event, Date.now())) runner.run(action);
    this.setTimer(coordinator);
  }

  /** The whole cluster ends: TaskManagers too. */
  shutDown(): void {
    this.links.sendAll({ type: 'shutDown' });
    // The messages and the answer to who asked for it leave first.
    setTimeout(() => this.exit(0), 50);
  }

  private async listen(): Promise<void> {
    const { config } = this;
    const rest = createRestServer(new Gateway(this), { token: readToken(config) });
    const bindHost = config.get('jobmanager.bind-host');
    const rpcPort = await this.links.listen(bindHost, config.integer('jobmanager.rpc.port'));
    await rest.listen({ host: config.get('rest.bind-address'), port: config.integer('rest.port') });
    const restPort = (rest.server.address() as AddressInfo).port;
    const file = config.get('flowjob.endpoints-file');
    if (file === '') return;
    const endpoints: Endpoints = {
      pid: process.pid,
      jobId: this.job.jobId,
      epoch: this.job.epoch,
      restUrl: `http://${reachable(config.get('rest.bind-address'), config.get('rest.address'))}:${restPort}`,
      rpcAddress: reachable(bindHost, config.get('jobmanager.rpc.address')),
      rpcPort,
    };
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(endpoints), { mode: 0o600 });
    renameSync(`${file}.${process.pid}`, file);
  }

  private async run(): Promise<void> {
    const { config, job, storage } = this;
    try {
      removeSpillFolders(temporaryDirectory(config), job.jobId, job.epoch - 1);
      const options = await prepareJob(config, storage, job);
      this.runner = new ActionRunner({
        epoch: job.epoch,
        jobId: job.jobId,
        storage,
        links: this.links,
        deliver: (event) => this.deliver(event),
        fenced: (error) => this.fenced(error),
        ended: (status) => this.jobEnded(status),
        log,
      });
      this.coordinator = new Coordinator(options, this.startTime);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'FENCED') throw error;
      await this.failBeforeStart(error);
      return;
    }
    this.deliver({ type: 'start' });
    const early = this.early;
    this.early = [];
    for (const event of early) this.deliver(event);
  }

  /** Bad SQL, a missing savepoint: the job is FAILED, and the process stays to say so. */
  private async failBeforeStart(error: unknown): Promise<void> {
    const { jobId } = this.job;
    const result: JobResult = {
      jobId,
      state: 'FAILED',
      startTime: this.startTime,
      endTime: Date.now(),
      failure: describeError(error),
      savepointPath: null,
      summary: {},
    };
    log(`job ${jobId} failed before it ran: ${describeError(error)}`);
    await this.storage.assertEpoch(this.job.epoch);
    await this.storage.writeJobResult(jobId, result);
    this.end(result, error);
  }

  /** The job had ended before this attempt. Its last files may still have to be made visible. */
  private async reportEarlier(result: JobResult): Promise<void> {
    if (result.savepointPath !== null) {
      const manifest = await this.storage.readManifest(result.savepointPath).catch((error: unknown) => {
        // Removed by its owner, who heard of it only after its files were made visible.
        if (error instanceof EngineError && error.code === 'SAVEPOINT_NOT_FOUND') return null;
        throw error;
      });
      await commitAll(this.storage, this.job.epoch, manifest?.committables ?? []);
    }
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
    const { config, job, links } = this;
    log(`job ${job.jobId} is ${status}`);
    links.sendAll({ type: 'releaseJob', jobId: job.jobId });
    removeSpillFolders(temporaryDirectory(config), job.jobId, job.epoch);
    if (config.boolean('execution.shutdown-on-application-finish')) this.shutDown();
  }

  private setTimer(coordinator: Coordinator): void {
    if (this.timer !== null) clearTimeout(this.timer);
    const at = coordinator.nextTimer();
    this.timer = at === null ? null : setTimeout(() => this.deliver({ type: 'timer' }), Math.max(0, at - Date.now()));
  }

  /** One that waits for slots, or has ended, would not find out otherwise that another has taken its place. */
  private checkFence(): void {
    this.storage.assertEpoch(this.job.epoch).catch((error: unknown) => {
      if (error instanceof EngineError && error.code === 'FENCED') this.fenced(error);
      else log(`the attempt's epoch could not be checked: ${describeError(error)}`);
    });
  }

  /** Another attempt owns the job: nothing may be done any more, not even to the tasks, which find their channels closed. */
  private fenced(error: EngineError): void {
    log(describeError(error));
    this.exit(EXIT_FENCED);
  }
}

/** An address that others can use: a wildcard is none. */
function reachable(bound: string, configured: string): string {
  return bound === '0.0.0.0' || bound === '::' ? configured : bound;
}

function log(message: string): void {
  console.error(`${new Date().toISOString()} ${message}`);
}
