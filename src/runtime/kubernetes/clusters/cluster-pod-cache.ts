// The pods of FlowClusters as this process knows them. Every replica keeps them, whether it leads or not.
import { CLUSTER_LABEL } from '../../../api/group.ts';
import { idOf, type ObjectKey } from '../../../api/object.ts';
import { Informers } from '../../../kube/cache/informers.ts';
import type { PodCacheOptions } from '../pod-cache.ts';
import { readParts } from '../pod-parts.ts';
import { PODS, type Pod } from '../pod-view.ts';

/** Indexed by `cluster`. */
export function clusterPodCache(options: PodCacheOptions): Informers<Pod> {
  return new Informers<Pod>({
    ...options,
    resource: PODS,
    labelSelector: CLUSTER_LABEL,
    trim: readParts,
    indexers: { cluster: (pod) => [idOf(clusterKeyOf(pod))] },
  });
}

/** The cluster that a pod belongs to, by its labels. */
export const clusterKeyOf = ({ metadata }: Pod): ObjectKey => ({
  namespace: metadata.namespace!,
  name: metadata.labels?.[CLUSTER_LABEL] ?? '',
});
