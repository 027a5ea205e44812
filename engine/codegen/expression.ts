// One expression over batches: arguments of aggregates, watermarks.
import type { Column, ColumnBatch } from '../columnar/batch.ts';
import type { Expr } from '../plan/exec-plan.ts';
import type { Schema } from '../plan/types.ts';
import type { CodegenOptions } from './kernel.ts';
import { compileProjection } from './projection.ts';

/** The value of `expr` for each row of a batch of `schema`. A plain column is the input's own. Throws EngineError as compileCalc does. */
export function compileExpression(
  expr: Expr,
  schema: Schema,
  options: CodegenOptions = {},
): (batch: ColumnBatch) => Column {
  const project = compileProjection([expr], schema, options);
  return (batch) => project(batch, null, batch.rows)[0]!;
}
