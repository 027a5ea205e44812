// The port "where JobManager and TaskManagers run": processes on one machine, pods on Kubernetes. Every call can be repeated.
import type { StorageQuestion as EngineStorageQuestion } from '../../engine/checkpoint/storage-view.ts';
import type { PodTemplate } from '../api/flowjob.ts';
import type { ObjectKey } from '../api/object.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { Attempt } from '../api/status.ts';
import type { ProcessView, Refusal, StorageView } from '../lifecycle/observation.ts';

/** Everything that the processes of one attempt are made from. */
export interface AttemptPlan {
  key: ObjectKey;
  uid: string;
  attempt: Attempt;
  spec: ResolvedFlowJobSpec;
  /** Memory of TaskManagers that are started from now on, a quantity; undefined: as the spec says. */
  taskManagerMemory?: string | undefined;
}

export interface Connection {
  /** `http://host:port` */
  url: string;
  token: string | null;
}

/** Where a job's state is: `spec.state.storage`, undefined for its own place. */
export interface StatePlace {
  key: ObjectKey;
  storage: ResolvedFlowJobSpec['state']['storage'];
  /** What is mounted in the job's pods besides, for folders below that. */
  podTemplate?: PodTemplate | undefined;
}

/** A savepoint's folder; `claimName`: the volume that holds it, where that is known and is not the job's own. */
export interface SavepointPlace {
  path: string;
  claimName?: string | undefined;
}

/** What is to be looked up in a job's storage. */
export type StorageQuestion = StatePlace &
  Omit<EngineStorageQuestion, 'savepoint'> & { savepoint?: SavepointPlace | undefined };

export interface Runtime {
  /** Jobs of which any process runs or is on record. */
  jobs(): ObjectKey[];
  processes(key: ObjectKey): ProcessView[];
  /** Processes that have ended and are on record, those in whose place another one runs among them. */
  ended(key: ObjectKey): ProcessView[];
  /** Why `ensureProcesses` could not make what it was to make when it was called last; null when it could. */
  refusal(key: ObjectKey): Refusal | null;
  /** Where the attempt's JobManager answers; null until it has said so. */
  connection(key: ObjectKey, attempt: Attempt): Promise<Connection | null>;
  /**
   * Starts what does not run of the attempt, the TaskManagers in `skip` left out, and the JobManager with `only`. What cannot be placed yet is started when
   * this is called again after a change.
   */
  ensureProcesses(plan: AttemptPlan, skip: readonly number[], only?: 'TaskManagers'): Promise<void>;
  /** Begins to end all processes of attempts up to `epoch`; they are gone when `processes` says so. */
  stopProcesses(key: ObjectKey, epoch: number, graceful: boolean): void;
  /** Begins to end those TaskManagers of the attempt that are not in `keep`; they are gone when `processes` says so. */
  stopTaskManagers(key: ObjectKey, epoch: number, keep: readonly number[]): void;
  storage(question: StorageQuestion): Promise<StorageView>;
  /** The claim that holds the state; null where there is none. */
  claimOf(place: StatePlace): string | null;
  /** Removes a savepoint's files. Not an error when they are gone. */
  disposeSavepoint(place: StatePlace, savepoint: SavepointPlace): Promise<void>;
  /** Removes a job's checkpoints and results. */
  removeState(place: StatePlace): Promise<void>;
  /** Removes what is on record of a job without processes. */
  forget(key: ObjectKey): Promise<void>;
  /** Calls `listener` when a process of a job ended or came up. */
  onChange(listener: (key: ObjectKey) => void): void;
  /** Stops watching; what runs, runs on. */
  close(): void;
}
