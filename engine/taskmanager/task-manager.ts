// The TaskManager's process: a TaskExecutor on real sockets and clock, with a thread per slot.
import { availableParallelism, totalmem } from 'node:os';
import { systemClock } from '../clock.ts';
import type { EngineConfig } from '../config.ts';
import type { Metrics } from '../rpc/protocol.ts';
import { tcp } from '../rpc/tcp.ts';
import { readToken } from '../rpc/token.ts';
import { redact } from '../secret-references.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { jobManagerAddress } from './find-job-manager.ts';
import { startSlots } from './slot-threads.ts';
import { spillFolder, temporaryDirectory } from './spill-folder.ts';
import { TaskExecutor } from './task-executor.ts';

/** `exit` ends the process. */
export function createTaskManager(
  config: EngineConfig,
  resourceId: string,
  exit: (code: number) => void,
): TaskExecutor {
  const slots = config.integer('taskmanager.numberOfTaskSlots');
  return new TaskExecutor({
    config,
    resourceId,
    network: tcp,
    clock: systemClock,
    startSlots: async (handlers) =>
      startSlots({
        ...handlers,
        slots,
        setup: {
          taskManagerId: resourceId,
          bindHost: config.get('taskmanager.bind-host'),
          token: readToken(config),
          stateDirectory: config.get('flowjob.state.dir'),
          temporaryDirectory: temporaryDirectory(config),
        },
        dataPort: config.integer('taskmanager.data.port'),
        heapMiB: heapPerSlot(config.get('taskmanager.memory.process.size'), slots),
      }),
    jobManager: () => jobManagerAddress(config),
    token: () => readToken(config),
    machine: { pid: process.pid, cpuCores: availableParallelism(), physicalMemory: totalmem() },
    metrics: (collected) => processMetrics(config, collected),
    spillFolder: (jobId, epoch) => spillFolder(temporaryDirectory(config), jobId, epoch, resourceId),
    removeFolder: (folder) => localTemporaryFiles.remove(folder),
    print: (lines) => void process.stdout.write(lines),
    log: (message) => console.error(redact(message)),
    exit,
  });
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
