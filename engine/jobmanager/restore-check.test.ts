// What of a text may change while its state goes on: each row of the table in docs/reference/state-compatibility.md, and that its refusals name what they mean.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MANIFEST_VERSION, type Manifest } from '../checkpoint/storage.ts';
import { sinkConnector, sourceConnector } from '../connectors/registry.ts';
import { EngineError } from '../errors.ts';
import type { ExecPlan, SourceSpec } from '../plan/exec-plan.ts';
import { planScript } from '../plan/plan-script.ts';
import { stateSchemaOf } from '../state/schema.ts';
import { checkRestore } from './restore-check.ts';

let input: string;
beforeAll(async () => {
  input = await mkdtemp(join(tmpdir(), 'restore-check-'));
  await writeFile(join(input, 'a.json'), '{"k": "x"}\n');
});
afterAll(() => rm(input, { recursive: true, force: true }));

function planOf(sql: string, parallelism = 2): ExecPlan {
  return planScript(sql, {
    mode: 'STREAMING',
    parallelism,
    jobName: 'job',
    describeSource: (table) => sourceConnector(table).describe(table),
    describeSink: (table, changelog) => sinkConnector(table).describe(table, changelog),
  });
}

const operatorsOf = (plan: ExecPlan) => plan.vertices.flatMap((vertex) => vertex.operators);
const sourcesOf = (plan: ExecPlan): SourceSpec[] => operatorsOf(plan).filter((operator) => operator.type === 'Source');

/** A savepoint of a job of this plan. */
async function savepointOf(plan: ExecPlan): Promise<Manifest> {
  const held = operatorsOf(plan).flatMap((operator) =>
    operator.type === 'GroupAggregate' || operator.type === 'WindowAggregate'
      ? [{ operatorId: operator.id, stateSchema: stateSchemaOf(operator), keyedBytes: 8, keyGroups: [1] }]
      : [],
  );
  const sources = sourcesOf(plan).map(async ({ id, table }) => ({
    operatorId: id,
    splits: await sourceConnector(table).discoverSplits(table),
  }));
  const manifest: Manifest = {
    formatVersion: MANIFEST_VERSION,
    kind: 'SAVEPOINT',
    jobId: 'a'.repeat(32),
    jobName: 'job',
    checkpointId: 1,
    epoch: 1,
    triggerTimestamp: 0,
    maxParallelism: 128,
    operators: operatorsOf(plan).map(({ id, uid, name }) => ({
      operatorId: id,
      uid,
      name,
      vertexId: id,
      parallelism: 2,
    })),
    files: [{ vertexId: 'v', subtask: 0, path: 'v-0-1.state', length: 0, indexCrc32: 0, operators: held }],
    sources: await Promise.all(sources),
    committables: [],
    endOfInput: false,
  };
  // As it comes back from storage.
  return JSON.parse(JSON.stringify(manifest)) as Manifest;
}

