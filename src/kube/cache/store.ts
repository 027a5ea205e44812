// The objects of one kind as they are known here. By uid, because a name can pass from one object to the next; a resource version never goes back for one
// uid. Own writes are put in at once, so that whoever wrote reads what it wrote; the watch's older news of the same object then change nothing. `version` is
// how far the news have come: an object that is not here at that version does not exist, however late an own write's answer comes in.
import { isDeepStrictEqual } from 'node:util';
import { compareVersions, keyOf, type KubeObject, type ObjectRef } from '../object.ts';

/** `Deleted`: `object` is the last state. `final` false: it went unseen, and this is the last state that was seen. */
export type Change<T> =
  | { type: 'Added'; object: T }
  | { type: 'Updated'; object: T; before: T }
  | { type: 'Deleted'; object: T; final: boolean };

export type Handler<T> = (change: Change<T>) => void;

/** The values under which an object is found: `store.by('owner', uid)`. */
export type Indexer<T> = (object: T) => readonly string[];

export interface StoreOptions<T> {
  indexers?: Record<string, Indexer<T>>;
  /** Takes away what nobody reads, before the object is kept: managedFields are half of most objects. */
  trim?: (object: T) => T;
  /** A handler threw; the change is kept, the other handlers hear of it. */
  onTrouble: (error: unknown) => void;
}

export class Store<T extends KubeObject> {
  private readonly objects = new Map<string, T>();
  private readonly uids = new Map<string, string>();
  /** Index name -> value -> uids. */
  private readonly indexes = new Map<string, Map<string, Set<string>>>();
  private readonly handlers = new Set<Handler<T>>();
  private readonly options: StoreOptions<T>;
  private upTo: string | null = null;
  private highest: string | null = null;

  constructor(options: StoreOptions<T>) {
    this.options = options;
    for (const name of Object.keys(options.indexers ?? {})) this.indexes.set(name, new Map());
  }

  get size(): number {
    return this.objects.size;
  }

  /** Frozen, as all that is handed out: who wants to change it copies it first. */
  get(ref: ObjectRef): T | undefined {
    const uid = this.uids.get(keyOf(ref));
    return uid === undefined ? undefined : this.objects.get(uid);
  }

  getByUid(uid: string): T | undefined {
    return this.objects.get(uid);
  }

  list(): T[] {
    return [...this.objects.values()];
  }

  by(index: string, value: string): T[] {
    const values = this.indexes.get(index);
    if (values === undefined) throw new Error(`there is no index "${index}"`);
    return [...(values.get(value) ?? [])].map((uid) => this.objects.get(uid)!);
  }

  /** From now on; first an Added for each object there is. Returns how to end it. */
  onChange(handler: Handler<T>): () => void {
    this.handlers.add(handler);
    for (const object of this.objects.values()) this.tellOne(handler, { type: 'Added', object });
    return () => this.handlers.delete(handler);
  }

  /** Everything up to here is in; null before the first list. */
  get version(): string | null {
    return this.upTo;
  }

  /** The newest version that was seen, own writes among them. A server that is older than that was set back. */
  get newest(): string | null {
    return this.highest;
  }

  /** What an own write was answered with. */
  record(object: T): void {
    const { uid, resourceVersion } = object.metadata;
    // The news are past it, and the object is not here: it went in between.
    if (!this.objects.has(uid) && this.upTo !== null && compareVersions(resourceVersion, this.upTo) <= 0) return;
    this.see(resourceVersion);
    this.put(object);
  }

  /** News from the watch; `version` is theirs. A bookmark has no object. */
  follow(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', version: string, object?: T): void {
    // A line that came twice.
    if (version === this.upTo) return;
    this.upTo = version;
    this.see(version);
    if (object === undefined) return;
    if (type === 'DELETED') this.delete(object);
    else this.put(object);
  }

  /**
   * What a list says is what there is, but for own writes that are newer than the list. `reset`: the server itself went back in time (etcd was restored),
   * so that what is known may be from a history that did not happen.
   */
  replace(items: readonly T[], version: string, reset: boolean): void {
    this.upTo = version;
    if (reset) this.highest = version;
    this.see(version);
    const listed = new Set(items.map(({ metadata }) => metadata.uid));
    for (const known of this.list()) {
      if (listed.has(known.metadata.uid)) continue;
      if (reset || compareVersions(known.metadata.resourceVersion, version) <= 0) this.remove(known, known, false);
    }
    for (const item of items) {
      const before = this.objects.get(item.metadata.uid);
      // Older than what is known, or as old and different, can only be from before the server was set back.
      if (before === undefined) this.put(item);
      else if (reset || compareVersions(before.metadata.resourceVersion, version) <= 0) this.keepIfOther(item, before);
    }
  }

  private see(version: string): void {
    if (this.highest === null || compareVersions(version, this.highest) > 0) this.highest = version;
  }

  /** Keeps an object unless it is known as new or newer. */
  private put(incoming: T): void {
    const { uid, resourceVersion } = incoming.metadata;
    const before = this.objects.get(uid);
    if (before !== undefined && compareVersions(resourceVersion, before.metadata.resourceVersion) <= 0) return;
    const holder = this.get(incoming.metadata);
    if (holder !== undefined && holder.metadata.uid !== uid) {
      // Late news of an object that had the name before.
      if (compareVersions(resourceVersion, holder.metadata.resourceVersion) < 0) return;
      this.remove(holder, holder, false);
    }
    this.keep(incoming, before);
  }

  /** An object is gone, or no longer in the selection: its version is that of the deletion. */
  private delete(object: T): void {
    const known = this.objects.get(object.metadata.uid);
    if (known === undefined) return;
    // It came back into the selection since, as an own write told before the watch does.
    if (compareVersions(object.metadata.resourceVersion, known.metadata.resourceVersion) < 0) return;
    this.remove(known, this.trimmed(object), true);
  }

  private keepIfOther(item: T, before: T): void {
    const same = item.metadata.resourceVersion === before.metadata.resourceVersion;
    if (!same || !isDeepStrictEqual(this.trimmed(item), before)) this.keep(item, before);
  }

  private keep(incoming: T, before: T | undefined): void {
    const object = this.trimmed(incoming);
    const { uid } = object.metadata;
    if (before !== undefined) this.unindex(before);
    this.objects.set(uid, object);
    this.uids.set(keyOf(object.metadata), uid);
    for (const [name, indexer] of Object.entries(this.options.indexers ?? {})) {
      const values = this.indexes.get(name)!;
      for (const value of indexer(object)) values.set(value, (values.get(value) ?? new Set()).add(uid));
    }
    this.tell(before === undefined ? { type: 'Added', object } : { type: 'Updated', object, before });
  }

  private remove(known: T, last: T, final: boolean): void {
    this.unindex(known);
    this.objects.delete(known.metadata.uid);
    this.uids.delete(keyOf(known.metadata));
    this.tell({ type: 'Deleted', object: last, final });
  }

  private unindex(object: T): void {
    const { uid } = object.metadata;
    for (const [name, indexer] of Object.entries(this.options.indexers ?? {})) {
      const values = this.indexes.get(name)!;
      for (const value of indexer(object)) {
        const uids = values.get(value);
        uids?.delete(uid);
        if (uids?.size === 0) values.delete(value);
      }
    }
  }

  private trimmed(object: T): T {
    return freeze(this.options.trim?.(object) ?? object);
  }

  private tell(change: Change<T>): void {
    for (const handler of this.handlers) this.tellOne(handler, change);
  }

  private tellOne(handler: Handler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      this.options.onTrouble(error);
    }
  }
}

function freeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
