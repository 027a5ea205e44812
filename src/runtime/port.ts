// The port "where JobManager and TaskManagers run": processes on one machine, pods on Kubernetes. Every call can be repeated.
import type { StorageQuestion as EngineStorageQuestion } from '../../engine/checkpoint/storage-view.ts';
import type { EngineType } from '../api/engine.ts';
import type { PodTemplate } from '../api/flowjob.ts';
import type { ObjectKey } from '../api/object.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { S3Access } from '../api/s3.ts';
import type { Attempt } from '../api/status.ts';
import type { Submission } from '../engine-client/flink/submission.ts';
import type { NewImages, ProcessView, Refusal, StorageView } from '../lifecycle/observation.ts';

/** Everything that the processes of one attempt are made from. */
export interface AttemptPlan {
  key: ObjectKey;
  uid: string;
  attempt: Attempt;
  spec: ResolvedFlowJobSpec;
  /** Memory of TaskManagers that are started from now on, a quantity; undefined: as the spec says. */
  taskManagerMemory?: string | undefined;
  /** Of an attempt that is up before its job: the one that runs until it takes over. */
  beside?: Pick<AttemptPlan, 'attempt' | 'spec'> | undefined;
}

export interface Connection {
  /** `http://host:port` */
  url: string;
  token: string | null;
}

/** Where a job's state is: `spec.state.storage`, undefined for its own place. */
export interface StatePlace {
  key: ObjectKey;
  /** Who writes it. */
  engine: EngineType;
  storage: ResolvedFlowJobSpec['state']['storage'];
  /** What is mounted in the job's pods besides, for folders below that. */
  podTemplate?: PodTemplate | undefined;
}

/** A savepoint's folder; `claimName`: the volume that holds it, where that is known and is not the job's own; `s3`: how the store was reached when it was taken. */
export interface SavepointPlace {
  path: string;
  claimName?: string | undefined;
  s3?: S3Access | undefined;
}

/** What is to be looked up in a job's storage. */
export type StorageQuestion = StatePlace &
  Omit<EngineStorageQuestion, 'savepoint'> & {
    savepoint?: SavepointPlace | undefined;
    /** The attempt in status: what is prepared to follow it has no job, and nothing to say. */
    epoch?: number | undefined;
    /** State that the job may go back to: what earlier runs have left besides may be cleared away. Absent: nothing may. */
    needed?: readonly string[] | undefined;
    /** The run whose JobManager is up before its job, and writes into that storage already. */
    preparedJobId?: string | undefined;
    /** Which process has written last that is none of the job's own; an answer from before it does not count. Absent: no such process has. */
    writer?: string | undefined;
  };

/** Attempts whose processes are up before their job: an attempt before it is submitted, and what its JobManager is to be asked then. */
export interface StartAhead {
  /** Whether a version can be started so. */
  supports(spec: ResolvedFlowJobSpec): boolean;
  /** Starts what does not run of it. */
  ensure(plan: AttemptPlan): Promise<void>;
  /** Why that could not be done when it was tried last, with the remedy; null when it could. */
  refusal(key: ObjectKey): string | null;
  /** Begins to end all processes of that attempt alone; they are gone when `processes` says so. */
  drop(key: ObjectKey, epoch: number): void;
  /** What runs the attempt's job. Pure. */
  submission(plan: AttemptPlan): Submission;
  /** It is the job's attempt from now on: whoever looks for the job finds its JobManager. */
  takeOver(plan: AttemptPlan): Promise<void>;
}

export interface Runtime {
  /** Null where processes come with their job alone. */
  readonly ahead: StartAhead | null;
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
  /**
   * Finds out whether the images of a version can be had that is to take over from the one that runs; `next` is made of its spec and the running attempt. Null:
   * they can, or nobody can tell. With `next` null what was begun for that is cleared away.
   */
  newImages(key: ObjectKey, next: AttemptPlan | null): Promise<NewImages | null>;
  storage(question: StorageQuestion): Promise<StorageView>;
  /** Where the engine is to put savepoints, a URI; null where it knows. */
  savepointFolder(place: StatePlace): string | null;
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
