// Key groups: which of the 128 groups a key belongs to, and which subtask owns a group. Part of the savepoint format: never change.
import type { Column } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';

/** Number of key groups (Flink's maxParallelism), fixed. */
export const KEY_GROUPS = 128;

/** The subtask that owns `keyGroup` at `parallelism`: Flink's KeyGroupRangeAssignment.computeOperatorIndexForKeyGroup. */
export function subtaskOfKeyGroup(keyGroup: number, parallelism: number): number {
  return Math.floor((keyGroup * parallelism) / KEY_GROUPS);
}

/** First and last (inclusive) key group of a subtask. */
export function keyGroupRange(subtask: number, parallelism: number): { start: number; end: number } {
  if (parallelism < 1 || parallelism > KEY_GROUPS)
    throw new EngineError('PARALLELISM_RANGE', `parallelism ${parallelism} is outside 1..${KEY_GROUPS}`, {
      hint: `choose a parallelism from 1 to ${KEY_GROUPS}`,
    });
  return {
    start: Math.ceil((subtask * KEY_GROUPS) / parallelism),
    end: Math.ceil(((subtask + 1) * KEY_GROUPS) / parallelism) - 1,
  };
}

/** murmur3's finaliser. */
export function mix32(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Hash of UTF-8 bytes: murmur3 over the 4-byte words and the tail, length mixed in. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let h = 0;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let k = 0;
  for (let shift = 0; i < end; i++, shift += 8) k |= bytes[i]! << shift;
  k = Math.imul(k, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  h ^= Math.imul(k, 0x1b873593);
  return mix32(h ^ (end - start));
}

/** Hash of a 64-bit value given as two 32-bit halves. Numbers of every integer type hash as their sign-extended 64 bits. */
export function hashInt64(lo: number, hi: number): number {
  return mix32(Math.imul(lo | 0, 0x9e3779b1) ^ mix32(hi | 0));
}

export const HASH_NULL = 0x5bd1e995;
const scratch = new Float64Array(1);
const scratchInts = new Int32Array(scratch.buffer);

/** Hash of a double's bits; -0 as 0 and every NaN as one. TIMESTAMPs (whole milliseconds in an f64 column) hash this way too. */
export function hashDouble(value: number): number {
  // An x86 makes NaNs of either sign.
  scratch[0] = value === 0 ? 0 : Number.isNaN(value) ? NaN : value;
  return hashInt64(scratchInts[0]!, scratchInts[1]!);
}

/** Folds the hash of the next key column into the hash of those before it; start from 0. */
export function combineHash(previous: number, next: number): number {
  return (Math.imul(previous, 31) + next) | 0;
}

/** The group of a combined hash. */
export function keyGroupOf(hash: number): number {
  return mix32(hash) & (KEY_GROUPS - 1);
}

/**
 * Combined hash of the key columns per row, written to `out[0..rows)`. The reference form: generated code may fuse it but must agree with
 * it. u8 and i32 hash as sign-extended 64 bits, f32 as the double of the same value, strings by their bytes.
 */
export function hashColumns(columns: Column[], rows: number, out: Int32Array): void {
  out.fill(0, 0, rows);
  for (const column of columns) hashColumn(column, rows, out);
}

function hashColumn(column: Column, rows: number, out: Int32Array): void {
  const { validity } = column;
  const fold = (row: number, hash: number): void => {
    const valid = validity === null || ((validity[row >> 3]! >> (row & 7)) & 1) === 1;
    out[row] = combineHash(out[row]!, valid ? hash : HASH_NULL);
  };
  if (column.physical === 'str') {
    const { codes, offsets, bytes } = column;
    if (codes === null) {
      for (let row = 0; row < rows; row++) fold(row, hashBytes(bytes, offsets[row]!, offsets[row + 1]!));
      return;
    }
    const entries = offsets.length - 1;
    const hashes = new Int32Array(entries);
    for (let entry = 0; entry < entries; entry++)
      hashes[entry] = hashBytes(bytes, offsets[entry]!, offsets[entry + 1]!);
    for (let row = 0; row < rows; row++) fold(row, hashes[codes[row]!]!);
    return;
  }
  const { values } = column;
  if (values instanceof BigInt64Array) {
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    for (let row = 0; row < rows; row++) fold(row, hashInt64(halves[2 * row]!, halves[2 * row + 1]!));
  } else if (values instanceof Float64Array || values instanceof Float32Array) {
    for (let row = 0; row < rows; row++) fold(row, hashDouble(values[row]!));
  } else {
    for (let row = 0; row < rows; row++) fold(row, hashInt64(values[row]!, values[row]! >> 31));
  }
}
