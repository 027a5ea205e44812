// What the lifecycle is told about the world. Gathered by the controller just before each decision; nothing here is remembered.
import type { StorageView } from '../../engine/checkpoint/storage-view.ts';
import type { EngineType } from '../api/engine.ts';
import type { AutoscalingStatus } from '../api/autoscaling-status.ts';
import type { SavepointState } from '../api/flowsavepoint.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';

export type { RunResult, StorageView } from '../../engine/checkpoint/storage-view.ts';

/** One process (or pod) of an attempt, as it is now. */
export interface ProcessView {
  epoch: number;
  role: 'JobManager' | 'TaskManager';
  /** 0-based among the TaskManagers of its attempt; 0 for the JobManager. */
  index: number;
  state: 'Running' | 'Exited';
  /** Set when it exited and that was seen. `outOfMemory`: it was ended because it needed more than its limit. `asked`: by the operator or by `flowjob local down`, so not a failure. */
  exit: { at: number; asked: boolean; reason: string; outOfMemory?: true } | null;
  /** Set while it has not started: a pod that waits for its node, its image or its volume. `trouble`: what keeps it, with the remedy; null when time alone does. */
  pending?: { trouble: string | null };
  /** Set while it runs although somebody has asked it to end: what to say of that. */
  deleted?: string;
  /** Why it is still there although it was to end some time ago, with the remedy. */
  left?: string;
  /** What is wrong with the node under it, with the remedy: it may run or not, and nobody can tell. */
  node?: string;
  /** How often the process with this role and index was started before within its attempt. */
  restarts: number;
}

/** Flink's JobStatus. */
export type EngineJobStatus =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED'
  | 'RESTARTING'
  | 'SUSPENDED'
  | 'RECONCILING';

/** An asynchronous operation, looked up by its trigger id. `Unknown`: the engine has not heard of it (or forgot it in a restart). */
export type OperationView =
  | { state: 'Unknown' }
  | { state: 'InProgress' }
  | { state: 'Completed'; path: string | null }
  | { state: 'Failed'; message: string };

/** How large the engine has the job, and how large it may have it. */
export interface EngineScale {
  /** Why it does not rescale the job, or not to what it was asked for last; null when it does. */
  refusal: string | null;
  vertices: readonly {
    id: string;
    parallelism: number;
    maxParallelism: number;
    /** What it was asked for. */
    upperBound: number;
    /** All of its tasks run. */
    running: boolean;
  }[];
  /** Those that are registered. `index`: undefined where the name says none. */
  taskManagers: readonly { index: number | undefined; slots: number; freeSlots: number }[];
  /** Of an engine that does not take a checkpoint by itself when it is asked for another size (Flink); absent of others. */
  waits?: {
    /** A checkpoint is in progress: the engine goes on when it is complete. */
    checkpointing: boolean;
    /** For how long it may put off what it is asked for, milliseconds: its cool-down. 0 where it does not say. */
    upTo: number;
  };
}

/** What the JobManager of the current attempt answers. */
export interface EngineView {
  jobId: string;
  status: EngineJobStatus;
  /** Its JobManager was up before it, and has not heard of it yet, or does not know it any more. */
  unsubmitted?: true;
  /** Completed checkpoints of this attempt, savepoints not counted. */
  completedCheckpoints: number;
  /** Newest entry of the exception history, for people. */
  rootCause: string | null;
  /** Why the tasks cannot read the state that they are to start from; null when it is not that, or they have read it. */
  unreadableState: string | null;
  /** Of a job that is being rescaled; absent otherwise, and as long as the engine does not say. */
  scale?: EngineScale;
  /** The release of Flink that answers; told while the attempt has not proven itself. */
  release?: string;
  /** On a FlowCluster: what its tasks wait for, with the remedy; absent when they wait for nothing. */
  waiting?: string;
  /** By trigger id: `status.pending` and the FlowSavepoints in progress. */
  operations: Readonly<Record<string, OperationView>>;
}

/** The FlowSavepoint that spec.state.restore names. */
export interface NamedSavepoint {
  state: SavepointState;
  /** Set when it is complete. */
  path: string | undefined;
  /** The volume that holds it; undefined where that is not known, or is none. */
  claimName: string | undefined;
  /** Who has taken it. */
  engine: EngineType;
  /** Why it failed; empty when it did not. */
  failure: string;
  /** Its deletion was asked for, and its files go with it. */
  beingRemoved: boolean;
}

