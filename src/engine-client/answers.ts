// Answers of the REST API that both engines speak, as far as the operator reads them. Names and types as Flink 2.3 gives them.
import type { EngineJobStatus } from '../lifecycle/observation.ts';

/** GET /jobs/:jobid/status */
export interface JobStatusAnswer {
  status: EngineJobStatus;
}

/** GET /jobs/:jobid */
export interface JobDetailsAnswer {
  state: EngineJobStatus;
  /** Of Flink, from 2.0 on. */
  'job-type'?: 'STREAMING' | 'BATCH';
  /** Milliseconds since the epoch; `end-time` is -1 while it runs. */
  'start-time': number;
  'end-time': number;
  /** Milliseconds since it was started. */
  duration: number;
  /** `tasks`: how many are in which state. */
  vertices: { id: string; parallelism: number; maxParallelism: number; tasks: Record<string, number> }[];
}

/** GET and PUT /jobs/:jobid/resource-requirements, by vertex. */
export type ResourceRequirementsAnswer = Record<string, { parallelism: { lowerBound: number; upperBound: number } }>;

/** GET /taskmanagers */
export interface TaskManagersAnswer {
  taskmanagers: { id: string; slotsNumber: number; freeSlots: number }[];
}

/** GET /jobs/:jobid/checkpoints */
export interface CheckpointsAnswer {
  counts: { restored: number; total: number; in_progress: number; completed: number; failed: number };
  latest: {
    completed: CheckpointAnswer | null;
    savepoint: CheckpointAnswer | null;
    restored: { id: number; restore_timestamp: number; is_savepoint: boolean; external_path: string } | null;
  };
  history: CheckpointAnswer[];
}

export interface CheckpointAnswer {
  id: number;
  status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  is_savepoint: boolean;
  /** `SYNC_SAVEPOINT`: that of a stop. */
  checkpoint_type: 'CHECKPOINT' | 'SAVEPOINT' | 'SYNC_SAVEPOINT';
  /** Milliseconds since the epoch. */
  trigger_timestamp: number;
  latest_ack_timestamp: number;
  /** Bytes. */
  state_size: number;
  /** Milliseconds. */
  end_to_end_duration: number;
  external_path?: string;
}

/** GET /jobs */
export interface JobsAnswer {
  jobs: { id: string; status: EngineJobStatus }[];
}

/** GET /jobs/overview */
export interface JobsOverviewAnswer {
  jobs: { jid: string; state: EngineJobStatus }[];
}

/** GET /applications/overview (FLIP-549). */
export interface ApplicationsAnswer {
  applications: {
    id: string;
    status: 'CREATED' | 'RUNNING' | 'FINISHED' | 'FAILED' | 'CANCELED' | 'FAILING' | 'CANCELING';
  }[];
}

/** GET /jobs/:jobid/exceptions and /applications/:applicationid/exceptions */
export interface ExceptionsAnswer {
  exceptionHistory: {
    entries: { exceptionName: string; stacktrace: string; timestamp: number; taskName?: string | null }[];
  };
}

/** GET /jobs/:jobid/execution-result of Apache Flink. */
export interface ExecutionResultAnswer {
  /** Once the job has ended. */
  'job-execution-result'?: { 'failure-cause'?: { 'stack-trace': string } | null } | null;
}

/** POST that starts an asynchronous operation. */
export interface TriggerAnswer {
  'request-id': string;
}

/** GET of an asynchronous operation: savepoint, stop, checkpoint, disposal. A failure is COMPLETED with a cause. */
export interface OperationAnswer {
  status: { id: 'IN_PROGRESS' | 'COMPLETED' };
  operation: {
    location?: string;
    checkpointId?: number;
    'failure-cause'?: { class: string; 'stack-trace': string };
    failureCause?: { class: string; 'stack-trace': string };
  } | null;
}

/** GET /overview */
export interface OverviewAnswer {
  taskmanagers: number;
  'slots-total': number;
  'slots-available': number;
  'jobs-running': number;
  'jobs-finished': number;
  'jobs-cancelled': number;
  'jobs-failed': number;
  'flink-version': string;
}

/** Any error. */
export interface ErrorsAnswer {
  errors: string[];
}
