// How much more n subtasks of a vertex can do than one. Work that comes in indivisible parts (key groups, partitions of a source) is never spread evenly
// unless the parallelism divides their number; the subtask with one part more is the limit of all. So what counts is the share of the fullest subtask.
//
// The trade-off: a parallelism that does not divide is allowed, and reckoned with what it really brings. 7 partitions on 5 subtasks are worth 3.5, because two
// of them read two; on 7 they are worth 7. Nothing between 4 and 7 is worth more than 4, and so none of them is ever chosen.
import type { VertexSample } from './model.ts';

/** Of how many indivisible parts a vertex's work consists; null: it is spread record by record. */
export function partsOf(vertex: VertexSample): number | null {
  if (vertex.inputs.some(({ shipStrategy }) => shipStrategy === 'HASH')) return vertex.maxParallelism;
  return vertex.inputs.length === 0 ? vertex.partitions : null;
}

/** How many evenly loaded subtasks `parallelism` subtasks are worth. */
export function worth(parallelism: number, parts: number | null): number {
  return parts === null ? parallelism : parts / Math.ceil(parts / parallelism);
}

/** The fewest subtasks that are worth `need`; `most` when even those are not. Grows with `need`. */
export function subtasksFor(need: number, parts: number | null, most: number): number {
  // Measured figures carry an error: 4.0000001 is 4.
  const wanted = need - 1e-6;
  for (let parallelism = Math.max(1, Math.ceil(wanted)); parallelism < most; parallelism++)
    if (worth(parallelism, parts) >= wanted) return parallelism;
  return fewestWorth(most, parts);
}

/** The fewest subtasks that are worth as much as `parallelism` are: the others would only wait for the fullest. */
export function fewestWorth(parallelism: number, parts: number | null): number {
  return parts === null ? parallelism : Math.ceil(parts / Math.ceil(parts / parallelism));
}
