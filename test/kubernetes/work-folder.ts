// Folders in which images are made, at known places: what a build that was killed left there, running programs and mounts among it, is taken away by the next
// one or by `down`.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findByArguments } from '../../src/runtime/local/process-table.ts';
import { kubernetesCache } from './binaries.ts';
import { end } from './processes.ts';
import { unmountBelow } from './remains.ts';

const root = (): string => kubernetesCache('work');

/** The folder that debootstrap fills; its name is on the command line of debootstrap and of what that starts. */
export const systemFolder = (work: string): string => join(work, 'system');

export async function withWorkFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(root(), name);
  await clear(folder);
  mkdirSync(folder, { recursive: true });
  try {
    return await work(folder);
  } finally {
    await clear(folder);
  }
}

export async function clearWork(): Promise<void> {
  if (!existsSync(root())) return;
  for (const name of readdirSync(root())) await clear(join(root(), name));
  rmSync(root(), { recursive: true, force: true });
}

async function clear(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const mark of [folder, systemFolder(folder)])
    for (const identity of findByArguments([mark])) await end('a build', identity, 0);
  await unmountBelow(folder);
  rmSync(folder, { recursive: true, force: true });
}
