// One SQL script on the embedded engine, to its end and in this process: its JobMaster, TaskExecutor and slots on real files, sockets and time. What its programs
// have besides, processes and threads, takes a second a job and adds nothing to results.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { LocalCheckpointStorage } from '../../engine/checkpoint/local-storage.ts';
import { systemClock, type Clock } from '../../engine/clock.ts';
import { EngineConfig } from '../../engine/config.ts';
import { connectors } from '../../engine/connectors/registry.ts';
import { JobMaster } from '../../engine/jobmanager/job-master.ts';
import type { Network } from '../../engine/rpc/network.ts';
import { tcp } from '../../engine/rpc/tcp.ts';
import { ChannelHub, type PortMessage, type SlotPort } from '../../engine/shuffle/channel-hub.ts';
import { localTemporaryFiles } from '../../engine/storage/local-temporary-files.ts';
import type { SlotHandlers, SlotThread } from '../../engine/taskmanager/slot-messages.ts';
import { Slot } from '../../engine/taskmanager/slot.ts';
import { spillFolder } from '../../engine/taskmanager/spill-folder.ts';
import { TaskExecutor } from '../../engine/taskmanager/task-executor.ts';
import { NO_MEMORY } from '../../engine/taskmanager/thread-memory.ts';
import { InVain, until } from '../harness/until.ts';

export type Mode = 'STREAMING' | 'BATCH';

export interface EmbeddedRun {
  /** Null when the job finished; else why it was refused or failed. */
  failure: string | null;
  /** What its print sinks wrote. */
  printed: string[];
}

const HOST = '127.0.0.1';
const SLOTS = 2;

/** `work` is an empty folder for state and temporary files. */
export async function runEmbeddedJob(work: string, sql: string, mode: Mode): Promise<EmbeddedRun> {
  const machine = new Machine();
  const config = new EngineConfig({
    'jobmanager.rpc.port': '0',
    'taskmanager.numberOfTaskSlots': String(SLOTS),
    'parallelism.default': String(SLOTS),
    'execution.runtime-mode': mode,
    'restart-strategy.type': 'none',
    // One thread does the work of all, on a machine that may be busy.
    'heartbeat.timeout': '60s',
    'io.tmp.dirs': join(work, 'tmp'),
  });
  const jobId = randomBytes(16).toString('hex');
  const storage = new LocalCheckpointStorage(join(work, 'state'));
  let log = '';
  let printed = '';
  let ended: string | null = null;
  let rpcPort = 0;
  const shared = {
    config,
    clock: machine.clock,
    network: machine.network,
    token: null,
    log: (message: string) => void (log += `${message}\n`),
  };
  const master = new JobMaster({
    ...shared,
    job: { jobId, epoch: 1, sql: () => sql, fromSavepoint: null, allowNonRestoredState: false },
    storage,
    connectors,
    temporaryFiles: localTemporaryFiles,
    owner: 'test',
    serve: async () => undefined,
    announce: (_attempt, port) => (rpcPort = port),
    removeSpilled: () => undefined,
    exit: (code) => (ended = `the JobManager ended with code ${code}`),
  });
  const executor = new TaskExecutor({
    ...shared,
    resourceId: 'taskmanager',
    startSlots: async (handlers) => startSlots(work, machine, handlers),
    jobManager: () => (rpcPort === 0 ? null : { host: HOST, port: rpcPort }),
    token: () => null,
    machine: { pid: 1, cpuCores: 1, physicalMemory: 2 ** 30 },
    metrics: () => ({}),
    spillFolder: (id, epoch) => spillFolder(join(work, 'tmp'), id, epoch, 'taskmanager'),
    removeFolder: (folder) => localTemporaryFiles.remove(folder),
    print: (lines) => void (printed += lines),
    exit: (code) => (ended ??= `the TaskManager ended with code ${code}`),
  });
  try {
    await master.start();
    await executor.start();
    const result = await until(
      'the job ends',
      async () => {
        const found = await storage.readJobResult(jobId);
        if (found === null && ended !== null) throw new InVain(ended);
        return found;
      },
      { seconds: 60, every: 5, explain: () => log },
    );
    return { failure: result.failure, printed: printed.split('\n').filter((line) => line !== '') };
  } finally {
    machine.stop();
  }
}

/** Time and network, which end with the job. */
class Machine {
  private readonly ends = new Set<() => void>();
  private stopped = false;

  readonly clock: Clock = {
    ...systemClock,
    after: (ms, run) => {
      if (this.stopped) return () => undefined;
      const cancel = systemClock.after(ms, () => {
        this.ends.delete(cancel);
        run();
      });
      this.ends.add(cancel);
      return cancel;
    },
    soon: (run) => systemClock.soon(() => (this.stopped ? undefined : run())),
  };

  readonly network: Network = {
    listen: async (host, port, accept) => {
      const listener = await tcp.listen(host, port, (link) => {
        this.ends.add(() => link.close());
        accept(link);
      });
      this.ends.add(() => listener.close());
      return listener;
    },
    connect: (host, port) => {
      const link = tcp.connect(host, port);
      this.ends.add(() => link.close());
      return link;
    },
  };

  stop(): void {
    this.stopped = true;
    for (const end of this.ends) end();
  }
}

async function startSlots(work: string, machine: Machine, handlers: SlotHandlers): Promise<SlotThread[]> {
  const ports = portsBetween(machine.clock);
  const { clock, network } = machine;
  return Promise.all(
    ports.map(async (own, slot): Promise<SlotThread> => {
      const hub = new ChannelHub({
        ...{ taskManagerId: 'taskmanager', slot, host: HOST, port: 0, token: null, network },
        temporaryFiles: localTemporaryFiles,
        ports: own,
      });
      const tasks = new Slot({
        hub,
        storage: new LocalCheckpointStorage(join(work, 'state')),
        connectors,
        taskManagerId: 'taskmanager',
        temporaryDirectory: join(work, 'tmp'),
        temporaryFiles: localTemporaryFiles,
        clock,
        memory: () => NO_MEMORY,
        send: (message) => clock.soon(() => handlers.message(slot, message)),
      });
      return { post: (message) => clock.soon(() => tasks.receive(message)), dataPort: await hub.listen() };
    }),
  );
}

/** Of each slot to the other one: in order, as between threads. */
function portsBetween(clock: Clock): Map<number, SlotPort>[] {
  const receivers: ((message: PortMessage) => void)[] = [];
  return Array.from({ length: SLOTS }, (_, slot) => {
    const other = SLOTS - 1 - slot;
    const port: SlotPort = {
      post: (message) => clock.soon(() => receivers[other]?.(message)),
      receive: (handler) => (receivers[slot] = handler),
      close: () => undefined,
    };
    return new Map([[other, port]]);
  });
}
