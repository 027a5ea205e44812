// The API server's verbs, typed by the Resource they are used on. Reads and writes only: what is remembered stands in cache/.
import { isExpired, isNotFound, type Status } from '../errors.ts';
import {
  acceptOf,
  apiVersionOf,
  pathOf,
  type KubeObject,
  type Manifest,
  type ObjectRef,
  type Resource,
} from '../object.ts';
import { Requester, type Call, type Fence, type RequesterOptions } from './requester.ts';
import { watch, type WatchEvent, type WatchOptions } from './watch.ts';

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** For all tries together; 30 s by default. */
  deadlineMs?: number;
}

export interface Selection {
  /** Without: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export interface WriteOptions extends CallOptions {
  subresource?: 'status' | 'scale';
  fieldManager?: string;
  /** Checked in full, written nowhere. */
  dryRun?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Conflict unless the object is this one. */
  uid?: string;
  /** Conflict unless the object is unchanged since. */
  resourceVersion?: string;
  propagation?: 'Background' | 'Foreground' | 'Orphan';
  gracePeriodSeconds?: number;
}

/** `scale` of whatever has replicas. */
export interface Scale extends KubeObject {
  spec: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

export interface List<T> {
  items: T[];
  /** Where a watch goes on without a gap. */
  resourceVersion: string;
}

interface ListAnswer<T> {
  metadata: { resourceVersion: string; continue?: string };
  /** Null for an empty list of metadata alone. */
  items: T[] | null;
}

/** For metrics, where a path is no collection. */
const ANY: Resource = { group: '', version: '', plural: '<path>', kind: '', namespaced: false };

const DEADLINE = 30_000;
/** Objects per page, as client-go asks for. */
const PAGE = 500;

export class Client {
  private readonly requester: Requester;

  constructor(options: RequesterOptions) {
    this.requester = new Requester(options);
  }

  /** The same client, which asks `fence` before every write. */
  fenced(fence: Fence): Client {
    return new Client({ ...this.requester.options, fence });
  }

  /** ApiError NotFound when there is none. */
  async get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options: CallOptions = {}): Promise<T> {
    return this.call<T>(resource, { method: 'GET', path: pathOf(resource, ref), repeatable: true }, options);
  }

  /** Null when there is none. Throws when the server does not know the kind: that is no object missing but a CRD. */
  async find<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T | null> {
    try {
      return await this.get(resource, ref, options);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /** All objects of a selection, page by page. When the server forgets the list under way (410), the whole of it is fetched in one piece. */
  async list<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection = {},
    { limit = PAGE, ...options }: CallOptions & { limit?: number } = {},
  ): Promise<List<T>> {
    const { metrics, clock } = this.requester.options;
    const begun = clock.monotonic();
    const list = await this.pages(resource, selection, { limit, ...options });
    metrics?.listed?.(resource.plural, list.items.length, (clock.monotonic() - begun) / 1000);
    // Items of a list come without the two.
    for (const item of list.items) {
      item.apiVersion ??= apiVersionOf(resource);
      item.kind ??= resource.kind;
    }
    return list;
  }

  /** The collection's resource version at this moment, whatever its size. */
  async currentVersion(resource: Resource, selection: Selection = {}, options: CallOptions = {}): Promise<string> {
    return (await this.page(resource, selection, { limit: '1' }, options)).metadata.resourceVersion;
  }

  /** Changes after `resourceVersion`, until the server ends the watch; see watch.ts for how it fails. Not repeated: the reflector does that. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    return watch<T>(this.requester, resource, selectors(selection), pathOf(resource, selection), options);
  }

  /**
   * AlreadyExists when the name is taken. Not repeated when the answer was lost, as it may have been carried out: a caller that goes on trying gets
   * AlreadyExists for its own object (`createOrAdopt` tells it from another's).
   */
  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: Manifest<T>,
    options: Omit<WriteOptions, 'subresource'> = {},
  ): Promise<T> {
    const path = pathOf(resource, { namespace: object.metadata.namespace });
    return this.write(resource, { method: 'POST', path, body: complete(resource, object), repeatable: false }, options);
  }

