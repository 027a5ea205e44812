// What is refused: code, place and the words that help.
import { EngineError } from '../errors.ts';
import { batch, errorOf, plan } from './plans.fixture.ts';

/** [text, code, line:column, part of the message or hint]. Lines count from the first of the text; M marks mode Batch. */
const REFUSED: [string, string, string, string][] = [
  // Names
  ['SELECT nam FROM plain', 'SQL_UNKNOWN_COLUMN', '1:8', 'did you mean name? the columns are id, name, amount'],
  ['SELECT Name FROM plain', 'SQL_UNKNOWN_COLUMN', '1:8', 'did you mean name?'],
  ['SELECT p.id FROM plain', 'SQL_UNKNOWN_TABLE', '1:8', 'FROM names plain'],
  ['SELECT x.* FROM plain AS y', 'SQL_UNKNOWN_TABLE', '1:8', 'FROM names y'],
  ['SELECT id FROM plane', 'SQL_UNKNOWN_TABLE', '1:16', 'did you mean plain?'],
  ['SELECT id FROM other.db.plain', 'SQL_UNSUPPORTED', '1:16', 'there is only default_catalog.default_database'],
  ['SELECT id', 'SQL_UNKNOWN_COLUMN', '1:8', 'the query has no FROM'],
  ['SELECT *', 'SQL_UNKNOWN_TABLE', '1:8', 'no columns for *'],
  ['SELECT a FROM (SELECT id AS a, id AS a FROM plain)', 'SQL_AMBIGUOUS_COLUMN', '1:8', '2 columns have that name'],
  ['INSERT INTO nowhere SELECT 1', 'SQL_UNKNOWN_TABLE', '1:13', 'declared are flights, plain'],
  ["CREATE TABLE plain (a INT) WITH ('connector' = 'x')", 'SQL_DUPLICATE_NAME', '1:14', 'exists already'],
  ["CREATE TABLE t (a INT, a INT) WITH ('connector' = 'x')", 'SQL_DUPLICATE_NAME', '1:24', 'declared twice'],
  ["CREATE TABLE t (a INT) WITH ('connector' = 'x', 'connector' = 'y')", 'SQL_DUPLICATE_NAME', '1:49', 'given twice'],
  ["CREATE TABLE t (a INT) WITH ('path' = 'x')", 'SQL_TABLE', '1:14', 'has no connector'],
  ["CREATE TABLE t (a INT) WITH ('conector' = 'x')", 'SQL_TABLE', '1:30', "write 'connector' for 'conector'"],
  ["CREATE TABLE t (a INT) WITH ('Connector' = 'x')", 'SQL_TABLE', '1:30', "write 'connector' for 'Connector'"],
  ["CREATE TABLE t (a AS 1) WITH ('connector' = 'x')", 'SQL_TABLE', '1:14', 'needs a physical column'],
  // Functions
  ['SELECT UPER(name) FROM plain', 'SQL_UNKNOWN_FUNCTION', '1:8', 'did you mean UPPER?'],
  ['SELECT SUBSTRING(name, 1, 2, 3) FROM plain', 'SQL_SYNTAX', '1:28', ')'],
  ['SELECT UPPER(name, name) FROM plain', 'SQL_ARGUMENTS', '1:8', 'takes 1 operand, not 2'],
  ['SELECT UPPER(id) FROM plain', 'SQL_TYPE', '1:14', 'cannot be BIGINT'],
  ["SELECT REGEXP_EXTRACT(name, '(') FROM plain", 'REGEX_UNSUPPORTED', '1:29', 'is not understood'],
  ['SELECT EXTRACT(DECADE FROM seen) FROM plain', 'SQL_UNSUPPORTED', '1:8', 'the unit DECADE of EXTRACT'],
  ['SELECT FLOOR(seen TO DOW) FROM plain', 'SQL_UNSUPPORTED', '1:22', 'the unit DOW of FLOOR'],
  ['SELECT TO_TIMESTAMP_LTZ(id, 6) FROM plain', 'SQL_ARGUMENTS', '1:29', 'milliseconds'],
  ['SELECT UPPER(name) FILTER (WHERE ok) FROM plain', 'SQL_AGGREGATE', '1:8', 'is no aggregate'],
  // Types
  ['SELECT id + name FROM plain', 'SQL_TYPE', '1:8', '+ takes numbers, not BIGINT and STRING'],
  ["SELECT id FROM plain WHERE id = 'x'", 'SQL_TYPE', '1:28', 'cannot be compared'],
  ['SELECT id FROM plain WHERE amount', 'SQL_TYPE', '1:28', 'WHERE takes a BOOLEAN, not INT'],
  ['SELECT NOT id FROM plain', 'SQL_TYPE', '1:12', 'NOT takes a BOOLEAN'],
  ['SELECT CASE WHEN ok THEN 1 ELSE name END FROM plain', 'SQL_TYPE', '1:8', 'no common type: INT, STRING'],
  ['SELECT CAST(id AS TIMESTAMP(3)) FROM plain', 'SQL_TYPE', '1:8', 'use TO_TIMESTAMP_LTZ(number, 3)'],
  ['SELECT CAST(id AS DECIMAL(20, 2)) FROM plain', 'SQL_UNSUPPORTED', '1:19', 'more than 18 digits'],
  ['SELECT CAST(seen AS TIMESTAMP) FROM plain', 'SQL_UNSUPPORTED', '1:21', 'write TIMESTAMP(3)'],
  ['SELECT CAST(name AS ARRAY<INT>) FROM plain', 'SQL_UNSUPPORTED', '1:21', 'the type ARRAY'],
  ['SELECT price * code FROM flights', 'SQL_UNSUPPORTED', '1:8', 'DECIMAL(30, 2): more than 18 digits'],
  ['SELECT 12345678901234567890 FROM plain', 'SQL_UNSUPPORTED', '1:8', '12345678901234567890E0'],
  ['SELECT seen - seen FROM plain', 'SQL_UNSUPPORTED', '1:8', 'use TIMESTAMPDIFF'],
  ['SELECT seen + 1 FROM plain', 'SQL_TYPE', '1:8', 'an INTERVAL may be added'],
  ["SELECT DATE '2023-02-30' FROM plain", 'SQL_LITERAL', '1:8', "'2023-02-30' is no DATE"],
  ["SELECT id FROM plain WHERE seen > 'yesterday'", 'SQL_LITERAL', '1:35', "'yesterday' is no TIMESTAMP(3)"],
  ["SELECT INTERVAL '1:70' HOUR TO MINUTE FROM plain", 'SQL_LITERAL', '1:8', "INTERVAL '02:03' HOUR TO MINUTE"],
  ["SELECT INTERVAL 'x' DAY FROM plain", 'SQL_LITERAL', '1:8', "'x' is no INTERVAL DAY"],
  ["SELECT name LIKE 'a' ESCAPE 'xy' FROM plain", 'SQL_LITERAL', '1:29', 'one character'],
  ['SELECT id || name FROM plain', 'SQL_TYPE', '1:8', '|| takes strings'],
  ['SELECT NULL AS x FROM plain', 'SQL_TYPE', '1:8', 'CAST the NULL'],
  // Aggregates
  ['SELECT name, COUNT(*) FROM plain', 'SQL_AGGREGATE', '1:8', 'write GROUP BY name'],
  ['SELECT name, id FROM plain GROUP BY name', 'SQL_AGGREGATE', '1:14', 'add id to GROUP BY'],
  ['SELECT name FROM plain GROUP BY name HAVING id > 1', 'SQL_AGGREGATE', '1:45', 'column id'],
  ['SELECT id FROM plain WHERE COUNT(*) > 1', 'SQL_AGGREGATE', '1:28', 'stand in HAVING'],
  ['SELECT SUM(COUNT(*)) FROM plain', 'SQL_AGGREGATE', '1:12', 'cannot stand in SUM(...)'],
  ['SELECT SUM(name) FROM plain', 'SQL_TYPE', '1:8', 'SUM takes a number, not STRING'],
  ['SELECT COUNT(DISTINCT name) FROM plain', 'SQL_UNSUPPORTED', '1:8', 'COUNT(DISTINCT ...)'],
  ['SELECT SUM(id, id) FROM plain', 'SQL_ARGUMENTS', '1:8', 'takes 1 operand, not 2'],
  ['SELECT name, COUNT(*) FROM plain GROUP BY 1', 'SQL_UNSUPPORTED', '1:43', 'repeat the expression'],
  ['SELECT LISTAGG(name) FROM plain', 'SQL_UNSUPPORTED', '1:8', 'COUNT, SUM, AVG, MIN and MAX'],
  ['SELECT SUM(id) OVER (PARTITION BY name) FROM plain', 'SQL_UNSUPPORTED', '1:8', 'SUM OVER'],
  [
    'SELECT MAX(n) FROM (SELECT name, COUNT(*) AS n FROM plain GROUP BY name)',
    'SQL_CHANGELOG',
    '1:1',
    'group the inner query by a TUMBLE window',
  ],
  ['INSERT INTO files SELECT name, COUNT(*) FROM plain GROUP BY name', 'SINK_INSERT_ONLY', '1:13', 'takes no updates'],
  // Windows
  [
    "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE plain, DESCRIPTOR(seen), INTERVAL '1' DAY)) GROUP BY window_start, window_end",
    'SQL_TIME_ATTRIBUTE',
    '1:48',
    'WATERMARK FOR seen',
  ],
  [
    "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(`date`), INTERVAL '1' DAY)) GROUP BY window_start",
    'SQL_WINDOW',
    '1:98',
    'both its window_start and its window_end',
  ],
  [
    "SELECT window_start FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(`date`), INTERVAL '1' DAY))",
    'SQL_UNSUPPORTED',
    '1:8',
    'GROUP BY window_start, window_end',
  ],
  [
    "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(`date`), INTERVAL '1' DAY)) WHERE window_end > window_start GROUP BY window_start, window_end",
    'SQL_UNSUPPORTED',
    '1:95',
    'aggregate first',
  ],
  [
    "SELECT COUNT(*) FROM TABLE(HOP(TABLE flights, DESCRIPTOR(`date`), INTERVAL '1' DAY, INTERVAL '2' DAY)) GROUP BY window_start, window_end",
    'SQL_UNSUPPORTED',
    '1:22',
    'the window HOP',
  ],
  [
    "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(`date`), INTERVAL '1' MONTH)) GROUP BY window_start, window_end",
    'SQL_WINDOW',
    '1:70',
    'constant INTERVAL of days or less',
  ],
  [
    "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(`date`), INTERVAL '0' DAY)) GROUP BY window_start, window_end",
    'SQL_WINDOW',
    '1:22',
    '0 ms',
  ],
  [
    "SELECT TUMBLE_START(`date`, INTERVAL '2' DAY) FROM flights GROUP BY TUMBLE(`date`, INTERVAL '1' DAY)",
    'SQL_WINDOW',
    '1:8',
    'the same operands',
  ],
  ["SELECT COUNT(*) FROM flights GROUP BY SESSION(`date`, INTERVAL '1' DAY)", 'SQL_UNSUPPORTED', '1:39', 'use TUMBLE'],
  [
    "CREATE TABLE t (a BIGINT, WATERMARK FOR a AS a) WITH ('connector' = 'x')",
    'SQL_TIME_ATTRIBUTE',
    '1:27',
    'an event time is TIMESTAMP(3)',
  ],
  [
    "CREATE TABLE t (a TIMESTAMP(3), WATERMARK FOR b AS b) WITH ('connector' = 'x')",
    'SQL_UNKNOWN_COLUMN',
    '1:33',
    'the columns are a',
  ],
  // Queries
  ['SELECT a.id FROM plain AS a JOIN plain AS b ON a.id = b.id', 'SQL_UNSUPPORTED', '1:18', 'JOIN'],
  ['SELECT id FROM plain, flights', 'SQL_UNSUPPORTED', '1:16', 'several tables in FROM'],
  ['SELECT id FROM plain WHERE id IN (SELECT code FROM flights)', 'SQL_UNSUPPORTED', '1:28', 'IN with a subquery'],
  ['SELECT id FROM plain WHERE EXISTS (SELECT 1 FROM flights)', 'SQL_UNSUPPORTED', '1:28', 'EXISTS'],
  ['SELECT (SELECT MAX(id) FROM plain) FROM plain', 'SQL_UNSUPPORTED', '1:8', 'a subquery as a value'],
  ['SELECT id FROM plain INTERSECT SELECT code FROM flights', 'SQL_UNSUPPORTED', '1:1', 'INTERSECT'],
  ['SELECT id FROM plain UNION ALL SELECT id, name FROM plain', 'SQL_TYPE', '1:1', '1 and 2 columns'],
  ['SELECT id FROM plain UNION ALL SELECT name FROM plain', 'SQL_TYPE', '1:1', 'BIGINT and STRING'],
  ['SELECT id FROM plain ORDER BY id', 'SQL_UNSUPPORTED', '1:31', 'run the job with mode Batch'],
  ['SELECT id FROM plain LIMIT 5', 'SQL_UNSUPPORTED', '1:28', 'LIMIT in a stream'],
  [
    'SELECT id FROM (SELECT id, name FROM plain) AS x (a)',
    'SQL_ARGUMENTS',
    '1:45',
    '1 column names are given for 2 columns',
  ],
  // INSERT
  ['INSERT INTO out1 SELECT name FROM plain', 'SQL_INSERT', '1:13', 'k STRING, n BIGINT'],
  ['INSERT INTO out1 SELECT id, name FROM plain', 'SQL_INSERT', '1:25', 'CAST(... AS STRING)'],
  [
    'INSERT INTO out1 SELECT name, ratio FROM plain',
    'SQL_INSERT',
    '1:31',
    'column n of out1 is BIGINT, the query gives DOUBLE',
  ],
  ["INSERT INTO out1 VALUES ('a', 1), ('b', 'c')", 'SQL_TYPE', '1:18', 'column 2 of VALUES'],
  ["INSERT INTO out1 VALUES ('a', 1), ('b')", 'SQL_TYPE', '1:18', 'different numbers of columns'],
  ['INSERT INTO out1 (k, m) SELECT name, id FROM plain', 'SQL_UNKNOWN_COLUMN', '1:13', 'no column m'],
  ['INSERT INTO out1 (k, k) SELECT name, name FROM plain', 'SQL_INSERT', '1:13', 'given twice'],
  ['INSERT INTO strict SELECT name, id FROM plain', 'SQL_INSERT', '1:27', 'column k of strict is NOT NULL'],
  ["INSERT INTO strict (k) SELECT 'a'", 'SQL_INSERT', '1:13', 'gives it no value'],
  ['CREATE VIEW v AS SELECT id FROM plain; INSERT INTO v SELECT 1', 'SQL_INSERT', '1:52', 'v is a view'],
  // Scripts
  ['', 'SQL_EMPTY', '-9:1', 'nothing to run'],
  [
    "SET 'execution.runtime-mode' = 'batch'; SELECT id FROM plain",
    'SQL_SETTING',
    '1:1',
    'set to batch, but the job runs in mode STREAMING',
  ],
  ["SET 'table.exec.state.ttl' = 'a while'; SELECT id FROM plain", 'SQL_SETTING', '1:1', '30 min'],
  ["SET 'parallelism.default' = 'many'; SELECT id FROM plain", 'SQL_SETTING', '1:1', 'a whole number from 1 to 128'],
  [
    "SET 'table.local-time-zone' = 'Europe/Berlin'; SELECT id FROM plain",
    'SQL_UNSUPPORTED',
    '1:1',
    'the session is in UTC',
  ],
  ['SELECT id FROM plain; SELECT name FROM plain', 'SQL_UNSUPPORTED', '1:23', 'a second SELECT'],
];

