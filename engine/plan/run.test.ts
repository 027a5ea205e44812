// Scripts run through the real operators: what the planner builds gives the rows that Flink's rules promise.
import type { CellValue } from '../columnar/batch.ts';
import { batch, plan, run } from './plans.fixture.ts';

/** The one column of `SELECT expressions` as texts; the rows of a query over constants. */
function values(expressions: string): string[] {
  const [row] = run(batch(`SELECT ${expressions}`))['query_result'] ?? [];
  return (row ?? []).map(String);
}

function rows(sql: string, tables: Record<string, CellValue[][]> = {}): CellValue[][] {
  return run(batch(sql), tables)['query_result'] ?? [];
}

const day = 86_400_000;
const FLIGHTS: CellValue[][] = [
  [0, 10n, 100, 'SFO', 'LAX', 1050n, 1n],
  [5, null, 200, 'SFO', 'JFK', 2000n, 2n],
  [day, 30n, null, 'JFK', 'SFO', null, 3n],
  [day + 1, -10n, 300, 'SFO', 'LAX', 325n, 4n],
];

test('arithmetic has the types and values of Flink', () => {
  expect(values('7 / 2, -7 / 2, 7 % 3, -7 % 3, 1 + 2147483647, 2.50 * 2, 10 - 0.5, 5E0 / 2, MOD(7, 4), -(3)')).toEqual([
    '3',
    '-3',
    '1',
    '-1',
    '-2147483648',
    '500',
    '95',
    '2.5',
    '3',
    '-3',
  ]);
});

test('logic has three values', () => {
  const unknown = 'CAST(NULL AS BOOLEAN)';
  expect(
    values(`${unknown} AND FALSE, ${unknown} OR TRUE, ${unknown} AND TRUE, NOT ${unknown}, ${unknown} IS UNKNOWN, 1 IS NOT NULL,
      NULL IS DISTINCT FROM 1, 3 IN (1, NULL), 1 IN (1, NULL), 2 BETWEEN 1 AND 3, 2 NOT BETWEEN SYMMETRIC 3 AND 1, 'abc' LIKE 'a%', 'a%c' NOT LIKE 'a!%c' ESCAPE '!'`),
  ).toEqual([
    'false',
    'true',
    'null',
    'null',
    'true',
    'true',
    'true',
    'null',
    'true',
    'true',
    'false',
    'true',
    'false',
  ]);
});

test('CASE, COALESCE, IF and NULLIF take the common type of their results', () => {
  expect(
    values(
      "CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE WHEN FALSE THEN 1 ELSE 2.5 END, COALESCE(NULL, 3), IF(1 > 2, 1, 4.5), NULLIF(1, 1), NULLIF(2, 1), GREATEST(1, 2.5), LEAST(3, 1)",
    ),
  ).toEqual(['two', '25', '3', '45', 'null', '2', '25', '1']);
});

test('times and intervals', () => {
  const at = "TIMESTAMP '2024-02-29 10:20:30.456'";
  expect(
    values(`CAST(${at} + INTERVAL '1' YEAR AS STRING), CAST(${at} - INTERVAL '1 02:00' DAY TO MINUTE AS STRING), CAST(DATE '2024-01-31' + INTERVAL '1' MONTH AS STRING),
      EXTRACT(DAY FROM ${at}), HOUR(${at}), CAST(FLOOR(${at} TO HOUR) AS STRING), TIMESTAMPDIFF(DAY, DATE '2024-01-01', ${at}),
      CAST(TO_TIMESTAMP_LTZ(1000, 3) AS STRING), DATE_FORMAT(${at}, 'yyyyMMdd'), CAST(TIME '23:30:00' + INTERVAL '1' HOUR AS STRING)`),
  ).toEqual([
    '2025-02-28 10:20:30.456',
    '2024-02-28 08:20:30.456',
    '2024-02-29',
    '29',
    '10',
    '2024-02-29 10:00:00.000',
    '59',
    '1970-01-01 00:00:01.000',
    '20240229',
    '00:30:00',
  ]);
});

