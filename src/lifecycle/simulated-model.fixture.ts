// What the simulated world is made of.
import type { OperationView, ProcessView } from './observation.ts';
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
  operations: Map<string, OperationView>;
  /** Asked for and not done: done by `progress`. */
  asked: { kind: 'Checkpoint' | 'Savepoint' | 'Stop' | 'Cancel'; triggerId: string }[];
}

export type WorldProcess = { -readonly [K in keyof ProcessView]: ProcessView[K] } & { stopping: boolean };

/** Where a pass of the operator is cut off. */
export type Crash = 'none' | 'before write' | 'after write' | number;
