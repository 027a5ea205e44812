import { admit } from '../api/admission.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { resolveSpec } from '../api/resolved.ts';
import { restartOptions } from '../../engine/jobmanager/options.ts';
import { EngineConfig } from '../../engine/config.ts';
import { embeddedConfig } from './embedded.ts';

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
