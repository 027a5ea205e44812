// The TaskManager: slots on threads, one connection to the JobManager. It relays; it decides nothing but to leave when the JobManager is gone.
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import type { EngineConfig } from '../config.ts';
import { Connection } from '../rpc/connection.ts';
import type { Metrics, TaskState, ToJobManager, ToTaskManager } from '../rpc/protocol.ts';
import { readToken } from '../rpc/token.ts';
import { jobManagerAddress } from './find-job-manager.ts';
import type { FromSlot } from './slot-messages.ts';
import { startSlots, type SlotThread } from './slot-threads.ts';
import { spillFolder, temporaryDirectory } from './spill-folder.ts';

/** How often a JobManager that is not there yet is looked for. */
const RETRY_MS = 20;
/** A TaskManager without a JobManager leaves after so long: whoever started it decides what comes next. */
const ORPHAN_MS = 5_000;
/** Before the first registration the JobManager may still be on its way, in a pod that is being scheduled. */
const FIRST_CONTACT_MS = 300_000;
/** A task that has not left so long after it was told to is stuck in a loop: only the end of the process ends it. */
const CANCEL_MS = 30_000;

const ENDED: TaskState[] = ['FINISHED', 'FAILED', 'CANCELED'];

export class TaskManager {
  private readonly config: EngineConfig;
  private readonly id: string;
  private readonly exit: (code: number) => void;
  private slots: SlotThread[] = [];
  private connection: Connection<ToJobManager, ToTaskManager> | null = null;
  /** execution -> its slot. */
  private readonly executions = new Map<string, number>();
  private readonly cancelling = new Map<string, NodeJS.Timeout>();
  private readonly slotMetrics = new Map<number, FromSlot & { type: 'metrics' }>();
  private readonly jobs = new Map<string, string>();
  private lastHeard = Date.now();
  private registeredOnce = false;

  /** `exit` ends the process. */
  constructor(config: EngineConfig, resourceId: string, exit: (code: number) => void) {
    this.config = config;
    this.id = resourceId;
    this.exit = exit;
  }

  async start(): Promise<void> {
    const slots = this.config.integer('taskmanager.numberOfTaskSlots');
    this.slots = await startSlots({
      slots,
      setup: {
        taskManagerId: this.id,
        bindHost: this.config.get('taskmanager.bind-host'),
        token: readToken(this.config),
        stateDirectory: this.config.get('flowjob.state.dir'),
        temporaryDirectory: temporaryDirectory(this.config),
      },
      dataPort: this.config.integer('taskmanager.data.port'),
      heapMiB: heapPerSlot(this.config.get('taskmanager.memory.process.size'), slots),
      message: (slot, message) => this.fromSlot(slot, message),
      died: (slot, error) => {
        console.error(`slot ${slot} is dead, the TaskManager ends: ${String(error)}`);
        this.exit(1);
      },
    });
    this.lastHeard = Date.now();
    setInterval(() => this.heartbeat(), this.config.duration('heartbeat.interval'));
    this.connect();
  }

  /** Removes what it has spilled. */
  stop(): void {
    for (const folder of this.jobs.values()) rmSync(folder, { recursive: true, force: true });
  }

  private connect(): void {
    const address = jobManagerAddress(this.config);
    if (address === null) {
      setTimeout(() => this.connect(), RETRY_MS);
      return;
    }
    const socket = connect(address.port, address.host);
    const connection = new Connection<ToJobManager, ToTaskManager>(socket, true);
    connection.start({
      message: (message) => this.receive(connection, message),
      closed: () => {
        if (this.connection === connection) this.lostJobManager();
        setTimeout(() => this.connect(), RETRY_MS);
      },
    });
    socket.on('connect', () =>
      connection.send({
        type: 'register',
        token: readToken(this.config),
        resourceId: this.id,
        slots: this.slots.map(({ dataPort }) => ({ host: this.config.get('taskmanager.host'), port: dataPort })),
        pid: process.pid,
        cpuCores: availableParallelism(),
        physicalMemory: totalmem(),
      }),
    );
  }

