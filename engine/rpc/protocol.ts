// Messages between JobManager and TaskManagers, and what a task is deployed with. Plain data: they travel as msgpack and between threads.
import type { TaskStateHandle } from '../checkpoint/storage.ts';
import type { Committable, SourceBacklog, SourceSplit } from '../connectors/connector.ts';
import type { ExecEdge, ExecVertex } from '../plan/exec-plan.ts';

/** Where a slot's data server listens. `instance` is the registration of the TaskManager: a new one after each loss. */
export interface SlotAddress {
  taskManagerId: string;
  slot: number;
  host: string;
  port: number;
}

/** A finished partition file of a blocking exchange. */
export interface SpillLocation {
  path: string;
  /** Which part of the file: the consuming subtask. */
  partition: number;
}

export interface ChannelDescriptor {
  /** Unique over jobs, attempts, edges and subtasks. */
  id: string;
  /** Execution that produces it: named when its data is lost. */
  producerExecution: string;
  producer: SlotAddress;
  /** BLOCKING exchanges only. */
  spill: SpillLocation | null;
}

export interface InputDescriptor {
  edge: ExecEdge;
  channels: ChannelDescriptor[];
}

export interface OutputDescriptor {
  edge: ExecEdge;
  /** Ids of the channels to the consuming subtasks, in the order of the partitioner's targets. */
  channels: string[];
}

export interface TaskDeployment {
  /** Unique id of this execution attempt: messages that carry another are stale. */
  execution: string;
  slot: number;
  jobId: string;
  /** The job's attempt. */
  epoch: number;
  restart: number;
  /** Counts the executions of the subtask within it. */
  attempt: number;
  mode: 'STREAMING' | 'BATCH';
  vertex: ExecVertex;
  subtask: number;
  inputs: InputDescriptor[];
  outputs: OutputDescriptor[];
  /** Directory of the checkpoint or savepoint to restore from. */
  restore: string | null;
  /** The job's effective configuration. */
  config: Record<string, string>;
  /** Operators of the whole job that hold state: they share the memory of a slot. */
  statefulOperators: number;
  /** Names of the vertex's operators in metrics, by operator id: `Source__bid[1]`. */
  metricScopes: Record<string, string>;
}

/** Sent through the pipeline by the sources; a task snapshots when it has come on all inputs. */
export interface Barrier {
  checkpointId: number;
  timestamp: number;
  directory: string;
  /** STOP: nothing is emitted behind the barrier. DRAIN: input is ended before it. FINAL: all input had ended. */
  after: 'CONTINUE' | 'STOP' | 'DRAIN' | 'FINAL';
  /** PAGES: the engine's own, incremental form, of checkpoints. CANONICAL: sections by key group, of savepoints. */
  format: 'PAGES' | 'CANONICAL';
  /** The last completed checkpoint with pages, which a new one may refer to; null when there is none. */
  base: number | null;
}

export interface TaskError {
  code: string;
  message: string;
  stack: string;
  /** Set when a blocking partition could not be read: the execution that has to run again. */
  lostProducer: string | null;
}

export type TaskState = 'INITIALIZING' | 'RUNNING' | 'FINISHED' | 'FAILED' | 'CANCELED';
export type Metrics = Record<string, number>;

/** What a task tells of itself with each heartbeat. */
export interface TaskReport {
  execution: string;
  metrics: Metrics;
  /** Null: it reads no source, or does not run. */
  backlog: SourceBacklog | null;
}

export interface RegisterMessage {
  type: 'register';
  token: string | null;
  resourceId: string;
  slots: { host: string; port: number }[];
  pid: number;
  cpuCores: number;
  physicalMemory: number;
}

/** What tasks tell the coordinator. */
export type TaskMessage =
  | {
      type: 'taskState';
      execution: string;
      state: TaskState;
      error: TaskError | null;
      metrics: Metrics;
      result: TaskResult | null;
    }
  /** All input has ended and everything is emitted; the task waits for the final checkpoint. */
  | { type: 'inputEnded'; execution: string; metrics: Metrics }
  | { type: 'requestSplit'; execution: string; operatorId: string }
  | {
      type: 'checkpointAck';
      execution: string;
      checkpointId: number;
      handle: TaskStateHandle | null;
      sources: { operatorId: string; splits: SourceSplit[] }[];
      committables: Committable[];
      metrics: Metrics;
    }
  /** The state could not be written. Committables are never lost with it: they go with the next checkpoint. */
  | {
      type: 'checkpointDeclined';
      execution: string;
      checkpointId: number;
      reason: string;
      committables: Committable[];
    };

/** Of a finished batch task. */
export interface TaskResult {
  committables: Committable[];
  /** Per output edge: the file, and bytes per consuming subtask. */
  partitions: { edgeId: string; path: string; bytes: number[] }[];
}

export type ToJobManager = RegisterMessage | { type: 'heartbeat'; metrics: Metrics; tasks: TaskReport[] } | TaskMessage;

/** What the coordinator tells tasks. */
export type TaskCommand =
  | { type: 'cancel'; execution: string }
  /** `split` null: there are no more. */
  | { type: 'split'; execution: string; operatorId: string; split: SourceSplit | null }
  | { type: 'trigger'; execution: string; barrier: Barrier }
  | { type: 'checkpointAborted'; execution: string; checkpointId: number }
  /** The job is done: leave as FINISHED. */
  | { type: 'finish'; execution: string };

export type ToTaskManager =
  | { type: 'registered'; jobId: string; epoch: number }
  | { type: 'heartbeat' }
  | { type: 'deploy'; task: TaskDeployment }
  | TaskCommand
  /** The job has ended: its spill files may go. */
  | { type: 'releaseJob'; jobId: string }
  | { type: 'shutDown' };
