// GROUP BY without windows. As a stream it emits changes, as a batch the final values once; both over the same state.
import { recordGroups } from '../codegen/aggregate-update.ts';
import { BATCH_ROWS, fromRows, type ColumnBatch } from '../columnar/batch.ts';
import type { GroupAggregateSpec } from '../plan/exec-plan.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import { TablesSnapshot } from '../state/keyed-snapshot.ts';
import { restoreTables } from '../state/sections.ts';
import { Aggregation } from './aggregation.ts';
import { Changelog } from './changelog.ts';
import type { Operator, OperatorContext, OperatorRestore, OperatorSnapshot, Output } from './operator.ts';

/** Touched groups that are held back at the most, which bounds the memory for their old values. In time they are bounded by the task. */
export const HELD_GROUPS = 1 << 17;

const NOTHING_RECORDED = recordGroups(new Int32Array(0));

export class GroupAggregate implements Operator {
  private readonly spec: GroupAggregateSpec;
  private readonly firstSubtask: boolean;
  private readonly aggregation: Aggregation;
  private readonly stateSchema: StateSchema;
  private readonly table: GroupTable;
  /** Null in batch mode. */
  private readonly changelog: Changelog | null;
  /** Comes after the changes that are held back; null when there is none. */
  private heldWatermark: number | null = null;

  constructor(spec: GroupAggregateSpec, context: OperatorContext) {
    this.spec = spec;
    this.firstSubtask = context.subtask === 0;
    const streaming = context.mode === 'STREAMING';
    this.aggregation = new Aggregation(spec, context, streaming ? 'touched' : 'all');
    this.stateSchema = this.aggregation.stateSchema('GROUPS');
    this.table = this.aggregation.createTable();
    const types = spec.accumulators.map(({ type }) => type);
    this.changelog = streaming ? new Changelog(this.table, types, spec.outputSchema) : null;
  }

  get pending(): boolean {
    return this.changelog !== null && this.changelog.count > 0;
  }

  processBatch(batch: ColumnBatch, output: Output): void {
    const evaluated = this.aggregation.evaluate(batch);
    const { changelog, table } = this;
    changelog?.makeRoom(batch.rows);
    this.aggregation.update(table, evaluated, null, batch.rows, changelog?.recorded ?? NOTHING_RECORDED);
    if (changelog !== null && changelog.count >= HELD_GROUPS) this.flush(output);
  }

  /** Does not force changes out: one comes with nearly every batch, and only has to stay behind them. */
  processWatermark(watermark: number, output: Output): void {
    if (this.pending) this.heldWatermark = watermark;
    else output.emitWatermark(watermark);
  }

  flush(output: Output): void {
    this.changelog?.emit((batch) => output.emit(batch));
    if (this.heldWatermark === null) return;
    output.emitWatermark(this.heldWatermark);
    this.heldWatermark = null;
  }

  finish(output: Output): void {
    if (this.changelog !== null) {
      this.flush(output);
      return;
    }
    const { table } = this;
    const { keys, outputSchema } = this.spec;
    // Without GROUP BY there is one row even when there was no input, and only in batch mode: a stream has then nothing to tell.
    if (keys.length === 0 && table.size === 0 && this.firstSubtask)
      output.emit(fromRows(outputSchema, [this.aggregation.emptyRow()]));
    for (let from = 0; from < table.size; from += BATCH_ROWS) {
      const rows = Math.min(BATCH_ROWS, table.size - from);
      output.emit({ schema: outputSchema, rows, columns: table.range(from, rows), kinds: null });
    }
  }

  /** The task has flushed: a change that is held back is in the state already, and would never be told after a restore. */
  snapshot(): OperatorSnapshot {
    if (this.pending) throw new Error(`a snapshot of ${this.spec.uid} was asked for while changes are held back`);
    const keyed = new TablesSnapshot(this.stateSchema, [{ table: this.table, windowEnd: null }]);
    return { operatorId: this.spec.id, stateSchema: this.stateSchema, keyed, union: [] };
  }

  async restore(state: OperatorRestore): Promise<void> {
    await restoreTables(this.stateSchema, state, this.spec.uid, () => this.table);
  }

  close(): void {
    this.changelog?.close();
  }
}
