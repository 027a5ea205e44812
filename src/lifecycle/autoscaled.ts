// The autoscaler's decision over the spec: what it has decided stands in status.autoscaling before it is acted on, and takes the place of the size in the spec
// from the next pass on. It is never written to the spec.
import type { AutoscalingStatus, VertexSizes } from '../api/autoscaling-status.ts';
import type { Condition } from '../api/object.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import { condition } from './conditions.ts';
import type { Context, DecidedEvent } from './model.ts';

type Spec = Pick<ResolvedFlowJobSpec, 'mode' | 'autoscaling'>;

export const isAutoscaled = ({ mode, autoscaling }: Spec): boolean => mode !== 'Batch' && autoscaling?.enabled === true;

/** The decision that the job follows; undefined: it has the size that the spec says. */
function followed(spec: Spec, status: AutoscalingStatus | undefined): AutoscalingStatus | undefined {
  return isAutoscaled(spec) && spec.autoscaling?.mode === 'Apply' && status?.applies === true ? status : undefined;
}

/** The spec as it is to be carried out. Pure. */
export function withDecision(spec: ResolvedFlowJobSpec, status: AutoscalingStatus | undefined): ResolvedFlowJobSpec {
  const decision = followed(spec, status);
  if (decision === undefined) return spec;
  const { stopped } = decision;
  const { parallelism, replicas } =
    decision.parallelism === undefined ? begun(spec, decision) : decided(spec, decision.parallelism);
  return {
    ...spec,
    suspend: spec.suspend || stopped !== undefined,
    job: { ...spec.job, parallelism },
    taskManager: { ...spec.taskManager, replicas },
  };
}

interface Size {
  parallelism: number;
  replicas: number;
}

/** In place a job has as many TaskManagers as its parallelism needs, and no others. */
const decided = ({ taskManager }: ResolvedFlowJobSpec, parallelism: number): Size => ({
  parallelism,
  replicas: Math.ceil(parallelism / taskManager.slots),
});

/** Until something is decided the job has the size that it began with: who scales it beside the autoscaler has no effect from the beginning. */
function begun({ job, taskManager }: ResolvedFlowJobSpec, { replicasInSpec }: AutoscalingStatus): Size {
  const { replicas, slots } = taskManager;
  if (replicasInSpec === undefined || replicasInSpec === replicas) return { parallelism: job.parallelism, replicas };
  const all = job.parallelism === Math.min(MOST_SUBTASKS, replicas * slots);
  const room = Math.min(MOST_SUBTASKS, replicasInSpec * slots);
  return { parallelism: all ? room : Math.min(job.parallelism, room), replicas: replicasInSpec };
}

/** As job.parallelism allows for. */
const MOST_SUBTASKS = 128;

/** What single vertices are to have; undefined: each as many subtasks as the job's parallelism says. */
export const decidedVertices = (c: Context): VertexSizes | undefined =>
  followed(c.desired, c.status.autoscaling)?.vertices;

/** Why the job has the size that it is to have, where that is not for the spec to say; undefined where it is. */
export function whySized(c: Context): string | undefined {
  const decision = followed(c.desired, c.status.autoscaling);
  return decision?.parallelism === undefined ? undefined : `The autoscaler decided so (${decision.reason})`;
}

/** Why the job is stopped although the spec does not ask for it; undefined: it does. */
export function whyStopped(c: Context): string | undefined {
  const decision = followed(c.desired, c.status.autoscaling);
  return c.job.spec.suspend || decision?.stopped === undefined ? undefined : decision.message;
}

/** What is to stand in status.autoscaling. The same object when nothing is new. */
export function nextAutoscaling({ job, observation, status }: Context): AutoscalingStatus | undefined {
  if (!isAutoscaled(job.spec)) return undefined;
  const { autoscaling } = status;
  const { autoscaler } = observation;
  if (autoscaler === undefined && autoscaling === undefined) return undefined;
  const applies = job.spec.autoscaling?.mode === 'Apply';
  // What was recommended may be long over, so another mode does not make it done.
  const before = autoscaling?.applies === applies ? autoscaling : undefined;
  const view =
    autoscaler?.applies === applies ? autoscaler : { decision: null, held: before?.held ?? null, measured: false };
  const { held: _held, ...decided }: Partial<AutoscalingStatus> & typeof NOTHING = view.decision ?? before ?? NOTHING;
  return {
    ...decided,
    // Once only: what a later look finds moves to and fro.
    ...(view.measured && decided.reason === NOTHING.reason ? UNCHANGED : {}),
    applies,
    // What is set while nothing is done but recommended takes effect; it is where the autoscaler begins.
    replicasInSpec: (applies ? before?.replicasInSpec : undefined) ?? job.spec.taskManager.replicas,
    ...(view.held === null ? {} : { held: view.held }),
  };
}

const NOTHING = {
  reason: 'Measuring',
  message: 'Nothing has been decided yet: the job keeps the size that it has.',
};

const UNCHANGED = {
  reason: 'Unchanged',
  message: 'The job is measured, and nothing has been decided: it keeps the size that it has.',
};

/** What is new of it, for people. */
export function autoscalingEvents(
  before: AutoscalingStatus | undefined,
  after: AutoscalingStatus | undefined,
): DecidedEvent[] {
  const events: DecidedEvent[] = [];
  if (after === undefined) return events;
  const { reason, message, applies, held, memoryMessage } = after;
  // What is only recommended is told once for each size, whichever vertices are to have it and why.
  const size = ({ replicas, parallelism, vertices, stopped }: Partial<AutoscalingStatus>): string =>
    JSON.stringify([parallelism, applies ? vertices : replicas, stopped]);
  const isDecided = after.parallelism !== undefined || after.stopped !== undefined;
  if (isDecided && size(before ?? {}) !== size(after))
    events.push({
      savepoint: null,
      type: 'Normal',
      reason: applies ? 'Autoscaled' : 'ScaleRecommended',
      message: `${reason}: ${message}`,
    });
  const memoryBefore = before?.memoryApplies === true ? before.memory : after.memoryInSpec;
  if (applies && after.memoryApplies === true && after.memory !== memoryBefore)
    events.push({
      savepoint: null,
      type: 'Warning',
      reason: 'MemoryChanged',
      message: `TaskManagers that are started from now on get ${after.memory} of memory. ${memoryMessage ?? ''}`,
    });
  // That a bound is reached the autoscaler tells itself, with its other notices.
  if (held !== undefined && held.reason !== before?.held?.reason && held.reason !== 'AtMaximum')
    events.push({
      savepoint: null,
      type: 'Warning',
      reason: 'AutoscalingHeld',
      message: `${held.reason}: ${held.message}`,
    });
  return events;
}

/** Somebody scales a job that the autoscaler sizes: told as long as that stands in the spec. */
export function scaleConflict(
  c: Context,
  status: AutoscalingStatus | undefined,
  stamp: { generation: number; now: string },
): Condition[] {
  const before = status?.replicasInSpec;
  const { replicas } = c.job.spec.taskManager;
  if (status?.applies !== true || before === undefined || before === replicas) return [];
  const message = `spec.taskManager.replicas was set to ${replicas} (from ${before}) while spec.autoscaling sizes the job, so it has no effect. Set it back to ${before} and remove what scales it (a HorizontalPodAutoscaler, kubectl scale), or set spec.autoscaling.enabled to false.`;
  return [
    condition(c.status.conditions, { type: 'ScaleConflict', status: 'True', reason: 'TwoScalers', message }, stamp),
  ];
}
