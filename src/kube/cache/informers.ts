// One kind of objects in several namespaces, or in all: an informer for each namespace that was named, read as if they were one. A program that may look into
// two namespaces and no further has no right to watch all of them.
import type { KubeObject, ObjectRef } from '../object.ts';
import { Informer, type InformerOptions } from './informer.ts';
import type { Handler, Store } from './store.ts';

/** What controllers read, and where they put in what they wrote. */
export type Cache<T extends KubeObject> = Pick<Store<T>, 'get' | 'list' | 'by' | 'onChange' | 'record'>;

export interface InformersOptions<T extends KubeObject> extends Omit<InformerOptions<T>, 'selection'> {
  /** Empty: all namespaces. */
  namespaces: readonly string[];
  labelSelector?: string;
}

export class Informers<T extends KubeObject> implements Cache<T> {
  /** By namespace; one under undefined for all of them. */
  private readonly informers: ReadonlyMap<string | undefined, Informer<T>>;

  constructor({ namespaces, labelSelector, ...options }: InformersOptions<T>) {
    const wanted = namespaces.length === 0 ? [undefined] : namespaces;
    this.informers = new Map(
      wanted.map((namespace) => [namespace, new Informer<T>({ ...options, selection: { namespace, labelSelector } })]),
    );
  }

  /** Until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.all.map((informer) => informer.run(signal)));
  }

  /** Every namespace's objects are known. */
  get hasSynced(): boolean {
    return this.all.every((informer) => informer.hasSynced);
  }

  get synced(): Promise<void> {
    return Promise.all(this.all.map((informer) => informer.synced)).then(() => undefined);
  }

  /** Resolves when everything is here that was written before the call. */
  async refresh(): Promise<void> {
    await Promise.all(this.all.map((informer) => informer.refresh()));
  }

  get(ref: ObjectRef): T | undefined {
    return this.storeOf(ref)?.get(ref);
  }

  list(): T[] {
    return this.all.flatMap(({ store }) => store.list());
  }

  by(index: string, value: string): T[] {
    return this.all.flatMap(({ store }) => store.by(index, value));
  }

  onChange(handler: Handler<T>): () => void {
    const ends = this.all.map(({ store }) => store.onChange(handler));
    return () => ends.forEach((end) => end());
  }

  record(object: T): void {
    this.storeOf(object.metadata)?.record(object);
  }

  private get all(): Informer<T>[] {
    return [...this.informers.values()];
  }

  private storeOf({ namespace }: ObjectRef): Store<T> | undefined {
    return (this.informers.get(undefined) ?? this.informers.get(namespace))?.store;
  }
}