  /** Its tasks have no coordinator any more: whoever comes next deploys anew. */
  private lostJobManager(): void {
    this.connection = null;
    for (const execution of this.executions.keys()) this.cancel(execution);
  }

  private receive(connection: Connection<ToJobManager, ToTaskManager>, message: ToTaskManager): void {
    this.lastHeard = Date.now();
    switch (message.type) {
      case 'registered':
        this.connection = connection;
        this.registeredOnce = true;
        this.jobs.set(
          message.jobId,
          spillFolder(temporaryDirectory(this.config), message.jobId, message.epoch, this.id),
        );
        return;
      case 'heartbeat':
        return;
      case 'deploy':
        this.executions.set(message.task.execution, message.task.slot);
        this.slots[message.task.slot]?.post(message);
        return;
      case 'cancel':
        this.cancel(message.execution);
        return;
      case 'releaseJob':
        this.stop();
        return;
      case 'shutDown':
        this.stop();
        this.exit(0);
        return;
      default: {
        const slot = this.executions.get(message.execution);
        if (slot !== undefined) this.slots[slot]?.post(message);
      }
    }
  }

  private cancel(execution: string): void {
    const slot = this.executions.get(execution);
    if (slot === undefined) return;
    this.slots[slot]?.post({ type: 'cancel', execution });
    if (this.cancelling.has(execution)) return;
    this.cancelling.set(
      execution,
      setTimeout(() => {
        console.error(`task ${execution} did not end within ${CANCEL_MS} ms of being canceled, the TaskManager ends`);
        this.exit(1);
      }, CANCEL_MS),
    );
  }

  private fromSlot(slot: number, message: FromSlot): void {
    switch (message.type) {
      case 'ready':
        return;
      case 'print':
        process.stdout.write(message.lines);
        return;
      case 'metrics':
        this.slotMetrics.set(slot, message);
        return;
      case 'report': {
        const report = message.message;
        if (report.type === 'taskState' && ENDED.includes(report.state)) {
          this.executions.delete(report.execution);
          clearTimeout(this.cancelling.get(report.execution));
          this.cancelling.delete(report.execution);
        }
        this.connection?.send(report);
      }
    }
  }

  private heartbeat(): void {
    const silent = Date.now() - this.lastHeard;
    if (silent > (this.registeredOnce ? ORPHAN_MS : FIRST_CONTACT_MS)) {
      console.error(`no JobManager for ${silent} ms, the TaskManager ends`);
      this.stop();
      this.exit(2);
      return;
    }
    for (const slot of this.slots) slot.post({ type: 'collectMetrics' });
    const collected = [...this.slotMetrics.values()];
    this.connection?.send({
      type: 'heartbeat',
      metrics: processMetrics(this.config, collected),
      tasks: collected.flatMap(({ tasks }) => tasks),
    });
  }
}

/** Half of the process is for heaps; batches and state in typed arrays live outside of them. */
function heapPerSlot(processSize: string, slots: number): number {
  return Math.max(64, Math.floor(megabytes(processSize) / 2 / slots));
}

/** `512m`, `1g`, `1024mb` in MiB. */
function megabytes(size: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*$/i.exec(size);
  if (match === null) return 512;
  const scale: Record<string, number> = { '': 2 ** -20, k: 2 ** -10, m: 1, g: 2 ** 10, t: 2 ** 20 };
  return Number(match[1]) * (scale[match[2]!.toLowerCase()] ?? 1);
}

function processMetrics(config: EngineConfig, slots: { heapUsed: number; heapTotal: number }[]): Metrics {
  const memory = process.memoryUsage();
  const sum = (pick: (slot: { heapUsed: number; heapTotal: number }) => number): number =>
    slots.reduce((total, slot) => total + pick(slot), 0);
  return {
    processSize: megabytes(config.get('taskmanager.memory.process.size')) * 2 ** 20,
    residentMemory: memory.rss,
    'Status.JVM.Memory.Heap.Used': memory.heapUsed + sum((slot) => slot.heapUsed),
    'Status.JVM.Memory.Heap.Committed': memory.heapTotal + sum((slot) => slot.heapTotal),
    'Status.JVM.Memory.Direct.MemoryUsed': memory.arrayBuffers,
  };
}
