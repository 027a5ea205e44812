// A job from a jar: what of it is a new version, and that it does not become one of SQL while it runs.
import { admit } from '../api/admission.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { changeBetween, desiredSpec } from './change.ts';

const specOf = (job: object) =>
  desiredSpec(
    admit({
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowJob',
      metadata: { name: 'orders' },
      spec: { mode: 'Streaming', engine: { type: 'Flink', version: '2.3' }, job },
    }) as FlowJob,
  );
const jar = (more: object = {}) => specOf({ jar: { uri: 'local:///opt/a.jar', ...more } });
const sql = specOf({ sql: { inline: 'INSERT INTO a SELECT 1' } });

test.each([
  ['uri', { uri: 'local:///opt/b.jar' }],
  ['entryClass', { entryClass: 'com.example.Main' }],
  ['args', { args: ['--rate', '6'] }],
])('another %s is another version', (field, change) => {
  expect(changeBetween(jar({ args: ['--rate', '5'] }), jar({ args: ['--rate', '5'], ...change }), null)).toEqual({
    kind: 'Restart',
    paths: [`spec.job.jar.${field}`],
  });
});

test('the same jar with the same arguments is the same version', () => {
  expect(changeBetween(jar({ args: ['a'] }), jar({ args: ['a'] }), null)).toEqual({ kind: 'None' });
});

test('SQL does not become a jar while it runs, nor a jar SQL', () => {
  const refused = (message: string) => ({ kind: 'Refused', message: expect.stringContaining(message) as string });
  expect(changeBetween(sql, jar(), null)).toEqual(refused('spec.job (sql to jar) cannot change while'));
  expect(changeBetween(jar(), sql, null)).toEqual(refused('spec.job (jar to sql) cannot change while'));
});
