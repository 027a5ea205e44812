// Checks a request to rescale against the job that it is for.
import { badRequest, notInBatch, takesNoCommands } from '../rest/errors.ts';
import type { JobResourceRequirements, JobView } from '../rest/gateway.ts';
import { isTerminal } from '../rest/job-json.ts';
import { requirementErrors, type ResourceRequirements } from './coordinator/resource-requirements.ts';

/** Throws GatewayError 409 for a job that has ended, 400 for a batch, 400 with all that is wrong with the bounds. */
export function checkedRequirements(job: JobView, requested: JobResourceRequirements): ResourceRequirements {
  if (isTerminal(job.status)) throw takesNoCommands(job.jobId, job.status);
  if (job.plan.mode === 'BATCH') throw notInBatch();
  const requirements = Object.fromEntries(Object.entries(requested).map(([id, { parallelism }]) => [id, parallelism]));
  const errors = requirementErrors(job.plan, requirements);
  if (errors.length > 0) throw badRequest(errors.join('\n'));
  return requirements;
}
