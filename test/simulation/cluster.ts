// The engine's own JobMaster, TaskExecutor and slots as simulated processes: what their programs do with sockets, threads and files is done here with
// the simulated ones.
import { compareAttempts, fenced, type Attempt } from '../../engine/checkpoint/attempt.ts';
import { LocalCheckpointStorage } from '../../engine/checkpoint/local-storage.ts';
import type { CheckpointStorage } from '../../engine/checkpoint/storage.ts';
import type { Clock } from '../../engine/clock.ts';
import { EngineConfig } from '../../engine/config.ts';
import type { Connectors } from '../../engine/connectors/registry.ts';
import { describeError } from '../../engine/errors.ts';
import { Gateway } from '../../engine/jobmanager/job-gateway.ts';
import { JobMaster } from '../../engine/jobmanager/job-master.ts';
import type { JobArguments, PlanJob } from '../../engine/jobmanager/prepare-job.ts';
import { ChannelHub, type PortMessage, type SlotPort } from '../../engine/shuffle/channel-hub.ts';
import type { FileSystem } from '../../engine/storage/file-system.ts';
import { removeSpillFolders, spillFolder } from '../../engine/taskmanager/spill-folder.ts';
import type { SlotHandlers, SlotThread, ToSlot } from '../../engine/taskmanager/slot-messages.ts';
import { Slot } from '../../engine/taskmanager/slot.ts';
import { TaskExecutor } from '../../engine/taskmanager/task-executor.ts';
import { NO_MEMORY } from '../../engine/taskmanager/thread-memory.ts';
import type { SimDisk } from './disk.ts';
import type { SimTemporaryFiles, TemporaryDisks } from './temporary-disk.ts';
import type { SimNetwork } from './network.ts';
import { SimProcess, type World } from './world.ts';

export const STATE_DIRECTORY = '/state';
const TEMPORARY_DIRECTORY = '/tmp/flowjob-spill';

/** What the simulation may put in the place of the engine's own parts, to see that it notices. */
export interface Parts {
  storage: (storage: CheckpointStorage) => CheckpointStorage;
  fileSystem: (fileSystem: FileSystem) => FileSystem;
}

export interface ClusterOptions {
  world: World;
  network: SimNetwork;
  disk: SimDisk;
  temporary: TemporaryDisks;
  /** As processes with this file system have them. */
  connectors: (fileSystem: FileSystem) => Connectors;
  plan: PlanJob;
  parts: Parts;
}

/** What JobManagers write to `flowjob.endpoints-file`. */
export interface Endpoint {
  host: string;
  port: number;
  attempt: Attempt;
}

export interface JobManagerProcess {
  kind: 'jobmanager';
  process: SimProcess;
  job: JobArguments;
  master: JobMaster;
  gateway: Gateway;
  exitCode: number | null;
}

export interface TaskManagerProcess {
  kind: 'taskmanager';
  process: SimProcess;
  resourceId: string;
  slots: number;
  exitCode: number | null;
}

export class Cluster {
  /** The last announcement, and the one before. */
  endpoints: Endpoint[] = [];
  readonly jobManagers: JobManagerProcess[] = [];
  readonly taskManagers: TaskManagerProcess[] = [];
  /** Temporary files that nobody will remove. */
  readonly litter: string[] = [];
  /** TaskManagers may read an old endpoint. */
  staleEndpoints = 0;
  /** What was said to people: the last lines, for failures. */
  readonly log: string[] = [];
  private readonly options: ClusterOptions;
  private started = 0;

  constructor(options: ClusterOptions) {
    this.options = options;
  }

  startJobManager(job: JobArguments, config: Record<string, string>): JobManagerProcess {
    const { world, network, disk, temporary, connectors, plan, parts } = this.options;
    const name = `jm-${job.epoch}#${++this.started}`;
    const process = this.process(name);
    const fileSystem = parts.fileSystem(disk.of(process));
    const temporaryFiles = temporary.of(process, name);
    const master = new JobMaster({
      config: new EngineConfig(config),
      job,
      storage: parts.storage(new LocalCheckpointStorage(STATE_DIRECTORY, fileSystem, name)),
      connectors: connectors(fileSystem),
      temporaryFiles,
      network: network.of(process, name),
      clock: process.clock,
      token: null,
      owner: name,
      serve: async () => undefined,
      announce: (attempt, port) => this.announce({ host: name, port, attempt }),
      removeSpilled: (epoch) => removeSpillFolders(temporaryFiles, TEMPORARY_DIRECTORY, job.jobId, epoch),
      plan,
      log: (message) => this.say(process, message),
      exit: (code) => exit(code),
    });
    const started: JobManagerProcess = {
      kind: 'jobmanager',
      process,
      job,
      master,
      gateway: new Gateway(master),
      exitCode: null,
    };
    const exit = (code: number): void => {
      started.exitCode = code;
      world.kill(process, `exit ${code}`);
    };
    this.jobManagers.push(started);
    world.after(process, 1, 'start', () => {
      master.start().catch((error: unknown) => {
        this.say(process, describeError(error));
        exit(1);
      });
    });
    return started;
  }

