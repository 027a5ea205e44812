// Between which bounds the parallelism of each vertex may lie, and what is adopted of it with the slots that are there.
import type { ExecPlan } from '../../plan/exec-plan.ts';

/** Flink's JobVertexResourceRequirements.Parallelism. */
export interface ParallelismBounds {
  lowerBound: number;
  upperBound: number;
}

/** By vertex id: each vertex of the plan has an entry. Plain JSON. */
export type ResourceRequirements = Record<string, ParallelismBounds>;

/** Stands for the widest bound that there can be: 1, or the vertex's largest parallelism. */
const WIDEST = -1;

/** As planned, and fewer where slots are missing: what Flink's adaptive scheduler begins with. */
export function plannedRequirements(plan: ExecPlan): ResourceRequirements {
  return Object.fromEntries(
    plan.vertices.map(({ id, parallelism }) => [id, { lowerBound: 1, upperBound: parallelism }]),
  );
}

/**
 * What is wrong with a request, worded as Flink's JobResourceRequirements.validate does; empty when it can be adopted. Beyond Flink: vertices that are
 * connected one to one always have the same parallelism, so their bounds must have one in common.
 */
export function requirementErrors(plan: ExecPlan, requested: ResourceRequirements): string[] {
  const errors: string[] = [];
  const known = new Map(plan.vertices.map((vertex) => [vertex.id, vertex]));
  for (const [id, bounds] of Object.entries(requested)) {
    const vertex = known.get(id);
    if (vertex === undefined) {
      errors.push(`Job vertex [${id}] was not found in the JobGraph.`);
      continue;
    }
    const { lowerBound, upperBound } = widened(bounds, vertex.maxParallelism);
    if (lowerBound < 1 || upperBound < 1) {
      errors.push(
        `Both, the requested lower bound [${lowerBound}] and upper bound [${upperBound}] for job vertex [${id}] must be greater than zero.`,
      );
      continue;
    }
    if (lowerBound > upperBound)
      errors.push(
        `The requested lower bound [${lowerBound}] for job vertex [${id}] is higher than the upper bound [${upperBound}].`,
      );
    if (upperBound > vertex.maxParallelism)
      errors.push(
        `The newly requested parallelism ${upperBound} for the job vertex ${id} exceeds its maximum parallelism ${vertex.maxParallelism}.`,
      );
  }
  for (const id of known.keys())
    if (!Object.hasOwn(requested, id))
      errors.push(`The request is incomplete, missing job vertex [${id}] resource requirements.`);
  if (errors.length > 0) return errors;
  const adopted = adoptRequirements(plan, requested);
  for (const group of forwardGroups(plan)) {
    const { lowerBound, upperBound } = commonBounds(group, adopted);
    if (lowerBound > upperBound)
      errors.push(
        `The job vertices [${group.join('], [')}] are connected one to one and need the same parallelism, but one of them asks for at least ${lowerBound}, another for at most ${upperBound}.`,
      );
  }
  return errors;
}

/** A request without errors, with -1 spelled out. */
export function adoptRequirements(plan: ExecPlan, requested: ResourceRequirements): ResourceRequirements {
  return Object.fromEntries(
    plan.vertices.map(({ id, maxParallelism }) => [id, widened(requested[id]!, maxParallelism)]),
  );
}

/** What an earlier attempt of the job was asked for, as far as this plan has the vertices and allows it. */
export function restoredRequirements(plan: ExecPlan, kept: ResourceRequirements | undefined): ResourceRequirements {
  const planned = plannedRequirements(plan);
  const merged = Object.fromEntries(Object.entries(planned).map(([id, bounds]) => [id, kept?.[id] ?? bounds]));
  return requirementErrors(plan, merged).length === 0 ? merged : planned;
}

/** Slots with which every vertex has its upper bound. Slots are shared by one subtask of each vertex. */
export function desiredSlots(plan: ExecPlan, requirements: ResourceRequirements): number {
  return Math.max(...parallelismFor(plan, requirements, Infinity)!.values());
}

/** Slots without which the job cannot run. */
export function sufficientSlots(requirements: ResourceRequirements): number {
  return Math.max(...Object.values(requirements).map(({ lowerBound }) => lowerBound));
}

/**
 * The parallelism of each vertex with so many slots: the upper bound or as many as there are slots (Flink's SlotSharingSlotAllocator with one slot sharing
 * group). Null when that is less than a lower bound.
 */
export function parallelismFor(
  plan: ExecPlan,
  requirements: ResourceRequirements,
  slots: number,
): ReadonlyMap<string, number> | null {
  if (slots < sufficientSlots(requirements)) return null;
  const parallelism = new Map<string, number>();
  for (const group of forwardGroups(plan)) {
    const common = Math.min(commonBounds(group, requirements).upperBound, slots);
    for (const id of group) parallelism.set(id, common);
  }
  return parallelism;
}

export function sameParallelism(plan: ExecPlan, parallelism: ReadonlyMap<string, number>): boolean {
  return plan.vertices.every((vertex) => vertex.parallelism === parallelism.get(vertex.id));
}

function widened({ lowerBound, upperBound }: ParallelismBounds, maxParallelism: number): ParallelismBounds {
  return {
    lowerBound: lowerBound === WIDEST ? 1 : lowerBound,
    upperBound: upperBound === WIDEST ? maxParallelism : upperBound,
  };
}

/** Within them all vertices of the group find what they ask for; crossed when there is no such parallelism. */
function commonBounds(group: string[], requirements: ResourceRequirements): ParallelismBounds {
  return {
    lowerBound: Math.max(...group.map((id) => requirements[id]!.lowerBound)),
    upperBound: Math.min(...group.map((id) => requirements[id]!.upperBound)),
  };
}

/** Vertices by what they are connected to by FORWARD edges: those need equal parallelism. Every vertex is in one group. */
function forwardGroups({ vertices, edges }: ExecPlan): string[][] {
  const groupOf = new Map(vertices.map(({ id }) => [id, [id]]));
  for (const { sourceVertex, targetVertex, exchange } of edges) {
    const [source, target] = [groupOf.get(sourceVertex)!, groupOf.get(targetVertex)!];
    if (exchange.kind !== 'FORWARD' || source === target) continue;
    source.push(...target);
    for (const id of target) groupOf.set(id, source);
  }
  return [...new Set(groupOf.values())];
}
