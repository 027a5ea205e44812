// Secrets and ConfigMaps that a pod mounts and that are not there: the kubelet waits for them and says so in events alone, which a pod's status does not show.
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Clock } from '../../kube/time.ts';
import type { PodVolumes, VolumeSource } from './pod-parts.ts';
import type { Pod } from './pod-view.ts';

export interface MissingReferencesOptions {
  client: Client;
  clock: Clock;
  secrets: Resource;
  configMaps: Resource;
  onTrouble: (error: unknown) => void;
}

/** Milliseconds after which a pod that has a node should have begun, and between two looks. */
const PATIENCE = 2_000;

interface Reference {
  kind: 'Secret' | 'ConfigMap';
  name: string;
}

/** What a pod cannot start without. The kubelet does not care for volumes that no container mounts. */
export function referencesOf(pod: Pod): Reference[] {
  const { volumes = [], containers = [], initContainers = [] } = (pod.spec ?? {}) as PodVolumes;
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

export class MissingReferences {
  private readonly options: MissingReferencesOptions;
  /** By uid of the pod: since when it waits on its node, when it was looked at last, and what was found. */
  private readonly waiting = new Map<string, { since: number; looked: number; trouble: string | null }>();

  constructor(options: MissingReferencesOptions) {
    this.options = options;
  }

  /** What was found out so far; null when nothing is missing, or nobody has looked yet. Looks again by itself when asked later. */
  troubleOf(pod: Pod): string | null {
    const { uid } = pod.metadata;
    const { phase, containerStatuses = [] } = pod.status ?? {};
    const begun = containerStatuses.some(({ state }) => state?.waiting?.reason !== 'ContainerCreating');
    if (phase !== 'Pending' || pod.spec?.nodeName === undefined || begun) {
      this.waiting.delete(uid);
      return null;
    }
    const now = this.options.clock.monotonic();
    const known = this.waiting.get(uid) ?? { since: now, looked: now, trouble: null };
    this.waiting.set(uid, known);
    if (now - known.looked >= PATIENCE) {
      known.looked = now;
      this.look(pod).then(
        (trouble) => (known.trouble = trouble),
        (error: unknown) => this.options.onTrouble(error),
      );
    }
    return known.trouble;
  }

  forget(uid: string): void {
    this.waiting.delete(uid);
  }

  private async look(pod: Pod): Promise<string | null> {
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
