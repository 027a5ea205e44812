// An attempt on Apache Flink, as manifests are made from it in tests.
import { admit } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import type { Attempt } from '../../api/status.ts';
import type { AttemptPlan } from '../port.ts';

/** `spec` and `attempt`: what is otherwise than in a small stream of SQL. */
export function flinkPlan(spec: object = {}, attempt: Partial<Attempt> = {}): AttemptPlan {
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: {
      mode: 'Streaming',
      engine: { type: 'Flink', version: '2.3' },
      job: { sql: { inline: 'INSERT INTO b SELECT * FROM a' } },
      ...spec,
    },
  }) as FlowJob;
  return {
    key: { namespace: 'a', name: 'orders' },
    uid: 'u',
    spec: resolveSpec(job.spec),
    attempt: {
      ...{ epoch: 3, jobId: 'a'.repeat(32), specHash: '', startedAt: '', runStartedAt: '', healthy: false },
      ...attempt,
    },
  };
}
