// The TaskManager without its process (Flink's TaskExecutor): its slots and one connection to the JobManager. It relays; it decides nothing but
// to leave when the JobManager is gone. task-manager.ts makes a program of it; a simulation runs the same on a clock and a network of its own.
import { every, type Clock } from '../clock.ts';
import type { EngineConfig } from '../config.ts';
import { Connection } from '../rpc/connection.ts';
import type { Network } from '../rpc/network.ts';
import type { Metrics, TaskState, ToJobManager, ToTaskManager } from '../rpc/protocol.ts';
import type { FromSlot, SlotHandlers, SlotThread } from './slot-messages.ts';

/** How often a JobManager that is not there yet is looked for. */
const RETRY_MS = 20;
/** A TaskManager without a JobManager leaves after so long: whoever started it decides what comes next. */
const ORPHAN_MS = 5_000;
/** Before the first registration the JobManager may still be on its way, in a pod that is being scheduled. */
const FIRST_CONTACT_MS = 300_000;
const ENDED: TaskState[] = ['FINISHED', 'FAILED', 'CANCELED'];

export type SlotReport = FromSlot & { type: 'metrics' };

/** The world of a TaskExecutor. */
export interface TaskExecutorOptions {
  config: EngineConfig;
  resourceId: string;
  network: Network;
  clock: Clock;
  startSlots: (handlers: SlotHandlers) => Promise<SlotThread[]>;
  /** Where the JobManager is; null: not known yet. Asked anew each time: a new attempt listens elsewhere. */
  jobManager: () => { host: string; port: number } | null;
  token: () => string | null;
  machine: { pid: number; cpuCores: number; physicalMemory: number };
  /** Of the process, with the slots' last ones. */
  metrics: (slots: ReadonlyMap<number, SlotReport>) => Metrics;
  /** Folder of this TaskManager's spill files for an attempt of a job. */
  spillFolder: (jobId: string, epoch: number) => string;
  removeFolder: (folder: string) => void;
  print: (lines: string) => void;
  log: (message: string) => void;
  /** Ends the process. */
  exit: (code: number) => void;
}

export class TaskExecutor {
  private readonly options: TaskExecutorOptions;
  private slots: SlotThread[] = [];
  private connection: Connection<ToJobManager, ToTaskManager> | null = null;
  /** The connection that is open or being opened, and to where. */
  private link: { connection: Connection<ToJobManager, ToTaskManager>; address: string } | null = null;
  /** execution -> its slot. */
  private readonly executions = new Map<string, number>();
  /** execution -> stops the watch over its end. */
  private readonly cancelling = new Map<string, () => void>();
  /** The last one of each; what it told of its tasks goes out once. */
  private readonly slotReports = new Map<number, SlotReport>();
  /** Spill folders by job. */
  private readonly folders = new Map<string, string>();
  private lastHeard = 0;
  private registeredOnce = false;

  constructor(options: TaskExecutorOptions) {
    this.options = options;
  }

  async start(): Promise<void> {
    const { clock, config, startSlots, log, exit } = this.options;
    this.slots = await startSlots({
      message: (slot, message) => this.fromSlot(slot, message),
      died: (slot, error) => {
        log(`slot ${slot} is dead, the TaskManager ends: ${String(error)}`);
        exit(1);
      },
    });
    this.lastHeard = clock.monotonic();
    every(clock, config.duration('heartbeat.interval'), () => this.heartbeat());
    this.connect();
  }

  /** Its process ends. */
  removeSpilled(): void {
    for (const folder of this.folders.values()) this.options.removeFolder(folder);
  }

  private connect(): void {
    const { network, clock, config, resourceId, machine, token, jobManager } = this.options;
    const address = jobManager();
    // Tasks of an earlier registration leave first: none shares a slot with those that the next one brings.
    if (address === null || this.executions.size > 0) {
      clock.after(RETRY_MS, () => this.connect());
      return;
    }
    const connection = new Connection<ToJobManager, ToTaskManager>(network.connect(address.host, address.port));
    this.link = { connection, address: addressText(address) };
    connection.start({
      message: (message) => this.receive(connection, message),
      closed: () => {
        if (this.link?.connection === connection) this.link = null;
        if (this.connection === connection) this.lostJobManager();
        clock.after(RETRY_MS, () => this.connect());
      },
    });
    connection.send({
      type: 'register',
      token: token(),
      resourceId,
      slots: this.slots.map(({ dataPort }) => ({ host: config.get('taskmanager.host'), port: dataPort })),
      ...machine,
    });
  }

