// Mini-batches (Flink's table.exec.mini-batch): small input batches are put together before a changelog operator sees them, so that a key that comes again
// and again is told once. What waits is bounded in rows here and in time by the task, which flushes when its thread has nothing else to do.
import type { ColumnBatch } from '../columnar/batch.ts';
import { concatBatches } from '../columnar/concat.ts';
import type { Operator, OperatorRestore, OperatorSnapshot, Output } from './operator.ts';

/** Rows that are put together at the most. */
export const MINI_BATCH_ROWS = 1 << 18;

export class MiniBatch implements Operator {
  private readonly operator: Operator;
  private waiting: ColumnBatch[] = [];
  private rows = 0;

  constructor(operator: Operator) {
    this.operator = operator;
  }

  get pending(): boolean {
    return this.rows > 0;
  }

  processBatch(batch: ColumnBatch, output: Output): void {
    this.waiting.push(batch);
    this.rows += batch.rows;
    if (this.rows >= MINI_BATCH_ROWS) this.flush(output);
  }

  processWatermark(watermark: number, output: Output): void {
    this.flush(output);
    this.operator.processWatermark(watermark, output);
  }

  finish(output: Output): void {
    this.flush(output);
    this.operator.finish(output);
  }

  flush(output: Output): void {
    if (this.rows === 0) return;
    const batch = concatBatches(this.waiting[0]!.schema, this.waiting);
    this.waiting = [];
    this.rows = 0;
    this.operator.processBatch(batch, output);
  }

  /** The task has flushed: what waits is in no state. */
  snapshot(): OperatorSnapshot | null {
    if (this.rows > 0) throw new Error('a snapshot was asked for while a mini-batch waits');
    return this.operator.snapshot();
  }

  restore(state: OperatorRestore): void {
    this.operator.restore(state);
  }

  close(): void {
    this.waiting = [];
    this.rows = 0;
    this.operator.close();
  }
}
