// Volumes of a pod that cannot be attached to its node, or mounted there, as events tell it. Pure.
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Pod } from './pod-view.ts';

/** An Event, as far as it is read; its times as new and as old writers fill them. */
export interface PodEvent extends KubeObject {
  reason?: string;
  note?: string;
  eventTime?: string | null;
  series?: { lastObservedTime: string } | null;
  deprecatedLastTimestamp?: string | null;
}

export const EVENTS_OF_PODS: Resource<PodEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** Of the attach-detach controller and of the kubelet; what is said last holds. */
const REASONS: readonly (string | undefined)[] = ['FailedAttachVolume', 'FailedMount', 'SuccessfulAttachVolume'];

const STILL_ATTACHED =
  'a node that had the volume before has not given it up: it does so when the pods there have ended; if that node is down for good, delete it (kubectl delete node), or taint it with node.kubernetes.io/out-of-service';
const OTHER = 'see that the volume can be attached to that node and mounted there; its storage driver logs why not';

/** What keeps the pod from its volumes, with the remedy; null when nothing does. */
export function volumeTroubleOf({ metadata }: Pod, events: readonly PodEvent[]): string | null {
  const last = events
    // Of what is missing without being a volume the cause is looked for, and told sooner.
    .filter(({ reason, note = '' }) => REASONS.includes(reason) && !/(secret|configmap) .*not found/i.test(note))
    .reduce<PodEvent | null>((newest, one) => (newest === null || timeOf(one) >= timeOf(newest) ? one : newest), null);
  if (last === null || last.reason === 'SuccessfulAttachVolume') return null;
  const note = last.note ?? '';
  return `${metadata.name} does not start: ${last.reason}: ${note} -> ${/^Multi-Attach error/.test(note) ? STILL_ATTACHED : OTHER}`;
}

const timeOf = ({ series, deprecatedLastTimestamp, eventTime, metadata }: PodEvent): number =>
  Date.parse(series?.lastObservedTime ?? deprecatedLastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0;
