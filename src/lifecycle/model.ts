// The types of a decision: what goes in, what comes out, and what one state's file returns.
import type { EngineType } from '../api/engine.ts';
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowSavepoint, FlowSavepointStatus } from '../api/flowsavepoint.ts';
import type { EventReason } from '../api/events.ts';
import type { JobReason } from '../api/reasons.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { S3Access } from '../api/s3.ts';
import type { FlowJobStatus, JobState, Prepared, RolledBack, Version } from '../api/status.ts';
import type { Observation } from './observation.ts';
import type { Next } from './transitions.ts';

export interface DecideInput {
  job: FlowJob;
  /** The FlowSavepoints that name this job. */
  savepoints: readonly FlowSavepoint[];
  observation: Observation;
  /** Milliseconds since the epoch. */
  now: number;
}

/** An effect. Each may be carried out any number of times: the ids make the repeated call the same call. */
export type Action =
  /**
   * JobManager and TaskManagers of the attempt in status, or of the prepared one, as far as they do not run. TaskManagers in `skip` wait for their back-off.
   * `only`: a JobManager that has gone since is left gone.
   */
  | { kind: 'EnsureProcesses'; epoch: number; skip: readonly number[]; only?: 'TaskManagers' }
  /** All processes of this attempt, whose job was never submitted. */
  | { kind: 'DropPrepared'; epoch: number }
  /** The job of the attempt in status, to processes that are up already. */
  | { kind: 'SubmitJob'; epoch: number; jobId: string }
  /** All processes of the attempts up to `epoch`. `graceful` lets them end by themselves first. */
  | { kind: 'StopProcesses'; epoch: number; graceful: boolean }
  /** Those TaskManagers of the attempt that are not in `keep`. */
  | { kind: 'StopTaskManagers'; epoch: number; keep: readonly number[] }
  /** What parallelism the job may have, by vertex. */
  | { kind: 'Rescale'; jobId: string; bounds: Readonly<Record<string, Bounds>> }
  | { kind: 'TriggerCheckpoint'; jobId: string; triggerId: string }
  | { kind: 'TriggerSavepoint'; jobId: string; triggerId: string }
  | { kind: 'StopWithSavepoint'; jobId: string; triggerId: string }
  | { kind: 'CancelJob'; jobId: string }
  /** `claimName`: the volume that holds it, where it is not known to be the job's own; `s3`: how the store is reached that does. `engine`: who has taken it. */
  | { kind: 'DisposeSavepoint'; path: string; claimName?: string; s3?: S3Access; engine: EngineType }
  /** Checkpoints and results; savepoints are FlowSavepoints' own. */
  | { kind: 'RemoveState' }
  | ObjectAction;

/** As Flink's JobVertexResourceRequirements has them. */
export interface Bounds {
  lowerBound: number;
  upperBound: number;
}

/** An effect on objects of the API. */
export type ObjectAction =
  /** For a time of its schedule. */
  | { kind: 'CreateSavepoint'; name: string; scheduledAt: string }
  | { kind: 'DeleteSavepoint'; name: string }
  /** Asks for the deletion of the FlowJob itself. */
  | { kind: 'DeleteJob' };

export interface DecidedEvent {
  /** Null: about the job; otherwise the FlowSavepoint's name. */
  savepoint: string | null;
  type: 'Normal' | 'Warning';
  reason: EventReason;
  message: string;
}

/** What becomes of one FlowSavepoint. */
export interface SavepointDecision {
  name: string;
  status: FlowSavepointStatus;
  finalizer: 'keep' | 'remove';
}

export interface Decision {
  /** Equal to the one in the input when nothing changed. Written before any action. */
  status: FlowJobStatus;
  savepoints: SavepointDecision[];
  actions: Action[];
  events: DecidedEvent[];
  /** `keep`: must be there before anything is started. `remove`: once no action is left. */
  finalizer: 'keep' | 'remove';
  /** When to look again although nothing was reported, milliseconds since the epoch; null: no need. */
  requeueAt: number | null;
  /** Something is under way: look again within tens of milliseconds. */
  inMotion: boolean;
}

/** How the job is, for conditions. `reason` and `message` hold no times and no counters. */
export type Report = {
  kind: 'Progressing' | 'Ready' | 'Complete' | 'Suspended' | 'Failed' | 'Stalled';
  reason: JobReason;
  message: string;
};

/** Fields of status that a state sets; undefined removes one, a missing key leaves it. */
export type StatusPatch = {
  [
    K in
      | 'accepted'
      | 'refused'
      | 'previous'
      | 'rolledBack'
      | 'attempt'
      | 'prepared'
      | 'restored'
      | 'lastSavepoint'
      | 'pending'
      | 'scaling'
      | 'autoscaling'
      | 'recovery'
      | 'batch'
      | 'parallelism'
      | 'savepointSchedule'
      | 'taskManager'
  ]?: FlowJobStatus[K] | undefined;
};

/** What a state's file returns. */
export interface Outcome<S extends JobState> {
  state: Next<S>;
  report: Report;
  patch?: StatusPatch;
  actions?: Action[];
  events?: DecidedEvent[];
  requeueAt?: number;
  finalizer?: 'remove';
}

/** The input with what every state asks of it already worked out. */
export interface Context extends DecideInput {
  status: FlowJobStatus;
  /** The spec as it is to be carried out now, all questions answered. */
  desired: ResolvedFlowJobSpec;
  /** The spec as somebody asks for it, all questions answered. */
  asked: ResolvedFlowJobSpec;
  /** The version that is run instead of the one that the spec asks for, which was given up: it stands in `desired`. */
  instead: Version | undefined;
  /** The version that the spec asks for was given up. */
  rolledBack: RolledBack | undefined;
  /** The next attempt, whose processes are started while the one before it runs; undefined: there is none, or it is not wanted any more. */
  prepared: (Prepared & { spec: ResolvedFlowJobSpec }) | undefined;
  /** What the change from the accepted spec to the desired one asks for. */
  change: Change;
  /** Why the desired version's SQL text cannot be had; null when it is there. The accepted text then stands in `desired`. */
  sqlMissing: string | null;
}

/**
 * `None`: the running version is the one that is asked for. `Scale`: it is, but of another size, which a stream that runs takes in place. `Restart`:
 * another one has to take over; `why`: only its size differs, and in place that cannot be. `Refused`: fields changed that may not while a version runs.
 * `Invalid`: the desired version cannot run at all, so the running one goes on.
 */
export type Change =
  | { kind: 'None' }
  | { kind: 'Scale'; paths: string[] }
  | { kind: 'Restart'; paths: string[]; why?: string }
  | { kind: 'Refused'; message: string }
  | { kind: 'Invalid'; reason: 'InvalidSpec' | 'SqlNotFound'; message: string };

export type StateHandler<S extends JobState> = (context: Context) => Outcome<S>;
