// What the REST API knows of the JobManager: reads of a consistent view, and commands. The JobManager implements it, handlers only use it.
import type { StorageQuestion, StorageView } from '../checkpoint/storage-view.ts';
import type { ExecPlan } from '../plan/exec-plan.ts';

/** Flink's JobStatus. */
export type JobStatus =
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

/** Flink's ExecutionState of a subtask. */
export type ExecutionState =
  | 'CREATED'
  | 'SCHEDULED'
  | 'DEPLOYING'
  | 'INITIALIZING'
  | 'RUNNING'
  | 'FINISHED'
  | 'CANCELING'
  | 'CANCELED'
  | 'FAILED'
  | 'RECONCILING';

export interface SubtaskView {
  subtask: number;
  state: ExecutionState;
  attempt: number;
  taskManagerId: string | null;
  host: string | null;
  /** Milliseconds since the epoch when each state was entered. */
  timestamps: Partial<Record<ExecutionState, number>>;
  /** Metric name -> value; Flink's names: numRecordsIn, numRecordsOut, numBytesIn, numBytesOut, busyTimeMsPerSecond, ... */
  metrics: Record<string, number>;
}

export interface VertexView {
  id: string;
  subtasks: SubtaskView[];
}

/** What a subtask told of its part in a checkpoint. */
export interface SubtaskCheckpointView {
  subtask: number;
  /** Null: not acknowledged. */
  ackTimestamp: number | null;
  stateSize: number;
  checkpointedSize: number;
}

export interface TaskCheckpointView {
  vertexId: string;
  /** By index, of all that took part. */
  subtasks: SubtaskCheckpointView[];
}

export interface CheckpointView {
  id: number;
  kind: 'CHECKPOINT' | 'SAVEPOINT' | 'SYNC_SAVEPOINT';
  status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  triggerTimestamp: number;
  latestAckTimestamp: number;
  endTimestamp: number | null;
  stateSize: number;
  checkpointedSize: number;
  externalPath: string | null;
  discarded: boolean;
  failureTimestamp: number | null;
  failureMessage: string | null;
  numSubtasks: number;
  numAcknowledged: number;
  tasks: TaskCheckpointView[];
}

export interface ExceptionView {
  timestamp: number;
  exceptionName: string;
  stacktrace: string;
  taskName: string | null;
  endpoint: string | null;
  taskManagerId: string | null;
}

/** Within which bounds a vertex's parallelism may lie: Flink's JobVertexResourceRequirements, by vertex id. */
export type JobResourceRequirements = Record<string, { parallelism: { lowerBound: number; upperBound: number } }>;

/** Flink's TriggerCause. */
export type RescaleCause =
  'INITIAL_SCHEDULE' | 'UPDATE_REQUIREMENT' | 'NEW_RESOURCE_AVAILABLE' | 'RECOVERABLE_FAILOVER';

/** Flink's TerminatedReason. */
export type TerminatedReason =
  | 'SUCCEEDED'
  | 'EXCEPTION_OCCURRED'
  | 'RESOURCE_REQUIREMENTS_UPDATED'
  | 'NO_RESOURCES_OR_PARALLELISMS_CHANGE'
  | 'JOB_FINISHED'
  | 'JOB_FAILING'
  | 'JOB_FAILOVER_RESTARTING'
  | 'JOB_CANCELING';

/** `jobmanager.adaptive-scheduler.*`; durations in milliseconds. */
export interface RescaleOptions {
  /** How long a job waits for slots without which it cannot run before it fails; null: for ever. */
  submissionResourceWait: number | null;
  /** How long a job that could run waits for the slots that it lacks before it runs with fewer. */
  submissionResourceStabilization: number;
  /** Time between two rescalings at least. */
  cooldown: number;
  /** How long a running job that could have more slots, but not all that it asks for, waits for the others. */
  executingResourceStabilization: number;
  /** How long the checkpoint may take that precedes a rescaling; after that it goes ahead from the last completed one. */
  maxTriggerDelay: number;
  /** It goes ahead, too, when so many of these checkpoints have failed. */
  maxCheckpointFailures: number;
  /** How many rescalings are remembered; 0: none. */
  historySize: number;
}

/** One change of parallelism: Flink's JobRescaleDetails. Null is what is not known yet, or was not there before. */
export interface RescaleView {
  /** 32 hex digits. */
  rescaleUuid: string;
  resourceRequirementsUuid: string;
  /** Counts the tries to satisfy the same requirements. */
  rescaleAttemptId: number;
  triggerCause: RescaleCause;
  startTimestamp: number;
  endTimestamp: number | null;
  terminalState: 'COMPLETED' | 'FAILED' | 'IGNORED' | null;
  terminatedReason: TerminatedReason | null;
  vertices: {
    id: string;
    name: string;
    desired: number;
    sufficient: number;
    before: number | null;
    after: number | null;
  }[];
  slots: { desired: number; sufficient: number; before: number | null; after: number | null };
  schedulerStates: { state: string; enter: number; leave: number }[];
}

