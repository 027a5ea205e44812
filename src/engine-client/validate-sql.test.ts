import { admit } from '../api/admission.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { resolveSpec } from '../api/resolved.ts';
import { SqlChecker } from './validate-sql.ts';

const noFlink = () => 'no Flink here';

const spec = (sql: string) =>
  resolveSpec(
    (
      admit({
        apiVersion: 'flowjob.dev/v1alpha1',
        kind: 'FlowJob',
        metadata: { name: 'orders' },
        spec: { mode: 'Batch', job: { sql: { inline: sql } } },
      }) as FlowJob
    ).spec,
  );

test('what is wrong is said with its place, and asked of the planner once for each version', () => {
  let asked = 0;
  const checker = new SqlChecker(noFlink, () => {
    asked++;
    return { code: 'SQL_SYNTAX', message: 'no', line: 1, column: 2 };
  });
  expect(checker.check('u', 'orders', spec('a'))).toBe('SQL_SYNTAX (line 1, column 2): no');
  expect(checker.check('u', 'orders', spec('a'))).toBe('SQL_SYNTAX (line 1, column 2): no');
  expect(asked).toBe(1);
  checker.check('u', 'orders', spec('b'));
  expect(asked).toBe(2);
});

test.each([
  ['of the text', 'SELEC 1', /^SQL_SYNTAX \(line 1, column 1\): (?!line)/],
  [
    'of a connector',
    "CREATE TABLE t (a INT) WITH (\n'connector' = 'no');\nCREATE TABLE o (a INT) WITH ('connector' = 'print');\nINSERT INTO o SELECT a FROM t",
    /^[A-Z_]+ \(line \d+, column \d+\): (?!line)/,
  ],
])('the place of an error %s is said once', (_what, sql, said) => {
  const answer = new SqlChecker(noFlink).check('u', 'orders', spec(sql));
  expect(answer).toMatch(said);
  expect(answer?.match(/line \d+, column \d+/g)).toHaveLength(1);
});

test('what Flink is asked to run is checked once for each version, too: of its memory as of its text', () => {
  let asked = 0;
  const checker = new SqlChecker(() => {
    asked++;
    return 'no';
  });
  const onFlink = { ...spec('a'), engine: { type: 'Flink' as const, version: '2.3' as const } };
  expect([checker.check('u', 'orders', onFlink), checker.check('u', 'orders', onFlink)]).toEqual(['no', 'no']);
  expect(asked).toBe(1);
  const taskManager = { ...onFlink.taskManager, resources: { limits: { memory: '4Gi' } } };
  checker.check('u', 'orders', { ...onFlink, taskManager });
  expect(asked).toBe(2);
});

test('a defect of the planner is an answer, not the end of the pass', () => {
  const checker = new SqlChecker(noFlink, () => {
    throw new TypeError('x is not a function');
  });
  expect(checker.check('u', 'orders', spec('a'))).toContain('x is not a function');
});

test('it does not remember jobs for ever that are gone', () => {
  let asked = 0;
  const checker = new SqlChecker(noFlink, () => {
    asked++;
    return null;
  });
  const same = spec('a');
  checker.check('first', 'orders', same);
  for (let job = 0; job < 10_000; job++) checker.check(`job-${job}`, 'orders', same);
  checker.check('job-9999', 'orders', same);
  expect(asked).toBe(10_001);
  checker.check('first', 'orders', same);
  expect(asked).toBe(10_002);
});