test('GROUP BY, HAVING and aggregates with FILTER', () => {
  expect(
    rows(
      `SELECT origin, COUNT(*), COUNT(delay), SUM(delay), AVG(delay), AVG(distance), MIN(destination), SUM(price), AVG(price), COUNT(*) FILTER (WHERE delay > 0)
       FROM flights GROUP BY origin HAVING COUNT(*) > 0 ORDER BY origin`,
      { flights: FLIGHTS },
    ),
  ).toEqual([
    ['JFK', 1n, 1n, 30n, 30n, null, 'SFO', null, null, 1n],
    ['SFO', 3n, 2n, 0n, 0n, 200, 'JFK', 3375n, 11250000n, 1n],
  ]);
});

test('aggregates without GROUP BY have a row even over nothing', () => {
  expect(rows('SELECT COUNT(*), SUM(delay), AVG(distance), MAX(origin) FROM flights')).toEqual([
    [0n, null, null, null],
  ]);
  expect(rows('SELECT COUNT(*) FROM flights', { flights: FLIGHTS })).toEqual([[4n]]);
});

test('DISTINCT, UNION, VALUES, WITH, views and subqueries', () => {
  expect(rows('SELECT DISTINCT origin FROM flights ORDER BY origin', { flights: FLIGHTS })).toEqual([['JFK'], ['SFO']]);
  expect(rows("SELECT n, k FROM (VALUES (1, 'a'), (2, NULL)) AS v (n, k) UNION ALL VALUES (3, 'ccc')")).toEqual([
    [1, 'a'],
    [2, null],
    [3, 'ccc'],
  ]);
  expect(rows('SELECT 1 UNION SELECT 1 UNION SELECT 2 ORDER BY 1')).toEqual([[1], [2]]);
  expect(
    rows('WITH big AS (SELECT code AS c FROM flights WHERE code > 2) SELECT SUM(c) FROM big', { flights: FLIGHTS }),
  ).toEqual([[7n]]);
});

test('ORDER BY with LIMIT and OFFSET; NULLs are the smallest', () => {
  const tables = { flights: FLIGHTS };
  expect(rows('SELECT code FROM flights ORDER BY delay DESC', tables)).toEqual([[3n], [1n], [4n], [2n]]);
  expect(rows('SELECT code FROM flights ORDER BY delay LIMIT 2 OFFSET 1', tables)).toEqual([[4n], [1n]]);
});

test('windows in a stream and in a batch are the same', () => {
  const sql = `INSERT INTO out1 SELECT origin || CAST(window_start AS STRING), SUM(delay)
    FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(\`date\`), INTERVAL '1' DAY)) GROUP BY window_start, window_end, origin`;
  const expected = [
    ['JFK1970-01-02 00:00:00.000', 30n],
    ['SFO1970-01-01 00:00:00.000', 10n],
    ['SFO1970-01-02 00:00:00.000', -10n],
  ];
  for (const planned of [plan(sql), batch(sql)])
    expect(run(planned, { flights: FLIGHTS })['out1']!.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))).toEqual(
      expected,
    );
});

test('several INSERTs share one scan and get their own rows', () => {
  const results = run(
    batch(`INSERT INTO out1 SELECT origin, COUNT(*) FROM flights WHERE delay > 0 GROUP BY origin;
      INSERT INTO out2 SELECT destination, distance FROM flights WHERE distance IS NOT NULL;`),
    { flights: FLIGHTS },
  );
  expect(results['out1']!.sort()).toEqual([
    ['JFK', 1n],
    ['SFO', 1n],
  ]);
  expect(results['out2']).toEqual([
    ['LAX', 100n],
    ['JFK', 200n],
    ['LAX', 300n],
  ]);
});

test('a division in WHERE is guarded by what stands before it', () => {
  const tables = { plain: [[0n], [2n]] as CellValue[][] };
  expect(rows('SELECT id FROM plain WHERE id <> 0 AND 4 / id = 2', tables)).toEqual([[2n]]);
  expect(rows('SELECT id FROM (SELECT id, 4 / id AS q FROM plain WHERE id <> 0) WHERE q = 2', tables)).toEqual([[2n]]);
});

test('what TRY_CAST cannot convert is NULL wherever it is used', () => {
  const tables = {
    plain: [
      [2n, 'x'],
      [3n, '4'],
    ] as CellValue[][],
  };
  expect(rows('SELECT -(id * TRY_CAST(name AS BIGINT)) FROM plain', tables)).toEqual([[null], [-12n]]);
});
