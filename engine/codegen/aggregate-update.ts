// The loop of an aggregation: finds each row's group and updates its accumulators, generated for the key and argument types of one operator.
import { entryCount, type Column, type ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import { physical, type Physical, type Schema } from '../plan/types.ts';
import type { GroupTable } from '../state/group-table.ts';
import { HASH_NULL, hashDouble, hashInt64 } from '../state/key-groups.ts';
import type { Store } from '../state/stores.ts';
import {
  accumulatorArrays,
  argumentPrelude,
  initialValues,
  keepOldValues,
  oldPrelude,
  updateAccumulators,
  type AccumulatorShape,
} from './aggregate-accumulators.ts';
import { findGroup, keyArrays, keyPrelude } from './aggregate-keys.ts';
import { instantiate } from './function-cache.ts';

export type { AccumulatorShape } from './aggregate-accumulators.ts';

/** What a loop is generated for. */
export interface AggregateShape {
  keys: Physical[];
  /** Types of the argument columns. */
  args: Physical[];
  /** Number of filter masks. */
  filters: number;
  accumulators: AccumulatorShape[];
  /** Accumulators' names, for errors. */
  names: string[];
  /**
   * What is recorded in `Recorded.groups`: nothing; the group of every row; or each group once that the batch touches, together with the values
   * that groups known before had (Recorded.old).
   */
  record: 'none' | 'rows' | 'touched';
}

/** Filled by the loop; arrays long enough for the rows of the batch. */
export interface Recorded {
  groups: Int32Array;
  old: Store[];
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

/** Adds the rows to `table`. Returns how many entries `recorded.groups` got. */
export type AggregateFunction = (table: GroupTable, input: AggregateInput, recorded: Recorded) => number;

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
  groups: Int32Array,
  old: Store[],
) => number;

/** Compiles the loop, in the variants that batches ask for: with and without selection, NULL keys, NULL arguments. */
export function compileAggregate(shape: AggregateShape): AggregateFunction {
  const variants = new Map<number, Loop>();
  const memos = shape.keys.map((kind) => (kind === 'str' ? new DictionaryMemo() : null));
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
    return loop(table, keys, args, input.filters, input.count, input.selection, recorded.groups, recorded.old);
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

function generate(shape: AggregateShape, selected: boolean, keysNullable: boolean, argsNullable: boolean): Loop {
  const keyShape = { keys: shape.keys, nullable: keysNullable };
  const { accumulators, record } = shape;
  const isNew = accumulators.length === 0 ? '' : `if (size !== before) { ${initialValues(accumulators)} }`;
  const recording = {
    none: '',
    rows: 'groups[at] = g;',
    touched: `if (stamps[g] !== stamp) {
      stamps[g] = stamp;
      groups[n] = g;
      if (g < known) { ${keepOldValues(accumulators)} }
      n++;
    }`,
  }[record];
  const body = `
${keyPrelude(keyShape)}
${argumentPrelude(shape.args, shape.filters)}
${record === 'touched' ? oldPrelude(accumulators) : ''}
const known = table.size${record === 'touched' ? ', stamp = table.nextStamp()' : ''};
let at = 0, n = 0;
while (at < count) {
  const end = Math.min(count, at + table.room(count - at));
  ${keyArrays(keyShape)}
  ${accumulatorArrays(accumulators)}
  ${record === 'touched' ? 'const stamps = table.stamps;' : ''}
  let size = table.size;
  for (; at < end; at++) {
    const row = ${selected ? 'selection[at]' : 'at'};
    const before = size;
    let g = 0;
    ${findGroup(keyShape)}
    ${isNew}
    ${recording}
    ${updateAccumulators(accumulators, argsNullable)}
  }
  table.size = size;
}
return ${record === 'rows' ? 'count' : 'n'};`;
  const source = `const { hashInt64, hashDouble, HASH_NULL, checkDecimal } = rt;
return function aggregate(table, keys, args, filters, count, selection, groups, old) {${body}};`;
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

/** The shape of a lookup alone, which records the group of each row: how state is restored. */
export function lookupShape(keys: Schema): AggregateShape {
  return {
    keys: keys.map((field) => physical(field.type)),
    args: [],
    filters: 0,
    accumulators: [],
    names: [],
    record: 'rows',
  };
}
