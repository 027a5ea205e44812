// A pod as a manifest: the operator's part under what the user's template adds. Pure.
import type { PodTemplate } from '../../api/flowjob.ts';
import { strategicMerge } from './merge-template.ts';

export interface PodManifest {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences: object[];
  };
  spec: Record<string, unknown>;
}

type Identity = Omit<PodManifest['metadata'], 'annotations'>;

/** `base`: its spec before the template. */
export function templatedPod(
  own: Identity,
  base: Record<string, unknown>,
  template: PodTemplate | undefined,
): PodManifest {
  const { metadata = {}, spec = {} } = template ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...own,
      // The operator finds its pods by its labels: they have the last word.
      labels: { ...metadata.labels, ...own.labels },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
    },
    spec: strategicMerge(base, spec),
  };
}

/** Part of a pod's spec that keeps pods with these labels together, as a volume asks for that one node alone can mount. */
export const onOneNode = (matchLabels: Record<string, string>): Record<string, unknown> => ({
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  },
});
