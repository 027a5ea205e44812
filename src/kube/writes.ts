// The ways in which a controller writes, each with its guard. Children: server-side apply under our field manager, unless they belong to somebody else.
// Status and finalizers: optimistic locking, decided anew on what somebody else wrote in between.
import { KubeError, isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import {
  apiVersionOf,
  describe,
  type KubeObject,
  type Manifest,
  type ObjectMeta,
  type ObjectRef,
  type OwnerReference,
  type Resource,
} from './object.ts';
import type { CallOptions, Client, WriteOptions } from './rest/client.ts';

/** The reference that makes `owner` the controller of a child: the child goes when it goes. */
export function controllerReference(
  resource: Resource,
  { metadata }: { metadata: Pick<ObjectMeta, 'name' | 'uid'> },
): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: metadata.name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/**
 * Makes a child as its manifest says, whatever it was before: our fields are set, fields that we set before and no longer name go, all others stay.
 * `known`: the child as the cache has it. NOT_OURS when the name belongs to an object that `owner` does not control.
 */
export async function applyChild<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  manifest: Manifest<T>,
  options: CallOptions & { owner: OwnerReference; fieldManager: string; known?: T | undefined },
): Promise<T> {
  const { owner, fieldManager, known, ...call } = options;
  const existing = known ?? (await client.find(resource, manifest.metadata, call));
  if (existing !== null) requireOurs(resource, existing, owner);
  // The uid is a precondition: an object that took the name meanwhile is not touched.
  const uid = existing === null ? {} : { uid: existing.metadata.uid };
  const metadata = { ...manifest.metadata, ...uid, ownerReferences: [owner] };
  return client.apply(resource, { ...manifest, metadata }, { ...call, fieldManager, force: true });
}

/** Creates an object with a name that we chose before; finds it again when an earlier try's answer was lost. NOT_OURS when somebody else has the name. */
export async function createOrAdopt<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  manifest: Manifest<T>,
  options: CallOptions & { owner: OwnerReference; fieldManager?: string },
): Promise<T> {
  const { owner, fieldManager, ...call } = options;
  const metadata = { ...manifest.metadata, ownerReferences: [owner] };
  const write = { ...call, ...(fieldManager === undefined ? {} : { fieldManager }) };
  try {
    return await client.create(resource, { ...manifest, metadata }, write);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const existing = await client.get(resource, manifest.metadata, call);
    requireOurs(resource, existing, owner);
    return existing;
  }
}

/** Deletes an object; one that is gone is fine, also where another one has its name now: with `uid` that one stays. */
export async function ensureGone(
  client: Client,
  resource: Resource,
  ref: ObjectRef,
  options: Parameters<Client['delete']>[2] = {},
): Promise<void> {
  try {
    await client.delete(resource, ref, options);
  } catch (error) {
    const otherHasName = options.uid !== undefined && options.resourceVersion === undefined && isConflict(error);
    if (!isNotFound(error) && !otherHasName) throw error;
  }
}

/** Who loses so often shares the object with somebody who writes all the time. */
const TRIES = 5;

/**
 * Reads, changes, writes; on Conflict with a fresh read. `change` answers the object as it should be, or null when nothing is to be changed; it may be
 * called several times and must decide from what it is given alone. `known` saves the first read, and may be stale: that only costs another round.
 */
export async function modify<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  known: T | ObjectRef,
  change: (current: T) => T | null,
  options: WriteOptions = {},
): Promise<T> {
  const { signal, deadlineMs } = options;
  const call = { signal, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
  const current = 'metadata' in known ? known : await client.get(resource, known, call);
  return locked(client, resource, current, call, (latest) => {
    const wanted = change(latest);
    return wanted === null ? null : client.replace(resource, wanted, options);
  });
}

/** Writes until no one wrote in between. `write` answers null when there is nothing to write. */
async function locked<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  known: T,
  call: CallOptions,
  write: (current: T) => Promise<T> | null,
): Promise<T> {
  let current = known;
  for (let tries = 1; ; tries++) {
    try {
      return (await write(current)) ?? current;
    } catch (error) {
      if (!isConflict(error) || tries === TRIES) throw error;
    }
    current = await client.get(resource, current.metadata, call);
    if (current.metadata.uid !== known.metadata.uid)
      throw new KubeError('MADE_ANEW', `${describe(resource, known.metadata)} was deleted and made anew meanwhile`);
  }
}

/** A finalizer before the first thing that would have to be cleared away. Answers the object as it is then. */
export function ensureFinalizer<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  known: T,
  finalizer: string,
  options: CallOptions & { fieldManager?: string } = {},
): Promise<T> {
  return setFinalizers(client, resource, known, options, (finalizers, object) =>
    finalizers.includes(finalizer) || object.metadata.deletionTimestamp !== undefined
      ? null
      : [...finalizers, finalizer],
  );
}

/** The object goes with its last finalizer: null when it did so before. */
export async function removeFinalizer<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  known: T,
  finalizer: string,
  options: CallOptions & { fieldManager?: string } = {},
): Promise<T | null> {
  try {
    return await setFinalizers(client, resource, known, options, (finalizers) =>
      finalizers.includes(finalizer) ? finalizers.filter((other) => other !== finalizer) : null,
    );
  } catch (error) {
    if (isNotFound(error) || (error instanceof KubeError && error.code === 'MADE_ANEW')) return null;
    throw error;
  }
}

/** A patch of nothing but the list, which a merge patch replaces as a whole: hence the lock. */
function setFinalizers<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  known: T,
  options: CallOptions & { fieldManager?: string },
  change: (finalizers: readonly string[], object: T) => string[] | null,
): Promise<T> {
  return locked(client, resource, known, options, (current) => {
    const finalizers = change(current.metadata.finalizers ?? [], current);
    if (finalizers === null) return null;
    const { uid, resourceVersion } = current.metadata;
    const merge = { metadata: { uid, resourceVersion, finalizers } };
    return client.patch(resource, current.metadata, { merge }, options);
  });
}

function requireOurs(resource: Resource, existing: KubeObject, owner: OwnerReference): void {
  const controller = controllerOf(existing);
  if (controller?.uid === owner.uid) return;
  const whose = controller === undefined ? 'nobody controls' : `${controller.kind} "${controller.name}" controls`;
  throw new KubeError(
    'NOT_OURS',
    `${describe(resource, existing.metadata)} exists and ${whose} it: rename ${owner.kind} "${owner.name}", or delete what is there`,
  );
}
