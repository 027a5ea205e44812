// How the memory of a container is divided among the parts of a Flink process: the arithmetic of FLIP-49 and FLIP-116 (org.apache.flink.runtime.util.config.memory,
// which Flink's own scripts run in a JVM of its own before each start). Bytes throughout.
import {
  fractionOf,
  leftFor,
  mebibytes,
  part,
  partBeside,
  shareOf,
  sizeOf,
  type Config,
  type Share,
} from './memory-options.ts';

const MIB = 2 ** 20;

export interface JobManagerMemory {
  heap: number;
  offHeap: number;
  metaspace: number;
  overhead: number;
}

export interface TaskManagerMemory {
  frameworkHeap: number;
  taskHeap: number;
  frameworkOffHeap: number;
  taskOffHeap: number;
  network: number;
  managed: number;
  metaspace: number;
  overhead: number;
}

/** JobManagerOptions.MIN_JVM_HEAP_SIZE, of which Flink only warns. */
const MIN_JOB_MANAGER_HEAP = 128 * MIB;
/** Less than this and no task of SQL runs. */
const MIN_TASK_HEAP = 24 * MIB;

const OVERHEAD = { fraction: 0.1, min: 192 * MIB, max: 1024 * MIB };
const NETWORK = { fraction: 0.1, min: 64 * MIB, max: Infinity };

/** `bytes` may have a fraction, as a quantity of Kubernetes may. Throws RangeError when it is too little, or `config` does not fit it. */
export function jobManagerMemory(bytes: number, config: Config): JobManagerMemory {
  const divide = (total: number): JobManagerMemory => divideJobManager(total, config);
  const isSet = sizeOf(config, 'jobmanager.memory.heap.size') !== undefined;
  const enough = ({ heap }: JobManagerMemory): boolean => isSet || heap >= MIN_JOB_MANAGER_HEAP;
  return ifEnough(Math.floor(bytes), divide, enough, 'jobManager', `${mebibytes(MIN_JOB_MANAGER_HEAP)} for heap`);
}

function divideJobManager(total: number, config: Config): JobManagerMemory {
  const set = (name: string): number | undefined => sizeOf(config, `jobmanager.memory.${name}.size`);
  const [flinkSet, heapSet, offHeapSet] = [set('flink'), set('heap'), set('off-heap')];
  const metaspace = set('jvm-metaspace') ?? 256 * MIB;
  const overheadShare = shareOf(config, 'jobmanager.memory.jvm-overhead', OVERHEAD);
  const offHeap =
    offHeapSet ?? (flinkSet !== undefined && heapSet !== undefined ? flinkSet - heapSet : undefined) ?? 128 * MIB;
  const flink = flinkSet ?? (heapSet === undefined ? undefined : heapSet + offHeap);
  const overhead =
    flink === undefined ? part(overheadShare, total) : leftFor(overheadShare, total - metaspace - flink, 'jobManager');
  const heap = (flink ?? total - metaspace - overhead) - offHeap;
  if (heapSet !== undefined && (offHeap < 0 || heap !== heapSet))
    throw new RangeError(
      'engine.config: jobmanager.memory.flink.size is not the sum of jobmanager.memory.heap.size and jobmanager.memory.off-heap.size: remove one of them',
    );
  return { heap, offHeap, metaspace, overhead };
}

/** `bytes` may have a fraction, as a quantity of Kubernetes may. Throws RangeError when it is too little, or `config` does not fit it. */
export function taskManagerMemory(bytes: number, config: Config): TaskManagerMemory {
  const divide = (total: number): TaskManagerMemory => divideTaskManager(total, config);
  const isSet = sizeOf(config, 'taskmanager.memory.task.heap.size') !== undefined;
  const enough = ({ taskHeap }: TaskManagerMemory): boolean => isSet || taskHeap >= MIN_TASK_HEAP;
  return ifEnough(
    Math.floor(bytes),
    divide,
    enough,
    'taskManager',
    `${mebibytes(MIN_TASK_HEAP)} for the heap of tasks; taskmanager.memory.managed.fraction "0" in engine.config frees the most`,
  );
}

