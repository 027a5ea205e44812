// Operator ids: what may change in a script while the state of the rest goes on. They are a format: the first test pins them.
import fc from 'fast-check';
import { operatorId } from './operator-ids.ts';
import { batch, operators, plan } from './plans.fixture.ts';

const idsOf = (sql: string): Map<string, string> => new Map(operators(plan(sql)).map(({ uid, id }) => [uid, id]));

/** Uids of the operators that hold state. */
const stateful = (sql: string): string[] =>
  [...idsOf(sql).keys()].filter((uid) => !/^(calc|watermark):/.test(uid)).sort();

test('ids are the hash of what an operator is', () => {
  expect(
    stateful(`INSERT INTO out1 SELECT UPPER(origin), COUNT(*) FROM flights WHERE delay > 0 GROUP BY UPPER(origin), distance + 1;
      INSERT INTO out2 SELECT origin, COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(\`date\`), INTERVAL '1' DAY))
        GROUP BY window_start, window_end, origin`),
  ).toEqual([
    'agg:out1/flights:[UPPER(origin), (distance + 1)]',
    'sink:out1',
    'sink:out2',
    'source:flights',
    'window-agg:out2/flights:[origin]:tumble(date, 86400000, 0)',
  ]);
  expect(idsOf('INSERT INTO out1 SELECT name, id FROM plain').get('source:plain')).toBe(
    'f95401a5ffaf252761db26ccca737203',
  );
  expect(operatorId('source:plain')).toMatch(/^[0-9a-f]{32}$/);
});

test('equal operators are told apart by their order', () => {
  expect(
    stateful(
      `INSERT INTO out1 SELECT name, COUNT(*) FROM plain GROUP BY name; INSERT INTO out1 SELECT name, SUM(id) FROM plain GROUP BY name`,
    ),
  ).toEqual(['agg:out1/plain:[name]', 'agg:out1/plain:[name]#2', 'sink:out1', 'sink:out1#2', 'source:plain']);
});

test('stream and batch have the same ids', () => {
  const sql = 'INSERT INTO out1 SELECT name, COUNT(*) FROM plain GROUP BY name';
  expect(operators(batch(sql)).map(({ id }) => id)).toEqual(operators(plan(sql)).map(({ id }) => id));
});

test('names that look like expressions do not collide with them', () => {
  const table = "CREATE TABLE odd (a INT, `(a + 1)` INT, `a)` STRING) WITH ('connector' = 'datagen');";
  const digests = (key: string): string | undefined =>
    stateful(`${table} SELECT COUNT(*) FROM odd GROUP BY ${key}`).find((uid) => uid.startsWith('agg:'));
  expect(digests('a + 1')).not.toBe(digests('`(a + 1)`'));
});

const KEYS = ['origin', 'UPPER(origin)', 'origin, destination'];
const AGGREGATES = ['COUNT(*)', 'SUM(delay)', 'MIN(distance)', 'AVG(delay)', 'MAX(origin) FILTER (WHERE delay > 3)'];

/** What may stand in a script beside `INSERT INTO target SELECT ... FROM flights ... GROUP BY ...`, and what may change in that. */
const script = fc.record({
  sets: fc.subarray(["SET 'a' = 'b';", "SET 'parallelism.default' = '1';", "SET 'pipeline.name' = 'x';"]),
  comments: fc.subarray(['-- first', '/* second */', '']),
  views: fc.subarray([
    'CREATE VIEW unused AS SELECT id FROM plain;',
    'CREATE VIEW other AS SELECT delay FROM flights;',
  ]),
  extraTables: fc.subarray(["CREATE TABLE extra (a INT) WITH ('connector' = 'print');"]),
  inserts: fc.subarray([
    'INSERT INTO out2 SELECT name, id FROM plain;',
    'INSERT INTO files SELECT destination, delay FROM flights;',
    'INSERT INTO out2 SELECT destination, COUNT(*) FROM flights GROUP BY destination;',
    "INSERT INTO strict VALUES ('a', 1);",
  ]),
  aggregates: fc.subarray(AGGREGATES, { minLength: 1 }),
  where: fc.constantFrom('', 'WHERE delay > 10', "WHERE origin <> 'SFO' AND distance > 3"),
  having: fc.constantFrom('', 'HAVING COUNT(*) > 1'),
  before: fc.boolean(),
  wrapped: fc.boolean(),
});

test('nothing else in a script changes the id of an aggregate, its source or its sink', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KEYS), script, script, (keys, one, two) => {
      const ids = [one, two].map((s) => {
        const list = s.aggregates.join(', ');
        const from = s.wrapped ? '(SELECT * FROM flights)' : 'flights';
        const table = `CREATE TABLE target (${s.aggregates.map((a, i) => `c${i} ${a.startsWith('MAX') ? 'STRING' : 'BIGINT'}`).join(', ')}) WITH ('connector' = 'print');`;
        const main = `INSERT INTO target SELECT ${list} FROM ${from} ${s.where} GROUP BY ${keys} ${s.having};`;
        const others = s.inserts.join('\n');
        const text = [
          ...s.sets,
          ...s.comments,
          table,
          ...s.views,
          ...s.extraTables,
          s.before ? others + main : main + others,
        ].join('\n');
        const found = operators(plan(text)).filter(({ uid }) => /^(agg:target|sink:target|source:flights)/.test(uid));
        return found.map(({ uid, id }) => `${uid} ${id}`).sort();
      });
      expect(ids[0]).toHaveLength(3);
      expect(ids[0]).toEqual(ids[1]);
    }),
    { numRuns: 150 },
  );
});

test('ids within a plan are unique', () => {
  fc.assert(
    fc.property(script, (s) => {
      const text = [...s.inserts, ...s.inserts, 'SELECT id FROM plain UNION ALL SELECT id FROM plain'].join('\n');
      const all = operators(plan(text)).map(({ id }) => id);
      expect(new Set(all).size).toBe(all.length);
    }),
    { numRuns: 30 },
  );
});
