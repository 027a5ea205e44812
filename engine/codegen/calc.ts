// The Calc operator as generated code: filter and projections.
import type { ColumnBatch } from '../columnar/batch.ts';
import { gatherKinds } from '../columnar/select.ts';
import type { CalcSpec } from '../plan/exec-plan.ts';
import type { CodegenOptions } from './kernel.ts';
import { compilePredicate } from './predicate.ts';
import { compileProjection } from './projection.ts';

/**
 * Filter and projections over a batch; null when no row passes. The filter fills a selection vector, then one loop computes the projections
 * of exactly the rows that passed: results have the right size at once, and a batch that passes whole shares its columns.
 * Row kinds stay with their rows. Throws EngineError when the plan cannot be compiled, or a row cannot be computed (DIVISION_BY_ZERO, CAST_FAILED).
 */
export function compileCalc(spec: CalcSpec, options: CodegenOptions = {}): (batch: ColumnBatch) => ColumnBatch | null {
  const project = compileProjection(spec.projections, spec.inputSchema, options);
  const filter = spec.condition === null ? null : compilePredicate(spec.condition, spec.inputSchema, options);
  const schema = spec.outputSchema;
  let scratch = new Int32Array(0);
  return (batch) => {
    const { rows, kinds } = batch;
    if (rows === 0) return null;
    if (filter === null) return { schema, rows, columns: project(batch, null, rows), kinds };
    if (scratch.length < rows) scratch = new Int32Array(rows);
    const count = filter(batch, scratch);
    if (count === 0) return null;
    if (count === rows) return { schema, rows, columns: project(batch, null, rows), kinds };
    return { schema, rows: count, columns: project(batch, scratch, count), kinds: gatherKinds(kinds, scratch, count) };
  };
}
