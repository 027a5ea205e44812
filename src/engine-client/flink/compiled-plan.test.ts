// SQL that Flink compiles once: what SqlDriver is given, and under which name the plan is kept.
import { admit } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { flinkScript, planName } from './compiled-plan.ts';

function spec(inline: string, more: object = {}, plan = 'Compiled'): ResolvedFlowJobSpec {
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: { mode: 'Streaming', engine: { type: 'Flink', version: '2.3' }, job: { sql: { inline, plan } }, ...more },
  }) as FlowJob;
  return resolveSpec(job.spec);
}
const script = (inline: string, plan?: string): string => flinkScript(spec(inline, {}, plan), 's3://b/state');
const planned = (inline: string): string =>
  `COMPILE AND EXECUTE PLAN 's3://b/state/plans/${planName(spec(inline))}.json' FOR `;

const TABLE = 'CREATE TABLE a (x INT);\n';

test('an INSERT is compiled and executed, and lines stay where they are', () => {
  const text = `${TABLE}-- the job\nINSERT INTO b SELECT * FROM a;`;
  expect(script(text)).toBe(`${TABLE}-- the job\n${planned(text)}INSERT INTO b SELECT * FROM a;`);
  expect(script(text, 'AtEachStart')).toBe(text);
});

test('several INSERTs, and a statement set, are one plan', () => {
  const two = `${TABLE}INSERT INTO b SELECT * FROM a;\nINSERT INTO c SELECT * FROM a;`;
  expect(script(two)).toBe(
    `${TABLE}${planned(two)}STATEMENT SET BEGIN INSERT INTO b SELECT * FROM a;\nINSERT INTO c SELECT * FROM a; END;`,
  );
  const set = `${TABLE}EXECUTE STATEMENT SET BEGIN INSERT INTO b SELECT * FROM a; END;`;
  expect(script(set)).toBe(`${TABLE}${planned(set)}STATEMENT SET BEGIN INSERT INTO b SELECT * FROM a; END;`);
});

test.each(['CREATE TABLE b AS SELECT * FROM a', 'BEGIN STATEMENT SET; END', 'SELECT 1'])(
  'what Flink does not compile is refused with the remedy: %s',
  (text) => {
    expect(() => script(text)).toThrow(/write the job so, or remove plan/);
  },
);

test('the plan is another with another text or another key of its planning, and the same on another Flink', () => {
  const text = 'INSERT INTO b SELECT * FROM a';
  const name = planName(spec(text));
  const on = (version: string, config: object = {}) =>
    planName(spec(text, { engine: { type: 'Flink', version, image: 'another', config } }));
  expect(on('2.2')).toBe(name);
  expect(on('2.3', { 'web.refresh-interval': '1 s' })).toBe(name);
  expect(on('2.3', { 'table.exec.state.ttl': '1 h' })).not.toBe(name);
  expect(planName(spec(`${text} WHERE x > 0`))).not.toBe(name);
});
