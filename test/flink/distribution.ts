// Apache Flink as its binary distribution is laid out (lib/, opt/, plugins/, bin/, conf/), put together once in the user's cache folder. It is there whole or
// not at all; what was fetched by a run that was cut short is used by the next one.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FlinkVersion } from '../../src/api/engine.ts';
import { buildLock } from '../harness/build-lock.ts';
import { cacheFolder } from '../harness/cache-folder.ts';
import { run } from '../kubernetes/command.ts';
import { fetchPart } from './parts.ts';
import { EXAMPLES, FLINK_VERSION, RELEASES, S3_FILE_SYSTEM } from './releases.ts';
import { installTools } from './tools.ts';

export { FLINK_VERSION };

type Log = (line: string) => void;

export const S3_JAR = `${S3_FILE_SYSTEM.name}-${FLINK_VERSION}.jar`;

const downloads = (release: string): string => cacheFolder(`flink-${release}.partial`, 'downloads');

/**
 * Returns the folder of the distribution of that version's newest release: the first time 240 to 350 MB are fetched, which takes half a minute to a minute, and
 * as much is kept.
 * @throws Error that says which programs to install, or which package is not what was published
 */
export async function ensureFlink(log: Log, version: FlinkVersion = '2.3'): Promise<string> {
  const { number, libraries, scripts, gateway } = RELEASES[version];
  const home = cacheFolder(`flink-${number}`);
  await installTools(existsSync(home) ? 'run' : 'fetch', log);
  await once(home, number, log, async () => {
    log(`putting Apache Flink ${number} together in ${home}, once`);
    const partial = cacheFolder(`flink-${number}.partial`);
    const fetched = await fetchPart(libraries, downloads(number), log);
    const wheel = await fetchPart(scripts, downloads(number), log);
    const unpacked = join(partial, 'unpacked');
    const assembled = join(unpacked, 'pyflink');
    rmSync(unpacked, { recursive: true, force: true });
    mkdirSync(assembled, { recursive: true });
    await (fetched.endsWith('.tar.gz') ? untar(fetched, assembled) : unzip(fetched, LIBRARY_FOLDERS, unpacked));
    await unzip(wheel, ['bin', 'conf', 'log'], unpacked);
    if (gateway !== null) {
      const jar = await fetchPart(gateway, downloads(number), log);
      copyFileSync(jar, join(assembled, 'opt', basename(jar)));
    }
    for (const script of readdirSync(join(assembled, 'bin'))) chmodSync(join(assembled, 'bin', script), 0o755);
    renameSync(assembled, home);
    rmSync(partial, { recursive: true, force: true });
  });
  return home;
}

/**
 * Returns the jar of the file system `s3://` in opt/, where the official distribution has it: 32 MB more, for the tests that ask for it. A process that is
 * started with `plugins/s3-fs-hadoop/` finds it, too.
 */
export async function ensureS3(home: string, log: Log): Promise<string> {
  const jar = join(home, 'opt', S3_JAR);
  const plugin = join(home, 'plugins', 's3-fs-hadoop');
  await once(plugin, FLINK_VERSION, log, async () => {
    const fetched = await fetchPart(S3_FILE_SYSTEM, downloads(FLINK_VERSION), log);
    copyFileSync(fetched, `${jar}.partial`);
    renameSync(`${jar}.partial`, jar);
    rmSync(`${plugin}.partial`, { recursive: true, force: true });
    mkdirSync(`${plugin}.partial`);
    symlinkSync(join('..', '..', 'opt', S3_JAR), join(`${plugin}.partial`, S3_JAR));
    renameSync(`${plugin}.partial`, plugin);
    rmSync(dirname(downloads(FLINK_VERSION)), { recursive: true, force: true });
  });
  return jar;
}

/** Returns a jar with a program for Flink, for the tests that ask for it. */
export async function ensureExample(log: Log, version: keyof typeof EXAMPLES = '2.3'): Promise<string> {
  await installTools('fetch', log);
  return fetchPart(EXAMPLES[version], cacheFolder(`flink-${RELEASES[version].number}.examples`), log);
}

const LIBRARY_FOLDERS = ['lib', 'opt', 'plugins', 'licenses', 'bin'];

/** Of a wheel these folders, into `into`/pyflink. */
async function unzip(wheel: string, folders: readonly string[], into: string): Promise<void> {
  await run('unzip', ['-q', '-o', wheel, ...folders.map((folder) => `pyflink/${folder}/*`), '-d', into]);
}

/** Of a source package, which has its folders below `NAME-RELEASE/deps/`. */
async function untar(file: string, into: string): Promise<void> {
  await run('tar', ['-xzf', file, '-C', into, '--strip-components=2', '--wildcards', '*/deps/*']);
}

/** `make` creates `path`, by a rename at its end. */
async function once(path: string, release: string, log: Log, make: () => Promise<void>): Promise<void> {
  if (existsSync(path)) return;
  const lock = await buildLock(cacheFolder(`flink-${release}.lock`), log);
  try {
    if (!existsSync(path)) await make();
  } finally {
    lock.release();
  }
}
