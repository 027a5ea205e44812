// The API server without a cache in between: for the command line, which asks once and ends. What people wrote is under a field manager of its own, so
// that the operator, autoscalers and other tools keep what is theirs.
import { isDeepStrictEqual } from 'node:util';
import type { FlowEvent } from '../../api/event.ts';
import type { Kind } from '../../api/group.ts';
import type { ObjectKey } from '../../api/object.ts';
import { delayAfter } from '../../kube/back-off.ts';
import { withoutManagedFields } from '../../kube/cache/informer.ts';
import { ApiError, isExpired, KubeError } from '../../kube/errors.ts';
import {
  compareVersions,
  keyOf,
  type KubeObject,
  type Manifest as KubeManifest,
  type Resource,
} from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import { sleep, type Clock, type Random } from '../../kube/time.ts';
import { type ApplyOutcome, type Manifest, type Objects, type Store, type WatchEvent } from '../port.ts';
import { EVENTS_OF_CORE, flowEvent, type CoreEvent } from './core-events.ts';
import { RESOURCES } from './resources.ts';
import { asStoreErrors } from './store-errors.ts';

/** Of what people write with `flowjob`. */
export const CLI_MANAGER = 'flowjob-cli';

export interface DirectStoreOptions {
  client: Client;
  /** Of lists and watches. Absent: all namespaces. */
  namespace?: string | undefined;
  clock: Clock;
  random: Random;
}

/** A watch ends by itself after so long, and goes on. Seconds. */
const WATCH_FOR = 300;
const SILENCE = 120_000;
const BACK_OFF = { baseMs: 200, capMs: 5_000, jitter: 0.5 };

export class DirectStore implements Store {
  private readonly options: DirectStoreOptions;
  /** What the last list answered: what is gone when a watch has to begin anew. */
  private readonly listed = new Map<Kind, KubeObject[]>();

  constructor(options: DirectStoreOptions) {
    this.options = options;
  }

  async get<K extends Kind>(kind: K, key: ObjectKey): Promise<Objects[K] | null> {
    return this.options.client.find<Objects[K]>(RESOURCES[kind], key);
  }

  async list<K extends Kind>(kind: K): Promise<{ items: Objects[K][]; resourceVersion: string }> {
    const { client, namespace } = this.options;
    const { items, resourceVersion } = await client.list<Objects[K]>(RESOURCES[kind], { namespace });
    this.listed.set(kind, items);
    return { items, resourceVersion };
  }

  async create<K extends Kind>(manifest: Manifest<K>): Promise<Objects[K]> {
    const { kind, metadata } = manifest;
    const write = { fieldManager: CLI_MANAGER };
    return asStoreErrors(kind, metadata.name, () =>
      this.options.client.create(RESOURCES[kind], asManifest(manifest), write),
    );
  }

  async update<K extends Kind>(object: Objects[K]): Promise<Objects[K]> {
    const kind = object.kind as K;
    const write = { fieldManager: CLI_MANAGER };
    return asStoreErrors(kind, object.metadata.name, () =>
      this.options.client.replace(RESOURCES[kind], asManifest(object), write),
    );
  }

  async updateStatus(): Promise<never> {
    throw new Error('status is the operator’s');
  }

  async apply<K extends Kind>(manifest: Manifest<K>): Promise<{ object: Objects[K]; outcome: ApplyOutcome }> {
    return applyDirectly<Objects[K]>(this.options.client, RESOURCES[manifest.kind], asManifest(manifest), {});
  }

  async dryRunApply<K extends Kind>(manifest: Manifest<K>): Promise<{ object: Objects[K]; outcome: ApplyOutcome }> {
    return applyDirectly<Objects[K]>(this.options.client, RESOURCES[manifest.kind], asManifest(manifest), {
      dryRun: true,
    });
  }

  async delete<K extends Kind>(kind: K, key: ObjectKey, uid?: string): Promise<Objects[K] | null> {
    const { client } = this.options;
    return asStoreErrors(kind, key.name, async () => {
      await client.delete(RESOURCES[kind], key, uid === undefined ? {} : { uid });
      return client.find<Objects[K]>(RESOURCES[kind], key);
    });
  }

