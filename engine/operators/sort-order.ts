// The order of rows under ORDER BY: a stable radix sort over key columns turned into unsigned numbers that order alike.
import { entryCount, isNull, type Column, type ColumnBatch, type StringColumn } from '../columnar/batch.ts';
import type { SortKey } from '../plan/exec-plan.ts';
import { sequence } from '../state/validity.ts';

/** Row indexes of `batch` in the order of `keys`; equal rows keep their order. NaN is the greatest number, -0 equals 0. */
export function sortOrder(batch: ColumnBatch, keys: readonly SortKey[]): Int32Array {
  let order = sequence(0, batch.rows);
  let spare: Int32Array = new Int32Array(batch.rows);
  const sortBy = (words: Uint32Array): void => {
    for (let shift = 0; shift < 32; shift += 8) {
      if (!pass(words, shift, order, spare)) continue;
      [order, spare] = [spare, order];
    }
  };
  // The least significant key first: each later pass keeps the order of equal ones.
  for (const { index, descending, nullsFirst } of keys.toReversed()) {
    const column = batch.columns[index]!;
    const words = orderedWords(column, batch.rows);
    if (descending) for (const part of words) for (let row = 0; row < part.length; row++) part[row] = ~part[row]!;
    if (column.validity !== null) blankNulls(column, words);
    for (const part of words) sortBy(part);
    if (column.validity !== null) sortBy(nullRanks(column, batch.rows, nullsFirst));
  }
  return order;
}

/** One counting pass over 8 bits; false when all rows have the same bits there, and nothing was moved. */
function pass(words: Uint32Array, shift: number, from: Int32Array, to: Int32Array): boolean {
  const rows = from.length;
  const starts = new Int32Array(257);
  for (let row = 0; row < rows; row++) starts[((words[row]! >>> shift) & 255) + 1]!++;
  if (rows === 0 || starts[((words[0]! >>> shift) & 255) + 1] === rows) return false;
  for (let digit = 0; digit < 256; digit++) starts[digit + 1]! += starts[digit]!;
  for (let i = 0; i < rows; i++) {
    const row = from[i]!;
    to[starts[(words[row]! >>> shift) & 255]!++] = row;
  }
  return true;
}

/** A column as unsigned numbers that order as its values do, 32 bits per array, the least significant first. */
function orderedWords(column: Column, rows: number): Uint32Array[] {
  if (column.physical === 'str') return [stringRanks(column, rows)];
  const { values } = column;
  if (values instanceof BigInt64Array) {
    const halves = new Int32Array(values.buffer, values.byteOffset, rows * 2);
    const low = new Uint32Array(rows);
    const high = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      low[row] = halves[2 * row]!;
      high[row] = halves[2 * row + 1]! ^ 0x8000_0000;
    }
    return [low, high];
  }
  if (values instanceof Float64Array || values instanceof Float32Array) return doubleWords(values, rows);
  const words = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) words[row] = values[row]! ^ 0x8000_0000;
  return [words];
}

/** IEEE 754 bits order as integers once negative numbers are inverted and positive ones have their sign bit set. */
function doubleWords(values: Float64Array | Float32Array, rows: number): Uint32Array[] {
  const low = new Uint32Array(rows);
  const high = new Uint32Array(rows);
  const scratch = new Float64Array(1);
  const bits = new Uint32Array(scratch.buffer);
  for (let row = 0; row < rows; row++) {
    const value = values[row]!;
    scratch[0] = value === 0 ? 0 : Number.isNaN(value) ? NaN : value;
    const flip = bits[1]! >> 31;
    low[row] = bits[0]! ^ flip;
    high[row] = bits[1]! ^ (flip | 0x8000_0000);
  }
  // Numbers of few significant bits, such as timestamps in milliseconds, leave most passes with nothing to do.
  return [low, high];
}

/** Rank of each row's string among the distinct ones, by bytes: each dictionary entry is compared, not each row. */
function stringRanks(column: StringColumn, rows: number): Uint32Array {
  const { codes, offsets, bytes } = column;
  const entries = entryCount(column);
  const compare = (a: number, b: number): number =>
    Buffer.compare(bytes.subarray(offsets[a], offsets[a + 1]), bytes.subarray(offsets[b], offsets[b + 1]));
  const sorted = sequence(0, entries).sort(compare);
  const ranks = new Uint32Array(entries);
  for (let i = 1; i < entries; i++)
    ranks[sorted[i]!] = ranks[sorted[i - 1]!]! + (compare(sorted[i - 1]!, sorted[i]!) === 0 ? 0 : 1);
  const words = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) words[row] = ranks[codes === null ? row : codes[row]!]!;
  return words;
}

/** NULLs of a key are equal, whatever lies under them. */
function blankNulls(column: Column, words: Uint32Array[]): void {
  for (const part of words) for (let row = 0; row < part.length; row++) if (isNull(column, row)) part[row] = 0;
}

function nullRanks(column: Column, rows: number, nullsFirst: boolean): Uint32Array {
  const ranks = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) ranks[row] = isNull(column, row) === nullsFirst ? 0 : 1;
  return ranks;
}
