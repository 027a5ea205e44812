// The store in a folder: what the Kubernetes API server does for FlowJobs, done with files, for one machine. Any number of processes may use it at once.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { admit, checkStatus, InvalidObjectError, schemaOf } from '../../api/admission.ts';
import type { EventInput, FlowEvent } from '../../api/event.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { LAST_APPLIED_ANNOTATION, type Kind } from '../../api/group.ts';
import type { ObjectKey, ObjectMeta } from '../../api/object.ts';
import { mergeApplied } from '../apply-merge.ts';
import {
  StoreError,
  describeObject,
  type AnyObject,
  type ApplyOutcome,
  type Manifest,
  type Objects,
  type Store,
  type WatchEvent,
} from '../port.ts';
import { ChangeSignal } from './change-signal.ts';
import { EventFiles } from './event-files.ts';
import { acquireLock } from './lock.ts';
import { ObjectFiles, versionOf } from './object-files.ts';

/** The only namespace there is on one machine. */
export const LOCAL_NAMESPACE = 'default';

export interface LocalStoreOptions {
  /** Made when it is not there. */
  directory: string;
  now: () => Date;
}

export class LocalStore implements Store {
  private readonly files: ObjectFiles;
  private readonly events: EventFiles;
  private readonly signal: ChangeSignal;
  private readonly now: () => Date;
  private readonly closing = new AbortController();
  private recovered = false;

  constructor(options: LocalStoreOptions) {
    this.files = new ObjectFiles(options.directory);
    this.events = new EventFiles(this.files.eventDirectory);
    this.signal = new ChangeSignal(this.files.versionFile);
    this.now = options.now;
  }

  async get<K extends Kind>(kind: K, key: ObjectKey): Promise<Objects[K] | null> {
    return key.namespace === LOCAL_NAMESPACE ? copy(this.files.read(kind, key.name)) : null;
  }

  async list<K extends Kind>(kind: K): Promise<{ items: Objects[K][]; resourceVersion: string }> {
    // The version first: a watch from it then tells again, at worst, what the list has already.
    const { current } = this.files.readVersion();
    return { items: copy(this.files.readAll(kind)), resourceVersion: String(current) };
  }

  async create<K extends Kind>(manifest: Manifest<K>): Promise<Objects[K]> {
    return this.write(() => {
      if (this.files.read(manifest.kind, manifest.metadata.name) !== null)
        throw new StoreError(
          'AlreadyExists',
          `${describeObject(manifest.kind, manifest.metadata.name)} already exists; choose another name, or apply to change it`,
        );
      return this.files.write(this.newObject(manifest));
    });
  }

  async update<K extends Kind>(object: Objects[K]): Promise<Objects[K]> {
    return this.write(() => {
      const stored = this.current(object);
      const { labels, annotations, finalizers } = object.metadata;
      return this.replace(stored, {
        ...stored,
        metadata: metadata(stored, { labels, annotations, finalizers }),
        spec: object.spec,
      });
    });
  }

  async updateStatus<K extends Kind>(object: Objects[K]): Promise<Objects[K]> {
    checkStatus(object);
    return this.write(() => {
      const stored = this.current(object);
      if (equal(stored.status, object.status)) return stored;
      return this.files.write({ ...stored, status: object.status });
    });
  }

  async apply<K extends Kind>(manifest: Manifest<K>): Promise<{ object: Objects[K]; outcome: ApplyOutcome }> {
    return this.write(() => {
      const { object, stored, outcome } = this.merge(manifest);
      if (outcome === 'unchanged') return { object, outcome };
      return { object: stored === null ? this.files.write(object) : this.replace(stored, object), outcome };
    });
  }

  async dryRunApply<K extends Kind>(manifest: Manifest<K>): Promise<{ object: Objects[K]; outcome: ApplyOutcome }> {
    const { object, outcome } = this.merge(manifest);
    return copy({ object, outcome });
  }

  async delete<K extends Kind>(kind: K, key: ObjectKey, uid?: string): Promise<Objects[K] | null> {
    return this.write(() => {
      const stored = key.namespace === LOCAL_NAMESPACE ? this.files.read(kind, key.name) : null;
      if (stored === null) throw notFound(kind, key.name);
      if (uid !== undefined && stored.metadata.uid !== uid)
        throw new StoreError('Conflict', `${describeObject(kind, key.name)}: another one has this name now`);
      if ((stored.metadata.finalizers ?? []).length === 0) {
        this.files.remove(stored);
        return null;
      }
      if (stored.metadata.deletionTimestamp !== undefined) return stored;
      return this.files.write({
        ...stored,
        metadata: { ...stored.metadata, deletionTimestamp: timestamp(this.now()) },
      });
    });
  }

