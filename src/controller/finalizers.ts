// The finalizer of the operator: set before anything exists that would have to be cleaned up, removed once nothing is left.
import { FINALIZER, type Kind } from '../api/group.ts';
import type { Objects, Store } from '../store/port.ts';

export async function ensureFinalizer<K extends Kind>(store: Store, object: Objects[K]): Promise<Objects[K]> {
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined || metadata.finalizers?.includes(FINALIZER) === true) return object;
  const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
  return store.update<K>({ ...object, metadata: { ...metadata, finalizers } });
}

export async function removeFinalizer<K extends Kind>(store: Store, kind: K, object: Objects[K]): Promise<void> {
  const current = await store.get<K>(kind, object.metadata);
  if (current?.metadata.finalizers?.includes(FINALIZER) !== true) return;
  const finalizers = current.metadata.finalizers.filter((finalizer) => finalizer !== FINALIZER);
  await store.update<K>({ ...current, metadata: { ...current.metadata, finalizers } });
}
