// Which jobs may be looked at and how many are being rescaled, as far as their status says.
import type { Decision } from '../../autoscaler/model.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { PAUSE_ANNOTATION } from '../../api/group.ts';
import type { Scaling } from '../../api/status.ts';

/** TaskManagers that have not come by then wait for room. Milliseconds. */
const STUCK_AFTER = 120_000;

/** To be done, and not only recommended. */
export const isRescale = ({ act, action }: Decision): boolean => act && action === 'Rescale';

/** It runs and is not being rescaled, or waits long for that, or was stopped by a decision. */
export function isToBeLookedAt({ metadata, status, spec }: FlowJob, now: number): boolean {
  if (metadata.annotations?.[PAUSE_ANNOTATION] === 'true') return false;
  if (status?.state === 'Running')
    return status.scaling === undefined || status.scaling.failure !== undefined || isStuck(status.scaling, now);
  return status?.state === 'Suspended' && !spec.suspend && status.autoscaling?.stopped !== undefined;
}

/** The rescale that was begun last is to the same size. */
export function isUnderWay({ status }: FlowJob, decision: Decision): boolean {
  const { scaling } = status ?? {};
  if (scaling === undefined || !isRescale(decision) || scaling.replicas !== decision.taskManagers) return false;
  const vertices = new Map(scaling.vertices?.map(({ id, parallelism }) => [id, parallelism]));
  return Object.entries(decision.parallelism).every(([id, parallelism]) => vertices.get(id) === parallelism);
}

/** How many jobs of each namespace are being rescaled. `isComing`: it was told to, and its status does not say so yet. */
export function rescalesUnderWay(
  jobs: readonly FlowJob[],
  now: number,
  isComing: (job: FlowJob) => boolean,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const job of jobs) {
    const { namespace } = job.metadata;
    if (isComing(job) || isBeingRescaled(job, now)) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  return counts;
}

const isBeingRescaled = ({ status }: FlowJob, now: number): boolean =>
  status?.scaling !== undefined && status.scaling.failure === undefined && !isStuck(status.scaling, now);

/** TaskManagers that do not come, for want of room, take nothing from anybody, and the load goes on meanwhile. */
const isStuck = ({ step, since }: Scaling, now: number): boolean =>
  step === 'Starting' && now - Date.parse(since) >= STUCK_AFTER;