  async *watch<K extends Kind>(
    kind: K,
    options: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncIterable<WatchEvent<K>> {
    const signal = AbortSignal.any([options.signal, this.closing.signal]);
    let told = Number(options.resourceVersion ?? '0');
    let first = options.resourceVersion === undefined;
    /** Files that could not be read at the last look: an object that is repaired is told again, whatever its version. */
    let damaged = new Set<string>();
    while (!signal.aborted) {
      const changed = this.signal.next(signal);
      const version = this.files.readVersion();
      if (!first && told < version.floor)
        throw new StoreError(
          'Expired',
          `changes since resourceVersion ${told} are forgotten; list, and watch from there`,
        );
      const hidden = damaged;
      damaged = new Set();
      const objects = this.files.readAll(kind, (file) => damaged.add(file));
      const isNew = (object: AnyObject): boolean =>
        versionOf(object) > told || hidden.has(`${object.metadata.name}.json`);
      const events: WatchEvent<K>[] = [
        ...(first ? [] : this.files.deletedSince(kind, told)).map((object) => toldAs<K>('Deleted', object)),
        ...objects.map((object) => toldAs<K>('Changed', object)),
      ]
        .filter(({ object }) => isNew(object) && versionOf(object) <= version.current)
        .sort((a, b) => versionOf(a.object) - versionOf(b.object));
      for (const event of events) {
        if (signal.aborted) return;
        yield copy(event);
      }
      told = Math.max(told, version.current);
      first = false;
      await changed;
      // A writer that died after its object and before the version would hide that object until the next write: look after it.
      if (
        objects.some((object) => versionOf(object) > version.current) &&
        this.files.readVersion().current === version.current
      )
        await this.write(() => null);
    }
  }

  async recordEvent(event: EventInput): Promise<void> {
    await this.underLock(() => this.events.record(event, this.now()));
  }

  async listEvents(regarding?: { kind: Kind } & ObjectKey): Promise<FlowEvent[]> {
    return this.events.list(regarding);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.signal.close();
  }

  /** Runs `change` as the only writer, then wakes watches. `change` is synchronous: nothing else of this process runs in between. */
  private async write<T>(change: () => T): Promise<T> {
    const result = await this.underLock(change);
    this.signal.notify();
    return copy(result);
  }

  private async underLock<T>(change: () => T): Promise<T> {
    const lock = await acquireLock(this.files.root);
    try {
      if (!this.recovered || !lock.clean) {
        this.files.recover();
        this.events.sweep((kind, name) => this.files.read(kind, name) !== null, this.now());
        this.recovered = true;
      }
      return change();
    } finally {
      lock.release();
    }
  }

  /** The stored object that `object` was read from. */
  private current<T extends AnyObject>(object: T): T {
    const { name, uid, resourceVersion } = object.metadata;
    const stored = this.files.read(object.kind, name) as T | null;
    if (stored === null) throw notFound(object.kind, name);
    if (stored.metadata.uid !== uid || stored.metadata.resourceVersion !== resourceVersion)
      throw new StoreError(
        'Conflict',
        `${describeObject(object.kind, name)} has changed since it was read (resourceVersion ${resourceVersion}, now ${stored.metadata.resourceVersion}); read it again and repeat the change`,
      );
    return stored;
  }

  private newObject<K extends Kind>(manifest: Manifest<K>): Objects[K] {
    const { name, labels, annotations, finalizers } = manifest.metadata;
    const admitted = admit({ ...manifest, status: undefined }) as Objects[K];
    checkLocal(manifest);
    const created: ObjectMeta = {
      name,
      namespace: LOCAL_NAMESPACE,
      uid: randomUUID(),
      resourceVersion: '0',
      generation: 1,
      creationTimestamp: timestamp(this.now()),
      ...given({ labels, annotations, finalizers }),
    };
    return { ...admitted, metadata: created };
  }

  /** Checks, numbers and writes `next` in place of `stored`; removes it when it was only waiting for its last finalizer. */
  private replace<T extends AnyObject>(stored: T, next: T): T {
    const specChanged = !equal(stored.spec, next.spec);
    // An unchanged spec is not judged again: rules may have become stricter since, and its finalizers must still come off.
    const admitted = specChanged ? (admit(next, stored) as T) : next;
    if (equal(stored, admitted)) return stored;
    if (stored.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0) {
      this.files.remove(admitted);
      return admitted;
    }
    const generation = stored.metadata.generation + (equal(stored.spec, admitted.spec) ? 0 : 1);
    return this.files.write({ ...admitted, metadata: { ...admitted.metadata, generation } });
  }

  private merge<K extends Kind>(
    manifest: Manifest<K>,
  ): { object: Objects[K]; stored: Objects[K] | null; outcome: ApplyOutcome } {
    const stored =
      typeof manifest.metadata?.name === 'string' ? this.files.read(manifest.kind, manifest.metadata.name) : null;
    const { labels = {}, annotations = {} } = manifest.metadata ?? {};
    const said = { spec: manifest.spec, labels, annotations } as Record<string, unknown>;
    const lastApplied = canonicalJson(said);
    if (stored === null) {
      const metadataSaid = {
        ...manifest.metadata,
        annotations: { ...annotations, [LAST_APPLIED_ANNOTATION]: lastApplied },
      };
      return { object: this.newObject({ ...manifest, metadata: metadataSaid }), stored, outcome: 'created' };
    }
    // The manifest is judged on its own too: a field misspelt is refused even where the merge would hide it.
    admit({ ...manifest, status: stored.status });
    checkLocal(manifest);
    const previous = JSON.parse(stored.metadata.annotations?.[LAST_APPLIED_ANNOTATION] ?? '{}') as Record<
      string,
      unknown
    >;
    const live = {
      spec: stored.spec,
      labels: stored.metadata.labels ?? {},
      annotations: stored.metadata.annotations ?? {},
    };
    const merged = mergeApplied(schemaOf(manifest.kind), previous, said, live) as {
      spec: unknown;
      labels: Record<string, string>;
      annotations: Record<string, string>;
    };
    const next = {
      ...stored,
      metadata: metadata(stored, {
        labels: merged.labels,
        annotations: { ...merged.annotations, [LAST_APPLIED_ANNOTATION]: lastApplied },
        finalizers: stored.metadata.finalizers,
      }),
      spec: merged.spec,
    };
    const object = admit(next, stored) as Objects[K];
    return { object, stored, outcome: equal(stored, object) ? 'unchanged' : 'configured' };
  }
}

/** What a manifest may not say where there is no cluster. */
function checkLocal(manifest: Manifest): void {
  checkNamespace(manifest);
  if (manifest.kind === 'FlowCluster')
    throw new InvalidObjectError(manifest.kind, manifest.metadata.name, [
      {
        field: 'kind',
        value: manifest.kind,
        problem: 'Forbidden: Apache Flink runs on Kubernetes alone',
        remedy: 'apply it there, or run its jobs here with engine.type Embedded',
      },
    ]);
  const sql = (manifest.spec as Partial<Pick<FlowJob['spec'], 'job'>> | undefined)?.job?.sql;
  if (manifest.kind !== 'FlowJob' || sql?.configMapKeyRef === undefined) return;
  throw new InvalidObjectError(manifest.kind, manifest.metadata.name, [
    {
      field: 'spec.job.sql.configMapKeyRef',
      value: sql.configMapKeyRef,
      problem: 'Forbidden: local mode has no ConfigMaps',
      remedy: 'write the text as spec.job.sql.inline',
    },
  ]);
}

function checkNamespace(manifest: Manifest): void {
  const { namespace, name } = manifest.metadata;
  if (namespace === undefined || namespace === LOCAL_NAMESPACE) return;
  throw new InvalidObjectError(manifest.kind, name, [
    {
      field: 'metadata.namespace',
      value: namespace,
      problem: `Unsupported value: "${namespace}": supported values: "${LOCAL_NAMESPACE}"`,
      remedy: 'remove it: local mode has one namespace',
    },
  ]);
}

type Editable = { [K in 'labels' | 'annotations' | 'finalizers']: ObjectMeta[K] | undefined };

/** Metadata of `stored` with the parts that clients write. */
function metadata(stored: { metadata: ObjectMeta }, parts: Editable): ObjectMeta {
  const { labels: _labels, annotations: _annotations, finalizers: _finalizers, ...rest } = stored.metadata;
  return { ...rest, ...given(parts) };
}

/** Without what is absent or empty, so that equal objects look equal. */
function given(parts: Editable): Partial<ObjectMeta> {
  return Object.fromEntries(
    Object.entries(parts).filter(([, value]) => value !== undefined && Object.keys(value).length > 0),
  );
}

function toldAs<K extends Kind>(type: WatchEvent<K>['type'], object: Objects[K]): WatchEvent<K> {
  return { type, object, resourceVersion: object.metadata.resourceVersion };
}

function notFound(kind: Kind, name: string): StoreError {
  return new StoreError('NotFound', `${describeObject(kind, name)} not found`);
}

/** JSON with keys in order: a manifest whose fields only moved is the same manifest. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** As it would come back from its file: keys whose value is undefined are gone. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function copy<T>(value: T): T {
  return structuredClone(value);
}

/** RFC 3339 with seconds, as Kubernetes writes times. */
function timestamp(now: Date): string {
  return now.toISOString().replace(/\.\d+Z$/, 'Z');
}
