// Rows of constants, emitted once by subtask 0: when its (empty) input ends, before the last watermark.
import { fromRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import type { ValuesSpec } from '../plan/exec-plan.ts';
import { physical, type SqlType } from '../plan/types.ts';
import type { Operator, OperatorContext, OperatorRestore, OperatorSnapshot, Output } from './operator.ts';

export class Values implements Operator {
  private readonly spec: ValuesSpec;
  /** Part of the state: rows that a checkpoint has seen leave are not sent again. */
  private emitted = false;
  private readonly first: boolean;

  constructor(spec: ValuesSpec, context: OperatorContext) {
    this.spec = spec;
    this.first = context.subtask === 0;
  }

  processBatch(_batch: ColumnBatch, _output: Output): void {
    throw new EngineError('VALUES_INPUT', `${this.spec.name} has no input, but a batch came`);
  }

  processWatermark(watermark: number, output: Output): void {
    this.emit(output);
    output.emitWatermark(watermark);
  }

  finish(output: Output): void {
    this.emit(output);
  }

  snapshot(): OperatorSnapshot {
    return {
      operatorId: this.spec.id,
      stateSchema: null,
      keyed: null,
      union: this.emitted && this.first ? [new Uint8Array([1])] : [],
    };
  }

  restore(state: OperatorRestore): void {
    if (state.union.length > 0) this.emitted = true;
  }

  close(): void {}

  private emit(output: Output): void {
    if (this.emitted || !this.first) return;
    this.emitted = true;
    const { rows, outputSchema } = this.spec;
    const cells = rows.map((row) => row.map((value, i) => cellOf(value, outputSchema[i]!.type)));
    if (cells.length > 0) output.emit(fromRows(outputSchema, cells));
  }
}

/** Literals of the plan as cells: BIGINT and DECIMAL are decimal text there. */
function cellOf(value: boolean | number | string | null, type: SqlType): CellValue {
  if (value === null || physical(type) !== 'i64') return value;
  if (type.root !== 'DECIMAL') return BigInt(value);
  const [whole, fraction = ''] = String(value).split('.');
  return BigInt(whole + fraction.padEnd(type.scale ?? 0, '0'));
}
