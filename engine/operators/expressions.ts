// Expressions as operators use them: columns of values, and masks of the rows for which a condition is true.
import type { ColumnBatch } from '../columnar/batch.ts';
import { compilePredicate } from '../codegen/predicate.ts';
import type { Expr } from '../plan/exec-plan.ts';
import type { Schema } from '../plan/types.ts';

/** One byte per row: 1 where `expr` is true, 0 where it is false or NULL. */
export function compileMask(expr: Expr, schema: Schema, now: () => number): (batch: ColumnBatch) => Uint8Array {
  const predicate = compilePredicate(expr, schema, { now });
  return (batch) => {
    const passed = new Int32Array(batch.rows);
    const count = predicate(batch, passed);
    const mask = new Uint8Array(batch.rows);
    for (let i = 0; i < count; i++) mask[passed[i]!] = 1;
    return mask;
  };
}
