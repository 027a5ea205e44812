// What of a decision is told to the lifecycle: what is to change, and what holds it. A look that changes nothing leaves what was decided before.
import type { Decision, DecisionReason } from '../../autoscaler/model.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import type { FlowJobStatus } from '../../api/status.ts';
import type { AutoscalerView } from '../../lifecycle/observation.ts';

/** Reasons of a Hold that people should know: the load is not followed. The others are how it is most of the time. */
const HOLDING: ReadonlySet<DecisionReason> = new Set(['MetricsUnknown', 'AtMaximum']);

/** Reasons that need no measurement. */
const UNMEASURED: ReadonlySet<DecisionReason> = new Set([
  ...(['NotRunning', 'Measuring', 'Rescaling', 'MetricsUnknown'] as const),
  ...(['OutsideBounds', 'Scheduled', 'WindowOver', 'LookForWork'] as const),
]);

const MIB = 2 ** 20;

type Decided = NonNullable<AutoscalerView['decision']>;

/** `handedOn`: it may be acted on now. `tellUnknown`: metrics have been unknown for long enough. Equal decisions give equal views. */
export function viewOf(
  job: FlowJob,
  decision: Decision,
  before: AutoscalerView,
  { handedOn, tellUnknown }: { handedOn: boolean; tellUnknown: boolean },
): AutoscalerView {
  const holds = HOLDING.has(decision.reason) && (decision.reason !== 'MetricsUnknown' || tellUnknown);
  const known = before.held?.reason === decision.reason ? before.held : null;
  // Figures of a message move with each look; what is told once stands until it is over.
  const held = holds ? (known ?? { reason: decision.reason, message: decision.message }) : null;
  const told = { held, applies: appliesIn(job), measured: before.measured || !UNMEASURED.has(decision.reason) };
  if (!handedOn) return { decision: before.decision, ...told };
  const memory = memoryOf(job, decision.memory, before.decision ?? decisionInStatus(job));
  if (decision.action !== 'Hold')
    return {
      decision: unlessToldBefore(decidedOf(job, decision, memory, before.decision), before.decision),
      ...told,
    };
  return { decision: withMemory(job, decision, memory, before.decision), ...told };
}

/** Whether what is decided of the job is to be done, and not only recommended. */
export const appliesIn = ({ spec }: FlowJob): boolean => spec.autoscaling?.mode === 'Apply';

/** The decision in status, of the mode that the job is in. */
const decisionInStatus = (job: FlowJob): FlowJobStatus['autoscaling'] =>
  job.status?.autoscaling?.applies === appliesIn(job) ? job.status.autoscaling : undefined;

/** A recommendation is decided anew with each look, with other figures in its message: it is no news until something else of it changes. */
function unlessToldBefore(decided: Decided, before: AutoscalerView['decision']): Decided {
  const news = ({ message: _, memory, memoryApplies, memoryMessage: __, memoryInSpec, ...rest }: Decided): string =>
    JSON.stringify([rest, memoryApplies === true ? [memory, memoryInSpec] : null]);
  return before !== null && news(decided) === news(before) ? before : decided;
}

function decidedOf(
  job: FlowJob,
  decision: Decision,
  memory: DecidedMemory,
  before: AutoscalerView['decision'],
): Decided {
  const { reason, message, action } = decision;
  const why = { reason, message, ...memory };
  if (action === 'Rescale') return { ...sizeOf(decision), ...why };
  // A job that is stopped comes back as it was, unless the decision says otherwise.
  const { replicas, parallelism, vertices } = before ?? decisionInStatus(job) ?? {};
  const kept = {
    ...(replicas === undefined ? {} : { replicas }),
    ...(parallelism === undefined ? {} : { parallelism }),
    ...(vertices === undefined ? {} : { vertices }),
  };
  if (action === 'Suspend') return { ...kept, ...why, stopped: reason === 'Scheduled' ? 'Schedule' : 'Idle' };
  return { ...(Object.keys(decision.parallelism).length > 0 ? sizeOf(decision) : kept), ...why };
}

/** Memory to be used at the next start is decided on without a rescaling, too; a recommendation of memory alone is no news. */
function withMemory(
  job: FlowJob,
  { reason, message }: Decision,
  told: DecidedMemory,
  before: AutoscalerView['decision'],
): AutoscalerView['decision'] {
  if (told.memoryApplies !== true) return before;
  const {
    applies: _applies,
    held: _held,
    replicasInSpec: _replicas,
    ...standing
  } = decisionInStatus(job) ?? {
    ...{ applies: true, reason, message },
  };
  return { ...(before ?? standing), ...told };
}

type DecidedMemory = Pick<Decided, 'memory' | 'memoryApplies' | 'memoryMessage' | 'memoryInSpec'>;

function memoryOf({ spec }: FlowJob, memory: Decision['memory'], before: DecidedMemory | undefined): DecidedMemory {
  if (memory === null) return {};
  const told = {
    memory: `${Math.floor(memory.bytes / MIB)}Mi`,
    memoryApplies: memory.apply,
    memoryInSpec: String(resolveSpec(spec).taskManager.resources.limits.memory),
  };
  const isTold = before?.memory === told.memory && before.memoryInSpec === told.memoryInSpec;
  // Its figures move with each look, too.
  return { ...told, memoryMessage: (isTold ? before.memoryMessage : undefined) ?? memory.message };
}

function sizeOf({ parallelism, taskManagers }: Decision): Pick<Decided, 'replicas' | 'parallelism' | 'vertices'> {
  const vertices = Object.entries(parallelism)
    .map(([id, subtasks]) => ({ id, parallelism: subtasks }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    ...(taskManagers === null ? {} : { replicas: taskManagers }),
    parallelism: Math.max(1, ...Object.values(parallelism)),
    vertices,
  };
}
