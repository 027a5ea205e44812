// Conditions: which rows of a batch pass.
import type { ColumnBatch, Column } from '../columnar/batch.ts';
import type { Expr } from '../plan/exec-plan.ts';
import type { Schema } from '../plan/types.ts';
import { Emitter, type ColumnShape } from './emitter.ts';
import { Kernel, type CodegenOptions } from './kernel.ts';

/** Writes the numbers of the rows that pass to `selection`, which has room for `batch.rows`, in order; returns how many. */
export type Predicate = (batch: ColumnBatch, selection: Int32Array) => number;

type Filter = (columns: Column[], rows: number, selection: Int32Array) => number;

/** A condition over the columns of `schema`. NULL counts as false. Throws EngineError for what cannot be compiled. */
export function compilePredicate(expr: Expr, schema: Schema, options: CodegenOptions = {}): Predicate {
  const kernel = new Kernel<Filter>(schema, [expr], (shapes) => filterSource(expr, schema, shapes), options);
  return (batch, selection) => kernel.for(batch, false)(batch.columns, batch.rows, selection);
}

function filterSource(expr: Expr, schema: Schema, shapes: ColumnShape[]): string {
  const em = new Emitter(schema, shapes);
  const truth = em.truth(em.emit(expr));
  const body = em.takeLines();
  // The row number is always stored and only counted when it passes: no branch to mispredict.
  return `${em.helperLines()}
${em.state.join('\n')}
return function filter(columns, rows, selection) {
${em.prologue.join('\n')}
let count = 0;
for (let i = 0; i < rows; i++) {
${body}
selection[count] = i;
count += ${truth} ? 1 : 0;
}
return count;
};`;
}
