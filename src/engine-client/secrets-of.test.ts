import { secretsOf } from './secrets-of.ts';

test('secrets are those of WITH options, each once', () => {
  const sql = `-- \${secret:of:a-comment}
    CREATE TABLE a (x INT) WITH ('connector' = 'c', 'user' = '\${secret:db:user}', 'password' = '\${secret:db:password}');
    CREATE TABLE b (x INT) WITH ('connector' = 'c', 'password' = '\${secret:db:password}');
    INSERT INTO b SELECT x FROM a WHERE '\${secret:in:text}' <> '';`;
  expect(secretsOf(sql)).toEqual([
    { name: 'db', key: 'user' },
    { name: 'db', key: 'password' },
  ]);
});

test('a text without any is not even parsed', () => {
  expect(secretsOf('this is no SQL')).toEqual([]);
});
