// FlowJobs on a Kubernetes API: read from caches, written through the API server, which checks, defaults and locks.
import type { EventInput, FlowEvent } from '../../api/event.ts';
import { API_VERSION, type Kind } from '../../api/group.ts';
import type { ObjectKey } from '../../api/object.ts';
import type { Cache } from '../../kube/cache/informers.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Manifest as KubeManifest } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Manifest, Objects, Store, WatchEvent } from '../port.ts';
import { EventQueue } from './event-queue.ts';
import type { JobCaches } from './job-caches.ts';
import { RESOURCES } from './resources.ts';
import { asStoreErrors } from './store-errors.ts';

export interface KubernetesStoreOptions {
  /** Writes: of the leader, fenced. */
  client: Client;
  recorder: EventRecorder;
  caches: JobCaches;
}

export const FIELD_MANAGER = 'flowjob-operator';

export class KubernetesStore implements Store {
  private readonly options: KubernetesStoreOptions;
  private readonly closing = new AbortController();

  constructor(options: KubernetesStoreOptions) {
    this.options = options;
  }

  async get<K extends Kind>(kind: K, key: ObjectKey): Promise<Objects[K] | null> {
    return copyOf(this.cache(kind).get(key)) ?? null;
  }

  /** As they are known here. Watches begin with all there is, whatever version they are to resume from. */
  async list<K extends Kind>(kind: K): Promise<{ items: Objects[K][]; resourceVersion: string }> {
    return { items: this.cache(kind).list().map(copyOf), resourceVersion: '' };
  }

  async create<K extends Kind>(manifest: Manifest<K>): Promise<Objects[K]> {
    return this.written(manifest.kind, manifest.metadata.name, async () =>
      this.options.client.create(RESOURCES[manifest.kind], asManifest<K>(manifest)),
    );
  }

  async update<K extends Kind>(object: Objects[K]): Promise<Objects[K]> {
    const kind = object.kind as K;
    return this.written(kind, object.metadata.name, async () =>
      this.options.client.replace(RESOURCES[kind], asManifest(object), { fieldManager: FIELD_MANAGER }),
    );
  }

  async updateStatus<K extends Kind>(object: Objects[K]): Promise<Objects[K]> {
    const kind = object.kind as K;
    return this.written(kind, object.metadata.name, async () =>
      this.options.client.replace(RESOURCES[kind], asManifest(object), {
        subresource: 'status',
        fieldManager: FIELD_MANAGER,
      }),
    );
  }

  async apply(): Promise<never> {
    throw new Error('the operator applies nothing: that is for people and their tools');
  }

  async dryRunApply(): Promise<never> {
    return this.apply();
  }

  async delete<K extends Kind>(kind: K, key: ObjectKey, uid?: string): Promise<Objects[K] | null> {
    const { client } = this.options;
    return asStoreErrors(kind, key.name, async () => {
      await client.delete(RESOURCES[kind], key, uid === undefined ? {} : { uid });
      return client.find<Objects[K]>(RESOURCES[kind], key);
    });
  }

  async *watch<K extends Kind>(
    kind: K,
    { signal }: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncIterable<WatchEvent<K>> {
    const queue = new EventQueue<WatchEvent<K>>(AbortSignal.any([signal, this.closing.signal]));
    const end = this.cache(kind).onChange((change) =>
      queue.push({
        type: change.type === 'Deleted' ? 'Deleted' : 'Changed',
        object: copyOf(change.object),
        resourceVersion: change.object.metadata.resourceVersion,
      }),
    );
    try {
      yield* queue;
    } finally {
      end();
    }
  }

  async recordEvent({ regarding, type, reason, message }: EventInput): Promise<void> {
    this.options.recorder.record({
      regarding: { apiVersion: API_VERSION, ...regarding },
      type,
      action: reason,
      reason,
      message,
    });
  }

  /** Of no use to the operator, which has no right to read them. */
  async listEvents(): Promise<FlowEvent[]> {
    throw new Error('events are not read from here: kubectl events --for flowjob/NAME shows them');
  }

  async close(): Promise<void> {
    this.closing.abort();
  }

  private cache<K extends Kind>(kind: K): Cache<Objects[K]> {
    return this.options.caches.of(kind);
  }

  /** What was written is read by the next pass, whenever the watch tells of it. */
  private async written<K extends Kind>(kind: K, name: string, write: () => Promise<unknown>): Promise<Objects[K]> {
    const object = (await asStoreErrors(kind, name, write)) as Objects[K];
    // An object whose last finalizer went is gone: the watch tells.
    const gone = object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0;
    if (!gone) this.cache(kind).record(structuredClone(object));
    return object;
  }
}

const copyOf = <T>(object: T): T => structuredClone(object);

function asManifest<K extends Kind>(object: Objects[K] | Manifest<K>): KubeManifest<Objects[K]> {
  return object as unknown as KubeManifest<Objects[K]>;
}
