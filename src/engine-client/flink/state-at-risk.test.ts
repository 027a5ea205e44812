// What a change to SQL on Flink puts at risk, by the texts.
import { admit } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { stateAtRisk } from './state-at-risk.ts';

const TEXT = `CREATE TABLE a (x INT) WITH ('connector' = 'c');
CREATE TABLE b (x INT, n BIGINT) WITH ('connector' = 'c');
INSERT INTO b SELECT x, COUNT(*) FROM a GROUP BY x;
INSERT INTO \`c d\` SELECT x FROM a;`;

function spec(inline: string, more: object = {}): ResolvedFlowJobSpec {
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: { mode: 'Streaming', engine: { type: 'Flink', version: '2.3' }, job: { sql: { inline } }, ...more },
  }) as FlowJob;
  return resolveSpec(job.spec);
}

const risk = (text: string, more: object = {}): string | null => stateAtRisk(spec(TEXT), spec(text, more));

test('what is the same to Flink risks nothing', () => {
  expect(risk(TEXT)).toBeNull();
  expect(risk(TEXT.replace('GROUP BY', '-- by key\n  GROUP  /* each */ BY'))).toBeNull();
  const [tables, inserts] = [TEXT.slice(0, TEXT.indexOf('INSERT')), TEXT.slice(TEXT.indexOf('INSERT'))];
  expect(risk(`${tables}EXECUTE STATEMENT SET BEGIN\n${inserts} END;`)).toBeNull();
  expect(risk(TEXT, { taskManager: { replicas: 3 } })).toBeNull();
});

test.each([
  [
    'an INSERT that is another',
    TEXT.replace('COUNT(*)', 'SUM(x)'),
    'The SQL has new or changed: INSERT INTO b (line 3). Apache Flink restores',
  ],
  ['one that is gone', TEXT.replace(/INSERT INTO `c d`.*/, ''), 'The SQL has removed: INSERT INTO `c d`. '],
  [
    'one more, and a table that is another',
    `${TEXT.replace('a (x INT)', 'a (x BIGINT)')}\nINSERT INTO e SELECT x FROM a`,
    'The SQL has new or changed: CREATE TABLE a (line 1), INSERT INTO e (line 5). ',
  ],
  [
    'a setting',
    `SET 'table.exec.mini-batch.enabled' = 'true';\n${TEXT}`,
    "The SQL has new or changed: SET 'table.exec.mini-batch.enabled' (line 1). ",
  ],
])('%s is named, with its line', (_, text, says) => {
  expect(risk(text)).toContain(says);
});

test('what happens then hangs on the rollback, and the remedy is named', () => {
  const text = `${TEXT}\nINSERT INTO e SELECT x FROM a`;
  expect(risk(text)).toMatch(
    /version before goes on from its savepoint\. To start .*set spec\.upgrade\.strategy to Stateless/,
  );
  expect(risk(text, { upgrade: { rollback: { enabled: false } } })).toContain(
    'the job is Failed, and its savepoint stays',
  );
});

test('another version of Flink may plan otherwise', () => {
  expect(risk(TEXT, { engine: { type: 'Flink', version: '2.2' } })).toMatch(
    /^Apache Flink 2\.2 may plan a text otherwise than 2\.3 did\./,
  );
});

test('a compiled plan is the same on another version', () => {
  const compiled = (version: string) =>
    spec('', { engine: { type: 'Flink', version }, job: { sql: { inline: TEXT, plan: 'Compiled' } } });
  expect(stateAtRisk(compiled('2.2'), compiled('2.3'))).toBeNull();
});

test('where no state is restored none is at risk', () => {
  const other = TEXT.replace('COUNT(*)', 'SUM(x)');
  expect(risk(other, { upgrade: { strategy: 'Stateless' } })).toBeNull();
  expect(stateAtRisk(spec(TEXT, { mode: 'Batch' }), spec(other, { mode: 'Batch' }))).toBeNull();
  expect(stateAtRisk(spec(TEXT, { engine: {} }), spec(other, { engine: {} }))).toBeNull();
});

test('of many statements a few are named', () => {
  const many = Array.from({ length: 9 }, (_, n) => `INSERT INTO t${n} SELECT x FROM a;`).join('\n');
  expect(risk(`${TEXT}\n${many}`)).toMatch(/INSERT INTO t5 \(line 10\) and 3 more\./);
});
