// What the simulated world is made of: a job and its savepoints as somebody would apply them, and the data of its engine, its storage and its processes.
import type { FlowJob, FlowJobSpec } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { SCHEDULED_LABEL } from '../api/group.ts';
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
  /** Where the attempt began. */
  origin: number;
  checkpointId: number;
  completedCheckpoints: number;
  operations: Map<string, OperationView>;
  /** Asked for and not done: done by `progress`. */
  asked: { kind: 'Checkpoint' | 'Savepoint' | 'Stop' | 'Cancel'; triggerId: string }[];
}

export type WorldProcess = { -readonly [K in keyof ProcessView]: ProcessView[K] } & { stopping: boolean };

export function newJob(spec: FlowJobSpec): FlowJob {
  return {
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: {
      name: 'orders',
      namespace: 'default',
      uid: '11111111-2222-3333-4444-555555555555',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec,
    status: { observedGeneration: -1, conditions: [] },
  };
}

export function newSavepoint(name: string, job: FlowJob): FlowSavepoint {
  const { namespace, creationTimestamp } = job.metadata;
  const metadata = { name, namespace, uid: name, resourceVersion: '1', generation: 1, creationTimestamp };
  const spec = { jobRef: { name: job.metadata.name }, disposalPolicy: 'Delete' } as const;
  return { apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowSavepoint', metadata, spec };
}

/** As the operator makes one for a time of the schedule. */
export function scheduledSavepoint(name: string, job: FlowJob, now: number): FlowSavepoint {
  const savepoint = newSavepoint(name, job);
  const labels = { [SCHEDULED_LABEL]: 'true' };
  const metadata = { uid: `${name}-${now}`, creationTimestamp: new Date(now).toISOString(), labels };
  return { ...savepoint, metadata: { ...savepoint.metadata, ...metadata } };
}
