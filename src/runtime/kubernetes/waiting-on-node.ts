// What a pod waits for on its node without its status telling: Secrets and ConfigMaps that it mounts and that are not there, and volumes that cannot be attached
// or mounted. The first is looked for, as the kubelet tells of it late; the second stands in events alone.
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Clock } from '../../kube/time.ts';
import type { PodParts, VolumeSource } from './pod-parts.ts';
import type { Pod } from './pod-view.ts';
import { EVENTS_OF_PODS, volumeTroubleOf } from './volume-events.ts';

export interface WaitingOnNodeOptions {
  client: Client;
  clock: Clock;
  secrets: Resource;
  configMaps: Resource;
  onTrouble: (error: unknown) => void;
}

/** Milliseconds after which a pod that has a node should have begun, and between two looks. */
const PATIENCE = 2_000;
/** The same for events: an API server reads all those of a namespace to find a pod's, and a volume takes its time. */
const EVENTS_PATIENCE = 10_000;

/** Of containers, and of those that come after init containers, while the volumes are not there. */
const NOTHING_BEGUN: readonly (string | undefined)[] = ['ContainerCreating', 'PodInitializing'];

interface Waiting {
  /** Monotonic. */
  looked: number;
  eventsLooked: number;
  missing: string | null;
  volume: string | null;
}

interface Reference {
  kind: 'Secret' | 'ConfigMap';
  name: string;
}

/** What a pod cannot start without. The kubelet does not care for volumes that no container mounts. */
export function referencesOf(pod: Pod): Reference[] {
  const { volumes = [], containers = [], initContainers = [] } = (pod.spec ?? {}) as PodParts;
  const mounted = new Set(
    [...initContainers, ...containers].flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)),
  );
  return volumes
    .filter(({ name }) => mounted.has(name))
    .flatMap((volume): VolumeSource[] => [volume, ...(volume.projected?.sources ?? [])])
    .flatMap(({ secret, configMap }): (Reference | null)[] => [
      secret === undefined || secret.optional === true
        ? null
        : { kind: 'Secret', name: secret.secretName ?? secret.name ?? '' },
      configMap === undefined || configMap.optional === true ? null : { kind: 'ConfigMap', name: configMap.name ?? '' },
    ])
    .filter((reference) => reference !== null);
}

export class WaitingOnNode {
  private readonly options: WaitingOnNodeOptions;
  /** By uid of the pod: when it was looked at last, when its events were, and what was found. */
  private readonly waiting = new Map<string, Waiting>();

  constructor(options: WaitingOnNodeOptions) {
    this.options = options;
  }

  /** What was found out so far; null when nothing is wrong, or nobody has looked yet. Looks again by itself when asked later. */
  troubleOf(pod: Pod): string | null {
    const { uid } = pod.metadata;
    const { phase, initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
    const begun = [...initContainerStatuses, ...containerStatuses].some(
      ({ state }) => !NOTHING_BEGUN.includes(state?.waiting?.reason),
    );
    if (phase !== 'Pending' || pod.spec?.nodeName === undefined || begun) {
      this.waiting.delete(uid);
      return null;
    }
    const now = this.options.clock.monotonic();
    const known = this.waiting.get(uid) ?? { looked: now, eventsLooked: now, missing: null, volume: null };
    this.waiting.set(uid, known);
    if (now - known.looked >= PATIENCE) {
      known.looked = now;
      const events = now - known.eventsLooked >= EVENTS_PATIENCE;
      if (events) known.eventsLooked = now;
      this.look(pod, known, events).catch((error: unknown) => this.options.onTrouble(error));
    }
    return known.missing ?? known.volume;
  }

  forget(uid: string): void {
    this.waiting.delete(uid);
  }

  private async look(pod: Pod, known: Waiting, events: boolean): Promise<void> {
    known.missing = await this.missing(pod);
    if (!events) return;
    const { namespace, uid } = pod.metadata;
    const { items } = await this.options.client.list(EVENTS_OF_PODS, {
      namespace,
      fieldSelector: `regarding.uid=${uid}`,
    });
    known.volume = volumeTroubleOf(pod, items);
  }

  private async missing(pod: Pod): Promise<string | null> {
    const { client, secrets, configMaps } = this.options;
    const { namespace, name } = pod.metadata;
    const found = await Promise.all(
      referencesOf(pod).map(async (reference) => {
        const resource: Resource<KubeObject> = reference.kind === 'Secret' ? secrets : configMaps;
        const object = await client.find(resource, { namespace, name: reference.name });
        return object === null ? reference : null;
      }),
    );
    const missing = found.filter((reference) => reference !== null).map(({ kind, name: of }) => `${kind} "${of}"`);
    if (missing.length === 0) return null;
    return `${name} does not start: it mounts ${missing.join(', ')}, which is not in namespace ${namespace} -> make it, or correct volumes in podTemplate`;
  }
}
