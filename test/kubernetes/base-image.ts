// The Dockerfile's base image, for a machine that cannot pull it: Debian's minimal system by debootstrap, Node and npm from npm's registry. It has what the
// official one has and the Dockerfile uses, under the same name, in buildah's storage of the cluster's cache only.
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildImage, hasImage } from './buildah.ts';
import { run } from './command.ts';
import { systemFolder, withWorkFolder } from './work-folder.ts';

export const BASE_IMAGE = 'docker.io/library/node:24-bookworm-slim';
const NPM = 'npm@11';

export async function ensureBaseImage(log: (line: string) => void): Promise<void> {
  if (await hasImage(BASE_IMAGE)) return;
  log(`making a stand-in for ${BASE_IMAGE}, once: debootstrap, Node and npm; a minute, 0.5 GB of disk`);
  await withWorkFolder('base-image', async (work) => {
    const system = systemFolder(work);
    await run('debootstrap', ['--variant=minbase', 'bookworm', system]);
    const local = join(system, 'usr/local');
    copyFileSync(nodeProgram(), join(local, 'bin/node'));
    await addNpm(work, local);
    const dockerfile = join(work, 'Dockerfile');
    writeFileSync(dockerfile, 'FROM scratch\nADD system.tar /\nENV NODE_VERSION=24\nCMD ["node"]\n');
    // No device files: a build without all of root's rights cannot make them, and the container's own /dev lies over them.
    const leaveOut = ['--exclude=./dev/*', '--exclude=./proc/*', '--exclude=./sys/*', '--exclude=./var/cache/apt/*'];
    await run('tar', ['--create', '--file', join(work, 'system.tar'), '--directory', system, ...leaveOut, '.']);
    rmSync(system, { recursive: true, force: true });
    await buildImage({ name: BASE_IMAGE, context: work, dockerfile });
  });
}

/** Of the platform's package, the one that runs the scripts. */
function nodeProgram(): string {
  const require = createRequire(join(process.cwd(), 'package.json'));
  return join(dirname(require.resolve(`node-linux-${process.arch}/package.json`)), 'bin/node');
}

async function addNpm(work: string, local: string): Promise<void> {
  const packed = await run('npm', ['pack', NPM, '--silent', '--pack-destination', work], { cwd: work });
  const npm = join(local, 'lib/node_modules/npm');
  mkdirSync(npm, { recursive: true });
  const archive = join(work, packed.trim().split('\n').at(-1)!);
  await run('tar', ['--extract', '--file', archive, '--strip-components=1', '--no-same-owner', '--directory', npm]);
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
}