/** `kept`, or the error. */
async function outcome(
  before: string,
  after: string,
  options: { parallelism?: number; allow?: boolean } = {},
): Promise<EngineError | 'kept'> {
  const manifest = await savepointOf(planOf(before));
  const plan = planOf(after, options.parallelism);
  try {
    checkRestore(manifest, '/savepoints/s', plan, options.allow ?? false);
    for (const { id, table } of sourcesOf(plan)) {
      const known = manifest.sources.find(({ operatorId }) => operatorId === id);
      if (known !== undefined) await sourceConnector(table).checkSplits(table, known.splits);
    }
    return 'kept';
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
}

const COLUMNS = 'k STRING NOT NULL, j INT, x INT NOT NULL, y INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts';
const WITH = (): string => `'connector' = 'filesystem', 'path' = '${input}', 'format' = 'json'`;
const table = (columns = COLUMNS, options = WITH(), name = 'events'): string =>
  `CREATE TABLE ${name} (${columns}) WITH (${options});\n`;
const sink = (name = 'res', columns = 'k STRING'): string =>
  `CREATE TABLE ${name} (${columns}) WITH ('connector' = 'blackhole');\n`;
const insert = (select: string, into = 'res'): string => `INSERT INTO ${into} ${select};\n`;
/** One GROUP BY over the events. */
const grouped = (
  aggregates: string,
  tail = 'FROM events GROUP BY k',
  output = 'k STRING, a BIGINT',
  columns = COLUMNS,
): string => table(columns) + sink('res', output) + insert(`SELECT k, ${aggregates} ${tail}`);
const windowed = (size: number): string =>
  table() +
  sink('res', 'k STRING, a BIGINT') +
  insert(
    `SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '${size}' SECOND)) GROUP BY k, window_start, window_end`,
  );
const SUM = (): string => grouped('SUM(y)', undefined, 'k STRING, a INT');
const swap = (from: string, to: string): string => COLUMNS.replace(from, to);
const plain = (): string => sink('copy') + insert('SELECT k FROM events', 'copy');

/** Row of the table -> texts before and after. All pairs of a row have its outcome. */
const CASES: Record<string, () => [before: string, after: string, parallelism?: number][]> = {
  'another filter in WHERE': () => [
    [SUM(), grouped('SUM(y)', 'FROM events WHERE x > 3 GROUP BY k', 'k STRING, a INT')],
  ],
  'another condition in HAVING': () => [
    [SUM(), grouped('SUM(y)', 'FROM events GROUP BY k HAVING COUNT(y) > 1', 'k STRING, a INT')],
  ],
  'another alias': () => [[SUM(), grouped('SUM(y) AS total', 'FROM events AS e GROUP BY e.k', 'k STRING, total INT')]],
  'a column added to the output': () => [
    [SUM(), grouped('SUM(y), SUM(y) * 2, UPPER(k)', undefined, 'k STRING, a INT, b INT, c STRING')],
  ],
  'an aggregate removed': () => [[grouped('SUM(y), MAX(j)', undefined, 'k STRING, a INT, b INT'), SUM()]],
  'AVG(x) or COUNT(x) added beside SUM(x)': () => [
    [SUM(), grouped('SUM(y), AVG(y)', undefined, 'k STRING, a INT, b INT')],
    [SUM(), grouped('SUM(y), COUNT(y)', undefined, 'k STRING, a INT, b BIGINT')],
  ],
  'SUM(x) in place of AVG(x)': () => [[grouped('AVG(y)', undefined, 'k STRING, a INT'), SUM()]],
  'x of COUNT(x), SUM(x) or AVG(x) becomes nullable': () =>
    ['COUNT(x)', 'SUM(x)', 'AVG(x)', 'SUM(x) FILTER (WHERE y > 1)'].map((aggregate) => [
      grouped(`CAST(${aggregate} AS BIGINT)`),
      grouped(`CAST(${aggregate} AS BIGINT)`, undefined, undefined, swap('x INT NOT NULL', 'x INT')),
    ]),
  'a key becomes nullable': () => [
    [grouped('COUNT(*)'), grouped('COUNT(*)', undefined, undefined, swap('k STRING NOT NULL', 'k STRING'))],
  ],
  'x of SUM(x) from INT to BIGINT': () => [[SUM(), grouped('SUM(y)', undefined, undefined, swap('y INT', 'y BIGINT'))]],
  'a column added to a table': () => [
    [grouped('COUNT(*)'), grouped('COUNT(*)', undefined, undefined, `first DOUBLE, ${COLUMNS}`)],
  ],
  'other WITH options of the same format': () => [
    [
      grouped('COUNT(*)'),
      grouped('COUNT(*)').replace(WITH(), `${WITH()}, 'replay.rate' = '7', 'json.ignore-parse-errors' = 'true'`),
    ],
  ],
  'statements added before and after, and reordered': () => [
    [
      grouped('COUNT(*)'),
      `SET 'a' = 'b';\n${grouped('COUNT(*)')}${sink('more', 'k STRING, n BIGINT')}${insert('SELECT k, COUNT(*) FROM events GROUP BY k', 'more')}`,
    ],
    [
      grouped('COUNT(*)') + plain(),
      table() + plain() + sink('res', 'k STRING, a BIGINT') + insert('SELECT k, COUNT(*) FROM events GROUP BY k'),
    ],
  ],
  'a query put into a view': () => [
    [
      grouped('COUNT(*)'),
      `${table()}CREATE VIEW v AS SELECT k AS key1, x FROM events;\n${sink('res', 'k STRING, a BIGINT')}${insert('SELECT key1, COUNT(*) FROM v GROUP BY key1')}`,
    ],
  ],
  'another parallelism': () => [[grouped('COUNT(*)'), grouped('COUNT(*)'), 128]],
  'a statement without aggregation removed, its source still read': () => [
    [grouped('COUNT(*)') + plain(), grouped('COUNT(*)')],
  ],
  'an aggregate added that the state does not hold': () => [
    [SUM(), grouped('SUM(y), MIN(y)', undefined, 'k STRING, a INT, b INT')],
    [grouped('COUNT(*)'), SUM()],
    [grouped('COUNT(*)'), grouped('COUNT(y)')],
  ],
  'another type of x in MIN(x) or MAX(x)': () => [
    [
      grouped('CAST(MIN(y) AS BIGINT)'),
      grouped('CAST(MIN(y) AS BIGINT)', undefined, undefined, swap('y INT', 'y BIGINT')),
    ],
  ],
  'another type of a key': () => [
    [grouped('COUNT(*)'), grouped('COUNT(*)', undefined, 'k INT, a BIGINT', swap('k STRING NOT NULL', 'k INT'))],
  ],
  'another filter in FILTER (WHERE ...)': () => [
    [grouped('COUNT(*) FILTER (WHERE y > 1)'), grouped('COUNT(*) FILTER (WHERE y > 2)')],
  ],
  'a key added, removed or moved': () => [
    [grouped('COUNT(*)'), grouped('COUNT(*)', 'FROM events GROUP BY k, j')],
    [grouped('COUNT(*)', 'FROM events GROUP BY k, j'), grouped('COUNT(*)')],
    [grouped('COUNT(*)', 'FROM events GROUP BY k, j'), grouped('COUNT(*)', 'FROM events GROUP BY j, k')],
  ],
  "a key's column renamed in its table": () => [
    [
      grouped('COUNT(*)'),
      table(swap('k STRING', 'kk STRING')) +
        sink('res', 'k STRING, a BIGINT') +
        insert('SELECT kk, COUNT(*) FROM events GROUP BY kk'),
    ],
  ],
  'another size of the window': () => [[windowed(10), windowed(20)]],
  'a window added or removed': () => [
    [grouped('COUNT(*)'), windowed(10)],
    [windowed(10), grouped('COUNT(*)')],
  ],
  'an aggregation removed': () => [[grouped('COUNT(*)') + plain(), table() + plain()]],
  'the sink of an aggregation renamed': () => [
    [grouped('COUNT(*)'), grouped('COUNT(*)').replaceAll(/\bres\b/g, 'other')],
  ],
  'a source removed or renamed': () => [
    [
      table() +
        table('k STRING', WITH(), 'more') +
        sink() +
        insert('SELECT k FROM events') +
        insert('SELECT k FROM more'),
      table() + sink() + insert('SELECT k FROM events'),
    ],
    [table() + plain(), (table() + plain()).replaceAll('events', 'happenings')],
  ],
  'another format or connector of a source': () => [
    [table() + plain(), table(COLUMNS, WITH().replace('json', 'csv')) + plain()],
    [table() + plain(), table(COLUMNS, "'connector' = 'datagen'") + plain()],
  ],
  'a source moved without the files that it was reading': () => [
    [table() + plain(), table(COLUMNS, WITH().replace(input, `${input}/elsewhere`)) + plain()],
  ],
};

const page = readFileSync('docs/reference/state-compatibility.md', 'utf8');
const documented = [...page.split('| change | outcome |')[1]!.matchAll(/^\| (?!---|-)(.+?) \| (\S+) \|$/gm)].map(
  ([, change, result]) => ({ change: change!, result: result! }),
);

test('the page and these tests have the same rows', () => {
  expect(documented.map(({ change }) => change)).toEqual(Object.keys(CASES));
});

test.each(documented)('$change: $result', async ({ change, result }) => {
  for (const [before, after, parallelism] of CASES[change]!()) {
    const found = await outcome(before, after, parallelism === undefined ? {} : { parallelism });
    const described = found === 'kept' ? found : found.code;
    if (described !== result) throw new Error(`${before}-- then\n${after}-- ${described}`, { cause: found });
    if (found === 'kept') continue;
    // By name, and with what can be done.
    expect(found.message).toMatch(/agg:res\/events|source:|table events/);
    expect(found.hint).toBeDefined();
  }
});

test('a refusal says what stands in the place of what is missing', async () => {
  const error = (await outcome(windowed(10), windowed(20))) as EngineError;
  expect(error.message).toMatch(
    /window-agg:res\/events:\[k\]:tumble\(ts, 10000, 0\) \(.*\), in whose place the job has window-agg:res\/events:\[k\]:tumble\(ts, 20000, 0\)$/,
  );
  expect((await outcome(SUM(), grouped('MIN(y)', undefined, 'k STRING, a INT'))) as EngineError).toMatchObject({
    code: 'STATE_INCOMPATIBLE',
    message:
      'state of agg:res/events:[k] cannot be restored: min(y) is not in the savepoint, which holds sum(y), count(y)',
    hint: 'remove it from the query, or start without state',
  });
});

test('state that no operator takes up is left behind when that is allowed, what does not fit is still refused', async () => {
  expect(await outcome(windowed(10), windowed(20), { allow: true })).toBe('kept');
  expect(await outcome(table() + plain(), (table() + plain()).replaceAll('events', 'others'), { allow: true })).toBe(
    'kept',
  );
  expect(await outcome(grouped('COUNT(*)'), SUM(), { allow: true })).toMatchObject({ code: 'STATE_INCOMPATIBLE' });
});