test.each(REFUSED)('%s', (sql, code, at, words) => {
  const error = errorOf(sql);
  expect({ code: error.code, at: error.at }).toEqual({ code, at });
  expect(`${error.message}\n${error.hint}`).toContain(words);
});

test('the message shows the line with a caret under the place', () => {
  expect(errorOf('SELECT id,\n  nam FROM plain').message.split('\n').slice(1)).toEqual([
    ' 12 |   nam FROM plain',
    '    |   ^^^',
  ]);
});

test('a mistake in a view is found when the view is declared, at its place', () => {
  expect(errorOf('CREATE VIEW v AS\nSELECT x FROM plain;\nSELECT * FROM v').at).toBe('2:8');
});

test('what a connector refuses is shown at the table, under the code of the connector', () => {
  const describeSource = (): never => {
    throw new EngineError('OPTION_MISSING', 'option path is missing', { hint: 'add it' });
  };
  const error = errorOf('SELECT id FROM plain', { describeSource });
  expect(error).toMatchObject({ code: 'OPTION_MISSING', at: '-4:14', hint: 'add it' });
  expect(error.message).toContain('option path is missing');
});

test('a batch refuses a source that never ends, at its declaration', () => {
  const describeSource = () => ({ boundedness: 'UNBOUNDED' as const, maxParallelism: 1 });
  const error = errorOf('SELECT id FROM plain', { mode: 'BATCH', describeSource });
  expect(error).toMatchObject({ code: 'SQL_UNSUPPORTED', at: '-4:14' });
  expect(error.message).toContain('table plain never ends');
});

