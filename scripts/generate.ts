// Writes what is generated: crds/*.yaml and docs/reference/ from the API's schema, docs/reference/errors.md from the error codes, metrics.md from the operator's registry,
// cli.md from the command line, flink-operator-keys.md from the tables of the import, engines.md from what both engines answered to the same jobs. With --check
// it writes nothing and exits 1 when something is stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from '../src/api/generated-files.ts';
import { cliReference } from './cli-reference.ts';
import { enginesReference } from './engines-reference.ts';
import { errorsReference } from './errors-reference.ts';
import { flinkOperatorReference } from './flink-operator-reference.ts';
import { metricsReference } from './metrics-reference.ts';
import { conditionsReference, eventsReference } from './reasons-reference.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');
const stale: string[] = [];

const files = {
  ...generatedFiles(),
  'docs/reference/conditions.md': conditionsReference(),
  'docs/reference/engines.md': enginesReference(),
  'docs/reference/errors.md': errorsReference(),
  'docs/reference/events.md': eventsReference(),
  'docs/reference/flink-operator-keys.md': flinkOperatorReference(),
  'docs/reference/metrics.md': metricsReference(),
  'docs/reference/cli.md': cliReference(),
};
for (const [path, wanted] of Object.entries(files)) {
  const file = join(root, path);
  if (wanted === current(file)) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, wanted);
}

if (check && stale.length > 0) {
  console.error(`Not up to date: ${stale.join(', ')}. Run: npm run generate`);
  process.exit(1);
}
for (const path of stale) console.log(`wrote ${path}`);

function current(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
