// What the simulated world is made of.
import type { SavepointProblem } from '../../engine/checkpoint/storage-view.ts';
import type { Attempt, FlowJobStatus } from '../api/status.ts';
import { taskManagersOf } from '../api/task-managers.ts';
import { savepointOfRun } from './facts.ts';
import type { OperationView, ProcessView, StorageView } from './observation.ts';
import type { ScalableEngine } from './simulated-scale.fixture.ts';

export interface Snapshot {
  path: string;
  jobId: string;
  epoch: number;
  id: number;
  /** How much of its input the job had done. */
  position: number;
  kind: 'Checkpoint' | 'Savepoint';
  /** What parallelism the engine was asked for when it was taken. */
  upperBound?: number;
}

export interface Engine extends ScalableEngine {
  jobId: string;
  rootCause: string | null;
  position: number;
  /** When its tasks were lost last. */
  restartedAt: number;
  /** Where the attempt began. */
  origin: number;
  checkpointId: number;
  completedCheckpoints: number;
  /** When the newest was complete, or the attempt began. */
  checkpointedAt: number;
  operations: Map<string, OperationView>;
  /** Asked for and not done: done by `progress`. */
  asked: { kind: 'Checkpoint' | 'Savepoint' | 'Stop' | 'Cancel'; triggerId: string }[];
}

/** What its REST API tells of itself. */
export const told = ({ jobId, status, completedCheckpoints, rootCause }: Engine) => ({
  jobId,
  status,
  completedCheckpoints,
  rootCause,
});

/** Of a stream's checkpoints, as the specs of the tests have it. Milliseconds. */
export const CHECKPOINT_INTERVAL = 10_000;

/** How the engine goes about a rescaling. */
export interface Manner {
  /** It takes no checkpoint to rescale, and goes on behind one that is asked for, or the next of the interval: as Flink does. */
  behindCheckpoints: boolean;
  /** It gives work to as many TaskManagers as there are. */
  spreads: boolean;
}

export type WorldProcess = { -readonly [K in keyof ProcessView]: ProcessView[K] } & { stopping: boolean };

/** What an attempt is made of. */
export const wantedProcesses = (attempt: Attempt, replicas: number): Pick<ProcessView, 'role' | 'index'>[] => [
  { role: 'JobManager', index: 0 },
  ...taskManagersOf(attempt, replicas).map((index) => ({ role: 'TaskManager' as const, index })),
];

/** Where a pass of the operator is cut off. */
export type Crash = 'none' | 'before write' | 'after write' | number;

/** What storage has of the current run, the newest first; `away` is a folder that is not there. */
export function stateOfRun(snapshots: readonly Snapshot[], status: FlowJobStatus, away: string | null): Snapshot[] {
  const { accepted, attempt, pending, lastSavepoint } = status;
  // A folder of Apache Flink does not say whose a savepoint is.
  const named = accepted?.spec.engine.type === 'Flink' ? savepointOfRun(status) : undefined;
  return snapshots
    .filter(
      (s) =>
        (s.jobId === attempt?.jobId || s.path === named) &&
        s.path !== away &&
        (s.kind === 'Checkpoint' || s.path === lastSavepoint?.path || s.path === pending?.triggerId),
    )
    .sort((a, b) => b.epoch - a.epoch || b.id - a.id);
}

/** Of a run, or of one attempt of it. */
export const newestCheckpoint = (
  snapshots: readonly Snapshot[],
  { jobId, epoch }: { jobId: string; epoch?: number },
): Snapshot | undefined =>
  snapshots
    .filter((s) => s.jobId === jobId && s.epoch === (epoch ?? s.epoch) && s.kind === 'Checkpoint')
    .sort((a, b) => b.epoch - a.epoch || b.id - a.id)[0];

/** Of a savepoint to start from; null when it is there, or none is named. */
export function problemOf(snapshots: readonly Snapshot[], path: string | undefined): SavepointProblem | null {
  if (path === undefined || snapshots.some((s) => s.path === path)) return null;
  return { kind: 'NotFound', message: `there is no savepoint in ${path}` };
}

/** What storage shows of an earlier job of the name. */
export const leftByOthers = (path: string): StorageView['found'] => ({
  newest: { path, kind: 'Checkpoint' },
  finished: false,
  unreadable: null,
});