test('a batch refuses neither ORDER BY nor aggregates over aggregates', () => {
  batch('SELECT id FROM plain ORDER BY id LIMIT 5');
  batch('SELECT MAX(n) FROM (SELECT name, COUNT(*) AS n FROM plain GROUP BY name)');
});

test('expressions and views that grow with each use are refused before they fill the memory', () => {
  let nested = 'id';
  for (let i = 0; i < 60; i++) nested = `CASE ${nested} WHEN 1 THEN 2 WHEN 3 THEN 4 WHEN 5 THEN 6 END`;
  expect(errorOf(`SELECT ${nested} FROM plain`).code).toBe('SQL_TOO_DEEP');
  const views = Array.from(
    { length: 40 },
    (_, i) => `CREATE VIEW v${i + 1} AS SELECT id FROM v${i} UNION ALL SELECT id FROM v${i};`,
  );
  expect(errorOf(`CREATE VIEW v0 AS SELECT id FROM plain; ${views.join('\n')} SELECT id FROM v40`).code).toBe(
    'SQL_TOO_DEEP',
  );
  const sums = Array.from({ length: 40 }, (_, i) => `CREATE VIEW v${i + 1} AS SELECT id + id AS id FROM v${i};`);
  const small = plan(`CREATE VIEW v0 AS SELECT id FROM plain; ${sums.join('\n')} SELECT id FROM v40`);
  expect(JSON.stringify(small).length).toBeLessThan(200_000);
});

test('options that are secrets are in no name of the plan', () => {
  const of = plan("CREATE TABLE s (a INT) WITH ('connector' = 'x', 'password' = 'hunter2'); SELECT a FROM s");
  expect(JSON.stringify(of.vertices.map(({ name, operators }) => [name, operators.map((o) => o.name)]))).not.toContain(
    'hunter2',
  );
});
