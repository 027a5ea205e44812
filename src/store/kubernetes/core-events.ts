// Events as `kubectl get events` reads them: the core group's view, which has those of older tools, too.
import type { FlowEvent } from '../../api/event.ts';
import type { Kind } from '../../api/group.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';

export interface CoreEvent extends KubeObject {
  involvedObject: { kind: string; namespace?: string; name: string; uid?: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  series?: { count: number; lastObservedTime: string } | null;
}

export const EVENTS_OF_CORE: Resource<CoreEvent> = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** Writers of events.k8s.io fill eventTime and series, older ones count and two times. */
export function flowEvent(event: CoreEvent): FlowEvent {
  const { kind, namespace = '', name, uid = '' } = event.involvedObject;
  const first = event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp ?? '';
  return {
    regarding: { kind: kind as Kind, namespace, name, uid },
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: event.reason ?? '',
    message: event.message ?? '',
    count: event.series?.count ?? event.count ?? 1,
    firstTimestamp: first,
    lastTimestamp: event.series?.lastObservedTime ?? event.lastTimestamp ?? first,
  };
}
