// What the parser says when it refuses: place, line with caret, hint.
import { EngineError } from '../errors.ts';
import { parseScript } from './parse.ts';
import { sqlError } from './sql-error.ts';

function refusal(text: string): EngineError {
  try {
    parseScript(text);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error(`was accepted: ${text}`);
}

test('an error shows the line, a caret and a hint', () => {
  const error = refusal('CREATE TABLE t (a INT);\nSELECT a,\n\tb FORM t;');
  expect(error.code).toBe('SQL_SYNTAX');
  expect(error.position).toEqual({ line: 3, column: 9 });
  expect(error.message).toBe(
    'line 3, column 9: unexpected "t", expected ; or the end of the text\n 3 |  b FORM t;\n   |         ^',
  );
  expect(error.hint).toBe('did you mean FROM instead of FORM?');
});

test.each([
  ['SELCT 1', 'did you mean SELECT instead of SELCT?'],
  ['CREATE TABEL t (a INT)', 'did you mean TABLE instead of TABEL?'],
  ['CREATE TABLE t (a BIGNIT)', 'did you mean BIGINT instead of BIGNIT?'],
  ['SELECT a FROM t WHRE b', 'did you mean WHERE instead of WHRE?'],
  ['SELECT a FROM t GRUOP BY b', 'did you mean GROUP instead of GRUOP?'],
  ['INSERT INOT t SELECT 1', 'did you mean INTO instead of INOT?'],
  ['SELECT value FROM t', '`value`'],
  ['SELECT a AS day FROM t', '`day`'],
  ['SELECT t.user FROM t', '`user`'],
  ['CREATE TABLE t (date DATE)', '`date`'],
  ['SELECT (a + b FROM t', ''],
  ['SELECT (a + (b)', 'the ( at line 1, column 8 is never closed'],
  ['CREATE TABLE t (a INT;', 'the ( at line 1, column 16 is never closed'],
  ['SELECT a) FROM t', 'no parenthesis is open'],
  ["SELECT 'abc FROM t", 'add a quote'],
  ['SELECT `abc FROM t', 'closing backquote'],
  ['SELECT 1 /* abc', 'add */'],
  ['SELECT "a"', "'...'"],
  ['SELECT a != b', 'write <>'],
  ['SELECT a, FROM t', 'remove the comma'],
  ['CREATE TABLE t (a INT,)', 'remove the comma'],
  ["CREATE TABLE t (a INT) WITH ('a' = 'b' 'c' = 'd')", 'comma'],
  ['SELECT f(a b)', 'comma'],
  ['SELECT ‘a’', "plain '"],
  ['SELECT INTERVAL 5 MINUTE', "INTERVAL '5'"],
  ['CREATE TABLE t (a INT PRIMARY KEY)', 'NOT ENFORCED'],
  ['SELECT a FROM t LIMIT 1, 2', 'OFFSET'],
  ["SET 'a'", "SET 'key' = 'value'"],
  ['SET a = b\nSET c = d;', 'semicolon'],
])('%s: %s', (text, hint) => {
  expect(refusal(text)).toMatchObject({ code: 'SQL_SYNTAX' });
  expect(refusal(text).hint ?? '').toContain(hint);
});

test.each([
  ['DROP TABLE t', 'the statement DROP TABLE'],
  ['EXPLAIN SELECT 1', 'the statement EXPLAIN SELECT'],
  ['SHOW TABLES', 'the statement SHOW TABLES'],
  ['CREATE FUNCTION f AS x', 'CREATE FUNCTION'],
  ['CREATE TEMPORARY SYSTEM FUNCTION f', 'SYSTEM'],
  ['CREATE MATERIALIZED TABLE t', 'CREATE MATERIALIZED TABLE'],
  ['CREATE TABLE t AS SELECT 1', 'CREATE TABLE ... AS SELECT'],
  ['CREATE TABLE t LIKE u', 'LIKE'],
  ['CREATE TABLE t (a INTERVAL DAY)', 'the type INTERVAL'],
  ['SELECT * FROM t MATCH_RECOGNIZE (x)', 'MATCH_RECOGNIZE'],
  ['SELECT * FROM t FOR SYSTEM_TIME AS OF x', 'FOR SYSTEM_TIME'],
  ['SELECT * FROM t, LATERAL TABLE(f(x))', 'LATERAL'],
  ['SELECT a FROM t GROUP BY CUBE (a)', 'GROUP BY CUBE'],
  ['SELECT SUM(a) OVER w FROM t', 'a named window'],
  ['SELECT a = ANY (SELECT 1)', '= ANY'],
  ["SELECT * FROM t /*+ OPTIONS('a'='b') */", 'hints'],
  ["SELECT X'ab'", 'prefix X'],
  ['WITH RECURSIVE a AS (SELECT 1) SELECT 1', 'WITH RECURSIVE'],
])('%s is refused by name', (text, name) => {
  expect(refusal(text).code).toBe('SQL_UNSUPPORTED');
  expect(refusal(text).message).toContain(name);
});

test.each([
  ['parentheses', (n: number) => `SELECT ${'('.repeat(n)}1${')'.repeat(n)}`],
  ['NOT', (n: number) => `SELECT ${'NOT '.repeat(n)}a`],
  ['minus', (n: number) => `SELECT ${'- '.repeat(n)}a`],
  ['sums', (n: number) => `SELECT ${'a + '.repeat(n)}a`],
  ['subqueries', (n: number) => `${'SELECT * FROM ('.repeat(n)}SELECT 1${')'.repeat(n)}`],
  ['unions', (n: number) => `SELECT 1 ${'UNION SELECT 1 '.repeat(n)}`],
  ['joins', (n: number) => `SELECT * FROM t ${'CROSS JOIN t '.repeat(n)}`],
  ['array types', (n: number) => `CREATE TABLE t (a ${'ARRAY<'.repeat(n)}INT${'>'.repeat(n)})`],
  ['postfix arrays', (n: number) => `CREATE TABLE t (a INT ${'ARRAY '.repeat(n)})`],
  ['CASE', (n: number) => `SELECT ${'CASE WHEN '.repeat(n)}a`],
  ['calls', (n: number) => `SELECT ${'f('.repeat(n)}a${')'.repeat(n)}`],
  ['items', (n: number) => `SELECT a${'[1]'.repeat(n)}`],
])('deep nesting of %s is an error, shallow nesting is none', (name, text) => {
  if (name !== 'CASE') expect(() => parseScript(text(20))).not.toThrow();
  expect(refusal(text(20_000)).code).toBe('SQL_TOO_DEEP');
});

test('a long line is shown in part, around the place', () => {
  const error = refusal(`SELECT ${'a, '.repeat(500)} FROM ${'b, '.repeat(500)}`);
  const [, line, caret] = error.message.split('\n');
  expect(line!.length).toBeLessThan(180);
  expect(line!.slice(caret!.indexOf('^')).startsWith('FROM')).toBe(true);
});

test('the caret stands under its place after wide characters', () => {
  const [, line, caret] = refusal("SELECT '😀é', ) FROM t").message.split('\n');
  expect([...line!][caret!.indexOf('^')]).toBe(')');
});

test.each([
  "CREATE TABLE t (a INT) WITH ('password' = 'hunter2', 'x' = y)",
  "CREATE TABLE t (a INT) WITH ('x' = y, 'sasl.jaas.config' = 'hunter2')",
  "CREATE TABLE t (a INT) WITH ('x = y, 'password' = 'hunter2')",
  "CREATE TABLE t (a INT) WITH ('password' = 'hunter2",
  'SET s3.secret-key = hunter2; SELCT',
  "SET 's3.secret-key' = 'hunter2' 'b'",
  "CREATE TABLE t (a INT) WITH ('secret' 'hunter2')",
])('secrets are masked: %s', (text) => {
  const error = refusal(text);
  expect(error.message + error.hint).not.toContain('hunter2');
});

test('an error outside the text points at its end', () => {
  expect(sqlError('a\nb', { start: 99, end: 100 }, 'x').position).toEqual({ line: 2, column: 2 });
  expect(sqlError('a\r\nb\rc', { start: 5, end: 6 }, 'x').position).toEqual({ line: 3, column: 1 });
});
