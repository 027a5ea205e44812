// An attempt of a FlowJob as it was applied.
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import type { Attempt } from '../../api/status.ts';
import type { AttemptPlan } from '../port.ts';

export const attemptOf = (epoch: number): Attempt => ({
  epoch,
  jobId: String(epoch).repeat(32).slice(0, 32),
  specHash: 'x',
  startedAt: '2026-01-01T00:00:00Z',
  runStartedAt: '2026-01-01T00:00:00Z',
  healthy: false,
});

export const planOf = (job: FlowJob, epoch: number): AttemptPlan => ({
  key: { namespace: job.metadata.namespace, name: job.metadata.name },
  uid: job.metadata.uid,
  attempt: attemptOf(epoch),
  spec: resolveSpec(job.spec),
});
