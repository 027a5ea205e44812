// Keyed state on its way back: encoded batches of groups, filtered by key group, into one table or into one table per window.
import type { ColumnBatch, StringColumn } from '../columnar/batch.ts';
import { isNull } from '../columnar/batch.ts';
import { decodeBatch } from '../columnar/wire.ts';
import { compileAggregate, lookupShape, recordGroups, wholeBatch } from '../codegen/aggregate-update.ts';
import { EngineError } from '../errors.ts';
import type { OperatorRestore } from '../operators/operator.ts';
import type { GroupTable } from './group-table.ts';
import { hashColumns, KEY_GROUPS, keyGroupOf } from './key-groups.ts';
import { writeField } from './records.ts';
import { matchAccumulators, sectionSchema, type StateSchema } from './schema.ts';
import type { StringStore } from './string-store.ts';
import { writeTimes } from './spill/group-rows.ts';
import { sequence } from './validity.ts';

/** What a table is made larger than reckoned: keys are never spread quite evenly, and growing for the last few would cost as much as for all. */
const MARGIN = 1.03;

/**
 * Puts the groups of the batches into tables. `tableOf` gives the table of a window's end, or with null the only one. Groups whose time
 * to live was over by `now` are left out; those that were stored without one and now get one count as updated `now`.
 */
export async function restoreTables(
  wanted: StateSchema,
  state: OperatorRestore,
  operator: string,
  tableOf: (windowEnd: number | null) => GroupTable,
  now = 0,
): Promise<void> {
  const indexes = matchAccumulators(wanted, state.stateSchema, operator);
  const stored = state.stateSchema as StateSchema;
  const schema = sectionSchema(stored);
  const keys = stored.keys.map((_field, index) => index);
  const lookup = compileAggregate(lookupShape(wanted, { timed: wanted.timeToLive !== undefined }));
  let reserved = stored.kind !== 'GROUPS' || state.ownedBytes === undefined;
  for await (const bytes of state.keyed) {
    const batch = decodeBatch(schema, bytes);
    if (!reserved && batch.rows > 0) {
      tableOf(null).reserve(Math.ceil((MARGIN * state.ownedBytes! * batch.rows) / bytes.length));
      reserved = true;
    }
    const groups = new Int32Array(batch.rows);
    const times = timesOf(stored, batch, now);
    const owned = liveRows(stored, times, now, ownedRows(batch, keys, state.keyGroups));
    for (const { windowEnd, selection } of windowsOf(stored, batch, owned)) {
      const table = tableOf(windowEnd);
      const count = selection.length;
      lookup(table, { ...wholeBatch(batch, keys), selection, count }, recordGroups(groups));
      indexes.forEach((index, i) => {
        const column = batch.columns[keys.length + index]!;
        const field = table.layout.accumulators[i]!;
        if (column.physical === 'str') writeStrings(table.strings[i]!, groups, column, selection);
        else writeField(table.records, table.layout.width, field, groups, column, selection, count);
      });
      if (wanted.timeToLive !== undefined) writeTimes(table, groups, times, selection, count);
    }
  }
}

/** When each row was last updated. */
function timesOf(stored: StateSchema, { columns, rows }: ColumnBatch, now: number): Float64Array {
  if (stored.timeToLive === undefined) return new Float64Array(rows).fill(now);
  const times = columns.at(-1)!;
  if (times.physical === 'f64' && times.values instanceof Float64Array) return times.values;
  throw new EngineError('STATE_INCOMPATIBLE', 'the times of the last updates are not timestamps');
}

function liveRows({ timeToLive }: StateSchema, times: Float64Array, now: number, rows: Int32Array): Int32Array {
  return timeToLive === undefined ? rows : rows.filter((row) => times[row]! > now - timeToLive);
}

function writeStrings(store: StringStore, groups: Int32Array, column: StringColumn, rows: Int32Array): void {
  rows.forEach((row, i) => {
    if (isNull(column, row)) {
      store.setNull(groups[i]!);
      return;
    }
    const entry = column.codes === null ? row : column.codes[row]!;
    store.set(groups[i]!, column.bytes, column.offsets[entry]!, column.offsets[entry + 1]!);
  });
}

/** Rows whose keys are of the subtask's key groups. */
function ownedRows(
  batch: ColumnBatch,
  keys: readonly number[],
  { start, end }: OperatorRestore['keyGroups'],
): Int32Array {
  const { rows } = batch;
  if (start === 0 && end === KEY_GROUPS - 1) return sequence(0, rows);
  const hashes = new Int32Array(rows);
  hashColumns(
    keys.map((key) => batch.columns[key]!),
    rows,
    hashes,
  );
  const owned = new Int32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const keyGroup = keyGroupOf(hashes[row]!);
    if (keyGroup >= start && keyGroup <= end) owned[count++] = row;
  }
  return owned.subarray(0, count);
}

function windowsOf(
  stored: StateSchema,
  batch: ColumnBatch,
  owned: Int32Array,
): { windowEnd: number | null; selection: Int32Array }[] {
  if (stored.kind === 'GROUPS') return [{ windowEnd: null, selection: owned }];
  const ends = batch.columns.at(-1)!;
  if (ends.physical !== 'f64') throw new EngineError('STATE_INCOMPATIBLE', 'the ends of windows are not timestamps');
  const rows = new Map<number, number[]>();
  for (const row of owned) {
    const end = Number(ends.values[row]);
    const of = rows.get(end);
    if (of === undefined) rows.set(end, [row]);
    else of.push(row);
  }
  return [...rows].map(([windowEnd, list]) => ({ windowEnd, selection: Int32Array.from(list) }));
}