  /** Outlives connections that break and servers that are started again; refusals are thrown. */
  async *watch<K extends Kind>(
    kind: K,
    { resourceVersion, signal }: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<K>, void, undefined> {
    const { client, namespace, clock, random } = this.options;
    const known = new Map<string, Objects[K]>();
    if (resourceVersion !== undefined)
      for (const object of this.listed.get(kind) ?? []) known.set(keyOf(object.metadata), object as Objects[K]);
    let from = resourceVersion;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (from === undefined) {
          const list = await this.list(kind);
          yield* differences<K>(known, list.items, list.resourceVersion);
          from = list.resourceVersion;
        }
        const options = { resourceVersion: from, timeoutSeconds: WATCH_FOR, silenceMs: SILENCE, signal };
        for await (const event of client.watch<Objects[K]>(RESOURCES[kind], { namespace }, options)) {
          failures = 0;
          from = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
          if (event.type === 'BOOKMARK') continue;
          const gone = event.type === 'DELETED';
          if (gone) known.delete(keyOf(event.object.metadata));
          else known.set(keyOf(event.object.metadata), event.object);
          yield { type: gone ? 'Deleted' : 'Changed', object: event.object, resourceVersion: from };
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) from = undefined;
        else if (!isPassing(error)) throw error;
        else await sleep(clock, delayAfter(++failures, BACK_OFF, random), signal).catch(() => undefined);
      }
    }
  }

  async recordEvent(): Promise<never> {
    throw new Error('events are told by the operator');
  }

  async listEvents(regarding?: { kind: Kind } & ObjectKey): Promise<FlowEvent[]> {
    const { client, namespace } = this.options;
    const of =
      regarding === undefined ? '' : `,involvedObject.kind=${regarding.kind},involvedObject.name=${regarding.name}`;
    const { items } = await client.list<CoreEvent>(EVENTS_OF_CORE, {
      namespace: regarding?.namespace ?? namespace,
      fieldSelector: `involvedObject.apiVersion=flowjob.dev/v1alpha1${of}`,
    });
    return items.map(flowEvent).sort((a, b) => (a.lastTimestamp < b.lastTimestamp ? -1 : 1));
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}

/** Server-side apply under the command line's manager, of any kind. Fields of other managers are not taken unless `force`. */
export async function applyDirectly<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  manifest: KubeManifest<T>,
  { dryRun = false, force = false }: { dryRun?: boolean; force?: boolean },
): Promise<{ object: T; outcome: ApplyOutcome }> {
  const before = await client.find<T>(resource, manifest.metadata);
  const write = (forced: boolean): Promise<T> =>
    client.apply<T>(resource, manifest, { fieldManager: CLI_MANAGER, force: forced, dryRun });
  const object = await write(force).catch((error: unknown) => {
    // What `flowjob suspend` and `flowjob resume` set is the same people's.
    if (isConflictWithOurselves(error)) return write(true);
    throw error;
  });
  if (before === null) return { object, outcome: 'created' };
  return { object, outcome: isDeepStrictEqual(contentOf(before), contentOf(object)) ? 'unchanged' : 'configured' };
}

function contentOf(object: KubeObject): object {
  const { metadata, ...content } = withoutManagedFields(object);
  const { resourceVersion: _version, generation: _generation, ...rest } = metadata;
  return { ...content, metadata: rest };
}

function isConflictWithOurselves(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.reason !== 'Conflict') return false;
  const causes = error.details?.causes ?? [];
  return causes.length > 0 && causes.every(({ message }) => message?.startsWith(`conflict with "${CLI_MANAGER}"`));
}

function* differences<K extends Kind>(
  known: Map<string, Objects[K]>,
  items: readonly Objects[K][],
  resourceVersion: string,
): Generator<WatchEvent<K>> {
  const there = new Map(items.map((item) => [keyOf(item.metadata), item]));
  for (const [key, object] of known)
    if (there.get(key)?.metadata.uid !== object.metadata.uid) {
      known.delete(key);
      yield { type: 'Deleted', object, resourceVersion };
    }
  for (const [key, object] of there) {
    const before = known.get(key);
    known.set(key, object);
    const { resourceVersion: version } = object.metadata;
    if (before === undefined || compareVersions(version, before.metadata.resourceVersion) > 0)
      yield { type: 'Changed', object, resourceVersion };
  }
}

/** Connections that break, servers that are overloaded or starting. */
function isPassing(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 429 || error.status >= 500;
  return error instanceof KubeError && error.code !== 'CONFIG';
}

const asManifest = <T extends KubeObject>(object: object): KubeManifest<T> => object as KubeManifest<T>;
