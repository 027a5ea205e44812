// What is kept of a pod: as much as anything here reads. The API server fills the rest in, several kilobytes of it, and there are thousands of pods.
import type { Pod } from './pod-view.ts';

/** Which volumes a pod has, which of them a container mounts, and from which image it is made. */
export interface PodParts {
  volumes?: Volume[];
  containers?: Container[];
  initContainers?: Container[];
}

export type Volume = VolumeSource & { name: string; projected?: { sources?: VolumeSource[] } };

/** As far as a pod may have to wait for it. */
export interface VolumeSource {
  secret?: { secretName?: string; name?: string; optional?: boolean };
  configMap?: { name?: string; optional?: boolean };
}

interface Container {
  image: string;
  volumeMounts?: { name: string }[];
}

/** For `trim` of a cache: the pod without what nobody reads. Its status is kept whole. */
export function readParts(pod: Pod): Pod {
  const { annotations: _, managedFields: __, ...metadata } = pod.metadata;
  if (pod.spec === undefined) return { ...pod, metadata };
  const { nodeName, volumes, containers, initContainers } = pod.spec as Pod['spec'] & PodParts;
  const spec = {
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(volumes === undefined ? {} : { volumes }),
    ...(containers === undefined ? {} : { containers: containers.map(partsOf) }),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(partsOf) }),
  };
  return { ...pod, metadata, spec };
}

const partsOf = ({ image, volumeMounts = [] }: Container): Container => ({
  image,
  volumeMounts: volumeMounts.map(({ name }) => ({ name })),
});

/** Images of all containers of a pod. */
export function imagesOf({ spec }: Pod): string[] {
  const { containers = [], initContainers = [] } = (spec ?? {}) as PodParts;
  return [...initContainers, ...containers].map(({ image }) => image);
}