  startTaskManager(resourceId: string, slots: number, config: Record<string, string>): TaskManagerProcess {
    const { world, network, temporary } = this.options;
    const name = `${resourceId}#${++this.started}`;
    const process = this.process(name);
    const started: TaskManagerProcess = { kind: 'taskmanager', process, resourceId, slots, exitCode: null };
    const temporaryFiles = temporary.of(process, resourceId);
    const exit = (code: number): void => {
      // One that has seen its job's end, or has given up the JobManager, tidies up.
      if (code === 0 || code === 2) this.litter.push(...temporaryFiles.left());
      started.exitCode = code;
      world.kill(process, `exit ${code}`);
    };
    const executor = new TaskExecutor({
      config: new EngineConfig({ ...config, 'taskmanager.host': name }),
      resourceId,
      network: network.of(process, name),
      clock: process.clock,
      startSlots: async (handlers) => this.startSlots(process, resourceId, slots, temporaryFiles, handlers),
      jobManager: () => this.findJobManager(),
      token: () => null,
      machine: { pid: this.started, cpuCores: 1, physicalMemory: 1 },
      metrics: () => ({}),
      spillFolder: (jobId, epoch) => spillFolder(TEMPORARY_DIRECTORY, jobId, epoch, resourceId),
      removeFolder: (folder) => temporaryFiles.remove(folder),
      print: () => undefined,
      log: (message) => this.say(process, message),
      exit,
    });
    this.taskManagers.push(started);
    world.after(process, 1, 'start', () => {
      executor.start().catch((error: unknown) => {
        this.say(process, describeError(error));
        exit(1);
      });
    });
    return started;
  }

  private async startSlots(
    process: SimProcess,
    resourceId: string,
    count: number,
    temporaryFiles: SimTemporaryFiles,
    handlers: SlotHandlers,
  ): Promise<SlotThread[]> {
    const { network, disk, connectors, parts } = this.options;
    const ports = portsBetween(process, count);
    const fileSystem = parts.fileSystem(disk.of(process));
    // A thread that waits for the disk works on later.
    const soon = (run: () => void): void => {
      const waited = temporaryFiles.takeWaited();
      if (waited === 0) process.clock.soon(run);
      else process.clock.after(waited, () => process.clock.soon(run));
    };
    const clock: Clock = { ...process.clock, soon };
    const start = async (slot: number): Promise<SlotThread> => {
      const hub = new ChannelHub({
        taskManagerId: resourceId,
        slot,
        host: process.name,
        port: 0,
        token: null,
        network: network.of(process, process.name),
        temporaryFiles,
        ports: ports[slot]!,
      });
      const tasks = new Slot({
        hub,
        storage: parts.storage(new LocalCheckpointStorage(STATE_DIRECTORY, fileSystem, `${process.name}-${slot}`)),
        connectors: connectors(fileSystem),
        taskManagerId: resourceId,
        temporaryDirectory: TEMPORARY_DIRECTORY,
        temporaryFiles,
        clock,
        memory: () => NO_MEMORY,
        send: (message) => process.clock.after(0.01, () => handlers.message(slot, message)),
      });
      return {
        post: (message: ToSlot) => void process.clock.after(0.01, () => tasks.receive(message)),
        dataPort: await hub.listen(),
      };
    };
    return Promise.all(Array.from({ length: count }, async (_, slot) => start(slot)));
  }

  private announce(endpoint: Endpoint): void {
    const last = this.endpoints[0];
    if (last !== undefined && compareAttempts(last.attempt, endpoint.attempt) > 0)
      throw fenced(endpoint.attempt, last.attempt);
    this.endpoints = last === undefined ? [endpoint] : [endpoint, last];
  }

  /** What the endpoints' file says: now and then of a JobManager that has gone. */
  private findJobManager(): Endpoint | null {
    const { chance } = this.options.network;
    const endpoint = this.endpoints[chance.chance(this.staleEndpoints) ? 1 : 0];
    if (endpoint === undefined) return null;
    const alive = this.jobManagers.some(({ process }) => process.name === endpoint.host && process.alive);
    return alive || chance.chance(0.1) ? endpoint : null;
  }

  private process(name: string): SimProcess {
    const { world, disk } = this.options;
    const process = new SimProcess(world, name);
    process.onDeath.push(() => disk.killed(process));
    return process;
  }

  private say(process: SimProcess, message: string): void {
    this.log.push(`${this.options.world.time.toFixed(1)} ${process.name}: ${message}`);
    this.options.world.note(process, () => message);
  }
}

/** Between every two slots of a process: reliable and in order, as a MessageChannel. */
function portsBetween(process: SimProcess, count: number): Map<number, SlotPort>[] {
  const ports = Array.from({ length: count }, () => new Map<number, SlotPort>());
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) {
      const handlers: ((message: PortMessage) => void)[] = [() => undefined, () => undefined];
      const end = (own: 0 | 1): SlotPort => ({
        post: (message) => void process.clock.after(0.01, () => handlers[1 - own]!(message)),
        receive: (handler) => (handlers[own] = handler),
        close: () => undefined,
      });
      ports[a]!.set(b, end(0));
      ports[b]!.set(a, end(1));
    }
  return ports;
}
