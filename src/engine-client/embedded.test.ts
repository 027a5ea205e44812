import { admit } from '../api/admission.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { resolveSpec } from '../api/resolved.ts';
import { restartOptions } from '../../engine/jobmanager/options.ts';
import { EngineConfig } from '../../engine/config.ts';
import { embeddedConfig, jobManagerArguments } from './embedded.ts';

const paths = { stateDirectory: '/s', tokenFile: '/t', endpointsFile: '/e', temporaryDirectory: '/tmp' };

function restartsOf(mode: 'Streaming' | 'Batch') {
  const manifest = {
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: { mode, job: { sql: { inline: 'SELECT 1' } } },
  };
  const { spec } = admit(manifest) as FlowJob;
  const config = embeddedConfig({ name: 'orders', uid: 'u', spec: resolveSpec(spec) }, paths);
  return restartOptions(
    new EngineConfig(Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]))),
  );
}

test('the engine gives a batch run up after a few tries, as backoffLimit counts runs', () => {
  expect(restartsOf('Batch')).toEqual({ type: 'fixed-delay', attempts: 3, delay: 200 });
  expect(restartsOf('Streaming').type).toBe('exponential-delay');
});

test('a JobManager is told what to restore from, and to drop state of no operator only when that is asked for', () => {
  const attempt = { configDirectory: '/c', jobId: 'a'.repeat(32), epoch: 1, sqlFile: '/s' };
  const argumentsOf = (restoreFrom?: string, allowNonRestoredState?: boolean): string[] =>
    jobManagerArguments({ ...attempt, restoreFrom, allowNonRestoredState }).slice(9);
  expect(argumentsOf()).toEqual([]);
  expect(argumentsOf('/savepoint')).toEqual(['--from-savepoint', '/savepoint']);
  expect(argumentsOf('/savepoint', true)).toEqual(['--from-savepoint', '/savepoint', '--allow-non-restored-state']);
});
