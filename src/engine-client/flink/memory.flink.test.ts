// The division of memory against Flink's own: what its BashJavaUtils, run in a JVM, makes of the same limits and keys. What it is asked is drawn from a seed that is
// printed; `FLOWJOB_SEED=N` draws the same again.
import fc from 'fast-check';
import { ensureFlink } from '../../../test/flink/distribution.ts';
import { divideMemory, type Divided, type Division } from '../../../test/flink/divide-memory.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { quantityValue } from '../../api/schema-kit.ts';
import { flinkPlan } from '../../runtime/kubernetes/flink-plan.fixture.ts';
import { jobManagerCommand, taskManagerCommand } from './command.ts';
import { jobManagerMemory } from './memory.ts';

const seed = Number(process.env['FLOWJOB_SEED'] ?? Date.now() % 2 ** 31);
const EACH = 500;
const MIB = 2 ** 20;

interface Question {
  role: Division['role'];
  /** As a user writes it. */
  limit: string;
  config: Record<string, string>;
}

const size = (max: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(fc.integer({ min: 0, max }), fc.constantFrom('m', 'mb', ' MB', 'mebibytes'))
      .map(([n, unit]) => `${n}${unit}`),
    fc
      .tuple(fc.integer({ min: 0, max: max * MIB }), fc.constantFrom('', 'b', ' bytes'))
      .map(([n, unit]) => `${n}${unit}`),
    fc.tuple(fc.integer({ min: 0, max: max * 1024 }), fc.constantFrom('k', 'kb')).map(([n, unit]) => `${n}${unit}`),
    { arbitrary: fc.constantFrom('1g', '1 gb', '0', '9223372036854775807 bytes', '1Gi', '1.5g', '-1m', ''), weight: 1 },
  );
const fraction = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 99 }).map((n) => String(n / 100)), weight: 6 },
  { arbitrary: fc.double({ min: 0, max: 0.999, noNaN: true }).map(String), weight: 3 },
  {
    arbitrary: fc.constantFrom(
      '.3',
      '1e-1',
      '0.4f',
      ' 0.2 ',
      '0.7D',
      '1',
      '1.0',
      '-0.1',
      'half',
      '',
      '0x1',
      '10%',
      'NaN',
    ),
    weight: 1,
  },
);

/** Keys that leave some of what there is, each in few of the questions: all at once nearly nothing fits. */
const keys = (all: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<Record<string, string>> =>
  fc
    .uniqueArray(fc.constantFrom(...Object.keys(all)), { maxLength: 4 })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((key) => [key, all[key]!]))));
const limit = fc.oneof(
  fc.integer({ min: 600, max: 65_536 }).map((n) => `${n}Mi`),
  fc.integer({ min: 5, max: 512 }).map((n) => `${n * 128}Mi`),
  fc.integer({ min: 600 * MIB, max: 2 ** 35 }).map(String),
  fc.integer({ min: 700, max: 9_000 }).map((n) => `${n / 1000}Gi`),
);