export interface RescalesView {
  options: RescaleOptions;
  counts: { ignored: number; inProgress: number; completed: number; failed: number };
  latest: Record<'completed' | 'failed' | 'ignored', RescaleView | null>;
  /** Newest first. */
  history: RescaleView[];
}

export interface JobView {
  jobId: string;
  name: string;
  epoch: number;
  plan: ExecPlan;
  status: JobStatus;
  /** When each status was last entered; 0 = never. */
  timestamps: Record<JobStatus, number>;
  startTime: number;
  endTime: number;
  vertices: VertexView[];
  checkpoints: {
    counts: { restored: number; total: number; inProgress: number; completed: number; failed: number };
    /** Newest first, at most ten. */
    history: CheckpointView[];
    /** The newest of each kind, also when it has left the history. A savepoint counts as such only. */
    latest: Record<'completed' | 'savepoint' | 'failed', CheckpointView | null>;
    /** Of all completed ones, savepoints too, the oldest first; of those of long ago nothing is kept. */
    numbers: { checkpointedSize: number; stateSize: number; duration: number }[];
    restored: { id: number; restoreTimestamp: number; isSavepoint: boolean; externalPath: string } | null;
  };
  /** Newest first. */
  exceptions: ExceptionView[];
  /** Effective configuration of the job. */
  config: [string, string][];
  /** Times that the job was restarted after a failure. */
  numRestarts: number;
  /** Times that it was restarted to run with another parallelism. */
  numRescales: number;
  /** Null: the job cannot be rescaled (a batch chooses by itself), or has ended. */
  requirements: JobResourceRequirements | null;
  rescales: RescalesView | null;
  summary: Record<string, unknown>;
}

export interface TaskManagerView {
  id: string;
  /** `host:port` of the data server. */
  path: string;
  dataPort: number;
  slots: number;
  freeSlots: number;
  lastHeartbeat: number;
  pid: number;
  cpuCores: number;
  physicalMemory: number;
  /** Metric name -> value: resident memory, heap. */
  metrics: Record<string, number>;
}

export type OperationStatus =
  | { state: 'IN_PROGRESS' }
  | { state: 'COMPLETED'; location: string }
  | { state: 'FAILED'; failureClass: string; message: string };

export interface SavepointRequest {
  /** Chosen by the caller or made here; repeating a call with the same id is the same call. 32 hex digits. */
  triggerId: string | null;
  targetDirectory: string | null;
}

/** Thrown by commands; `httpStatus` and Flink's exception class make the answer. */
export class GatewayError extends Error {
  readonly httpStatus: number;
  readonly exceptionClass: string;
  constructor(httpStatus: number, exceptionClass: string, message: string) {
    super(message);
    this.httpStatus = httpStatus;
    this.exceptionClass = exceptionClass;
  }
}

/** All methods that take a job id throw GatewayError 404 when it is not the cluster's job. */
export interface JobManagerGateway {
  /** Null while the SQL is being planned; a job that could not be planned has status FAILED and its error among the exceptions. */
  job(): JobView | null;
  taskManagers(): TaskManagerView[];
  /** Configuration of the cluster, sorted by key. */
  clusterConfig(): [string, string][];
  jobManagerMetrics(): Record<string, number>;
  /** What runs the JobManager, and the options that it was started with. */
  environment(): { version: string; arch: string; options: string[] };
  triggerSavepoint(jobId: string, request: SavepointRequest): Promise<{ triggerId: string }>;
  /** `drain` sends MAX_WATERMARK first, so that windows fire. */
  stopWithSavepoint(jobId: string, request: SavepointRequest & { drain: boolean }): Promise<{ triggerId: string }>;
  triggerCheckpoint(jobId: string, triggerId: string | null): Promise<{ triggerId: string }>;
  savepointStatus(jobId: string, triggerId: string): OperationStatus | null;
  checkpointTriggerStatus(jobId: string, triggerId: string): OperationStatus | null;
  disposeSavepoint(path: string): Promise<{ triggerId: string }>;
  disposalStatus(triggerId: string): OperationStatus | null;
  /** What the job's storage holds. Not of Flink. */
  storageView(question: StorageQuestion): Promise<StorageView>;
  cancelJob(jobId: string): Promise<void>;
  /** Rescales in place. Throws GatewayError 400 with all that is wrong with the request. */
  updateResourceRequirements(jobId: string, requirements: JobResourceRequirements): Promise<void>;
  /** Answers, then ends the process: exit code 0. */
  shutDownCluster(): Promise<void>;
}
