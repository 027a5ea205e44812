// References to Secrets in SQL for Apache Flink: where they may stand, and what Flink reads in their place.
import fc from 'fast-check';
import { tokensOf } from './script.ts';
import { secretsOfScript, withSecrets } from './script-secrets.ts';

const PASSWORD = '${secret:db:password}';
const table = (value: string): string => `CREATE TABLE a (x INT) WITH ('connector' = 'c', 'password' = '${value}');`;

test('each Secret is named once, in the order of the text', () => {
  const text = `${table('${secret:db:user}/' + PASSWORD)}\n${table(PASSWORD)}`;
  expect(secretsOfScript(text)).toEqual([
    { name: 'db', key: 'user' },
    { name: 'db', key: 'password' },
  ]);
  expect(secretsOfScript('INSERT INTO b SELECT * FROM a')).toEqual([]);
});

test.each([
  ['a catalog', `CREATE CATALOG c WITH ('password'='${PASSWORD}')`],
  ['a temporary table', `CREATE TEMPORARY TABLE a (x INT) WITH ('p' = '${PASSWORD}')`],
  ['a model', `CREATE MODEL m WITH ('openai.api-key' = '${PASSWORD}')`],
  ['an option behind a comment', `CREATE TABLE a (x INT) WITH ('p' /* of the */ = -- database\n '${PASSWORD}')`],
  ['a table that is altered', `ALTER TABLE a SET ('p' = '${PASSWORD}')`],
])('an option of %s may refer to one', (_, text) => {
  expect(secretsOfScript(text)).toEqual([{ name: 'db', key: 'password' }]);
});

test.each([
  ['a row', `INSERT INTO b SELECT '${PASSWORD}' FROM a`],
  ['a condition that looks like an option', `INSERT INTO b SELECT * FROM a WHERE 'x' = '${PASSWORD}'`],
  ['a view', `CREATE VIEW v AS SELECT * FROM a WHERE 'x' = '${PASSWORD}'`],
  ['Flink’s configuration', `SET 's3.secret-key' = '${PASSWORD}'`],
  ['a hint', `INSERT INTO b SELECT * FROM a /*+ OPTIONS('p' = '${PASSWORD}') */`],
  ['a comment of a table', `CREATE TABLE a (x INT) COMMENT '${PASSWORD}' WITH ('p' = 'q')`],
  ['a name', `CREATE TABLE \`${PASSWORD}\` (x INT) WITH ('p' = 'q')`],
])('one in %s is refused with its line and the remedy', (_, text) => {
  expect(() => secretsOfScript(`-- first\n${text};`)).toThrow(
    /in line 2, .*write \$\{secret:NAME:KEY\} into the value/,
  );
});

test('what begins like a reference and is none is told', () => {
  expect(() => secretsOfScript(table('${secret:db}'))).toThrow(
    /line 1: the option 'password' begins .* has not the form/,
  );
});

test('one in a comment refers to nothing', () => {
  const text = `-- ${PASSWORD}\n/* ${PASSWORD} */ SELECT 1`;
  expect(secretsOfScript(text)).toEqual([]);
  expect(withSecrets(text, () => 'value')).toBe(text);
});

test('property: whatever a value is, Flink reads it as one string, and all else as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const text = withSecrets(`${table(PASSWORD)} SELECT 1;`, () => value);
      const tokens = [...tokensOf(text)].map(({ 0: token }) => token);
      const at = tokens.indexOf("'password'");
      expect(tokens[at + 2]!.slice(1, -1).replaceAll("''", "'")).toBe(value);
      expect(text.replace(tokens[at + 2]!, `'${PASSWORD}'`)).toBe(`${table(PASSWORD)} SELECT 1;`);
    }),
  );
});
