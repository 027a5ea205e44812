// What the lifecycle is told about the world. Gathered by the controller just before each decision; nothing here is remembered.

/** One process (or pod) of an attempt, as it is now. */
export interface ProcessView {
  epoch: number;
  role: 'JobManager' | 'TaskManager';
  /** 0-based among the TaskManagers of its attempt; 0 for the JobManager. */
  index: number;
  state: 'Running' | 'Exited';
  /** Set when it exited and that was seen. `asked`: by the operator or by `flowjob local down`, so not a failure. */
  exit: { at: number; asked: boolean; reason: string } | null;
  /** Set while it has not started: a pod that waits for its node, its image or its volume. `trouble`: what keeps it, with the remedy; null when time alone does. */
  pending?: { trouble: string | null };
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

/** What the JobManager of the current attempt answers. */
export interface EngineView {
  jobId: string;
  status: EngineJobStatus;
  /** Completed checkpoints of this attempt, savepoints not counted. */
  completedCheckpoints: number;
  /** Newest entry of the exception history, for people. */
  rootCause: string | null;
  /** Why the tasks cannot read the state that they are to start from; null when it is not that, or they have read it. */
  unreadableState: string | null;
  /** By trigger id: `status.pending` and the FlowSavepoints in progress. */
  operations: Readonly<Record<string, OperationView>>;
}

/** How the run ended, from results/<jobId>.json. */
export interface RunResult {
  state: 'FINISHED' | 'FAILED' | 'CANCELED';
  failure: string | null;
  savepointPath: string | null;
  startTime: number;
  endTime: number;
  rowsIn: number;
  rowsOut: number;
}

/** What the job's storage holds. */
export interface StorageView {
  /** Highest attempt epoch taken so far, 0 when none. */
  epoch: number;
  /** Newest completed checkpoint or savepoint of the current run's job id, by checkpoint id. */
  newest: { path: string; kind: 'Checkpoint' | 'Savepoint' } | null;
  /**
   * State that is there but cannot be read: which file, why, and what to do; null when there is none such. `newest` is then not the newest.
   * `savepoint`: of a stop, or the job's last one.
   */
  unreadable: { checkpoints: string | null; savepoint: string | null };
  /** The job's last savepoint is not there, or not complete: removed by its owner, who may do that, or lost. */
  savepointGone?: true;
  /** Set when `status.pending` is a stop-with-savepoint whose savepoint is complete in storage. */
  pendingSavepoint: string | null;
  result: RunResult | null;
}

export interface Observation {
  /** Processes of all attempts of the job that run or whose end is on record. */
  processes: readonly ProcessView[];
  /** Null: no JobManager of the current attempt answers. */
  engine: EngineView | null;
  /** Since when a JobManager process runs without answering; null when it answers or does not run. Milliseconds since the epoch. */
  silentSince: number | null;
  storage: StorageView;
  /** What is wrong with the SQL of the spec as it stands now, with line and column; null when it can be planned. */
  sqlError: string | null;
}
