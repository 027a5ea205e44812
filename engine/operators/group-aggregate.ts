// GROUP BY without windows. As a stream it emits the changes of each batch, as a batch the final values once; both over the same state.
import { BATCH_ROWS, RowKind, type ColumnBatch } from '../columnar/batch.ts';
import type { GroupAggregateSpec } from '../plan/exec-plan.ts';
import { physical, type Schema } from '../plan/types.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import { readSections, writeSections } from '../state/sections.ts';
import { createStore, identity, markChanges, moveValues, sequence, type Store } from '../state/stores.ts';
import { Aggregation } from './aggregation.ts';
import type { Operator, OperatorContext, OperatorRestore, OperatorSnapshot, Output } from './operator.ts';

export class GroupAggregate implements Operator {
  private readonly spec: GroupAggregateSpec;
  private readonly streaming: boolean;
  private readonly firstSubtask: boolean;
  private readonly aggregation: Aggregation;
  private readonly stateSchema: StateSchema;
  private readonly table: GroupTable;
  /** Groups that a batch touched, and what their values were before it. */
  private touched = new Int32Array(0);
  private old: Store[] = [];

  constructor(spec: GroupAggregateSpec, context: OperatorContext) {
    this.spec = spec;
    this.streaming = context.mode === 'STREAMING';
    this.firstSubtask = context.subtask === 0;
    this.aggregation = new Aggregation(spec, context, this.streaming ? 'touched' : 'none');
    this.stateSchema = this.aggregation.stateSchema('GROUPS');
    this.table = this.aggregation.createTable();
  }

  processBatch(batch: ColumnBatch, output: Output): void {
    const evaluated = this.aggregation.evaluate(batch);
    if (this.streaming) this.makeRoom(batch.rows);
    const known = this.table.size;
    const recorded = { groups: this.touched, old: this.old };
    const count = this.aggregation.update(this.table, evaluated, null, batch.rows, recorded);
    if (this.streaming) this.emitChanges(count, known, output);
  }

  processWatermark(watermark: number, output: Output): void {
    output.emitWatermark(watermark);
  }

  finish(output: Output): void {
    if (this.streaming) return;
    const { table } = this;
    // Without GROUP BY there is one row even when there was no input, and only in batch mode: a stream has then nothing to tell.
    if (this.spec.keys.length === 0 && table.size === 0 && this.firstSubtask) this.aggregation.addEmptyGroup(table);
    for (let from = 0; from < table.size; from += BATCH_ROWS) {
      const rows = Math.min(BATCH_ROWS, table.size - from);
      const groups = sequence(from, rows);
      const columns = [...table.keyColumns(groups, rows), ...table.accumulatorColumns(groups, rows)];
      output.emit({ schema: this.spec.outputSchema, rows, columns, kinds: null });
    }
  }

  snapshot(): OperatorSnapshot {
    const keyed = writeSections(this.stateSchema, [{ table: this.table, windowEnd: null }]);
    return { operatorId: this.spec.id, stateSchema: this.stateSchema, keyed, union: [] };
  }

  restore(state: OperatorRestore): void {
    readSections(this.stateSchema, state, this.spec.uid, () => this.table);
  }

  close(): void {
    this.touched = new Int32Array(0);
    this.old = [];
  }

  private makeRoom(rows: number): void {
    if (this.touched.length < rows) {
      this.touched = new Int32Array(rows);
      this.old = this.spec.accumulators.map(({ type }) => createStore(physical(type), rows));
    }
    for (const store of this.old) if (store.physical === 'str') store.clear();
  }

  /** Emits +I for new groups and -U, +U for those whose values are not what they were. */
  private emitChanges(count: number, known: number, output: Output): void {
    const { table, touched, old } = this;
    const changed = new Uint8Array(count);
    table.accumulators.forEach((store, i) => markChanges(store, old[i]!, touched, count, changed));
    const groups = new Int32Array(2 * count);
    const kinds = new Uint8Array(2 * count);
    const beforeRows = new Int32Array(count);
    const beforeOf = new Int32Array(count);
    let rows = 0;
    let updates = 0;
    for (let i = 0; i < count; i++) {
      const group = touched[i]!;
      if (group >= known) {
        kinds[rows] = RowKind.INSERT;
        groups[rows++] = group;
      } else if (changed[i] === 1) {
        beforeRows[updates] = rows;
        beforeOf[updates++] = i;
        kinds[rows] = RowKind.UPDATE_BEFORE;
        groups[rows++] = group;
        kinds[rows] = RowKind.UPDATE_AFTER;
        groups[rows++] = group;
      }
    }
    if (rows === 0) return;
    const accumulators = table.accumulators.map((store, i) => {
      const values = createStore(store.physical, rows);
      moveValues(store, values, identity(rows), groups, rows);
      moveValues(old[i]!, values, beforeRows, beforeOf, updates);
      return values.toColumn(rows);
    });
    const columns = [...table.keyColumns(groups, rows), ...accumulators];
    const schema: Schema = this.spec.outputSchema;
    output.emit({ schema, rows, columns, kinds: updates === 0 ? null : kinds });
  }
}
