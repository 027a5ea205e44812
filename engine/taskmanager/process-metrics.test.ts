import { until } from '../../test/harness/until.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { NO_MEMORY, watchThread } from './thread-memory.ts';

const GC = 'Status.JVM.GarbageCollector.All.TimeMsPerSecond';

test('memory is that of the slots together, the time of collections that of the slot that is stopped most', () => {
  const metrics = new ProcessMetrics(2 ** 29);
  const slot = (collecting: number) => ({
    memory: { ...NO_MEMORY, heapUsed: 10, heapMax: 100, code: 3, buffers: 5, collections: 2, collecting },
    stateBytes: 7,
  });
  const read = (at: number, first: number, second: number) =>
    metrics.read({
      ...{ at, resident: 1000, buffers: 1 },
      slots: new Map([
        [0, slot(first)],
        [1, slot(second)],
      ]),
    });
  expect(read(0, 0, 0)).toEqual({
    processSize: 2 ** 29,
    residentMemory: 1000,
    'Status.JVM.Memory.Heap.Used': 20,
    'Status.JVM.Memory.Heap.Committed': 0,
    'Status.JVM.Memory.Heap.Max': 200,
    'Status.JVM.Memory.Metaspace.Used': 6,
    'Status.JVM.Memory.Direct.MemoryUsed': 11,
    'Status.JVM.GarbageCollector.All.Count': 4,
    'Status.JVM.GarbageCollector.All.Time': 0,
    'Status.Flink.Memory.Managed.Used': 14,
  });
  expect(read(2_000, 20, 300)).toMatchObject({ [GC]: 150, 'Status.JVM.GarbageCollector.All.Time': 320 });
});

test('of slots that have not reported nothing is told', () => {
  const metrics = new ProcessMetrics(1).read({ at: 0, resident: 1, buffers: 1, slots: new Map() });
  expect(Object.keys(metrics)).toEqual(['processSize', 'residentMemory']);
});

test('a thread knows its heap, its limit and its collections', async () => {
  const read = watchThread();
  const kept: number[][] = [];
  // V8 tells of a collection once the thread has come back to its event loop.
  await until(
    'a collection',
    () => {
      for (let i = 0; i < 500; i++) kept[i % 10] = Array.from({ length: 10_000 }, (_, n) => n + i);
      return read().collections > 0;
    },
    { seconds: 20, every: 1 },
  );
  const memory = read();
  expect(memory.collecting).toBeGreaterThan(0);
  expect(memory.heapUsed).toBeGreaterThan(0);
  expect(memory.heapMax).toBeGreaterThan(memory.heapUsed);
  expect(memory.code).toBeGreaterThan(0);
});
