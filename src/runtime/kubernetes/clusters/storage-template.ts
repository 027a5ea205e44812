// Where a pod has to run that looks at the state of jobs on a FlowCluster, and as whom.
import { storageOfJobs, type FlowCluster } from '../../../api/flowcluster.ts';
import type { PodTemplate } from '../../../api/flowjob.ts';
import { strategicMerge } from '../merge-template.ts';
import { CLUSTER } from './names.ts';

/** A ReadWriteOnce volume is on the node of the cluster's pods, as long as there are any. */
export function storageTemplate({ metadata, spec }: FlowCluster): PodTemplate {
  const template = spec.jobManager.podTemplate ?? {};
  const claim = storageOfJobs(metadata.name, spec).persistentVolumeClaim;
  if (claim === undefined || claim.accessMode === 'ReadWriteMany') return template;
  const podAffinityTerm = {
    labelSelector: { matchLabels: { [CLUSTER.name]: metadata.name } },
    topologyKey: 'kubernetes.io/hostname',
  };
  const near = {
    affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] } },
  };
  return { ...template, spec: strategicMerge(near, template.spec ?? {}) };
}
