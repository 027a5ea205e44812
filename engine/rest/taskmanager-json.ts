// TaskManagers as the REST API shows them. Memory is one pool here: what Flink splits into kinds stands under the task heap.
import type { JobView, TaskManagerView } from './gateway.ts';

const MIB = 2 ** 20;

function resource(cpuCores: number, heapMiB: number) {
  return {
    cpuCores,
    taskHeapMemory: Math.floor(heapMiB),
    taskOffHeapMemory: 0,
    managedMemory: 0,
    networkMemory: 0,
    extendedResources: {},
  };
}

function assigned(job: JobView | null, taskManagerId: string): number {
  const subtasks = job?.vertices.flatMap((vertex) => vertex.subtasks) ?? [];
  return subtasks.filter((subtask) => subtask.taskManagerId === taskManagerId && !subtask.timestamps.FINISHED).length;
}

export function taskManagerSummary(view: TaskManagerView, job: JobView | null) {
  const processSize = view.metrics['processSize'] ?? 0;
  const heapMiB = processSize / MIB;
  const free = view.slots === 0 ? 0 : view.freeSlots / view.slots;
  return {
    id: view.id,
    path: view.path,
    dataPort: view.dataPort,
    jmxPort: -1,
    timeSinceLastHeartbeat: view.lastHeartbeat,
    slotsNumber: view.slots,
    freeSlots: view.freeSlots,
    assignedTasks: assigned(job, view.id),
    totalResource: resource(view.slots, heapMiB),
    freeResource: resource(view.freeSlots, heapMiB * free),
    hardware: {
      cpuCores: view.cpuCores,
      physicalMemory: view.physicalMemory,
      freeMemory: processSize,
      managedMemory: 0,
    },
    memoryConfiguration: {
      frameworkHeap: 0,
      taskHeap: processSize,
      frameworkOffHeap: 0,
      taskOffHeap: 0,
      networkMemory: 0,
      managedMemory: 0,
      jvmMetaspace: 0,
      jvmOverhead: 0,
      totalFlinkMemory: processSize,
      totalProcessMemory: processSize,
    },
  };
}

export function taskManagerDetail(view: TaskManagerView, job: JobView | null) {
  const metric = (name: string): number => view.metrics[name] ?? 0;
  const summary = taskManagerSummary(view, job);
  const used = view.slots - view.freeSlots;
  const slot = resource(1, view.slots === 0 ? 0 : metric('processSize') / MIB / view.slots);
  return {
    ...summary,
    allocatedSlots: Array.from({ length: used }, () => ({
      jobId: job?.jobId ?? '',
      resource: slot,
      assignedTasks: Math.round(summary.assignedTasks / Math.max(used, 1)),
    })),
    metrics: {
      heapUsed: metric('Status.JVM.Memory.Heap.Used'),
      heapCommitted: metric('Status.JVM.Memory.Heap.Committed'),
      heapMax: metric('Status.JVM.Memory.Heap.Max'),
      nonHeapUsed: metric('Status.JVM.Memory.NonHeap.Used'),
      nonHeapCommitted: metric('Status.JVM.Memory.NonHeap.Committed'),
      nonHeapMax: metric('Status.JVM.Memory.NonHeap.Max'),
      directCount: 0,
      directUsed: metric('Status.JVM.Memory.Direct.MemoryUsed'),
      directMax: 0,
      mappedCount: 0,
      mappedUsed: 0,
      mappedMax: 0,
      nettyShuffleMemorySegmentsAvailable: 0,
      nettyShuffleMemorySegmentsUsed: 0,
      nettyShuffleMemorySegmentsTotal: 0,
      nettyShuffleMemoryAvailable: 0,
      nettyShuffleMemoryUsed: 0,
      nettyShuffleMemoryTotal: 0,
      garbageCollectors: [
        {
          name: 'All',
          count: metric('Status.JVM.GarbageCollector.All.Count'),
          time: metric('Status.JVM.GarbageCollector.All.Time'),
        },
      ],
    },
  };
}
