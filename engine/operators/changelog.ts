// The changes of a GROUP BY between two emissions (Flink's mini-batch): which groups were touched, and what their accumulators were before. A key
// that comes again and again is told once, at the price of its old values instead of all the rows that changed it.
import type { Recorded } from '../codegen/aggregate-update.ts';
import { RowKind, type Column, type ColumnBatch } from '../columnar/batch.ts';
import { physical, type Schema, type SqlType } from '../plan/types.ts';
import type { GroupTable } from '../state/group-table.ts';
import { fieldColumns, STAMP_AT } from '../state/records.ts';
import { StringStore } from '../state/string-store.ts';
import { sequence } from '../state/validity.ts';

/** Groups that are emitted together, at most two rows each: few enough that their records stay in the processor's cache from column to column. */
const GROUPS_PER_BATCH = 4096;

/** Marks of touched groups: whether they had values before is told by their number, or otherwise. */
const BY_NUMBER = 0;
/** It came into the table from a run, with the values that it had there. */
const HAD_VALUES = 1;
/** Its time was over: it starts anew. */
const NEW = 2;

export class Changelog {
  /** What the loop over the rows fills. */
  readonly recorded: Recorded;
  private table: GroupTable;
  /** Per touched group, null while all are BY_NUMBER: state is in memory, and none has a time to live. */
  private marks: Uint8Array | null = null;
  private readonly schema: Schema;
  /** Records of the rows of one batch, where each row's strings are, and its kind; kept: memory that is asked for anew costs more than its use. */
  private readonly rows: Int32Array;
  private readonly sources = new Int32Array(2 * GROUPS_PER_BATCH);
  private readonly kinds = new Uint8Array(2 * GROUPS_PER_BATCH);

  /** `schema` of the rows that are emitted: keys, then accumulators. */
  constructor(table: GroupTable, accumulators: readonly SqlType[], schema: Schema) {
    this.table = table;
    this.schema = schema;
    this.rows = new Int32Array(2 * GROUPS_PER_BATCH * table.layout.width);
    this.recorded = {
      groups: new Int32Array(0),
      count: 0,
      accumulators: new Int32Array(0),
      strings: accumulators.map((type) => (physical(type) === 'str' ? new StringStore(0) : null)),
      stamp: 0,
      known: 0,
    };
  }

  /** Groups touched since the last emission. */
  get count(): number {
    return this.recorded.count;
  }

  /** Has to come before the loop runs over `rows` rows. */
  makeRoom(rows: number): void {
    const { recorded, table } = this;
    if (recorded.count === 0) {
      recorded.stamp = table.nextStamp();
      recorded.known = table.size;
    }
    const wanted = recorded.count + rows;
    if (recorded.groups.length >= wanted) return;
    const capacity = Math.max(wanted, 2 * recorded.groups.length);
    const { width, accumulatorsAt } = table.layout;
    recorded.groups = grown(recorded.groups, capacity);
    recorded.accumulators = grown(recorded.accumulators, capacity * (width - accumulatorsAt));
    for (const store of recorded.strings) store?.grow(capacity);
    if (this.marks !== null) this.marks = grownMarks(this.marks, capacity);
  }

  /** Another table of the same columns takes the place of the one so far. Nothing may be touched. */
  use(table: GroupTable): void {
    this.table = table;
  }

  /** A group that has just come into the table had these values before. Rows that touch it follow. */
  adopt(group: number): void {
    const { recorded, table } = this;
    const { width, accumulatorsAt } = table.layout;
    const entry = this.touch(group, HAD_VALUES);
    const from = group * width + accumulatorsAt;
    recorded.accumulators.set(table.records.subarray(from, (group + 1) * width), entry * (width - accumulatorsAt));
    recorded.strings.forEach((store, i) => store?.copy(entry, table.strings[i]!, group));
  }

  /** A group that nobody has touched since the last emission starts anew: what it was before is not retracted. Rows that touch it follow. */
  renew(group: number): void {
    this.touch(group, NEW);
  }

