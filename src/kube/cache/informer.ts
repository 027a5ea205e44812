// A kind of objects, kept here: a store and the reflector that feeds it. What controllers read from.
import type { KubeObject } from '../object.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import { Store, type StoreOptions } from './store.ts';

export type InformerOptions<T extends KubeObject> = Omit<ReflectorOptions<T>, 'store'> &
  Omit<StoreOptions<T>, 'onTrouble'>;

export class Informer<T extends KubeObject> {
  readonly store: Store<T>;
  private readonly reflector: Reflector<T>;

  constructor(options: InformerOptions<T>) {
    this.store = new Store(options);
    this.reflector = new Reflector({ ...options, store: this.store });
  }

  /** Until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.reflector.run(signal);
  }

  /** Resolves when the store holds everything there was at the start. Before that, what is not in it may exist all the same. */
  get synced(): Promise<void> {
    return this.reflector.synced;
  }

  get hasSynced(): boolean {
    return this.reflector.hasSynced;
  }

  /** Resolves when the store holds everything that was written before the call. */
  refresh(): Promise<void> {
    return this.reflector.refresh();
  }
}

/** For `trim`: drops who set which field when, which only the API server needs. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
