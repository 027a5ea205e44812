// Which volumes hold a job's state and the savepoint that it starts from, and where pods mount them. Pure.
import { fileURLToPath } from 'node:url';
import type { PodTemplate } from '../../api/flowjob.ts';
import type { Attempt } from '../../api/status.ts';
import type { SavepointPlace, StatePlace } from '../port.ts';
import { stateDirectory } from '../state-directory.ts';
import { claimName } from './names.ts';

/** Where claims are mounted: the job's own, and the one that holds the savepoint of another job. */
export const STATE = '/flowjob/state';
export const RESTORE = '/flowjob/restore';

interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

export interface Mounts {
  volumes: object[];
  volumeMounts: VolumeMount[];
}

/** The claim that holds the state; null when the spec names a folder that podTemplate mounts, or one on S3. */
export function claimOf({ key, storage }: Pick<StatePlace, 'key' | 'storage'>): string | null {
  if (storage?.uri !== undefined) return null;
  return storage?.persistentVolumeClaim?.claimName ?? claimName(key.name);
}

/** Root of the job's state as its pods see it: a path, or an s3: URI. What one engine writes lies beside what the other does: a job that changes its engine leaves its state where it is. */
export function rootOf({ key, engine, storage }: Pick<StatePlace, 'key' | 'engine' | 'storage'>): string {
  const root = stateDirectory(STATE, key.name, storage?.uri);
  return engine === 'Flink' ? `${root}/flink` : root;
}

export function claimMount(name: string, claim: string, mountPath: string, readOnly = false): Mounts {
  return {
    volumes: [{ name, persistentVolumeClaim: { claimName: claim, ...(readOnly ? { readOnly } : {}) } }],
    volumeMounts: [{ name, mountPath, ...(readOnly ? { readOnly } : {}) }],
  };
}

/** The volume of another job that an attempt restores from: mounted until the attempt has a checkpoint of its own. */
export function restoreMount(attempt: Attempt): Mounts {
  if (attempt.restoreClaim === undefined || attempt.healthy) return { volumes: [], volumeMounts: [] };
  return claimMount('restore', attempt.restoreClaim, RESTORE, true);
}

/** The savepoint's path in a pod that mounts `claimName`, which is not the job's own, at RESTORE. */
export function pathInPod({ path, claimName: claim }: SavepointPlace): string {
  const plain = path.startsWith('file:') ? fileURLToPath(path) : path;
  return claim !== undefined && isBelow(plain, STATE) ? RESTORE + plain.slice(STATE.length) : plain;
}

export const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** Those of podTemplate's volumes below which one of `paths` is, as the container `jobmanager` mounts them. */
export function templateMounts(template: PodTemplate | undefined, paths: readonly string[]): Mounts {
  const { volumes = [], containers = [] } = (template?.spec ?? {}) as {
    volumes?: { name: string }[];
    containers?: { name: string; volumeMounts?: VolumeMount[] }[];
  };
  const mounts = containers.find(({ name }) => name === 'jobmanager')?.volumeMounts ?? [];
  const needed = mounts.filter(({ mountPath }) => paths.some((path) => isBelow(path, mountPath)));
  return {
    volumes: volumes.filter((volume) => needed.some(({ name }) => name === volume.name)),
    volumeMounts: needed,
  };
}

export function together(...mounts: readonly Mounts[]): Mounts {
  return {
    volumes: mounts.flatMap(({ volumes }) => volumes),
    volumeMounts: mounts.flatMap(({ volumeMounts }) => volumeMounts),
  };
}
