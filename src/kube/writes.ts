// The ways in which a controller writes, each with its guard. Children: server-side apply under our field manager, unless they belong to somebody else.
// Everything else: optimistic locking, decided anew on what somebody else wrote in between.
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
  let current = 'metadata' in known ? known : await client.get(resource, known, call);
  const { uid } = current.metadata;
  for (let tries = 1; ; tries++) {
    try {
      const wanted = change(current);
      return wanted === null ? current : await client.replace(resource, wanted, options);
    } catch (error) {
      if (!isConflict(error) || tries === TRIES) throw error;
    }
    current = await client.get(resource, current.metadata, call);
    if (current.metadata.uid !== uid)
      throw new KubeError('MADE_ANEW', `${describe(resource, current.metadata)} was deleted and made anew meanwhile`);
  }
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
