// The TaskManager's process: a TaskExecutor on real sockets and clock, with a thread per slot.
import { availableParallelism, totalmem } from 'node:os';
import { systemClock } from '../clock.ts';
import type { EngineConfig } from '../config.ts';
import { tcp } from '../rpc/tcp.ts';
import { readToken } from '../rpc/token.ts';
import { redact } from '../secret-references.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { jobManagerAddress } from './find-job-manager.ts';
import { ProcessMetrics } from './process-metrics.ts';
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
  const processMetrics = new ProcessMetrics(megabytes(config.get('taskmanager.memory.process.size')) * 2 ** 20);
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
    metrics: (reports) =>
      processMetrics.read({
        at: systemClock.monotonic(),
        resident: process.memoryUsage.rss(),
        buffers: process.memoryUsage().arrayBuffers,
        slots: reports,
      }),
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
