// Bundles each program into one file under dist/, so that a process starts in a tenth of a second. Does nothing when no source is newer; replaces
// files one by one and atomically, so that an operator that runs from dist/ never finds one missing. `build.ts NAME...` builds these programs alone, whether
// or not they are there: the image is made from sources that lack the others.
import { existsSync, mkdirSync, readdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { slimClientNode } from './bundle/slim-client-node.ts';

/** Program name -> entry file. An entry that does not exist is an error: a bundle must never be silently missing. */
const programs: Record<string, string> = {
  flowjob: 'src/cli/main.ts',
  operator: 'src/main.ts',
  'kubernetes-operator': 'src/kubernetes-main.ts',
  engine: 'engine/main.ts',
  worker: 'engine/taskmanager/worker-main.ts',
  demo: 'test/demo/main.ts',
  bench: 'test/bench/main.ts',
};
const inputs = [
  'src',
  'engine',
  'test/demo',
  'test/bench',
  'test/harness',
  'test/kubernetes',
  'scripts',
  'package.json',
  'package-lock.json',
];
const stamp = join('dist', '.built');

/** The latest change of any file below `path`, milliseconds. */
function newest(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const times = readdirSync(path).map((entry) => newest(join(path, entry)));
  return Math.max(stats.mtimeMs, ...times);
}

function upToDate(): boolean {
  return existsSync(stamp) && inputs.every((input) => newest(input) < statSync(stamp).mtimeMs);
}

async function build(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => programs[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`no such program: ${unknown.join(', ')}; there are ${Object.keys(programs).join(', ')}`);
  const wanted = Object.fromEntries(names.map((name) => [name, programs[name]!]));
  const missing = Object.values(wanted).filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`entry files are missing: ${missing.join(', ')}`);
  const begun = Date.now();
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    entryPoints: wanted,
    outdir: 'dist',
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'warning',
    external: ['@duckdb/node-api'],
    plugins: [slimClientNode],
    // Bundled CommonJS packages call require(); ES module output has none of its own.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  mkdirSync('dist', { recursive: true });
  for (const file of outputFiles) {
    const partial = join('dist', `.${basename(file.path)}.${process.pid}`);
    writeFileSync(partial, file.contents);
    renameSync(partial, join('dist', basename(file.path)));
  }
  if (names.length < Object.keys(programs).length) return;
  // Dated at the start: a source that changed meanwhile is built the next time.
  writeFileSync(stamp, '');
  utimesSync(stamp, begun / 1000, begun / 1000);
}

const named = process.argv.slice(2);
if (named.length > 0) await build(named);
else if (!upToDate()) await build(Object.keys(programs));
