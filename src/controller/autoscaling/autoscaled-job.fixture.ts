// A FlowJob that runs and is autoscaled, for tests of the autoscaler.
import { AutoscalingSchema } from '../../api/autoscaling.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import type { FlowJobStatus } from '../../api/status.ts';
import { toStructural, withDefaults } from '../../api/structural.ts';
import { JOB_ID } from './fake-job.fixture.ts';

/** The limit is left out, as in most manifests: what counts is filled in where the spec is resolved. */
const resources = { limits: {} };
export function job(name: string, autoscaling: object = {}, status: Partial<FlowJobStatus> = {}): FlowJob {
  return {
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', generation: 1, creationTimestamp: '' },
    spec: {
      engine: { type: 'Embedded' },
      mode: 'Streaming',
      suspend: false,
      restartNonce: 0,
      job: { sql: { inline: 'SELECT 1' } },
      state: { checkpoint: { interval: '10s' } },
      upgrade: {},
      jobManager: { resources },
      taskManager: { replicas: 1, slots: 1, resources },
      autoscaling: withDefaults(toStructural(AutoscalingSchema), { enabled: true, ...autoscaling }) as NonNullable<
        FlowJob['spec']['autoscaling']
      >,
    },
    status: {
      observedGeneration: 1,
      conditions: [],
      state: 'Running',
      attempt: { epoch: 1, jobId: JOB_ID, specHash: '', startedAt: '', runStartedAt: '', healthy: true },
      ...status,
    },
  };
}
