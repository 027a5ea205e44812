// The division of memory, against what Flink's own BashJavaUtils printed for the same sizes (GET_TM_RESOURCE_PARAMS and GET_JM_RESOURCE_PARAMS of 2.3.0), and what is
// told where it does not work out. memory.flink.test.ts asks Flink itself of many more.
import fc from 'fast-check';
import { jobManagerMemory, taskManagerMemory } from './memory.ts';

const MIB = 2 ** 20;

test.each([
  [1024, { taskHeap: 26843542, network: 67108864, managed: 241591914, overhead: 201326592 }],
  [1728, { taskHeap: 402653174, network: 134217730, managed: 536870920, overhead: 201326592 }],
  [4096, { taskHeap: 1530082070, network: 359703515, managed: 1438814063, overhead: 429496736 }],
])('a TaskManager of %d MiB divides it as Flink does', (total, parts) => {
  expect(taskManagerMemory(total * MIB, {})).toEqual({
    ...parts,
    frameworkHeap: 128 * MIB,
    frameworkOffHeap: 128 * MIB,
    taskOffHeap: 0,
    metaspace: 256 * MIB,
  });
});

test.each([
  [1024, 469762048, 201326592],
  [1728, 1207959552, 201326592],
  [4096, 3462817376, 429496736],
])('a JobManager of %d MiB divides it as Flink does', (total, heap, overhead) => {
  expect(jobManagerMemory(total * MIB, {})).toEqual({ heap, offHeap: 128 * MIB, metaspace: 256 * MIB, overhead });
});

test('keys of the configuration have the last word', () => {
  const memory = taskManagerMemory(1024 * MIB, {
    'taskmanager.memory.managed.size': '0',
    'taskmanager.memory.network.max': '64 mb',
    'taskmanager.memory.jvm-metaspace.size': '128m',
  });
  expect(memory).toMatchObject({ managed: 0, network: 64 * MIB, metaspace: 128 * MIB });
});

test.each([
  [
    'jobManager',
    () => jobManagerMemory(512 * MIB, {}),
    /jobManager\.resources\.limits\.memory is 512Mi.* raise it to 704Mi at least/,
  ],
  [
    'taskManager',
    () => taskManagerMemory(768 * MIB, {}),
    /taskManager\.resources\.limits\.memory is 768Mi.* raise it to 1022Mi at least/,
  ],
])('a %s with too little is refused with the field, the parts and the remedy', (_, divide, says) => {
  expect(divide).toThrow(RangeError);
  expect(divide).toThrow(says);
});

test('sizes that the configuration sets leave the rest for what has a range', () => {
  const ofFlink = taskManagerMemory(1728 * MIB, { 'taskmanager.memory.flink.size': '1200m' });
  expect(ofFlink).toMatchObject({ metaspace: 256 * MIB, overhead: (1728 - 1200 - 256) * MIB, network: 120 * MIB + 1 });
  const heap = jobManagerMemory(1024 * MIB, { 'jobmanager.memory.heap.size': '400m' });
  expect(heap).toEqual({ heap: 400 * MIB, offHeap: 128 * MIB, metaspace: 256 * MIB, overhead: 240 * MIB });
});

test('a quantity that is no whole number of bytes is rounded down', () => {
  const parts: number[] = Object.values(jobManagerMemory(1.1 * 2 ** 30, {}));
  expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBe(1181116006);
});

test.each([
  [
    { 'taskmanager.memory.flink.size': '1g' },
    /that it sets leave 448Mi, and taskmanager\.memory\.jvm-overhead takes 192Mi to 300Mi: change one of them, spec\.taskManager\.resources/,
  ],
  [{ 'taskmanager.memory.flink.size': '2g' }, /take 576Mi more than there is, and taskmanager\.memory\.jvm-overhead/],
  [
    { 'taskmanager.memory.task.heap.size': '1g' },
    /that it sets take 513Mi more than there is, and taskmanager\.memory\.network takes 64Mi at least/,
  ],
])('%j does not fit, and is refused with what is left', (config, says) => {
  const all = { 'taskmanager.memory.jvm-overhead.max': '300m', ...config };
  expect(() => taskManagerMemory(1728 * MIB, all)).toThrow(says);
});

test('a JobManager’s heap and off-heap that are not the whole that is set are refused', () => {
  const sizes = { heap: '500m', flink: '600m', 'off-heap': '101m' };
  const config = Object.fromEntries(
    Object.entries(sizes).map(([name, value]) => [`jobmanager.memory.${name}.size`, value]),
  );
  expect(() => jobManagerMemory(1152 * MIB, config)).toThrow(/flink\.size is not the sum of .*: remove one of them/);
});

test('what no limit is enough for is told so', () => {
  const all = { 'taskmanager.memory.managed.fraction': '0.6', 'taskmanager.memory.network.fraction': '0.5' };
  expect(() => taskManagerMemory(1728 * MIB, all)).toThrow(
    /no limit is enough for what engine\.config sets: lower that/,
  );
});

test('property: the limit that is asked for is enough, and one that is lower by 1Mi is not', () => {
  const limit = fc.integer({ min: 64, max: 2048 });
  const fraction = fc.integer({ min: 0, max: 80 });
  fc.assert(
    fc.property(limit, fraction, fc.constantFrom(jobManagerMemory, taskManagerMemory), (total, managed, divide) => {
      const config = { 'taskmanager.memory.managed.fraction': String(managed / 100) };
      const asked = (mebibytes: number): number | null => {
        try {
          divide(mebibytes * MIB, config);
          return null;
        } catch (error) {
          return Number(/raise it to (\d+)Mi/.exec((error as Error).message)![1]);
        }
      };
      const enough = asked(total);
      fc.pre(enough !== null);
      expect([asked(enough - 1), asked(enough)]).toEqual([enough, null]);
    }),
  );
});

test.each([
  ['taskmanager.memory.managed.fraction', 'half', /managed\.fraction is "half": write a number/],
  ['taskmanager.memory.task.off-heap.size', '10 pounds', /"10 pounds" is not a size of memory/],
])('%s: %s is refused', (key, value, says) => {
  expect(() => taskManagerMemory(2048 * MIB, { [key]: value })).toThrow(says);
});

test('property: whatever the size, the parts are the whole, and none is negative', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1024, max: 65536 }), (total) => {
      const parts: number[] = Object.values(taskManagerMemory(total * MIB, {}));
      expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBe(total * MIB);
      expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
    }),
  );
});
