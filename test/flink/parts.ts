// Packages of public registries that Apache Flink is put together from, each with the checksum that it must have. The distribution itself is in none.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../kubernetes/command.ts';

export interface Part {
  name: string;
  release: string;
  megabytes: number;
  sha256: string;
  /** Puts one file into the folder. */
  fetch: (folder: string) => Promise<unknown>;
}

const PIP_DOWNLOAD = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];

/** Of PyPI. The wheels hold Java and shell scripts: that of one platform does for all. */
export const wheel = (name: string, release: string, megabytes: number, sha256: string): Part => ({
  name,
  release,
  megabytes,
  sha256,
  fetch: async (folder) =>
    run('python3', [
      ...[...PIP_DOWNLOAD, '--only-binary=:all:'],
      ...['--platform', 'manylinux2014_x86_64', '--python-version', '311', '--dest', folder],
      `${name}==${release}`,
    ]),
});

/** Of PyPI, where a release has no wheel: .tar.gz. */
export const sourcePackage = (name: string, release: string, megabytes: number, sha256: string): Part => ({
  name,
  release,
  megabytes,
  sha256,
  fetch: async (folder) =>
    run('python3', [...PIP_DOWNLOAD, '--no-binary=:all:', '--dest', folder, `${name}==${release}`]),
});

/** Of Maven Central. */
export const jar = (name: string, release: string, megabytes: number, sha256: string, classifier = ''): Part => ({
  name,
  release,
  megabytes,
  sha256,
  fetch: async (folder) =>
    run('mvn', [
      ...['--batch-mode', '--quiet', 'dependency:copy'],
      `-Dartifact=org.apache.flink:${name}:${release}${classifier}`,
      `-DoutputDirectory=${folder}`,
    ]),
});

/** Returns the part's file below `downloads`. One that an earlier run fetched is used when it is whole. @throws Error when it is not what it must be */
export async function fetchPart(part: Part, downloads: string, log: (line: string) => void): Promise<string> {
  const folder = join(downloads, part.name);
  const there = await fileIn(folder);
  if (there?.sha256 === part.sha256) return there.file;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const begun = performance.now();
  const seconds = (): number => Math.round((performance.now() - begun) / 1000);
  log(`  fetching ${part.name} ${part.release} (${part.megabytes} MB)`);
  const ticker = setInterval(() => log(`  ${part.name}: still fetching after ${seconds()} s`), 15_000);
  try {
    await part.fetch(folder);
  } finally {
    clearInterval(ticker);
  }
  const fetched = await fileIn(folder);
  if (fetched?.sha256 !== part.sha256)
    throw new Error(
      `${part.name} ${part.release} as fetched has the SHA-256 ${fetched?.sha256 ?? '(no file)'} and not ${part.sha256}: it is not the package that was ` +
        `published. Look at what your registry or its proxy gives; the file is in ${folder}`,
    );
  log(`  ${part.name}: ${seconds()} s`);
  return fetched.file;
}

async function fileIn(folder: string): Promise<{ file: string; sha256: string } | null> {
  const [name] = existsSync(folder) ? readdirSync(folder) : [];
  if (name === undefined) return null;
  const file = join(folder, name);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { file, sha256: hash.digest('hex') };
}
