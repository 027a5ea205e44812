// `render-sql`: the init container of a JobManager on Apache Flink whose SQL refers to Secrets. It puts the values, which the kubelet gives it as environment variables,
// into a copy of the text that the JobManager alone can read. Says no value, whatever happens.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeReference, secretVariable } from '../engine/secret-references.ts';
import { withSecrets } from './engine-client/flink/script-secrets.ts';

const { values } = parseArgs({ options: { from: { type: 'string' }, to: { type: 'string' } } });
const { from, to } = values;
if (from === undefined || to === undefined) {
  console.error('render-sql: --from and --to are needed');
  process.exit(2);
}
try {
  const text = withSecrets(readFileSync(from, 'utf8'), (reference) => {
    const value = process.env[secretVariable(reference)];
    if (value === undefined) throw new Error(`SECRET_MISSING: nothing was given for ${describeReference(reference)}`);
    return value;
  });
  // Written before, where the kubelet had to begin the pod anew: nobody may write to that file.
  rmSync(to, { force: true });
  writeFileSync(to, text, { mode: 0o400 });
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
