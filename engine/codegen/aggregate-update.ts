// The loop of an aggregation: finds each row's group and updates its accumulators, generated for the key and argument types of one operator.
import { entryCount, type Column, type ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import { physical, type Physical, type Schema, type SqlType } from '../plan/types.ts';
import type { GroupTable } from '../state/group-table.ts';
import { HASH_NULL, hashDouble, hashInt64 } from '../state/key-groups.ts';
import { layoutRecord, STAMP_AT } from '../state/records.ts';
import type { StringStore } from '../state/string-store.ts';
import {
  argumentPrelude,
  initialValues,
  keepOldValues,
  updateAccumulators,
  type AccumulatorShape,
} from './aggregate-accumulators.ts';
import { AHEAD_ROWS, combinedHash, findGroup, keyPrelude, lookAhead } from './aggregate-keys.ts';
import { instantiate } from './function-cache.ts';

export type { AccumulatorShape } from './aggregate-accumulators.ts';

/** What a loop is generated for. */
export interface AggregateShape {
  keys: SqlType[];
  /** Types of the argument columns. */
  args: Physical[];
  /** Number of filter masks. */
  filters: number;
  accumulators: AccumulatorShape[];
  /** Accumulators' names, for errors. */
  names: string[];
  /**
   * `all`: adds the rows, records nothing. `touched`: adds the rows and records each group once between two resets of `Recorded`, with what it
   * was before when the table held it. `lookup`: adds nothing, records the group of every row, which is made when it is not there.
   */
  mode: 'all' | 'touched' | 'lookup';
  /** The table keeps the time of each group's last update (the loop leaves it alone). */
  timed?: boolean;
}

/** Filled by the loop; with room for the rows of the batch. */
export interface Recorded {
  groups: Int32Array;
  /** Entries of `groups`. `touched` goes on behind them. */
  count: number;
  /** `touched`: the accumulators of the groups as they were, cut from their records at `accumulatorsAt`, and their strings per accumulator. */
  accumulators: Int32Array;
  strings: (StringStore | null)[];
  /** `touched`: a group that carries this stamp is recorded. */
  stamp: number;
  /** `touched`: groups from this one on are new, and had no accumulators before. */
  known: number;
}

/** For loops that record nothing, or only groups. */
export function recordGroups(groups: Int32Array): Recorded {
  return { groups, count: 0, accumulators: groups.subarray(0, 0), strings: [], stamp: 0, known: 0 };
}

/** A batch's columns as the loop wants them. */
export interface AggregateInput {
  /** The rows to take, in order: the first `count` of these; null takes rows 0 to `count`. */
  selection: Int32Array | null;
  count: number;
  keys: Column[];
  args: Column[];
  /** One byte per row, not 0 where the filter is true. */
  filters: Uint8Array[];
}

/** Adds the rows to `table`. */
export type AggregateFunction = (table: GroupTable, input: AggregateInput, recorded: Recorded) => void;

interface LoopColumn {
  data: ArrayBufferView;
  validity: Uint8Array | null;
  bytes: Uint8Array | null;
  codes: Int32Array | null;
  memo: Int32Array | null;
}

type Loop = (
  table: GroupTable,
  keys: LoopColumn[],
  args: LoopColumn[],
  filters: Uint8Array[],
  count: number,
  selection: Int32Array | null,
  recorded: Recorded,
) => void;

/** Compiles the loop, in the variants that batches ask for: with and without selection, NULL keys, NULL arguments. */
export function compileAggregate(shape: AggregateShape): AggregateFunction {
  const variants = new Map<number, Loop>();
  const memos = shape.keys.map((type) => (physical(type) === 'str' ? new DictionaryMemo() : null));
  return (table, input, recorded) => {
    if (input.keys.some((column) => column.validity !== null)) table.keysNullable = true;
    const argsNullable = input.args.some((column) => column.validity !== null);
    const variant = (input.selection === null ? 0 : 1) | (table.keysNullable ? 2 : 0) | (argsNullable ? 4 : 0);
    let loop = variants.get(variant);
    if (loop === undefined) {
      loop = generate(shape, input.selection !== null, table.keysNullable, argsNullable);
      variants.set(variant, loop);
    }
    const keys = input.keys.map((column, i) => loopColumn(column, memos[i]?.of(table, column) ?? null));
    const args = input.args.map((column) => loopColumn(column, null));
    loop(table, keys, args, input.filters, input.count, input.selection, recorded);
  };
}

/** All rows of a batch as input, with columns taken by index. */
export function wholeBatch(batch: ColumnBatch, keys: readonly number[]): AggregateInput {
  return {
    selection: null,
    count: batch.rows,
    keys: keys.map((index) => batch.columns[index]!),
    args: [],
    filters: [],
  };
}

/** Tables with as many slots are larger than a processor's second cache. */
export const FAR_SLOTS = 1 << 15;

function generate(shape: AggregateShape, selected: boolean, keysNullable: boolean, argsNullable: boolean): Loop {
  const { accumulators, mode } = shape;
  const layout = layoutRecord(
    shape.keys,
    accumulators.map(({ type }) => type),
    shape.timed,
  );
  const keyShape = { layout, nullable: keysNullable };
  const recording = {
    all: '',
    lookup: 'groups[at] = g;',
    touched: `if (R[b + ${STAMP_AT}] !== stamp) {
      R[b + ${STAMP_AT}] = stamp;
      groups[n] = g;
      if (g < known) { ${keepOldValues(layout)} }
      n++;
    }`,
  }[mode];
  const update = mode === 'lookup' ? '' : updateAccumulators(accumulators, layout, argsNullable);
  const rowAt = (at: string): string => (selected ? `selection[${at}]` : at);
  const ahead = lookAhead(keyShape, rowAt);
  const hash = ahead === null ? undefined : `(far ? ahead[at - start] : ${combinedHash(keyShape)})`;
  const body = `
${keyPrelude(keyShape)}
${argumentPrelude(shape.args, shape.filters, layout)}
const { groups, accumulators: old, strings: oldStrings, stamp, known } = recorded;
let at = 0, n = recorded.count;
while (at < count) {
  const room = table.room(count - at);
  // These hold until the table grows.
  const R = table.records, D = table.doubles, F = table.floats, slots = table.slots, mask = slots.length - 1, guard = table.guard;
  const far = ${ahead === null ? 'false' : `mask >= ${FAR_SLOTS}`};
  const start = at, end = Math.min(count, at + (far ? Math.min(room, ${AHEAD_ROWS}) : room));
  ${ahead === null ? '' : `if (far) {${ahead}}`}
  let size = table.size;
  for (; at < end; at++) {
    const row = ${rowAt('at')};
    let g = 0, b = 0;
    ${findGroup(keyShape, initialValues(accumulators, layout), hash)}
    if (guard[g >> ${layout.pageShift}] !== 0) table.touch(g >> ${layout.pageShift});
    ${recording}
    ${update}
  }
  table.size = size;
}
recorded.count = ${mode === 'lookup' ? 'count' : 'n'};`;
  const source = `const { hashInt64, hashDouble, HASH_NULL, checkDecimal } = rt;
const ahead = new Int32Array(${ahead === null ? 0 : AHEAD_ROWS});
return function aggregate(table, keys, args, filters, count, selection, recorded) {${body}};`;
  return instantiate<Loop>(source, { hashInt64, hashDouble, HASH_NULL, checkDecimal: decimalCheck(shape) });
}

/** Called when a DECIMAL sum comes near its bound: fails when it is past it. */
function decimalCheck(shape: AggregateShape): (lo: number, hi: number, accumulator: number) => void {
  return (lo, hi, accumulator) => {
    const value = BigInt(hi) * 4294967296n + BigInt(lo >>> 0);
    const { type } = shape.accumulators[accumulator]!;
    const bound = 10n ** BigInt(type.precision ?? 10);
    if (value < bound && value > -bound) return;
    throw new EngineError(
      'DECIMAL_OVERFLOW',
      `${shape.names[accumulator]} has more digits than DECIMAL(${type.precision}, ${type.scale}) holds`,
      { hint: 'cast the argument to DOUBLE, or sum fewer rows' },
    );
  };
}

function loopColumn(column: Column, memo: Int32Array | null): LoopColumn {
  if (column.physical === 'str')
    return { data: column.offsets, validity: column.validity, bytes: column.bytes, codes: column.codes, memo };
  const { values } = column;
  const data =
    values instanceof BigInt64Array ? new Int32Array(values.buffer, values.byteOffset, values.length * 2) : values;
  return { data, validity: column.validity, bytes: null, codes: null, memo: null };
}

/** Dictionary entry -> id in the table's heap, kept while batches share a dictionary. */
class DictionaryMemo {
  private table: GroupTable | null = null;
  private offsets: Int32Array | null = null;
  private bytes: Uint8Array | null = null;
  private ids = new Int32Array(0);

  /** Null for a column without codes: each entry is then used once. */
  of(table: GroupTable, column: Column): Int32Array | null {
    if (column.physical !== 'str' || column.codes === null) return null;
    if (this.table === table && this.offsets === column.offsets && this.bytes === column.bytes) return this.ids;
    this.table = table;
    this.offsets = column.offsets;
    this.bytes = column.bytes;
    const entries = entryCount(column);
    if (this.ids.length < entries) this.ids = new Int32Array(entries);
    return this.ids.fill(-1, 0, entries);
  }
}

/** The shape of a lookup alone in tables of these columns: how state is restored. */
export function lookupShape(
  columns: { keys: Schema; accumulators: Schema },
  { timed = false }: { timed?: boolean } = {},
): AggregateShape {
  return {
    keys: columns.keys.map(({ type }) => type),
    args: [],
    filters: 0,
    accumulators: columns.accumulators.map(({ type }) => ({ fn: 'MAX', type, argument: null, filter: null })),
    names: [],
    mode: 'lookup',
    timed,
  };
}
