// What V8 tells of the memory of the thread that asks.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';

/** Bytes; garbage collections since the thread began to be watched. */
export interface ThreadMemory {
  heapUsed: number;
  heapCommitted: number;
  /** What the heap may grow to. */
  heapMax: number;
  /** Compiled code and bytecode, which are a part of the heap. */
  code: number;
  /** Batches and state: outside of the heap. */
  buffers: number;
  collections: number;
  /** Milliseconds for which they stopped the thread. */
  collecting: number;
}

export const NO_MEMORY: ThreadMemory = {
  ...{ heapUsed: 0, heapCommitted: 0, heapMax: 0, code: 0, buffers: 0 },
  ...{ collections: 0, collecting: 0 },
};

/** V8's spaces of code, and of what only it may write: bytecode and the data of code. */
const OF_CODE = /^(code|trusted)_/;

/** V8 also tells of code exactly (getHeapCodeStatistics), but walks the whole heap for it: a tenth of a second for 160 MB, at each heartbeat. */
function codeBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => OF_CODE.test(space_name));
  return spaces.reduce((bytes, { space_used_size }) => bytes + space_used_size, 0);
}

/** Watches this thread's garbage collections from now on. Returns how to read its memory. */
export function watchThread(): () => ThreadMemory {
  let collections = 0;
  let collecting = 0;
  const add = (entries: { duration: number }[]): void => {
    collections += entries.length;
    for (const { duration } of entries) collecting += duration;
  };
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    add(observer.takeRecords());
    const heap = getHeapStatistics();
    return {
      heapUsed: heap.used_heap_size,
      heapCommitted: heap.total_heap_size,
      heapMax: heap.heap_size_limit,
      code: codeBytes(),
      buffers: process.memoryUsage().arrayBuffers,
      collections,
      collecting,
    };
  };
}
