// Expressions as operators use them: a column of values, or a mask of the rows for which a condition is true.
import type { Column, ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import type { Expr } from '../plan/exec-plan.ts';
import type { Schema } from '../plan/types.ts';

/** Computes `expr` for all rows; a plain column is taken as it is. */
export function columnOf(expr: Expr, _schema: Schema): (batch: ColumnBatch) => Column {
  if (expr.kind === 'column') return (batch) => batch.columns[expr.index]!;
  throw new EngineError('NOT_COMPILED', `expression ${expr.kind} is not a column`);
}

/** One byte per row: 1 where `expr` is true, 0 where it is false or NULL. */
export function maskOf(expr: Expr, schema: Schema): (batch: ColumnBatch) => Uint8Array {
  const column = columnOf(expr, schema);
  return (batch) => {
    const { physical, values, validity } = column(batch) as Exclude<Column, { physical: 'str' }>;
    if (physical !== 'u8' || !(values instanceof Uint8Array))
      throw new EngineError('NOT_COMPILED', 'a filter is not a BOOLEAN');
    if (validity === null) return values;
    return values.map((value, row) => value & (validity[row >> 3]! >> (row & 7)) & 1);
  };
}
