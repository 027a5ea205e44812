// The pods of FlowJobs as this process knows them. Every replica keeps them, whether it leads or not; kubernetes-runtime.ts writes.
import { idOf, type ObjectKey } from '../../api/object.ts';
import type { InformerOptions } from '../../kube/cache/informer.ts';
import { Informers } from '../../kube/cache/informers.ts';
import { LABEL } from './names.ts';
import { readParts } from './pod-parts.ts';
import { PODS, type Pod } from './pod-view.ts';

export type PodCacheOptions = Pick<InformerOptions<Pod>, 'client' | 'clock' | 'random' | 'onTrouble' | 'metrics'> & {
  /** Empty: all namespaces. */
  namespaces: readonly string[];
};

/** Indexed by `job`: the name of a job as `jobOf` gives it. */
export function podCache(options: PodCacheOptions): Informers<Pod> {
  return new Informers<Pod>({
    ...options,
    resource: PODS,
    labelSelector: LABEL.job,
    trim: readParts,
    indexers: { job: (pod) => [jobOf(pod)] },
  });
}

export const keyOfJob = ({ metadata }: Pod): ObjectKey => ({
  namespace: metadata.namespace!,
  name: metadata.labels?.[LABEL.job] ?? '',
});

/** The job that a pod belongs to, by its labels. */
export const jobOf = (pod: Pod): string => idOf(keyOfJob(pod));
