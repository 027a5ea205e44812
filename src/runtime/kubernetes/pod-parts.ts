// What is kept of a pod: as much as anything here reads. The API server fills the rest in, several kilobytes of it, and there are thousands of pods.
import type { Pod } from './pod-view.ts';

/** Which volumes a pod has, and which of them a container mounts. */
export interface PodVolumes {
  volumes?: Volume[];
  containers?: Mounting[];
  initContainers?: Mounting[];
}

export type Volume = VolumeSource & { name: string; projected?: { sources?: VolumeSource[] } };

/** As far as a pod may have to wait for it. */
export interface VolumeSource {
  secret?: { secretName?: string; name?: string; optional?: boolean };
  configMap?: { name?: string; optional?: boolean };
}

interface Mounting {
  volumeMounts?: { name: string }[];
}

/** For `trim` of a cache: the pod without what nobody reads. Its status is kept whole. */
export function readParts(pod: Pod): Pod {
  const { annotations: _, managedFields: __, ...metadata } = pod.metadata;
  if (pod.spec === undefined) return { ...pod, metadata };
  const { nodeName, volumes, containers, initContainers } = pod.spec as Pod['spec'] & PodVolumes;
  const spec = {
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(volumes === undefined ? {} : { volumes }),
    ...(containers === undefined ? {} : { containers: containers.map(mountsOf) }),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(mountsOf) }),
  };
  return { ...pod, metadata, spec };
}

const mountsOf = ({ volumeMounts = [] }: Mounting): Mounting => ({
  volumeMounts: volumeMounts.map(({ name }) => ({ name })),
});
