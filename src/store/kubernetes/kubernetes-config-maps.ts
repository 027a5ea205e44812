// ConfigMaps that FlowJobs name. One watch of metadata tells that one changed; its data is fetched when a job needs it, and kept while it is unchanged.
// The watch begins with the first FlowJob that names a ConfigMap: an operator without any reads none.
import type { ObjectKey } from '../../api/object.ts';
import type { ConfigMaps } from '../../controller/config-maps.ts';
import { Informers } from '../../kube/cache/informers.ts';
import { keyOf, type KubeObject, type Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import { sleep, type Clock, type Random } from '../../kube/time.ts';
import { CONFIG_MAPS } from './core-kinds.ts';

export interface KubernetesConfigMapsOptions {
  client: Client;
  /** Empty: all namespaces. */
  namespaces: readonly string[];
  clock: Clock;
  random: Random;
  onTrouble: (error: unknown) => void;
}

const METADATA: Resource = { ...CONFIG_MAPS, metadataOnly: true };

/** Milliseconds that the first list may take. */
const PATIENCE = 10_000;

export class KubernetesConfigMaps implements ConfigMaps {
  private readonly client: Client;
  private readonly clock: Clock;
  private readonly known: Informers<KubeObject>;
  private readonly closing = new AbortController();
  /** By `namespace/name`: what was fetched, and at which version. */
  private readonly fetched = new Map<string, { resourceVersion: string; data: Record<string, string> }>();
  private running = false;

  constructor({ client, namespaces, clock, random, onTrouble }: KubernetesConfigMapsOptions) {
    this.client = client;
    this.clock = clock;
    this.known = new Informers<KubeObject>({
      client,
      resource: METADATA,
      namespaces,
      clock,
      random,
      onTrouble,
      trim: barest,
    });
    this.known.onChange(({ type, object }) => {
      if (type === 'Deleted') this.fetched.delete(keyOf(object.metadata));
    });
  }

  async read(key: ObjectKey): Promise<Record<string, string> | null> {
    if (!this.running) {
      this.running = true;
      void this.known.run(this.closing.signal);
    }
    await this.listed();
    const seen = this.known.get(key);
    if (seen === undefined) return null;
    const id = keyOf(key);
    const fetched = this.fetched.get(id);
    if (fetched?.resourceVersion === seen.metadata.resourceVersion) return fetched.data;
    const found = await this.client.find(CONFIG_MAPS, key);
    if (found === null) return null;
    const data = found.data ?? {};
    this.fetched.set(id, { resourceVersion: found.metadata.resourceVersion, data });
    return data;
  }

  onChange(listener: (key: ObjectKey) => void): void {
    this.known.onChange(({ object: { metadata } }) =>
      listener({ namespace: metadata.namespace!, name: metadata.name }),
    );
  }

  private async listed(): Promise<void> {
    if (this.known.hasSynced) return;
    const done = new AbortController();
    const late = sleep(this.clock, PATIENCE, done.signal).catch(() => undefined);
    await Promise.race([this.known.synced, late]);
    done.abort();
    if (!this.known.hasSynced)
      throw new Error(
        'the ConfigMaps that FlowJobs name cannot be read: give the operator the right to get, list and watch configmaps, as its chart does',
      );
  }

  close(): void {
    this.closing.abort();
  }
}

/** Clusters hold thousands of ConfigMaps that no job names: of each is kept what tells that it changed. */
function barest({ metadata: { namespace, name, uid, resourceVersion } }: KubeObject): KubeObject {
  return { metadata: { ...(namespace === undefined ? {} : { namespace }), name, uid, resourceVersion } };
}