function divideTaskManager(total: number, config: Config): TaskManagerMemory {
  const set = (name: string): number | undefined => sizeOf(config, `taskmanager.memory.${name}.size`);
  const [flinkSet, heapSet, managedSet] = [set('flink'), set('task.heap'), set('managed')];
  const metaspace = set('jvm-metaspace') ?? 256 * MIB;
  const overheadShare = shareOf(config, 'taskmanager.memory.jvm-overhead', OVERHEAD);
  const networkShare = shareOf(config, 'taskmanager.memory.network', NETWORK);
  const fixed = {
    frameworkHeap: set('framework.heap') ?? 128 * MIB,
    frameworkOffHeap: set('framework.off-heap') ?? 128 * MIB,
    taskOffHeap: set('task.off-heap') ?? 0,
  };
  const framework = fixed.frameworkHeap + fixed.frameworkOffHeap + fixed.taskOffHeap;
  const allBut = heapSet === undefined || managedSet === undefined ? undefined : framework + heapSet + managedSet;
  const flinkKnown = flinkSet ?? (allBut === undefined ? undefined : allBut + partBeside(networkShare, allBut));
  const overhead =
    flinkKnown === undefined
      ? part(overheadShare, total)
      : leftFor(overheadShare, total - metaspace - flinkKnown, 'taskManager');
  const flink = flinkKnown ?? total - metaspace - overhead;
  const managed = managedSet ?? part(managedShare(config), flink);
  const network =
    heapSet === undefined
      ? part(networkShare, flink)
      : leftFor(networkShare, flink - framework - managed - heapSet, 'taskManager');
  const taskHeap = heapSet ?? flink - framework - network - managed;
  return { ...fixed, network, managed, metaspace, overhead, taskHeap };
}

/** Has neither a least nor a most; Flink does not read it where a size is set. */
const managedShare = (config: Config): Share => ({
  ...{ prefix: 'taskmanager.memory.managed', min: 0, max: Infinity },
  fraction: fractionOf(config, 'taskmanager.memory.managed.fraction') ?? Math.fround(0.4),
});

/** `least`: what is not left of a total that is not enough. Throws RangeError that says how much is. */
function ifEnough<Memory extends object>(
  total: number,
  divide: (total: number) => Memory,
  isEnough: (memory: Memory) => boolean,
  role: 'jobManager' | 'taskManager',
  least: string,
): Memory {
  const memory = divide(total);
  if (isEnough(memory)) return memory;
  const parts = Object.entries(memory).filter(([name]) => !['heap', 'taskHeap'].includes(name));
  const text = parts.map(([name, bytes]: [string, number]) => `${name} ${mebibytes(bytes)}`).join(', ');
  const needed = leastEnough(Math.ceil(total / MIB), (mib) => isEnough(divide(mib * MIB)));
  const remedy =
    needed === null ? 'no limit is enough for what engine.config sets: lower that' : `raise it to ${needed}Mi at least`;
  throw new RangeError(
    `spec.${role}.resources.limits.memory is ${mebibytes(total)}, and Flink needs ${text} of it, which leaves less than ${least}: ${remedy}`,
  );
}

/** Parts that are fractions grow with the whole. Mebibytes from `tooLittle` on; null where 16 TiB are not enough, or sizes that are set do not fit into more. */
function leastEnough(tooLittle: number, isEnough: (mebibytes: number) => boolean): number | null {
  const suffices = (mib: number): boolean => {
    try {
      return isEnough(mib);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  };
  let [below, found] = [tooLittle, Math.max(1, 2 * tooLittle)];
  while (!suffices(found)) {
    if (found > 2 ** 24) return null;
    [below, found] = [found, 2 * found];
  }
  while (found - below > 1) {
    const middle = Math.floor((below + found) / 2);
    if (suffices(middle)) found = middle;
    else below = middle;
  }
  return found;
}
