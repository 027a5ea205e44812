// Bundles each program into one file under dist/, so that a process starts in a tenth of a second. The command line is in several: what speaks to a
// cluster is read by the commands that do. Does nothing when no source is newer; replaces
// files one by one and atomically, so that an operator that runs from dist/ never finds one missing. `build.ts NAME...` builds these programs alone, whether
// or not they are there: the image is made from sources that lack the others.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { slimClientNode } from './bundle/slim-client-node.ts';

/** Program name -> entry file. An entry that does not exist is an error: a bundle must never be silently missing. */
const programs: Record<string, string> = {
  flowjob: 'src/cli/main.ts',
  operator: 'src/main.ts',
  'kubernetes-operator': 'src/kubernetes-main.ts',
  'flink-storage': 'src/flink-storage-main.ts',
  'fetch-jar': 'src/fetch-jar-main.ts',
  'render-sql': 'src/render-sql-main.ts',
  engine: 'engine/main.ts',
  worker: 'engine/taskmanager/worker-main.ts',
  demo: 'test/demo/entry.ts',
  bench: 'test/bench/main.ts',
};
/** Programs whose `import()` stay files of their own: NAME.js and its NAME-HASH.js. */
const SPLIT = ['flowjob'];
const inputs = [
  'src',
  'engine',
  'test/demo',
  'test/bench',
  'test/flink',
  'test/harness',
  'test/simulation/autoscaler',
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
  const shared: BuildOptions & { write: false } = {
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
  };
  const split = names.filter((name) => SPLIT.includes(name));
  const whole = Object.entries(wanted).filter(([name]) => !split.includes(name));
  const results = await Promise.all([
    esbuild.build({ ...shared, entryPoints: Object.fromEntries(whole) }),
    ...split.map((name) =>
      esbuild.build({
        ...shared,
        entryPoints: { [name]: wanted[name]! },
        splitting: true,
        chunkNames: `${name}-[hash]`,
      }),
    ),
  ]);
  // The parts of a program before the program.
  const outputFiles = results
    .flatMap((result) => result.outputFiles)
    .sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)));
  mkdirSync('dist', { recursive: true });
  for (const file of outputFiles) {
    const partial = join('dist', `.${basename(file.path)}.${process.pid}`);
    // What users call by name has to be executable: as a plugin kubectl passes over it otherwise.
    writeFileSync(partial, file.contents, { mode: basename(file.path) === 'flowjob.js' ? 0o755 : 0o644 });
    renameSync(partial, join('dist', basename(file.path)));
  }
  const written = new Set(outputFiles.map(({ path }) => basename(path)));
  for (const name of split)
    for (const file of readdirSync('dist').filter((one) => one.startsWith(`${name}-`) && !written.has(one)))
      rmSync(join('dist', file), { force: true });
  if (names.length < Object.keys(programs).length) return;
  // Dated at the start: a source that changed meanwhile is built the next time.
  writeFileSync(stamp, '');
  utimesSync(stamp, begun / 1000, begun / 1000);
}

/** `NAME.js` or its map. */
function isEntry(path: string): boolean {
  return programs[basename(path).replace(/\.js(\.map)?$/, '')] !== undefined;
}

const named = process.argv.slice(2);
if (named.length > 0) await build(named);
else if (!upToDate()) await build(Object.keys(programs));
