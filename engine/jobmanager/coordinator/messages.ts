// What the coordinator is told and what it wants done. It does no I/O: the JobManager's shell turns the world into events and actions into the world.
import type { Attempt } from '../../checkpoint/attempt.ts';
import type { JobResult, Manifest } from '../../checkpoint/storage.ts';
import type { Committable, SourceSplit, SplitSize } from '../../connectors/connector.ts';
import type { ExecPlan } from '../../plan/exec-plan.ts';
import type { RescaleOptions } from '../../rest/gateway.ts';
import type { Metrics, SlotAddress, TaskMessage, TaskReport, ToTaskManager } from '../../rpc/protocol.ts';
import type { ResourceRequirements } from './resource-requirements.ts';
import type { RestartStrategyOptions } from './restart-strategy.ts';

/** What becomes of the last checkpoints of a job that is canceled or fails: Flink's names. Those of one that has finished go. */
export type CheckpointRetention = 'RETAIN_ON_CANCELLATION' | 'DELETE_ON_CANCELLATION' | 'NO_EXTERNALIZED_CHECKPOINTS';

/** All durations in milliseconds. */
export interface CoordinatorOptions {
  jobId: string;
  attempt: Attempt;
  plan: ExecPlan;
  /** The job's effective configuration: goes to the tasks and to REST. */
  config: [string, string][];
  checkpointing: {
    /** 0: no periodic checkpoints. */
    interval: number;
    timeout: number;
    minPause: number;
    retained: number;
    tolerableFailed: number;
    retention: CheckpointRetention;
  };
  restart: RestartStrategyOptions;
  rescale: RescaleOptions;
  heartbeatTimeout: number;
  /** A TaskManager ends with a task that takes longer to leave. */
  cancellationTimeout: number;
  sources: SourceOptions[];
  /** What to start from. */
  restored: RestoredState | null;
  /** Directories of this job's completed checkpoints, oldest first. */
  retainedCheckpoints: string[];
  /** Directory of checkpoint `id`. */
  checkpointPath: (checkpointId: number) => string;
}

export interface SourceOptions {
  operatorId: string;
  /** At most so many subtasks get splits. */
  maxReaders: number;
  /** As discovered; those of a restored manifest take their place. */
  splits: SourceSplit[];
  /** How much there is to read in a split; null: not known. */
  sizeOf: (split: SourceSplit) => SplitSize | null;
}

export interface RestoredState {
  path: string;
  manifest: Manifest;
  isSavepoint: boolean;
}

export interface TaskManagerInfo {
  taskManagerId: string;
  slots: SlotAddress[];
  pid: number;
  cpuCores: number;
  physicalMemory: number;
}

export interface SavepointCommand {
  type: 'savepoint';
  triggerId: string;
  /** Where it goes. */
  directory: string;
  /** STOP and DRAIN end the job with it. */
  stop: 'STOP' | 'DRAIN' | null;
  /** It was completed there by an earlier attempt. */
  existing: boolean;
}

export type CoordinatorEvent =
  | { type: 'start' }
  | { type: 'taskManagerRegistered'; info: TaskManagerInfo }
  | { type: 'taskManagerLost'; taskManagerId: string; reason: string }
  | {
      type: 'heartbeat';
      taskManagerId: string;
      metrics: Metrics;
      tasks: TaskReport[];
    }
  | { type: 'task'; message: TaskMessage }
  | SavepointCommand
  | { type: 'triggerCheckpoint'; triggerId: string }
  /** Without errors: resource-requirements.ts tells. */
  | { type: 'updateRequirements'; requirements: ResourceRequirements }
  | { type: 'cancel' }
  | { type: 'manifestPublished'; checkpointId: number }
  | { type: 'publishFailed'; checkpointId: number; message: string }
  | { type: 'committed'; commit: number }
  | { type: 'commitFailed'; commit: number; message: string }
  | { type: 'resultWritten' }
  | { type: 'resultFailed'; message: string }
  /** Answer to `awaitRemovals`. */
  | { type: 'removalsEnded' }
  /** Answer to `checkFiles`. */
  | { type: 'filesMissing'; paths: string[] }
  | { type: 'timer' };

export type Action =
  | { type: 'send'; taskManagerId: string; message: ToTaskManager }
  /** It does not answer any more: close its connection, so that it notices if it lives. */
  | { type: 'dropTaskManager'; taskManagerId: string; reason: string }
  | { type: 'publishManifest'; directory: string; manifest: Manifest }
  /** Answered with `commit`. */
  | { type: 'commit'; commit: number; committables: Committable[] }
  /** Of a checkpoint that is complete and superseded, or of a savepoint that must not be used. */
  | { type: 'dispose'; directory: string }
  /** Of one that this attempt has given up. */
  | { type: 'discard'; directory: string }
  /** The job has ended, and nothing will be restored from its checkpoints any more: all that is left of them. Savepoints stay. */
  | { type: 'removeCheckpoints' }
  /** Removes files of pages that no checkpoint up to this one, nor a later one, refers to. */
  | { type: 'sweepPages'; through: number }
  /** All that checkpoints hold is visible: what executions numbered below `execution` have left unfinished in sinks may go. */
  | { type: 'clearSinks'; execution: number }
  | { type: 'writeResult'; result: JobResult }
  /** Answered when all removals decided on before have been carried out, or have failed. */
  | { type: 'awaitRemovals' }
  | { type: 'checkFiles'; paths: string[] }
  | { type: 'log'; message: string }
  /** The job is over: spill files may go. */
  | { type: 'ended'; status: 'FINISHED' | 'FAILED' | 'CANCELED' };
