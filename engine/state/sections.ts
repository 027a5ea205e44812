// The sections of a snapshot: per key group one encoded batch of all groups, of one table or of one table per window.
import type { Column, ColumnBatch } from '../columnar/batch.ts';
import { decodeBatch, encodeBatch } from '../columnar/wire.ts';
import { compileAggregate, lookupShape, wholeBatch } from '../codegen/aggregate-update.ts';
import { EngineError } from '../errors.ts';
import type { OperatorRestore } from '../operators/operator.ts';
import { physical, type Schema } from '../plan/types.ts';
import { KEY_GROUPS } from './key-groups.ts';
import type { GroupTable } from './group-table.ts';
import { matchAccumulators, sectionSchema, type StateSchema } from './schema.ts';
import { createStore, FixedStore, identity, moveValues, viewColumn } from './stores.ts';

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
    const parts = sorted
      .map(({ table, windowEnd, order, starts }) => ({
        table,
        windowEnd,
        groups: order.subarray(starts[keyGroup], starts[keyGroup + 1]),
      }))
      .filter((part) => part.groups.length > 0);
    if (parts.length === 0) continue;
    const rows = parts.reduce((sum, part) => sum + part.groups.length, 0);
    const batch = { schema: columns, rows, columns: gather(columns, rows, parts), kinds: null };
    sections.push({ keyGroup, bytes: encodeBatch(batch) });
  }
  return sections;
}

interface Part extends TableOfWindow {
  groups: Int32Array;
}

function gather(schema: Schema, rows: number, parts: readonly Part[]): Column[] {
  const columnsOf = ({ table, groups }: Part): Column[] => [
    ...table.keyColumns(groups, groups.length),
    ...table.accumulatorColumns(groups, groups.length),
  ];
  if (parts.length === 1 && parts[0]!.windowEnd === null) return columnsOf(parts[0]!);
  const targets = schema.map((field) => createStore(physical(field.type), rows));
  const places = identity(rows);
  let at = 0;
  for (const part of parts) {
    const count = part.groups.length;
    const to = places.subarray(at, at + count);
    columnsOf(part).forEach((column, i) => moveValues(viewColumn(column, count), targets[i]!, to, places, count));
    const end = targets.at(-1)!;
    if (part.windowEnd !== null && end instanceof FixedStore) {
      end.values.fill(part.windowEnd as never, at, at + count);
      end.valid.fill(1, at, at + count);
    }
    at += count;
  }
  return targets.map((target) => target.toColumn(rows));
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
  const lookup = compileAggregate(lookupShape(wanted.keys));
  for (const { bytes } of state.keyed) {
    const batch = decodeBatch(schema, bytes);
    const views = indexes.map((index) => viewColumn(batch.columns[keys.length + index]!, batch.rows));
    const groups = new Int32Array(batch.rows);
    for (const { windowEnd, selection } of windowsOf(stored, batch)) {
      const table = tableOf(windowEnd);
      const count = selection.length;
      lookup(table, { ...wholeBatch(batch, keys), selection, count }, { groups, old: [] });
      table.accumulators.forEach((store, i) => moveValues(views[i]!, store, groups, selection, count));
    }
  }
}

function windowsOf(stored: StateSchema, batch: ColumnBatch): { windowEnd: number | null; selection: Int32Array }[] {
  if (stored.kind === 'GROUPS') return [{ windowEnd: null, selection: identity(batch.rows).subarray(0, batch.rows) }];
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
