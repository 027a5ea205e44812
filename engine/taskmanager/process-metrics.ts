// Metrics of a TaskManager's process under Flink's names. Node has a heap per thread and no JVM: docs/reference/engine-metrics.md says what stands for what.
import type { Metrics } from '../rpc/protocol.ts';
import { RateWindow } from './rate-window.ts';
import type { ThreadMemory } from './thread-memory.ts';

export interface ProcessReading {
  /** Monotonic milliseconds. */
  at: number;
  /** Resident memory of the process in bytes. */
  resident: number;
  /** Bytes of the main thread's buffers. */
  buffers: number;
  /** What the slots' threads told last. */
  slots: ReadonlyMap<number, { memory: ThreadMemory; stateBytes: number }>;
}

export class ProcessMetrics {
  private readonly processSize: number;
  private readonly window = new RateWindow();

  /** `processSize`: in bytes, as configured. */
  constructor(processSize: number) {
    this.processSize = processSize;
  }

  /** Nothing is told of the slots before one of them has reported. */
  read({ at, resident, buffers, slots }: ProcessReading): Metrics {
    const process = { processSize: this.processSize, residentMemory: resident };
    if (slots.size === 0) return process;
    const threads = [...slots.values()];
    const sum = (pick: (memory: ThreadMemory) => number): number =>
      threads.reduce((all, { memory }) => all + pick(memory), 0);
    const stopped = this.window.add(
      at,
      Object.fromEntries([...slots].map(([slot, { memory }]) => [String(slot), memory.collecting])),
    );
    return {
      ...process,
      'Status.JVM.Memory.Heap.Used': sum(({ heapUsed }) => heapUsed),
      'Status.JVM.Memory.Heap.Committed': sum(({ heapCommitted }) => heapCommitted),
      'Status.JVM.Memory.Heap.Max': sum(({ heapMax }) => heapMax),
      'Status.JVM.Memory.Metaspace.Used': sum(({ code }) => code),
      'Status.JVM.Memory.Direct.MemoryUsed': buffers + sum((memory) => memory.buffers),
      'Status.JVM.GarbageCollector.All.Count': sum(({ collections }) => collections),
      'Status.JVM.GarbageCollector.All.Time': Math.round(sum(({ collecting }) => collecting)),
      // Threads are stopped one by one: what counts is the one that is stopped most.
      ...(stopped === null
        ? {}
        : { 'Status.JVM.GarbageCollector.All.TimeMsPerSecond': Math.max(...Object.values(stopped)) }),
      'Status.Flink.Memory.Managed.Used': threads.reduce((all, { stateBytes }) => all + stateBytes, 0),
    };
  }
}
