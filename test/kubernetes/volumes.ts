// PersistentVolumes without a provisioner: folders on the node that any pod's user can write, one per volume, and the StorageClass `standard` that claims
// find them by.
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Kubectl } from './kubectl.ts';

const NAMES = Array.from({ length: 16 }, (_, index) => `volume-${index + 1}`);
const CLASS = 'standard';

interface Volume {
  metadata: { name: string };
  status?: { phase?: string };
}

export async function createVolumes(folder: string, kubectl: Kubectl): Promise<void> {
  for (const name of NAMES) makeFolder(volumeFolder(folder, name));
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: CLASS, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  };
  const volumes = NAMES.map((name) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      storageClassName: CLASS,
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce', 'ReadWriteMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: volumeFolder(folder, name), type: 'Directory' },
    },
  }));
  await kubectl.apply([storageClass, ...volumes]);
}

/** Empties the volumes whose claim was deleted and lets them be claimed again: a provisioner would delete them and make new ones. */
export async function reclaimVolumes(folder: string, kubectl: Kubectl): Promise<string[]> {
  const { items } = await kubectl.get<{ items: Volume[] }>('persistentvolumes');
  const released = items
    .filter(({ metadata, status }) => NAMES.includes(metadata.name) && status?.phase === 'Released')
    .map(({ metadata }) => metadata.name);
  for (const name of released) {
    const path = volumeFolder(folder, name);
    for (const entry of readdirSync(path)) rmSync(join(path, entry), { recursive: true, force: true });
    await kubectl.run('patch', 'persistentvolume', name, '--type', 'merge', '--patch', '{"spec":{"claimRef":null}}');
  }
  return released;
}

const volumeFolder = (folder: string, name: string): string => join(folder, 'volumes', name);

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777);
}
