// What operators without state have in common: watermarks pass through, and there is nothing to snapshot.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { Operator, Output } from './operator.ts';

export abstract class StatelessOperator implements Operator {
  abstract processBatch(batch: ColumnBatch, output: Output): void;

  processWatermark(watermark: number, output: Output): void {
    output.emitWatermark(watermark);
  }

  finish(_output: Output): void {}

  snapshot(): null {
    return null;
  }

  /** A savepoint may hold state of an operator that had some under another version: the task has refused or allowed that before. */
  restore(): void {}

  close(): void {}
}
