// The objects of the simulated world, as somebody would apply them.
import type { FlowJob, FlowJobSpec } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { SCHEDULED_LABEL } from '../api/group.ts';

export const resources = { limits: { memory: '512Mi' } };

/** A job with one TaskManager of one slot, where `more` does not say otherwise. */
export const newSpec = (mode: FlowJobSpec['mode'], more: Partial<FlowJobSpec> = {}): FlowJobSpec => ({
  engine: { type: 'Embedded' },
  mode,
  suspend: false,
  restartNonce: 0,
  job: { sql: { inline: 'version 0' } },
  state: { checkpoint: { interval: '10s' } },
  upgrade: {},
  jobManager: { resources },
  taskManager: { replicas: 1, slots: 1, resources },
  ...more,
});

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
