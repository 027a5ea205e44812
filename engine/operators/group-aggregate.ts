// GROUP BY without windows. As a stream it emits the changes of each batch, as a batch the final values once; both over the same state.
import { BATCH_ROWS, fromRows, RowKind, type Column, type ColumnBatch } from '../columnar/batch.ts';
import type { GroupAggregateSpec } from '../plan/exec-plan.ts';
import { physical } from '../plan/types.ts';
import type { GroupTable } from '../state/group-table.ts';
import { fieldColumn } from '../state/records.ts';
import type { StateSchema } from '../state/schema.ts';
import { readSections, writeSections } from '../state/sections.ts';
import { StringStore } from '../state/string-store.ts';
import { sequence } from '../state/validity.ts';
import { Aggregation } from './aggregation.ts';
import type { Operator, OperatorContext, OperatorRestore, OperatorSnapshot, Output } from './operator.ts';

export class GroupAggregate implements Operator {
  private readonly spec: GroupAggregateSpec;
  private readonly streaming: boolean;
  private readonly firstSubtask: boolean;
  private readonly aggregation: Aggregation;
  private readonly stateSchema: StateSchema;
  private readonly table: GroupTable;
  /** Groups that a batch touched, and the records and strings of those that it found, as they were before it. */
  private touched = new Int32Array(0);
  private oldRecords = new Int32Array(0);
  private oldStrings: (StringStore | null)[] = [];
  /** Records of the rows that a batch emits; kept, since memory that is asked for anew each time costs more than its use. */
  private changed = new Int32Array(0);

  constructor(spec: GroupAggregateSpec, context: OperatorContext) {
    this.spec = spec;
    this.streaming = context.mode === 'STREAMING';
    this.firstSubtask = context.subtask === 0;
    this.aggregation = new Aggregation(spec, context, this.streaming ? 'touched' : 'all');
    this.stateSchema = this.aggregation.stateSchema('GROUPS');
    this.table = this.aggregation.createTable();
  }

  processBatch(batch: ColumnBatch, output: Output): void {
    const evaluated = this.aggregation.evaluate(batch);
    if (this.streaming) this.makeRoom(batch.rows);
    const known = this.table.size;
    const recorded = { groups: this.touched, records: this.oldRecords, strings: this.oldStrings };
    const count = this.aggregation.update(this.table, evaluated, null, batch.rows, recorded);
    if (this.streaming) this.emitChanges(count, known, output);
  }

  processWatermark(watermark: number, output: Output): void {
    output.emitWatermark(watermark);
  }

  finish(output: Output): void {
    if (this.streaming) return;
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

  snapshot(): OperatorSnapshot {
    const keyed = writeSections(this.stateSchema, [{ table: this.table, windowEnd: null }]);
    return { operatorId: this.spec.id, stateSchema: this.stateSchema, keyed, union: [] };
  }

  restore(state: OperatorRestore): void {
    readSections(this.stateSchema, state, this.spec.uid, () => this.table);
  }

  close(): void {
    this.touched = new Int32Array(0);
    this.oldRecords = new Int32Array(0);
    this.changed = new Int32Array(0);
    this.oldStrings = [];
  }

  private makeRoom(rows: number): void {
    if (this.touched.length < rows) {
      this.touched = new Int32Array(rows);
      this.oldRecords = new Int32Array(rows * this.table.layout.width);
      this.oldStrings = this.spec.accumulators.map(({ type }) =>
        physical(type) === 'str' ? new StringStore(rows) : null,
      );
    }
    for (const store of this.oldStrings) store?.clear();
  }

  /** Emits +I for new groups and -U, +U for those whose values are not what they were. */
  private emitChanges(count: number, known: number, output: Output): void {
    const changes = this.collectChanges(count, known);
    const { table } = this;
    const { rows, records, kinds, updated } = changes;
    if (rows === 0) return;
    const { width, accumulators } = table.layout;
    const columns = [
      ...table.keyColumns(records, 0, rows),
      ...accumulators.map((field, i) =>
        field === null ? this.changedStrings(i, changes) : fieldColumn(records, width, field, 0, rows),
      ),
    ];
    output.emit({ schema: this.spec.outputSchema, rows, columns, kinds: updated ? kinds : null });
  }

  /** Copies the records of the rows to be emitted one behind the other: a table's record is visited once. */
  private collectChanges(count: number, known: number): Changes {
    const { table, touched, oldRecords } = this;
    const { width, accumulatorsAt } = table.layout;
    const current = table.records;
    if (this.changed.length < 2 * count * width) this.changed = new Int32Array(2 * count * width);
    const records = this.changed;
    const kinds = new Uint8Array(2 * count);
    const sources = new Int32Array(2 * count);
    let rows = 0;
    let to = 0;
    for (let i = 0; i < count; i++) {
      const group = touched[i]!;
      const from = group * width;
      if (group >= known) kinds[rows] = RowKind.INSERT;
      else {
        const old = i * width;
        let word = accumulatorsAt;
        while (word < width && current[from + word] === oldRecords[old + word]) word++;
        if (word === width && !this.stringsChanged(group, i)) continue;
        for (word = 0; word < width; word++) records[to++] = oldRecords[old + word]!;
        kinds[rows] = RowKind.UPDATE_BEFORE;
        sources[rows++] = -1 - i;
        kinds[rows] = RowKind.UPDATE_AFTER;
      }
      for (let word = 0; word < width; word++) records[to++] = current[from + word]!;
      sources[rows++] = group;
    }
    return { rows, records, kinds, sources, updated: kinds.subarray(0, rows).includes(RowKind.UPDATE_BEFORE) };
  }

  private stringsChanged(group: number, i: number): boolean {
    return this.table.strings.some((store, j) => store !== null && store.differs(group, this.oldStrings[j]!, i));
  }

  private changedStrings(accumulator: number, { rows, sources }: Changes): Column {
    const strings = new StringStore(rows);
    for (let row = 0; row < rows; row++) {
      const source = sources[row]!;
      if (source < 0) strings.copy(row, this.oldStrings[accumulator]!, -1 - source);
      else strings.copy(row, this.table.strings[accumulator]!, source);
    }
    return strings.column(sequence(0, rows), rows);
  }
}

/** The rows of a changelog: their records, and where each row's strings are: in a group, or at -1 - source among the old ones. */
interface Changes {
  rows: number;
  records: Int32Array;
  kinds: Uint8Array;
  sources: Int32Array;
  updated: boolean;
}
