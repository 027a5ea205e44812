// Builds images without a Docker engine, into archives in the cache that containerd imports.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { kubernetesCache } from './binaries.ts';
import { run } from './command.ts';

export interface Build {
  name: string;
  context: string;
  dockerfile: string;
  /** `HOST:CONTAINER:ro`: there while the image is built, never in it. */
  volumes?: readonly string[];
}

/** Builds an image and stores it as `archive`, which is there whole or not at all. */
export async function buildArchive(build: Build, archive: string): Promise<void> {
  mkdirSync(dirname(archive), { recursive: true });
  await buildImage(build);
  const partial = `${archive}.partial`;
  rmSync(partial, { force: true });
  await buildah('push', '--quiet', build.name, `docker-archive:${partial}:${build.name}`);
  renameSync(partial, archive);
  await buildah('rmi', '--force', build.name);
}

/** Builds an image into buildah's own storage, where later builds find it as their base. */
export async function buildImage({ name, context, dockerfile, volumes = [] }: Build): Promise<void> {
  await buildah(
    ...['bud', '--quiet', '--isolation', 'chroot', '--pull-never', '--format', 'docker'],
    ...volumes.flatMap((volume) => ['--volume', volume]),
    ...['--tag', name, '--file', dockerfile, context],
  );
}

export async function hasImage(name: string): Promise<boolean> {
  const listed = await buildah('images', '--format', '{{.Name}}:{{.Tag}}');
  return listed.split('\n').includes(name);
}

export async function tagImage(name: string, other: string): Promise<void> {
  await buildah('tag', name, other);
}

/** With all of its names. */
export async function removeImage(name: string): Promise<void> {
  if (await hasImage(name)) await buildah('rmi', '--force', name);
}

async function buildah(...args: string[]): Promise<string> {
  const policy = kubernetesCache('policy.json');
  if (!existsSync(policy)) {
    mkdirSync(kubernetesCache(), { recursive: true });
    // Only what was built here is in the storage.
    writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  }
  const storage = ['--root', kubernetesCache('buildah'), '--runroot', kubernetesCache('buildah-run')];
  const [command, ...options] = args;
  const needsPolicy = command === 'bud' || command === 'push' ? ['--signature-policy', policy] : [];
  return run('buildah', [...storage, '--storage-driver', 'vfs', command!, ...needsPolicy, ...options]);
}
