// Rows picked out of a batch: by index (gather) or by range (slice). Dictionaries are shared with the input.
import type { Column, ColumnBatch, FixedValues } from './batch.ts';

/** The rows `indexes[0..count)` of `batch`, in that order; an index may repeat. Dictionaries are shared with the input. */
export function gather(batch: ColumnBatch, indexes: Int32Array, count: number = indexes.length): ColumnBatch {
  return {
    schema: batch.schema,
    rows: count,
    columns: batch.columns.map((column) => gatherColumn(column, indexes, count)),
    kinds: gatherKinds(batch.kinds, indexes, count),
  };
}

/** Row kinds of the rows `indexes[0..count)`; null when all are INSERT. */
export function gatherKinds(kinds: Uint8Array | null, indexes: Int32Array, count: number): Uint8Array | null {
  return kinds === null ? null : gatherBytes(kinds, indexes, count);
}

/** One column of the rows `indexes[0..count)`. */
export function gatherColumn(column: Column, indexes: Int32Array, count: number): Column {
  const validity = gatherValidity(column.validity, indexes, count);
  if (column.physical !== 'str')
    return { physical: column.physical, values: gatherValues(column.values, indexes, count), validity };
  const { offsets, bytes } = column;
  // Without codes row and entry are the same number, so the indexes themselves become the codes.
  const codes = column.codes === null ? indexes.slice(0, count) : gatherInts(column.codes, indexes, count);
  return { physical: 'str', codes, offsets, bytes, validity };
}

/** One loop per array type: a loop that saw them all would be slow for each. */
function gatherValues(values: FixedValues, indexes: Int32Array, count: number): FixedValues {
  if (values instanceof Float64Array) return gatherDoubles(values, indexes, count);
  if (values instanceof Int32Array) return gatherInts(values, indexes, count);
  if (values instanceof BigInt64Array) return gatherLongs(values, indexes, count);
  if (values instanceof Uint8Array) return gatherBytes(values, indexes, count);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = values[indexes[i]!]!;
  return out;
}

function gatherDoubles(values: Float64Array, indexes: Int32Array, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = values[indexes[i]!]!;
  return out;
}

function gatherInts(values: Int32Array, indexes: Int32Array, count: number): Int32Array {
  const out = new Int32Array(count);
  for (let i = 0; i < count; i++) out[i] = values[indexes[i]!]!;
  return out;
}

function gatherLongs(values: BigInt64Array, indexes: Int32Array, count: number): BigInt64Array {
  const out = new BigInt64Array(count);
  for (let i = 0; i < count; i++) out[i] = values[indexes[i]!]!;
  return out;
}

function gatherBytes(values: Uint8Array, indexes: Int32Array, count: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = values[indexes[i]!]!;
  return out;
}

function gatherValidity(validity: Uint8Array | null, indexes: Int32Array, count: number): Uint8Array | null {
  if (validity === null) return null;
  const out = new Uint8Array((count + 7) >> 3);
  let set = 0;
  for (let i = 0; i < count; i++) {
    const row = indexes[i]!;
    const bit = (validity[row >> 3]! >> (row & 7)) & 1;
    out[i >> 3]! |= bit << (i & 7);
    set += bit;
  }
  return set === count ? null : out;
}

/** Rows [start, end) of `batch`. Fixed columns and codes are views; validity bits and offsets are copied when not aligned. */
export function slice(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  const columns = batch.columns.map((column): Column => {
    const validity = sliceValidity(column.validity, start, end);
    if (column.physical !== 'str')
      return { physical: column.physical, values: column.values.subarray(start, end), validity };
    const { offsets, bytes } = column;
    if (column.codes !== null)
      return { physical: 'str', codes: column.codes.subarray(start, end), offsets, bytes, validity };
    const base = offsets[start]!;
    const moved = new Int32Array(end - start + 1);
    for (let i = 0; i < moved.length; i++) moved[i] = offsets[start + i]! - base;
    return { physical: 'str', codes: null, offsets: moved, bytes: bytes.subarray(base, offsets[end]), validity };
  });
  return { schema: batch.schema, rows: end - start, columns, kinds: batch.kinds?.subarray(start, end) ?? null };
}

function sliceValidity(validity: Uint8Array | null, start: number, end: number): Uint8Array | null {
  if (validity === null) return null;
  if ((start & 7) === 0) return validity.subarray(start >> 3, (end + 7) >> 3);
  const out = new Uint8Array((end - start + 7) >> 3);
  for (let row = start; row < end; row++)
    out[(row - start) >> 3]! |= ((validity[row >> 3]! >> (row & 7)) & 1) << ((row - start) & 7);
  return out;
}
