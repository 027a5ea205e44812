// Groups of a table beside rows of a page: which are equal, and how rows take the place of groups. Column by column, one loop per type.
import { isNull, type Column, type ColumnBatch, type StringColumn } from '../../columnar/batch.ts';
import type { GroupTable } from '../group-table.ts';
import { writeField, type RecordField } from '../records.ts';

/**
 * Pairs of a group and a row whose keys are equal: moves them to the front and returns how many there are. The batch's first columns are the keys.
 */
export function keepEqualKeys(
  table: GroupTable,
  groups: Int32Array,
  batch: ColumnBatch,
  rows: Int32Array,
  count: number,
): number {
  let kept = count;
  table.layout.keys.forEach((field, i) => {
    const equal = equality(table, field, i, batch.columns[i]!);
    let next = 0;
    for (let pair = 0; pair < kept; pair++) {
      const group = groups[pair]!;
      const row = rows[pair]!;
      if (!equal(group, row)) continue;
      groups[next] = group;
      rows[next++] = row;
    }
    kept = next;
  });
  return kept;
}

type Equality = (group: number, row: number) => boolean;

function equality(table: GroupTable, field: RecordField, key: number, column: Column): Equality {
  const { records } = table;
  const { width } = table.layout;
  const values = valueEquality(table, field, key, column);
  return (group, row) => {
    const valid = ((records[group * width + field.validAt]! >>> field.validBit) & 1) === 1;
    return valid ? !isNull(column, row) && values(group, row) : isNull(column, row);
  };
}

function valueEquality(table: GroupTable, field: RecordField, key: number, column: Column): Equality {
  const { records, doubles, floats, layout } = table;
  const { width } = layout;
  const { at } = field;
  if (column.physical === 'str') {
    const heap = table.heaps[key]!;
    const { bytes, offsets } = column;
    return (group, row) => {
      const entry = entryOf(column, row);
      return heap.equals(records[group * width + at]!, bytes, offsets[entry]!, offsets[entry + 1]!);
    };
  }
  const { values } = column;
  if (values instanceof BigInt64Array) {
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    return (group, row) => {
      const word = group * width + at;
      return records[word] === halves[2 * row] && records[word + 1] === halves[2 * row + 1];
    };
  }
  // Object.is: NaN equals NaN, and -0 is never kept in a key.
  if (values instanceof Float64Array) return (group, row) => Object.is(doubles[(group * width + at) >> 1], values[row]);
  if (values instanceof Float32Array) return (group, row) => Object.is(floats[group * width + at], values[row]);
  return (group, row) => records[group * width + at] === values[row];
}

/** Gives groups the accumulators of rows, whatever they had before. `columns` has those of the table, in its order. */
export function writeAccumulators(
  table: GroupTable,
  groups: Int32Array,
  columns: readonly Column[],
  rows: Int32Array,
  count: number,
): void {
  const { records, layout } = table;
  const { width } = layout;
  columns.forEach((column, i) => {
    const field = layout.accumulators[i]!;
    if (column.physical === 'str') {
      writeStrings(table, i, groups, column, rows, count);
      return;
    }
    writeField(records, width, field, groups, column, rows, count);
  });
}

/** Gives groups the times of their last update. */
export function writeTimes(
  table: GroupTable,
  groups: Int32Array,
  times: ArrayLike<number>,
  rows: Int32Array,
  count: number,
): void {
  const { width, timeAt } = table.layout;
  for (let i = 0; i < count; i++) table.doubles[(groups[i]! * width + timeAt!) >> 1] = times[rows[i]!]!;
}

function writeStrings(
  table: GroupTable,
  accumulator: number,
  groups: Int32Array,
  column: StringColumn,
  rows: Int32Array,
  count: number,
): void {
  const store = table.strings[accumulator]!;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    if (isNull(column, row)) store.setNull(groups[i]!);
    else {
      const entry = entryOf(column, row);
      store.set(groups[i]!, column.bytes, column.offsets[entry]!, column.offsets[entry + 1]!);
    }
  }
}

function entryOf(column: StringColumn, row: number): number {
  return column.codes === null ? row : column.codes[row]!;
}
