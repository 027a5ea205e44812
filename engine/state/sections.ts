// The sections of a snapshot: per key group one encoded batch of all groups, of one table or of one table per window.
import type { Column, ColumnBatch, StringColumn } from '../columnar/batch.ts';
import { isNull } from '../columnar/batch.ts';
import { concatBatches } from '../columnar/concat.ts';
import { decodeBatch, encodeBatch } from '../columnar/wire.ts';
import { compileAggregate, lookupShape, recordGroups, wholeBatch } from '../codegen/aggregate-update.ts';
import { EngineError } from '../errors.ts';
import type { OperatorRestore } from '../operators/operator.ts';
import type { GroupTable } from './group-table.ts';
import { KEY_GROUPS } from './key-groups.ts';
import { writeField } from './records.ts';
import { matchAccumulators, sectionSchema, type StateSchema } from './schema.ts';
import type { StringStore } from './string-store.ts';
import { sequence } from './validity.ts';

export interface Section {
  keyGroup: number;
  bytes: Uint8Array;
}

/** A table, and the end of its window when it has one. */
export interface TableOfWindow {
  table: GroupTable;
  windowEnd: number | null;
}

/** Encodes all groups of `tables`, key group by key group; key groups without any are left out. */
export function writeSections(schema: StateSchema, tables: readonly TableOfWindow[]): Section[] {
  const columns = sectionSchema(schema);
  const sorted = tables.map(({ table, windowEnd }) => ({ table, windowEnd, ...table.byKeyGroup() }));
  const sections: Section[] = [];
  for (let keyGroup = 0; keyGroup < KEY_GROUPS; keyGroup++) {
    const parts = sorted.flatMap(({ table, windowEnd, order, starts }): ColumnBatch[] => {
      const groups = order.subarray(starts[keyGroup], starts[keyGroup + 1]);
      const rows = groups.length;
      if (rows === 0) return [];
      const end = windowEnd === null ? [] : [constant(windowEnd, rows)];
      return [{ schema: columns, rows, columns: [...table.pick(groups), ...end], kinds: null }];
    });
    if (parts.length > 0) sections.push({ keyGroup, bytes: encodeBatch(concatBatches(columns, parts)) });
  }
  return sections;
}

/** A timestamp repeated. */
export function constant(value: number, rows: number): Column {
  return { physical: 'f64', values: new Float64Array(rows).fill(value), validity: null };
}

/** Puts the sections' groups into tables. `tableOf` gives the table of a window's end, or with null the only one. */
export function readSections(
  wanted: StateSchema,
  state: OperatorRestore,
  operator: string,
  tableOf: (windowEnd: number | null) => GroupTable,
): void {
  const indexes = matchAccumulators(wanted, state.stateSchema, operator);
  const stored = state.stateSchema as StateSchema;
  const schema = sectionSchema(stored);
  const keys = stored.keys.map((_field, index) => index);
  const lookup = compileAggregate(lookupShape(wanted));
  for (const { bytes } of state.keyed) {
    const batch = decodeBatch(schema, bytes);
    const groups = new Int32Array(batch.rows);
    for (const { windowEnd, selection } of windowsOf(stored, batch)) {
      const table = tableOf(windowEnd);
      const count = selection.length;
      lookup(table, { ...wholeBatch(batch, keys), selection, count }, recordGroups(groups));
      indexes.forEach((index, i) => {
        const column = batch.columns[keys.length + index]!;
        const field = table.layout.accumulators[i]!;
        if (column.physical === 'str') writeStrings(table.strings[i]!, groups, column, selection);
        else writeField(table.records, table.layout.width, field, groups, column, selection, count);
      });
    }
  }
}

function writeStrings(store: StringStore, groups: Int32Array, column: StringColumn, rows: Int32Array): void {
  rows.forEach((row, i) => {
    if (isNull(column, row)) return;
    const entry = column.codes === null ? row : column.codes[row]!;
    store.set(groups[i]!, column.bytes, column.offsets[entry]!, column.offsets[entry + 1]!);
  });
}

function windowsOf(stored: StateSchema, batch: ColumnBatch): { windowEnd: number | null; selection: Int32Array }[] {
  if (stored.kind === 'GROUPS') return [{ windowEnd: null, selection: sequence(0, batch.rows) }];
  const ends = batch.columns.at(-1)!;
  if (ends.physical !== 'f64') throw new EngineError('STATE_INCOMPATIBLE', 'the ends of windows are not timestamps');
  const rows = new Map<number, number[]>();
  for (let row = 0; row < batch.rows; row++) {
    const end = Number(ends.values[row]);
    const of = rows.get(end);
    if (of === undefined) rows.set(end, [row]);
    else of.push(row);
  }
  return [...rows].map(([windowEnd, list]) => ({ windowEnd, selection: Int32Array.from(list) }));
}
