// What each version of Apache Flink knows of the configuration that the operator writes.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureFlink } from '../../../test/flink/distribution.ts';
import { full } from '../../../test/kubernetes/full.ts';
import { FLINK_VERSIONS, type FlinkVersion } from '../../api/engine.ts';
import type { FlowJobSpec } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import { newSpec } from '../../lifecycle/simulated-objects.fixture.ts';
import { flinkConfig, taskManagerMemoryConfig } from './config.ts';
import { highAvailabilityConfig } from './high-availability.ts';
import { PYTHON_DRIVER, pythonConfig } from './python.ts';
import { VERSIONS } from './versions.ts';

/** Constants of the classes of its options: a length of two bytes stands before each. */
async function unknownTo(version: FlinkVersion, keys: readonly string[]): Promise<string[]> {
  const lib = join(await ensureFlink(console.log, version), 'lib');
  const jars = readdirSync(lib).filter((file) => /^flink-(dist|table-api-java-uber)-/.test(file));
  const classes = Buffer.concat(
    jars.map((file) =>
      execFileSync('unzip', ['-p', join(lib, file), 'org/apache/flink/*Options*.class'], { maxBuffer: 1 << 26 }),
    ),
  );
  return keys.filter((key) => {
    const length = Buffer.alloc(3, 1);
    length.writeUInt16BE(key.length, 1);
    return !classes.includes(Buffer.concat([length, Buffer.from(key)]));
  });
}

// The others have to be fetched.
test.each(full ? FLINK_VERSIONS : (['2.3'] as const))(
  'Flink %s knows each key that the operator sets',
  async (version) => {
    const run = { job: 'orders', namespace: 'default', jobId: '0'.repeat(32) };
    const keys = (['Streaming', 'Batch', 'Automatic'] as const).flatMap((mode) => {
      const job =
        version === '1.20'
          ? { jar: { uri: '/a.jar' } }
          : { sql: { inline: '', ...(mode === 'Batch' ? {} : { plan: 'Compiled' }) } };
      const spec = resolveSpec(newSpec(mode, { engine: { type: 'Flink', version }, job } as Partial<FlowJobSpec>));
      return Object.keys({
        ...flinkConfig('orders', spec, { state: 'file:///state', temporary: '/tmp' }),
        ...taskManagerMemoryConfig(1728 << 20, spec),
        ...highAvailabilityConfig(run, 'file:///state', VERSIONS[version]),
        ...pythonConfig({ jar: { uri: '/a.jar', entryClass: PYTHON_DRIVER }, parallelism: 1 }, '/tmp'),
      });
    });
    expect(await unknownTo(version, [...new Set(keys)])).toEqual([]);
  },
  600_000,
);