  private touch(group: number, mark: number): number {
    const { recorded, table } = this;
    this.marks ??= new Uint8Array(recorded.groups.length);
    const entry = recorded.count++;
    recorded.groups[entry] = group;
    table.records[group * table.layout.width + STAMP_AT] = recorded.stamp;
    this.marks[entry] = mark;
    return entry;
  }

  /** Emits +I for new groups and -U, +U for those whose values are not what they were; then nothing is touched. */
  emit(take: (batch: ColumnBatch) => void): void {
    const { recorded } = this;
    for (let from = 0; from < recorded.count; from += GROUPS_PER_BATCH) {
      const batch = this.batch(from, Math.min(recorded.count, from + GROUPS_PER_BATCH));
      if (batch !== null) take(batch);
    }
    this.marks?.fill(BY_NUMBER, 0, recorded.count);
    recorded.count = 0;
    for (const store of recorded.strings) store?.clear();
  }

  close(): void {
    this.recorded.count = 0;
    this.recorded.groups = new Int32Array(0);
    this.recorded.accumulators = new Int32Array(0);
    this.marks = null;
  }

  /** The changes of the touched groups from the one numbered `from` to before `end`, or null when there are none. */
  private batch(from: number, end: number): ColumnBatch | null {
    const { rows, updated } = this.collect(from, end);
    if (rows === 0) return null;
    const { layout } = this.table;
    const columns = [
      ...this.table.keyColumns(this.rows, 0, rows),
      ...fieldColumns(this.rows, layout.width, layout.accumulators, 0, rows).map(
        (column, i) => column ?? this.strings(i, rows),
      ),
    ];
    return { schema: this.schema, rows, columns, kinds: updated ? this.kinds.slice(0, rows) : null };
  }

  /** Copies the records of the rows to be emitted one behind the other: a table's record is visited once. */
  private collect(from: number, end: number): { rows: number; updated: boolean } {
    const { groups, accumulators: old, known } = this.recorded;
    const { rows: records, sources, kinds, marks } = this;
    const { records: current, layout } = this.table;
    const { width, accumulatorsAt } = layout;
    const kept = width - accumulatorsAt;
    let row = 0;
    let to = 0;
    let updated = false;
    for (let i = from; i < end; i++) {
      const group = groups[i]!;
      const record = group * width;
      kinds[row] = RowKind.INSERT;
      const mark = marks === null ? BY_NUMBER : marks[i]!;
      if (mark === HAD_VALUES || (mark === BY_NUMBER && group < known)) {
        const now = record + accumulatorsAt;
        const before = i * kept;
        let word = 0;
        while (word < kept && current[now + word] === old[before + word]) word++;
        if (word === kept && !this.stringsChanged(group, i)) continue;
        for (word = 0; word < accumulatorsAt; word++) records[to++] = current[record + word]!;
        for (word = 0; word < kept; word++) records[to++] = old[before + word]!;
        kinds[row] = RowKind.UPDATE_BEFORE;
        sources[row++] = -1 - i;
        kinds[row] = RowKind.UPDATE_AFTER;
        updated = true;
      }
      for (let word = 0; word < width; word++) records[to++] = current[record + word]!;
      sources[row++] = group;
    }
    return { rows: row, updated };
  }

  private stringsChanged(group: number, i: number): boolean {
    const { strings } = this.recorded;
    return this.table.strings.some((store, j) => store !== null && store.differs(group, strings[j]!, i));
  }

  /** Each row's strings are in a group, or at -1 - source among the old ones. */
  private strings(accumulator: number, rows: number): Column {
    const strings = new StringStore(rows);
    for (let row = 0; row < rows; row++) {
      const source = this.sources[row]!;
      if (source < 0) strings.copy(row, this.recorded.strings[accumulator]!, -1 - source);
      else strings.copy(row, this.table.strings[accumulator]!, source);
    }
    return strings.column(sequence(0, rows), rows);
  }
}

function grown(array: Int32Array, capacity: number): Int32Array {
  const larger = new Int32Array(capacity);
  larger.set(array);
  return larger;
}

function grownMarks(marks: Uint8Array, capacity: number): Uint8Array {
  const larger = new Uint8Array(capacity);
  larger.set(marks);
  return larger;
}
