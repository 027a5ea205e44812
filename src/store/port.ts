// The port "where FlowJobs live". Its semantics are the Kubernetes API's: optimistic locking by resourceVersion, generation by spec changes,
// status as a subresource, deletion held up by finalizers, watches that resume. On one machine it is files, on Kubernetes the API server.
import type { EventInput, FlowEvent } from '../api/event.ts';
import type { FlowCluster } from '../api/flowcluster.ts';
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import type { Kind } from '../api/group.ts';
import type { ObjectKey, ObjectMeta } from '../api/object.ts';

/** Object type of each kind. */
export interface Objects {
  FlowJob: FlowJob;
  FlowSavepoint: FlowSavepoint;
  FlowCluster: FlowCluster;
}
export type AnyObject = Objects[Kind];

/** What a client sends to create or apply: an object whose metadata the store completes. Unchecked until it is admitted. */
export interface Manifest<K extends Kind = Kind> {
  apiVersion: string;
  kind: K;
  metadata: Pick<ObjectMeta, 'name'> & Partial<Pick<ObjectMeta, 'namespace' | 'labels' | 'annotations' | 'finalizers'>>;
  spec: unknown;
}

/**
 * `Changed` for an object that is new or differs from what this watch told before: changes in quick succession may be told as one. `Deleted` when it is
 * gone; `object` is its last state.
 */
export interface WatchEvent<K extends Kind> {
  type: 'Changed' | 'Deleted';
  object: Objects[K];
  /** Where a later watch may resume: every change up to here was told. */
  resourceVersion: string;
}

export type StoreErrorReason =
  /** There is no such object. */
  | 'NotFound'
  /** create: the name is taken. */
  | 'AlreadyExists'
  /** The object changed since it was read: read it again and decide anew. */
  | 'Conflict'
  /** watch: too old to resume from: list and watch from there. */
  | 'Expired'
  /** Another process holds the store for longer than it should. */
  | 'Busy'
  /** A file of the store cannot be read. */
  | 'Corrupt';

/** `reason` is for programs, `message` for people: what, which object, what to do. Objects that break a rule throw InvalidObjectError instead. */
export class StoreError extends Error {
  readonly reason: StoreErrorReason;

  constructor(reason: StoreErrorReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.reason = reason;
  }
}

export type ApplyOutcome = 'created' | 'configured' | 'unchanged';

/** All methods throw StoreError; create, apply, update and updateStatus also InvalidObjectError (api/admission.ts). Objects returned are copies. */
export interface Store {
  /** Null when there is none. */
  get<K extends Kind>(kind: K, key: ObjectKey): Promise<Objects[K] | null>;
  /** All objects of a kind, by name. `resourceVersion` is where a watch goes on without a gap. */
  list<K extends Kind>(kind: K): Promise<{ items: Objects[K][]; resourceVersion: string }>;
  /** AlreadyExists when the name is taken. */
  create<K extends Kind>(manifest: Manifest<K>): Promise<Objects[K]>;
  /**
   * Writes spec, labels, annotations and finalizers; status stays. Conflict unless `object.metadata.resourceVersion` is the stored one. An equal object
   * writes nothing. Removing the last finalizer of an object that is being deleted removes it.
   */
  update<K extends Kind>(object: Objects[K]): Promise<Objects[K]>;
  /** Writes status and nothing else, under the same rules as update. */
  updateStatus<K extends Kind>(object: Objects[K]): Promise<Objects[K]>;
  /**
   * Makes the stored object agree with a manifest: its fields are set, fields that an earlier apply set and this one lacks return to their defaults, all
   * others stay. Applying the same manifest twice writes nothing.
   */
  apply<K extends Kind>(manifest: Manifest<K>): Promise<{ object: Objects[K]; outcome: ApplyOutcome }>;
  /** What apply would do, checked in full, written nowhere. */
  dryRunApply<K extends Kind>(manifest: Manifest<K>): Promise<{ object: Objects[K]; outcome: ApplyOutcome }>;
  /**
   * With finalizers: sets deletionTimestamp. Without: removes. Answers the object as it is then, null when it is gone. NotFound when there is none; with
   * `uid` Conflict when it is another one that has come under the name.
   */
  delete<K extends Kind>(kind: K, key: ObjectKey, uid?: string): Promise<Objects[K] | null>;
  /**
   * Changes after `resourceVersion`, in its order; without one first every object there is. Ends when `signal` aborts. Throws StoreError Expired when
   * changes since then are no longer known.
   */
  watch<K extends Kind>(
    kind: K,
    options: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncIterable<WatchEvent<K>>;
  /** Counts it up when an equal one stands already. Never fails for want of room: the oldest go. */
  recordEvent(event: EventInput): Promise<void>;
  /** Events about one object, or all; oldest first. */
  listEvents(regarding?: { kind: Kind } & ObjectKey): Promise<FlowEvent[]>;
  /** Ends watches and frees what the store holds. */
  close(): Promise<void>;
}

/** For messages: `flowjob "orders"`. */
export function describeObject(kind: Kind, name: string): string {
  return `${kind.toLowerCase()} "${name}"`;
}

export function keyOf(object: { metadata: { namespace: string; name: string } }): ObjectKey {
  return { namespace: object.metadata.namespace, name: object.metadata.name };
}