const overhead = (role: string): Record<string, fc.Arbitrary<string>> => ({
  [`${role}.memory.jvm-metaspace.size`]: size(600),
  [`${role}.memory.jvm-overhead.fraction`]: fraction,
  [`${role}.memory.jvm-overhead.min`]: size(1200),
  [`${role}.memory.jvm-overhead.max`]: size(2000),
});
const jobManagers = keys({
  ...overhead('jobmanager'),
  'jobmanager.memory.off-heap.size': size(400),
  'jobmanager.memory.heap.size': size(3000),
  'jobmanager.memory.flink.size': size(4000),
  'jobmanager.memory.enable-jvm-direct-memory-limit': fc.constantFrom('true', 'false', 'TRUE'),
});
const taskManagers = keys({
  ...overhead('taskmanager'),
  'taskmanager.memory.framework.heap.size': size(300),
  'taskmanager.memory.framework.off-heap.size': size(300),
  'taskmanager.memory.task.off-heap.size': size(300),
  'taskmanager.memory.task.heap.size': size(2000),
  'taskmanager.memory.managed.size': size(1500),
  'taskmanager.memory.managed.fraction': fraction,
  'taskmanager.memory.flink.size': size(5000),
  'taskmanager.memory.network.fraction': fraction,
  'taskmanager.memory.network.min': size(500),
  'taskmanager.memory.network.max': size(1000),
  // Names of before FLIP-49, and two that there never were.
  'taskmanager.memory.size': size(1500),
  'taskmanager.network.memory.fraction': fraction,
  'taskmanager.network.memory.min': size(500),
  'taskmanager.network.memory.max': size(1000),
  'taskmanager.memory.managed.min': size(1500),
  'taskmanager.memory.managed.max': size(1500),
});
/** Sizes that leave what is asked of them to be right: drawn apart they hardly ever do. */
const fitting = fc
  .tuple(fc.integer({ min: 64, max: 3000 }), fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 150, max: 1100 }))
  .map(([heap, managed, over]): Question => {
    const inner = 128 + 128 + heap + managed;
    const flink = inner + Math.max(64, Math.round(inner / 9));
    return {
      role: 'taskmanager',
      limit: `${flink + 256 + over}Mi`,
      config: { 'taskmanager.memory.task.heap.size': `${heap}m`, 'taskmanager.memory.managed.size': `${managed}m` },
    };
  });
const ofFlink = fc
  .tuple(
    fc.constantFrom('jobmanager', 'taskmanager'),
    fc.integer({ min: 600, max: 4000 }),
    fc.integer({ min: 150, max: 1100 }),
  )
  .map(([role, flink, over]): Question => ({
    role: role,
    limit: `${flink + 256 + over}Mi`,
    config: { [`${role}.memory.flink.size`]: `${flink}m` },
  }));
const heap = fc
  .tuple(fc.integer({ min: 64, max: 4000 }), fc.integer({ min: 150, max: 1100 }), fc.boolean())
  .map(([size, over, both]): Question => ({
    role: 'jobmanager',
    limit: `${size + 128 + 256 + over}Mi`,
    config: {
      'jobmanager.memory.heap.size': `${size}m`,
      ...(both ? { 'jobmanager.memory.flink.size': `${size + 128}m` } : {}),
    },
  }));

const questions: Question[] = [
  ...fc
    .sample(fc.tuple(limit, jobManagers), { numRuns: EACH, seed })
    .map(([of, config]): Question => ({ role: 'jobmanager', limit: of, config })),
  ...fc
    .sample(fc.tuple(limit, taskManagers), { numRuns: 2 * EACH, seed })
    .map(([of, config]): Question => ({ role: 'taskmanager', limit: of, config })),
  ...fc.sample(fc.oneof(fitting, ofFlink, heap), { numRuns: EACH, seed }),
];

let ofFlinkItself: Divided[];

beforeAll(async () => {
  console.log(`seed ${seed}`);
  // A container has whole bytes.
  const asked = questions.map(({ role, limit: of, config }): Division => ({
    role,
    config: { ...config, [`${role}.memory.process.size`]: String(Math.floor(quantityValue(of))) },
  }));
  ofFlinkItself = await divideMemory(await ensureFlink(console.log), asked);
}, 600_000);

const { spec: job } = flinkPlan();
const folders = { config: '/config', temporary: '/tmp' };
const files = { script: '/job.sql', jar: '/job.jar' };
const attempt = { jobId: 'a'.repeat(32), files, restoreFrom: undefined, allowNonRestoredState: undefined };
const place = { resourceId: 'one', address: 'here', jobManagerAddress: 'there' };

