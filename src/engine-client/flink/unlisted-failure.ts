// Why a job failed of which the history of exceptions says nothing: the adaptive scheduler has none before it has an execution graph, which a checkpoint storage
// that cannot be had keeps it from.
import type { ExecutionResultAnswer } from '../answers.ts';
import type { EngineClient } from '../engine-client.ts';
import { describeTrace } from './root-cause.ts';

/** Of a job that is FAILED; null: nothing is told. Throws EngineClientError. */
export async function unlistedFailure(client: EngineClient, jobId: string): Promise<string | null> {
  const answer = await client.get<ExecutionResultAnswer>(`/jobs/${jobId}/execution-result`);
  const cause = answer['job-execution-result']?.['failure-cause'];
  return cause === undefined || cause === null ? null : describeTrace(cause['stack-trace']);
}
