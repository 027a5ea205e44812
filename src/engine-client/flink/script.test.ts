// Scripts of several INSERTs, of which Flink would make several jobs.
import fc from 'fast-check';
import { asOneJob, isOnlyPlanned, statementsOf } from './script.ts';

test('two INSERTs become one statement set, and every line stays where it is', () => {
  const text = `CREATE TABLE a (x INT);\n-- both\nINSERT INTO b SELECT * FROM a;\n\nINSERT INTO c\nSELECT * FROM a;\n`;
  const script = asOneJob(text);
  expect(script).toBe(
    `CREATE TABLE a (x INT);\n-- both\nEXECUTE STATEMENT SET BEGIN INSERT INTO b SELECT * FROM a;\n\nINSERT INTO c\nSELECT * FROM a; END;\n`,
  );
  expect(script.split('\n')).toHaveLength(text.split('\n').length);
});

test.each([
  ['one INSERT', 'CREATE TABLE a (x INT); INSERT INTO b SELECT 1'],
  ['none', 'SELECT 1;'],
  ['a statement set', 'EXECUTE STATEMENT SET BEGIN\nINSERT INTO a SELECT 1; INSERT INTO b SELECT 1; END;'],
  ['one by its older form', 'BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 1; END;'],
  [
    'an INSERT in a string and one in a comment',
    "INSERT INTO a SELECT ';INSERT INTO b' -- ; INSERT INTO c\n, 1 /* ; INSERT */",
  ],
])('a script with %s stays as it is', (_, text) => {
  expect(asOneJob(text)).toBe(text);
});

test('statements between INSERTs are told with what to do about them', () => {
  const text = "INSERT INTO a SELECT 1; SET 'x' = 'y'; INSERT INTO b SELECT 1;";
  expect(() => asOneJob(text)).toThrow(/between its INSERTs.*write all INSERTs behind them/);
});

test.each([
  ['CREATE TABLE b AS SELECT * FROM a; INSERT INTO c SELECT 1', /one job/],
  ['EXECUTE INSERT INTO b SELECT 1; EXECUTE INSERT INTO c SELECT 1', /one job/],
])('what would be two jobs is refused: %s', (text, says) => {
  expect(() => asOneJob(text)).toThrow(says);
});

test('one job of another form stays as it is', () => {
  const text = "CREATE TABLE a (x INT) COMMENT 'as select'; CREATE TABLE b AS SELECT * FROM a";
  expect(asOneJob(text)).toBe(text);
});

test('property: semicolons in strings, names and comments separate nothing', () => {
  const hidden = fc.constantFrom("'a;b'", "''';'", '`x;y`', '-- a;b\n', '/* ; \n ; */', '"q;"');
  fc.assert(
    fc.property(fc.array(fc.array(hidden, { maxLength: 4 }), { maxLength: 5 }), (parts) => {
      const text = parts.map((words) => `SELECT ${words.join(' ')}`).join('\n;');
      expect(statementsOf(text)).toHaveLength(parts.length);
    }),
  );
});

test('a text whose statements have an effect by themselves is not planned ahead', () => {
  const tables = "SET 'a' = 'b'; CREATE TEMPORARY TABLE a (x INT); CREATE OR REPLACE VIEW c AS SELECT x FROM a;";
  expect(isOnlyPlanned(`${tables} INSERT INTO b SELECT * FROM a`)).toBe(true);
  expect(isOnlyPlanned(asOneJob(`${tables} INSERT INTO b SELECT * FROM a; INSERT INTO d SELECT * FROM a`))).toBe(true);
  for (const effect of [
    'CREATE CATALOG c WITH (); USE CATALOG c;',
    'DROP TABLE a;',
    'TRUNCATE TABLE a;',
    'CALL sys.compact();',
    'CREATE TABLE e AS SELECT * FROM a;',
  ])
    expect(isOnlyPlanned(`${effect} INSERT INTO b SELECT * FROM a`)).toBe(false);
});
