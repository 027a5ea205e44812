import { admit } from '../api/admission.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { resolveSpec } from '../api/resolved.ts';
import { queryIntoFiles } from './query-into-files.ts';

const of = (sql: string, mode = 'Batch') => {
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'run' },
    spec: { mode, job: { sql: { inline: sql } } },
  }) as FlowJob;
  return queryIntoFiles('run', resolveSpec(job.spec), "/tmp/it's");
};

test('a bare query of a batch goes into files, with its columns', () => {
  const result = of("SELECT 1 AS `a b`, 'x' AS b, 2.5 AS b;");
  expect(result?.columns).toEqual([
    { name: 'a b', numeric: true },
    { name: 'b', numeric: false },
    { name: 'b0', numeric: true },
  ]);
  expect(result?.sql).toContain("'path' = '/tmp/it''s'");
  expect(result?.sql).toMatch(/INSERT INTO `query_result` SELECT 1 AS `a b`, 'x' AS b, 2\.5 AS b;$/);
});

test('a table of the name that the result would have keeps it', () => {
  const table = "CREATE TABLE query_result (a INT) WITH ('connector' = 'blackhole'); ";
  expect(of(`${table}INSERT INTO query_result SELECT 1; SELECT 2 AS c`)?.sql).toContain(
    'INSERT INTO `query_result_` SELECT 2',
  );
});

test('streams, texts without a bare query, and types that no file takes stay as they are', () => {
  expect(of('SELECT 1', 'Streaming')).toBeNull();
  expect(of("CREATE TABLE t (a INT) WITH ('connector' = 'blackhole'); INSERT INTO t SELECT 1")).toBeNull();
  expect(of("SELECT INTERVAL '1' DAY AS d")).toBeNull();
});
