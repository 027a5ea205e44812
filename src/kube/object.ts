// What every object of the API has, and how a kind is named to the client. Times are strings, as the API sends them: a Date has three digits of a
// second where MicroTime has six, and a field that a typed model does not know would be lost when the object is written back.

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** ObjectMeta as the API server answers it. */
export interface ObjectMeta {
  name: string;
  /** Absent for kinds that belong to no namespace. */
  namespace?: string;
  uid: string;
  resourceVersion: string;
  /** Raised by each change of `spec`; built-in kinds without a spec have none. */
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

/** An object as the API server answers it. Kinds extend it with their spec and status as plain interfaces. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** What a client sends: the object without what the server sets. `uid` and `resourceVersion`, when given, are preconditions. */
export type Manifest<T extends KubeObject = KubeObject> = Omit<T, 'metadata' | 'status'> & {
  metadata: Partial<Omit<ObjectMeta, 'name'>> & { name: string };
};

/** Where one object is. */
export interface ObjectRef {
  namespace?: string | undefined;
  name: string;
}

/** How the API knows a kind. The type of its objects travels along. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** As it stands in URLs: `pods`, `flowjobs`. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Lists and watches fetch metadata alone, whatever the objects hold. */
  readonly metadataOnly?: boolean;
  /** Carries T and is never set. */
  readonly objectType?: T;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The media type of a list or a watch of this kind; undefined for whole objects. */
export function acceptOf(
  { metadataOnly }: Resource,
  as: 'PartialObjectMetadata' | 'PartialObjectMetadataList',
): string | undefined {
  return metadataOnly === true ? `application/json;as=${as};g=meta.k8s.io;v=v1` : undefined;
}

/** For messages: `pods default/orders-jm`. */
export function describe(resource: Resource, { namespace, name }: ObjectRef): string {
  return `${resource.plural} ${keyOf({ namespace, name })}`;
}

/** `namespace/name`, or `name` where there is no namespace: the key of queues and caches. */
export function keyOf({ namespace, name }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The URL path of a collection, an object or one of its subresources. Without a namespace: the collection in all of them. */
export function pathOf(
  resource: Resource,
  { namespace, name, subresource }: { namespace?: string | undefined; name?: string; subresource?: string } = {},
): string {
  const root = resource.group === '' ? ['api', resource.version] : ['apis', resource.group, resource.version];
  const within = resource.namespaced && namespace !== undefined ? ['namespaces', namespace] : [];
  const parts = [...root, ...within, resource.plural, name, subresource].filter((part) => part !== undefined);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/**
 * Negative when `a` is older than `b`, positive when newer. Resource versions are decimal numbers that grow within one resource type
 * (Kubernetes says so since 1.35, and etcd has always made them so); they can be longer than a JavaScript number is exact.
 */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}
