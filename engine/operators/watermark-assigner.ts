// Makes watermarks from rows: the greatest value seen of the watermark expression, less a millisecond.
import { isNull, type Column, type ColumnBatch } from '../columnar/batch.ts';
import { compileExpression } from '../codegen/expression.ts';
import { EngineError } from '../errors.ts';
import type { WatermarkAssignerSpec } from '../plan/exec-plan.ts';
import { MAX_WATERMARK, MIN_WATERMARK, type OperatorContext, type Output } from './operator.ts';
import { StatelessOperator } from './stateless.ts';
import { rowtimeNull } from './window-assigner.ts';

/** Flink's WatermarkAssignerOperator, with one watermark per batch that advances it instead of one per interval. */
export class WatermarkAssigner extends StatelessOperator {
  private readonly spec: WatermarkAssignerSpec;
  private readonly streaming: boolean;
  private readonly compute: (batch: ColumnBatch) => Column;
  private watermark = MIN_WATERMARK;

  constructor(spec: WatermarkAssignerSpec, context: OperatorContext) {
    super();
    this.spec = spec;
    this.streaming = context.mode === 'STREAMING';
    this.compute = compileExpression(spec.expr, spec.inputSchema, { now: context.now });
  }

  override processBatch(batch: ColumnBatch, output: Output): void {
    if (!this.streaming) {
      output.emit(batch);
      return;
    }
    this.checkRowtime(batch);
    const greatest = this.greatest(batch);
    output.emit(batch);
    if (greatest - 1 > this.watermark) {
      this.watermark = greatest - 1;
      output.emitWatermark(this.watermark);
    }
  }

  /** This is where event time begins: watermarks from before it say nothing, but the last one ends the stream. */
  override processWatermark(watermark: number, output: Output): void {
    if (watermark !== MAX_WATERMARK) return;
    this.watermark = MAX_WATERMARK;
    output.emitWatermark(MAX_WATERMARK);
  }

  private checkRowtime(batch: ColumnBatch): void {
    const { rowtime, inputSchema, uid } = this.spec;
    const column = batch.columns[rowtime]!;
    if (column.validity === null) return;
    for (let row = 0; row < batch.rows; row++)
      if (isNull(column, row)) throw rowtimeNull(inputSchema[rowtime]?.name ?? String(rowtime), uid);
  }

  private greatest(batch: ColumnBatch): number {
    const column = this.compute(batch);
    if (!(column.physical === 'f64' && column.values instanceof Float64Array))
      throw new EngineError('ROWTIME_TYPE', `the watermark of ${this.spec.uid} is not a timestamp in milliseconds`);
    const { values, validity } = column;
    let greatest = MIN_WATERMARK;
    for (let row = 0; row < batch.rows; row++) {
      const value = values[row]!;
      if (value > greatest && (validity === null || !isNull(column, row))) greatest = value;
    }
    return greatest;
  }
}
