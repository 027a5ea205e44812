// From what is needed to numbers of subtasks and TaskManagers.
import { fewestWorth, partsOf, subtasksFor, worth } from './alignment.ts';
import { rangeOf, type Bounds } from './bounds.ts';
import type { AutoscalingConfig, Kept, Time, VertexSample } from './model.ts';

export interface Sized {
  /** By vertex id. */
  parallelism: Record<string, number>;
  taskManagers: number;
}

export interface Room {
  vertices: readonly VertexSample[];
  config: AutoscalingConfig;
  bounds: Bounds;
  kept: Kept;
  now: Time;
}

/**
 * `need`: by vertex id, how many evenly loaded subtasks are needed; a vertex that is missing keeps what it has. Whole TaskManagers are paid for, so a vertex
 * takes every slot of those that its need reaches into, as far as more subtasks are worth more.
 */
export function sizeFor(need: ReadonlyMap<string, number>, room: Room): Sized {
  const slots = room.config.slotsPerTaskManager;
  const parallelism: Record<string, number> = {};
  for (const vertex of room.vertices) {
    const { low, high } = rangeOf(vertex, room.bounds, room.kept, room.now);
    const parts = partsOf(vertex);
    const needed = need.get(vertex.id);
    const least = needed === undefined ? vertex.parallelism : subtasksFor(needed, parts, high);
    const paidFor = needed === undefined ? least : Math.ceil(Math.max(least, low) / slots) * slots;
    parallelism[vertex.id] = Math.min(high, Math.max(low, fewestWorth(Math.min(paidFor, high), parts)));
  }
  return together(parallelism, room);
}

/** Vertices that a FORWARD edge joins hand records from subtask to subtask: they have one parallelism. */
export function together(parallelism: Record<string, number>, room: Room): Sized {
  const group = new Map<string, string>();
  const byId = new Map(room.vertices.map((vertex) => [vertex.id, vertex]));
  for (const vertex of room.vertices) {
    const joined = vertex.inputs.find(
      ({ id, shipStrategy }) => shipStrategy === 'FORWARD' && byId.get(id)?.parallelism === vertex.parallelism,
    );
    group.set(vertex.id, joined === undefined ? vertex.id : (group.get(joined.id) ?? joined.id));
  }
  const result: Record<string, number> = {};
  for (const { id } of room.vertices) {
    const members = room.vertices.filter((other) => group.get(other.id) === group.get(id));
    const high = Math.min(...members.map((member) => rangeOf(member, room.bounds, room.kept, room.now).high));
    result[id] = Math.min(high, Math.max(...members.map((member) => parallelism[member.id]!)));
  }
  return { parallelism: result, taskManagers: taskManagersOf(result, room.config) };
}

/** Slots are shared: one holds a subtask of each vertex. */
export const taskManagersOf = (
  parallelism: Record<string, number>,
  { slotsPerTaskManager }: AutoscalingConfig,
): number => Math.max(1, Math.ceil(Math.max(0, ...Object.values(parallelism)) / slotsPerTaskManager));

/** What a total load would need, from what was measured of each vertex. A vertex that never was is missing. */
export function needFor(load: number, room: Room): Map<string, number> {
  const need = new Map<string, number>();
  for (const { id } of room.vertices) {
    const { ratePerSubtask = null, ratio = null } = room.kept.vertices[id] ?? {};
    if (load === 0) need.set(id, 0);
    else if (ratePerSubtask !== null && ratio !== null)
      need.set(id, (load * ratio) / (ratePerSubtask * room.config.targetUtilization));
  }
  return need;
}

/** Whether the vertex has fewer subtasks than it needs. */
export const isShort = (vertex: VertexSample, need: number | undefined): boolean =>
  need !== undefined && worth(vertex.parallelism, partsOf(vertex)) < need - 1e-6;
