// ORDER BY and LIMIT over input that ends: keeps all rows, or with a limit only those that may still be among the first.
import { BATCH_ROWS, type ColumnBatch } from '../columnar/batch.ts';
import { bufferBytes } from '../columnar/bytes.ts';
import { concatBatches } from '../columnar/concat.ts';
import { gather } from '../columnar/select.ts';
import { EngineError } from '../errors.ts';
import type { SortSpec } from '../plan/exec-plan.ts';
import type { OperatorContext, Output } from './operator.ts';
import { sortOrder } from './sort-order.ts';
import { StatelessOperator } from './stateless.ts';

/** Rows held beyond the limit before they are cut down to it. */
const SLACK_ROWS = 8 * BATCH_ROWS;

export class Sort extends StatelessOperator {
  private readonly spec: SortSpec;
  /** Rows that can appear in the result: offset + limit, or without bound. */
  private readonly needed: number;
  private held: ColumnBatch[] = [];
  private rows = 0;

  constructor(spec: SortSpec, context: OperatorContext) {
    super();
    if (context.mode === 'STREAMING')
      throw new EngineError('SORT_STREAMING', `${spec.uid} would have to wait for the end of a stream`, {
        hint: 'run the job in batch mode, or leave ORDER BY and LIMIT out',
      });
    this.spec = spec;
    this.needed = spec.limit === null ? Infinity : spec.offset + spec.limit;
  }

  override processBatch(batch: ColumnBatch, _output: Output): void {
    if (batch.kinds !== null && batch.kinds.subarray(0, batch.rows).some((kind) => kind !== 0))
      throw new EngineError('CHANGELOG_INPUT', `${this.spec.uid} cannot sort rows that are updated or deleted`);
    // A plain LIMIT takes the first rows that come.
    if (this.spec.keys.length === 0 && this.rows >= this.needed) return;
    this.held.push(batch);
    this.rows += batch.rows;
    if (this.rows < this.needed + SLACK_ROWS) return;
    const first = this.sorted();
    this.held = [first];
    this.rows = first.rows;
  }

  override finish(output: Output): void {
    if (this.rows === 0) return;
    const batch = this.sorted();
    for (let from = this.spec.offset; from < batch.rows; from += BATCH_ROWS) {
      const rows = Math.min(BATCH_ROWS, batch.rows - from);
      const indexes = Int32Array.from({ length: rows }, (_, i) => from + i);
      output.emit({ ...gather(batch, indexes), schema: this.spec.outputSchema });
    }
    this.close();
  }

  /** Of the rows held. They are never spilled, whatever the budget. */
  get stateBytes(): number {
    return bufferBytes(this.held);
  }

  override close(): void {
    this.held = [];
    this.rows = 0;
  }

  /** The rows held, in order, no more than needed. */
  private sorted(): ColumnBatch {
    const all = concatBatches(this.spec.inputSchema, this.held);
    this.held = [];
    const order = sortOrder(all, this.spec.keys);
    return gather(all, order, Math.min(all.rows, this.needed));
  }
}
