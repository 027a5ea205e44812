// Changelog inference: which plans give rows that are later updated.
import type { LogicalNode } from './logical-plan.ts';
import { inputsOf } from './logical-plan.ts';

/**
 * Whether updates (-U, +U) may come out of a streaming plan. A GROUP BY without window gives a new value whenever one of its aggregates changes; with
 * keys alone (DISTINCT) there is nothing that could change. A batch has final values only.
 */
export function emitsUpdates(node: LogicalNode, mode: 'STREAMING' | 'BATCH'): boolean {
  if (mode === 'BATCH') return false;
  if (node.kind === 'aggregate') return node.window === null && node.accumulators.length > 0;
  return inputsOf(node).some((input) => emitsUpdates(input, mode));
}
