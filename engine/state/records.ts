// How a group lies in memory: one record of 32-bit words with its key and accumulators side by side, since a group that is looked up is also
// updated: one cache line instead of one per column. Columns are made from records only where batches begin.
import { isNull, type Column, type FixedColumn } from '../columnar/batch.ts';
import { physical, type Physical, type SqlType } from '../plan/types.ts';
import { packValidity } from './validity.ts';

/** One value of a record. */
export interface RecordField {
  /** `str` is the id of a string in a heap. */
  physical: Physical;
  /** First word; even for values of two words (i64, f64). */
  at: number;
  /** Word and bit that say whether it is valid (1 = not NULL). */
  validAt: number;
  validBit: number;
}

/** Words 0 and 1 of a record: the combined hash of the key, and the stamp of the change that it was last recorded for. */
export const HASH_AT = 0;
export const STAMP_AT = 1;

const PAGE_WORDS = 1 << 14;

export interface RecordLayout {
  /** Words per record; even, so that doubles are aligned. */
  width: number;
  keys: RecordField[];
  /** Null for strings, which lie in a StringStore beside the records. */
  accumulators: (RecordField | null)[];
  /** Words from here to the end differ when and only when an accumulator does. */
  accumulatorsAt: number;
  /** Groups per page are 2 ** pageShift: about 64 KiB of records. */
  pageShift: number;
  /** First word of the time of the last update, a double in milliseconds since the epoch; null when none is kept. */
  timeAt: number | null;
}

/** `timed`: each record keeps the time of its last update, before the accumulators: they stay equal when only time has gone on. */
export function layoutRecord(keys: readonly SqlType[], accumulators: readonly SqlType[], timed = false): RecordLayout {
  const timeAt = timed ? 2 : null;
  let next = timed ? 4 : 2;
  let bit = 0;
  const place = (kinds: Physical[]): RecordField[] => {
    next = (next + 1) & ~1;
    const at = kinds.map(() => 0);
    for (const wide of [true, false])
      kinds.forEach((kind, i) => {
        if ((words(kind) === 2) !== wide) return;
        at[i] = next;
        next += words(kind);
      });
    return kinds.map((kind, i) => {
      const field = { physical: kind, at: at[i]!, validAt: bit >> 5, validBit: bit & 31 };
      bit++;
      return field;
    });
  };
  const keyFields = place(keys.map(physical));
  next = (next + 1) & ~1;
  const accumulatorsAt = next;
  const kinds = accumulators.map(physical);
  const placed = place(kinds.filter((kind) => kind !== 'str'));
  const validity = next;
  for (const field of [...keyFields, ...placed]) field.validAt += validity;
  const width = (validity + ((bit + 31) >> 5) + 1) & ~1;
  const accumulatorFields = kinds.map((kind) => (kind === 'str' ? null : placed.shift()!));
  const pageShift = Math.max(4, Math.floor(Math.log2(PAGE_WORDS / width)));
  return { width, keys: keyFields, accumulators: accumulatorFields, accumulatorsAt, pageShift, timeAt };
}

function words(kind: Physical): number {
  return kind === 'i64' || kind === 'f64' ? 2 : 1;
}

/** Records copied out of a table, one after the other in the order of `groups`. */
export function gatherRecords(records: Int32Array, width: number, groups: Int32Array): Int32Array {
  const gathered = new Int32Array(groups.length * width);
  let to = 0;
  for (const group of groups) {
    const from = group * width;
    for (let word = 0; word < width; word++) gathered[to++] = records[from + word]!;
  }
  return gathered;
}

/** Fields of `rows` records from record `first` on, as columns; null where the field is. For strings: the ids, as i32. */
export function fieldColumns<F extends RecordField | null>(
  records: Int32Array,
  width: number,
  fields: readonly F[],
  first: number,
  rows: number,
): (FixedColumn | (F & null))[] {
  const from = first * width;
  const all = new Map<number, number>();
  return fields.map((field) => {
    if (field === null) return field as F & null;
    const { validAt, validBit } = field;
    let valid = all.get(validAt);
    if (valid === undefined) all.set(validAt, (valid = allOf(records, width, from + validAt, rows)));
    // Nearly always there is no NULL: one look at all fields' bits tells it.
    const validity = (valid >>> validBit) & 1 ? null : fieldValidity(records, width, field, from, rows);
    return fixedColumn(records, width, field, from, rows, validity);
  });
}

function fixedColumn(
  records: Int32Array,
  width: number,
  { physical: kind, at }: RecordField,
  from: number,
  rows: number,
  validity: Uint8Array | null,
): FixedColumn {
  if (words(kind) === 2) {
    const pairs = doubleWords(records, width, from + at, rows);
    const values = kind === 'i64' ? new BigInt64Array(pairs.buffer) : new Float64Array(pairs.buffer);
    return { physical: kind === 'i64' ? 'i64' : 'f64', values, validity };
  }
  const singles = singleWords(records, width, from + at, rows);
  switch (kind) {
    case 'u8':
      return { physical: 'u8', values: Uint8Array.from(singles), validity };
    case 'f32':
      return { physical: 'f32', values: new Float32Array(singles.buffer), validity };
    default:
      return { physical: 'i32', values: singles, validity };
  }
}

/** The doubles at word `at` of `rows` records from record `first` on: what every record has, beside its fields. */
export function doubleColumn(records: Int32Array, width: number, at: number, first: number, rows: number): FixedColumn {
  const pairs = doubleWords(records, width, first * width + at, rows);
  return { physical: 'f64', values: new Float64Array(pairs.buffer), validity: null };
}

/** Writes value `rows[i]` of a column, or its NULL, into the field of record `groups[i]`, for i < count. */
export function writeField(
  records: Int32Array,
  width: number,
  field: RecordField,
  groups: Int32Array,
  column: Column,
  rows: Int32Array,
  count: number,
): void {
  if (column.physical === 'str') throw new Error('strings do not lie in records');
  const { values } = column;
  const pairs = words(field.physical) === 2;
  const source =
    values instanceof Uint8Array ? values : new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2);
  const bit = 1 << field.validBit;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    const record = groups[i]! * width;
    const at = record + field.at;
    if (isNull(column, row)) {
      records[record + field.validAt]! &= ~bit;
      records[at] = 0;
      if (pairs) records[at + 1] = 0;
      continue;
    }
    records[record + field.validAt]! |= bit;
    if (pairs) {
      records[at] = source[2 * row]!;
      records[at + 1] = source[2 * row + 1]!;
    } else records[at] = source[row]!;
  }
}

function doubleWords(records: Int32Array, width: number, from: number, rows: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(2 * rows);
  for (let row = 0, at = from; row < rows; row++, at += width) {
    out[2 * row] = records[at]!;
    out[2 * row + 1] = records[at + 1]!;
  }
  return out;
}

function singleWords(records: Int32Array, width: number, from: number, rows: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(rows);
  for (let row = 0, at = from; row < rows; row++, at += width) out[row] = records[at]!;
  return out;
}

/** Bits that are set in word `at` of every record. */
function allOf(records: Int32Array, width: number, at: number, rows: number): number {
  let bits = -1;
  for (let row = 0; row < rows; row++, at += width) bits &= records[at]!;
  return bits;
}

function fieldValidity(
  records: Int32Array,
  width: number,
  { validAt, validBit }: RecordField,
  from: number,
  rows: number,
): Uint8Array | null {
  const valid = new Uint8Array(rows);
  for (let row = 0, at = from + validAt; row < rows; row++, at += width) valid[row] = (records[at]! >>> validBit) & 1;
  return packValidity(valid, rows);
}