  /**
   * Writes the whole object. Conflict unless its resourceVersion is the stored one; an answer that was lost shows as Conflict too, and the fresh read
   * then shows one's own write (`modify` does that).
   */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: Manifest<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = this.pathFor(resource, object.metadata, options);
    return this.write(resource, { method: 'PUT', path, body: complete(resource, object), repeatable: true }, options);
  }

  /** `merge`: RFC 7396; with metadata.resourceVersion in it, Conflict unless that is the stored one. `json`: RFC 6902, not repeated. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: { merge: object } | { json: readonly object[] },
    options: WriteOptions = {},
  ): Promise<T> {
    const isMerge = 'merge' in patch;
    const call = {
      method: 'PATCH' as const,
      path: this.pathFor(resource, ref, options),
      body: isMerge ? patch.merge : patch.json,
      contentType: isMerge ? 'application/merge-patch+json' : 'application/json-patch+json',
      repeatable: isMerge,
    };
    return this.write(resource, call, options);
  }

  /** Server-side apply: afterwards the manager owns exactly the fields of the manifest. `force` takes fields from other managers. */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    manifest: Manifest<T>,
    options: WriteOptions & { fieldManager: string; force?: boolean },
  ): Promise<T> {
    const call = {
      method: 'PATCH' as const,
      path: this.pathFor(resource, manifest.metadata, options),
      query: { force: options.force === true ? 'true' : undefined },
      body: complete(resource, manifest),
      contentType: 'application/apply-patch+yaml',
      repeatable: true,
    };
    return this.write(resource, call, options);
  }

  async getScale(resource: Resource, ref: ObjectRef, options: CallOptions = {}): Promise<Scale> {
    const path = pathOf(resource, { ...ref, subresource: 'scale' });
    return this.call<Scale>(resource, { method: 'GET', path, repeatable: true }, options);
  }

  /**
   * Asks for the object's deletion. NotFound when it is gone already, or when the answer of a first try was lost; Conflict when a precondition does not
   * hold.
   */
  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const call = { method: 'DELETE' as const, path: pathOf(resource, ref), body: deletion(options), repeatable: true };
    await this.call<Status>(resource, call, options);
  }

  async deleteCollection(
    resource: Resource,
    selection: Selection & { namespace: string },
    options: Omit<DeleteOptions, 'uid' | 'resourceVersion'> = {},
  ): Promise<void> {
    const call = {
      method: 'DELETE' as const,
      path: pathOf(resource, { namespace: selection.namespace }),
      query: selectors(selection),
      body: deletion(options),
      repeatable: true,
    };
    await this.call<Status>(resource, call, options);
  }

  /** Any path of the API: what it serves, or what a proxy subresource leads to. Answered with JSON. */
  async read<T>(
    path: string,
    { headers, ...options }: CallOptions & { headers?: Record<string, string> } = {},
  ): Promise<T> {
    return this.call<T>(ANY, { method: 'GET', path, headers, repeatable: true }, options);
  }

  /** A subresource's body as it comes, such as a pod's log. Not repeated. */
  async stream(
    resource: Resource,
    { subresource, ...ref }: ObjectRef & { subresource: string },
    query: Record<string, string | undefined>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const path = pathOf(resource, { ...ref, subresource });
    const call = { method: 'GET' as const, path, resource: resource.plural, headers: { accept: '*/*' } };
    return (await this.requester.send(call, query, signal)).body;
  }

  private async pages<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    { limit, ...options }: CallOptions & { limit: number },
  ): Promise<List<T>> {
    const items: T[] = [];
    let next: string | undefined;
    try {
      for (;;) {
        const page = await this.page(resource, selection, { limit: String(limit), continue: next }, options);
        for (const item of page.items ?? []) items.push(item);
        next = page.metadata.continue;
        if (next === undefined || next === '') return { items, resourceVersion: page.metadata.resourceVersion };
      }
    } catch (error) {
      if (next === undefined || !isExpired(error)) throw error;
    }
    const whole = await this.page(resource, selection, {}, options);
    return { items: whole.items ?? [], resourceVersion: whole.metadata.resourceVersion };
  }

  private page<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    query: Record<string, string | undefined>,
    options: CallOptions,
  ): Promise<ListAnswer<T>> {
    const path = pathOf(resource, { namespace: selection.namespace });
    const accept = acceptOf(resource, 'PartialObjectMetadataList');
    const call = {
      method: 'GET' as const,
      path,
      accept,
      query: { ...selectors(selection), ...query },
      repeatable: true,
    };
    return this.call<ListAnswer<T>>(resource, call, options);
  }

  private pathFor(resource: Resource, { namespace, name }: ObjectRef, { subresource }: WriteOptions): string {
    return pathOf(resource, { namespace, name, ...(subresource === undefined ? {} : { subresource }) });
  }

  private write<T extends KubeObject>(
    resource: Resource<T>,
    call: Omit<Call, 'resource' | 'deadlineMs' | 'signal'>,
    { fieldManager, dryRun, ...options }: WriteOptions,
  ): Promise<T> {
    const query = { ...call.query, fieldManager, dryRun: dryRun === true ? 'All' : undefined };
    return this.call<T>(resource, { ...call, query }, options);
  }

  private async call<R>(
    { plural }: Resource,
    call: Omit<Call, 'resource' | 'deadlineMs' | 'signal'>,
    { signal, deadlineMs = DEADLINE }: CallOptions,
  ): Promise<R> {
    return this.requester.call<R>({ ...call, resource: plural, deadlineMs, signal });
  }
}

function complete<T extends KubeObject>(resource: Resource<T>, object: Manifest<T>): object {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function selectors({ labelSelector, fieldSelector }: Selection): Record<string, string | undefined> {
  return { labelSelector, fieldSelector };
}

function deletion({ uid, resourceVersion, propagation, gracePeriodSeconds }: DeleteOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(uid === undefined && resourceVersion === undefined ? {} : { preconditions: { uid, resourceVersion } }),
    ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
  };
}
