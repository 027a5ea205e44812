// Bundles each program into one file under dist/, so that a process starts in a tenth of a second.
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';

/** Program name -> entry file. Entries that do not exist yet are an error: a bundle must never be silently missing. */
const programs: Record<string, string> = {
  flowjob: 'src/cli/main.ts',
  operator: 'src/main.ts',
  engine: 'engine/main.ts',
  worker: 'engine/taskmanager/worker-main.ts',
  demo: 'test/demo/main.ts',
  bench: 'test/bench/main.ts',
};

const missing = Object.values(programs).filter((file) => !existsSync(file));
if (missing.length > 0) throw new Error(`entry files are missing: ${missing.join(', ')}`);
await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: programs,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning',
  external: ['@duckdb/node-api'],
  // Bundled CommonJS packages call require(); ES module output has none of its own.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
});