  /**
   * A JobManager that was started again elsewhere: the machine or pod where it was may be gone with its address, and then nothing ever tells that the
   * connection is lost, or that nobody will answer.
   */
  private followJobManager(): void {
    const address = this.options.jobManager();
    if (this.link !== null && address !== null && addressText(address) !== this.link.address)
      this.link.connection.close(new Error(`the JobManager is at ${addressText(address)} now`));
  }

  /** Its tasks have no coordinator any more: whoever comes next deploys anew. */
  private lostJobManager(): void {
    this.connection = null;
    for (const execution of this.executions.keys()) this.cancel(execution);
  }

  private receive(connection: Connection<ToJobManager, ToTaskManager>, message: ToTaskManager): void {
    const { clock, spillFolder, exit } = this.options;
    this.lastHeard = clock.monotonic();
    switch (message.type) {
      case 'registered':
        this.connection = connection;
        this.registeredOnce = true;
        this.useFolder(message.jobId, spillFolder(message.jobId, message.epoch));
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
        this.removeSpilled();
        return;
      case 'shutDown':
        this.removeSpilled();
        exit(0);
        return;
      default: {
        const slot = this.executions.get(message.execution);
        if (slot !== undefined) this.slots[slot]?.post(message);
      }
    }
  }

  /** Its tasks of an earlier attempt have left, and nobody reads any more what they made. */
  private useFolder(jobId: string, folder: string): void {
    const before = this.folders.get(jobId);
    if (before !== undefined && before !== folder) this.options.removeFolder(before);
    this.folders.set(jobId, folder);
  }

  private cancel(execution: string): void {
    const { clock, config, log, exit } = this.options;
    const slot = this.executions.get(execution);
    if (slot === undefined) return;
    this.slots[slot]?.post({ type: 'cancel', execution });
    if (this.cancelling.has(execution)) return;
    // One that does not leave is stuck in a loop: only the end of the process ends it.
    const timeout = config.duration('task.cancellation.timeout');
    this.cancelling.set(
      execution,
      clock.after(timeout, () => {
        log(`task ${execution} did not end within ${timeout} ms of being canceled, the TaskManager ends`);
        exit(1);
      }),
    );
  }

  private fromSlot(slot: number, message: FromSlot): void {
    switch (message.type) {
      case 'ready':
        return;
      case 'print':
        this.options.print(message.lines);
        return;
      case 'metrics':
        this.slotReports.set(slot, message);
        return;
      case 'report': {
        const report = message.message;
        if (report.type === 'taskState' && ENDED.includes(report.state)) {
          this.executions.delete(report.execution);
          this.cancelling.get(report.execution)?.();
          this.cancelling.delete(report.execution);
        }
        this.connection?.send(report);
      }
    }
  }

  private heartbeat(): void {
    const { clock, log, exit, metrics } = this.options;
    const silent = clock.monotonic() - this.lastHeard;
    if (silent > (this.registeredOnce ? ORPHAN_MS : FIRST_CONTACT_MS)) {
      log(`no JobManager for ${Math.round(silent)} ms, the TaskManager ends`);
      this.removeSpilled();
      exit(2);
      return;
    }
    this.followJobManager();
    for (const slot of this.slots) slot.post({ type: 'collectMetrics' });
    const reports = [...this.slotReports];
    this.connection?.send({
      type: 'heartbeat',
      metrics: metrics(this.slotReports),
      tasks: reports.flatMap(([, { tasks }]) => tasks),
    });
    // A thread that does not answer is not vouched for with what it said before.
    for (const [slot, report] of reports) this.slotReports.set(slot, { ...report, tasks: [] });
  }
}

const addressText = ({ host, port }: { host: string; port: number }): string => `${host}:${port}`;