/** What the pods get of it; a JobManager's parts besides its heap are told by its configuration. */
function own({ role, limit: memory, config }: Question): Divided {
  const resources = { limits: { memory } };
  const spec = {
    ...job,
    engine: { ...job.engine, config },
    jobManager: { ...job.jobManager, resources },
    taskManager: { ...job.taskManager, resources },
  } as ResolvedFlowJobSpec;
  try {
    const command =
      role === 'jobmanager'
        ? jobManagerCommand(spec, attempt, folders, 'here')
        : taskManagerCommand(spec, folders, { ...place, memory });
    const told = command.flatMap((word, i) => (command[i - 1] === '-D' ? [word.split('=') as [string, string]] : []));
    const options = Object.fromEntries(
      role === 'taskmanager' ? told : Object.entries(jobManagerOptions(memory, config)),
    );
    return relevant(role, { jvm: command, options });
  } catch (error) {
    if (error instanceof RangeError) return { refused: error.message };
    throw error;
  }
}

function jobManagerOptions(memory: string, config: Question['config']): Record<string, string> {
  const { heap, offHeap, metaspace, overhead } = jobManagerMemory(quantityValue(memory), config);
  const sizes = { heap, 'off-heap': offHeap, 'jvm-metaspace': metaspace };
  return {
    ...Object.fromEntries(
      Object.entries(sizes).map(([name, bytes]) => [`jobmanager.memory.${name}.size`, `${bytes}b`]),
    ),
    'jobmanager.memory.jvm-overhead.min': `${overhead}b`,
    'jobmanager.memory.jvm-overhead.max': `${overhead}b`,
  };
}

/** Without what a command line says besides, of other things than memory. */
function relevant(role: Question['role'], divided: Divided): Divided {
  if ('refused' in divided) return divided;
  return {
    jvm: divided.jvm.filter((option) => /^-X(m[sx]|X:Max)/.test(option)).sort(),
    options: Object.fromEntries(
      Object.entries(divided.options)
        .filter(([key]) => key.startsWith(`${role}.memory.`))
        .sort(),
    ),
  };
}

/** Of heaps that nobody has set: Flink warns of the one, and knows no least of the other. */
const LEAST = { jobmanager: 128 * MIB, taskmanager: 24 * MIB };
const HEAP = { jobmanager: 'jobmanager.memory.heap.size', taskmanager: 'taskmanager.memory.task.heap.size' };

/** What is to be of a question to which Flink gives this answer. */
function wanted({ role, config }: Question, divided: Divided): Divided {
  if ('refused' in divided) return divided;
  const bytes = Number.parseInt(divided.options[HEAP[role]]!, 10);
  if (config[HEAP[role]] === undefined && bytes < LEAST[role]) return { refused: `a heap of ${bytes}` };
  return relevant(role, divided);
}

const comparable = (divided: Divided): unknown => ('refused' in divided ? 'refused' : divided);

test('whatever the limit and the keys, JVMs and TaskManagers get what Flink would give them; what it refuses is refused, and a heap that is too small', () => {
  const different = questions.flatMap((question, i) => {
    const [flink, operator] = [wanted(question, ofFlinkItself[i]!), own(question)];
    const same = JSON.stringify(comparable(flink)) === JSON.stringify(comparable(operator));
    return same ? [] : [{ question, flink, operator }];
  });
  expect({ different: different.slice(0, 5), of: different.length }).toEqual({ different: [], of: 0 });
});

test('of what is asked there are answers for each key, and refusals', () => {
  expect(ofFlinkItself).toHaveLength(questions.length);
  const answered = questions.filter((question, i) => !('refused' in wanted(question, ofFlinkItself[i]!)));
  expect(answered.length).toBeGreaterThan(questions.length / 4);
  expect(answered.length).toBeLessThan(questions.length);
  const keysOf = (some: readonly Question[]): string[] =>
    [...new Set(some.flatMap(({ config }) => Object.keys(config)))].sort();
  expect(keysOf(answered)).toEqual(keysOf(questions));
});
