// Within what a decision must stay: the user's bounds, a schedule's, what a vertex can use, what was found to bring nothing, and the budget.
import { partsOf } from './alignment.ts';
import type { AutoscalingConfig, Kept, KeptVertex, Time, VertexSample } from './model.ts';

export interface Bounds {
  min: number;
  max: number;
  maxTaskManagers: number;
  /** Why `max` is lower than the user's maxParallelism; empty: it is not. */
  because: string;
}

export function boundsOf(config: AutoscalingConfig): Bounds {
  const { slotsPerTaskManager: slots } = config;
  const max = Math.max(1, config.maxParallelism);
  return {
    min: Math.min(Math.max(1, config.minParallelism), max),
    max,
    maxTaskManagers: Math.ceil(max / slots),
    because: '',
  };
}

/** The fewest and the most subtasks of one vertex. A maximum of the vertex itself goes before the user's minimum. */
export function rangeOf(vertex: VertexSample, bounds: Bounds, kept: Kept, now: Time): { low: number; high: number } {
  const ceiling = kept.vertices[vertex.id]?.ceiling ?? null;
  const parts = partsOf(vertex);
  const high = Math.max(
    1,
    Math.min(
      bounds.max,
      vertex.maxParallelism,
      parts === null || parts < 1 ? Infinity : parts,
      ceilingOf(ceiling, now, bounds.min),
    ),
  );
  return { low: Math.min(bounds.min, high), high };
}

/** Once its time is over, twice as many may be tried. */
function ceilingOf(ceiling: KeptVertex['ceiling'], now: Time, min: number): number {
  if (ceiling === null) return Infinity;
  return now >= ceiling.until ? 2 * ceiling.parallelism : Math.max(ceiling.parallelism, min);
}