/** Another job that is to start from a checkpoint of this one, and has none of its own yet. */
export interface Restorer {
  job: string;
  path: string;
}

export type ReferencedSql = { text: string } | { missing: string };

/** A no to the making of the job's processes, which may become a yes. */
export interface Refusal {
  /** Cause and remedy. */
  reason: string;
  /** When it may be tried again, milliseconds since the epoch. */
  retryAt: number;
}

/** What the autoscaler has come to since this operator began. */
export interface AutoscalerView {
  /** The last decision that was to change something; null: none was made. */
  decision: Omit<AutoscalingStatus, 'applies' | 'held' | 'replicasInSpec'> | null;
  /** What keeps it from following the load at present; null: nothing does. */
  held: { reason: string; message: string } | null;
  /** Whether it was decided to be done, and not only to be recommended. */
  applies: boolean;
  /** The job has been measured since this operator looks at it. */
  measured: boolean;
}

/** Of a version that is to take over, images which the running one does not have. */
export interface NewImages {
  /** Why they cannot be had, with the remedy; null while that is being found out. */
  trouble: string | null;
}

/** What is known of a cluster that is up before its job. */
export interface PreparedView {
  /** Why its processes could not be made; null when they could. */
  refusal: string | null;
  /** Since when something keeps a pod of it from starting; null: nothing does. Milliseconds since the epoch. */
  troubledSince: number | null;
  /** Task slots that have registered with its JobManager; null: that does not answer. */
  slots: number | null;
  /** What its JobManager says of the program. `Good`, too: it is not asked. */
  plan: 'Unknown' | 'Good' | { invalid: string };
  /** Why it was asked in vain the last time. */
  unanswered?: string;
}

/** The FlowCluster that the job names. */
export interface ClusterView {
  /** uid of the pod of the JobManager that takes jobs; null: there is none. */
  jobManager: string | null;
  /** Where its jobs keep their state; null: there is no such cluster. */
  storage: ResolvedFlowJobSpec['state']['storage'] | null;
  /** Why it takes no job, with the remedy; null when it does. */
  trouble: string | null;
  /** It goes, and takes no job that has not begun there. */
  closed?: true;
}

export interface Observation {
  /** Processes of all attempts of the job that run or whose end is on record. */
  processes: readonly ProcessView[];
  /** Why processes could not even be made when that was tried last; null when they could. */
  refusal: Refusal | null;
  /** Null: no JobManager of the current attempt answers. */
  engine: EngineView | null;
  /** Since when a JobManager process runs without answering; null when it answers or does not run. Milliseconds since the epoch. */
  silentSince: number | null;
  storage: StorageView;
  /** Null: there is no such FlowSavepoint, or spec.state.restore names none, or it does not count any more. */
  named: NamedSavepoint | null;
  /** On Kubernetes, the claim that holds the job's state; null where there is none. */
  claimName: string | null;
  /** By name: FlowSavepoints of this job that another job would start from, and that job's name. */
  restorers: Readonly<Record<string, string>>;
  /** Of a job that is being deleted. Absent: nobody would start from what goes with its state. */
  restorer?: Restorer;
  /** What is wrong with the SQL of the spec as it stands now, with line and column; null when it can be planned. */
  sqlError: string | null;
  /** The SQL text that the spec names, or why it is not to be had, with the remedy. Absent: it stands inline. */
  referencedSql?: ReferencedSql;
  /** Whether a version that is to take over can be started before the running one is stopped, as far as where it would run and its engine go. */
  startsAhead?: boolean;
  /** Absent: no attempt is prepared. */
  prepared?: PreparedView;
  /** Absent: the job names none. */
  cluster?: ClusterView;
  /** Absent: no version waits for images, or nothing is wrong with them as far as can be found out. */
  newImages?: NewImages;
  /** What of the running version's state the change may put out of reach, with the remedy. Absent: nothing that is known of before. */
  stateAtRisk?: string;
  /** Absent: the job is not autoscaled, or has not been looked at. */
  autoscaler?: AutoscalerView;
}

/** Of storage that nobody has looked at, or that has no say: all but the epoch. */
export const NOTHING_KNOWN = {
  newest: null,
  unreadable: { checkpoints: null, savepoint: null },
  pendingSavepoint: null,
  result: null,
  found: null,
  savepoint: null,
} satisfies Omit<StorageView, 'epoch'>;
