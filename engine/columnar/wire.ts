// The one aligned buffer that is a batch on the wire, on disk and in state sections: header, then each part 8-byte aligned.
//
// Layout (little endian, Int32 unless said): magic 'FJB1', rows, columns, flags (1 = has kinds), [kinds: rows bytes], then per column:
// physical code, flags (1 = validity, 2 = codes), and for strings entry count and byte length; followed by its parts.
// The schema is not in the buffer: both ends know it from the plan or the state's schema.
import { EngineError } from '../errors.ts';
import { physical, type Schema } from '../plan/types.ts';
import { entryCount, RowKind, type Column, type ColumnBatch, type FixedValues } from './batch.ts';

const MAGIC = 0x31424a46;
const align8 = (n: number): number => (n + 7) & ~7;
const width = { u8: 1, i32: 4, i64: 8, f32: 4, f64: 8 } as const;

/** Bytes that `encodeBatch` will need. */
export function encodedSize(batch: ColumnBatch): number {
  let size = 16 + (batch.kinds === null ? 0 : align8(batch.rows));
  for (const column of batch.columns) {
    size += 16;
    if (column.validity !== null) size += align8((batch.rows + 7) >> 3);
    if (column.physical === 'str') {
      if (column.codes !== null) size += align8(batch.rows * 4);
      size += align8(column.offsets.length * 4) + align8(column.offsets[entryCount(column)]!);
    } else size += align8(batch.rows * width[column.physical]);
  }
  return size;
}

/** Writes `batch` into a fresh buffer, or into `target` at an 8-byte aligned `offset`. Returns the encoded bytes. */
export function encodeBatch(batch: ColumnBatch, target?: ArrayBuffer, offset = 0): Uint8Array {
  const size = encodedSize(batch);
  const buffer = target ?? new ArrayBuffer(size);
  const ints = new Int32Array(buffer, offset, size >> 2);
  const bytes = new Uint8Array(buffer, offset, size);
  const { rows } = batch;
  ints[0] = MAGIC;
  ints[1] = rows;
  ints[2] = batch.columns.length;
  ints[3] = batch.kinds === null ? 0 : 1;
  let at = 16;
  const put = (part: Uint8Array): void => {
    bytes.set(part, at);
    at += align8(part.length);
  };
  const raw = (array: FixedValues | Int32Array, count: number): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, count * array.BYTES_PER_ELEMENT);
  if (batch.kinds !== null) put(batch.kinds.subarray(0, rows));
  for (const column of batch.columns) {
    const header = at >> 2;
    at += 16;
    ints[header] = ['u8', 'i32', 'i64', 'f32', 'f64', 'str'].indexOf(column.physical);
    ints[header + 1] = column.validity === null ? 0 : 1;
    if (column.validity !== null) put(column.validity.subarray(0, (rows + 7) >> 3));
    if (column.physical === 'str') {
      const entries = entryCount(column);
      if (column.codes !== null) {
        ints[header + 1]! |= 2;
        put(raw(column.codes, rows));
      }
      ints[header + 2] = entries;
      ints[header + 3] = column.offsets[entries]!;
      put(raw(column.offsets, entries + 1));
      put(column.bytes.subarray(0, column.offsets[entries]));
    } else put(raw(column.values, rows));
  }
  return bytes;
}

/** Reads a batch as views into `bytes` (which must be 8-byte aligned: copied otherwise). Throws BATCH_CORRUPT when it does not fit `schema`. */
export function decodeBatch(schema: Schema, input: Uint8Array): ColumnBatch {
  const bytes = input.byteOffset % 8 === 0 ? input : input.slice();
  const corrupt = (what: string): EngineError =>
    new EngineError('BATCH_CORRUPT', `batch of ${bytes.length} bytes is damaged: ${what}`);
  if (bytes.length < 16) throw corrupt('shorter than its header');
  const ints = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  if (ints[0] !== MAGIC) throw corrupt('it does not start with FJB1');
  const rows = ints[1]!;
  if (rows < 0) throw corrupt(`it has ${rows} rows`);
  if (ints[2] !== schema.length) throw corrupt(`it has ${ints[2]} columns, its schema ${schema.length}`);
  let at = 16;
  const take = (length: number): number => {
    const start = at;
    if (length < 0 || start + length > bytes.length) throw corrupt('a part ends behind the buffer');
    at += align8(length);
    return bytes.byteOffset + start;
  };
  const kinds = (ints[3]! & 1) === 0 ? null : new Uint8Array(bytes.buffer, take(rows), rows);
  if (kinds?.some((kind) => kind > RowKind.DELETE)) throw corrupt('a row kind is none of the four');
  const columns = schema.map((field): Column => {
    const header = (take(16) - bytes.byteOffset) >> 2;
    const kind = physical(field.type);
    if (['u8', 'i32', 'i64', 'f32', 'f64', 'str'][ints[header]!] !== kind)
      throw corrupt(`column ${field.name} is not ${kind}`);
    const flags = ints[header + 1]!;
    const validityLength = (rows + 7) >> 3;
    const validity = (flags & 1) === 0 ? null : new Uint8Array(bytes.buffer, take(validityLength), validityLength);
    if (kind === 'str') {
      const codes = (flags & 2) === 0 ? null : new Int32Array(bytes.buffer, take(rows * 4), rows);
      const entries = ints[header + 2]!;
      const length = ints[header + 3]!;
      if (entries < 0 || (codes === null && entries < rows))
        throw corrupt(`column ${field.name} has ${entries} strings`);
      const offsets = new Int32Array(bytes.buffer, take((entries + 1) * 4), entries + 1);
      if (!ascending(offsets, length) || !codesWithin(codes, entries))
        throw corrupt(`column ${field.name} has offsets or codes out of range`);
      return { physical: 'str', codes, offsets, bytes: new Uint8Array(bytes.buffer, take(length), length), validity };
    }
    const start = take(rows * width[kind]);
    switch (kind) {
      case 'u8':
        return { physical: kind, values: new Uint8Array(bytes.buffer, start, rows), validity };
      case 'i32':
        return { physical: kind, values: new Int32Array(bytes.buffer, start, rows), validity };
      case 'i64':
        return { physical: kind, values: new BigInt64Array(bytes.buffer, start, rows), validity };
      case 'f32':
        return { physical: kind, values: new Float32Array(bytes.buffer, start, rows), validity };
      case 'f64':
        return { physical: kind, values: new Float64Array(bytes.buffer, start, rows), validity };
    }
  });
  if (at !== bytes.length) throw corrupt(`its parts end at byte ${at}`);
  return { schema, rows, columns, kinds };
}

function ascending(offsets: Int32Array, length: number): boolean {
  let before = 0;
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!;
    if (offset < before) return false;
    before = offset;
  }
  return before <= length;
}

function codesWithin(codes: Int32Array | null, entries: number): boolean {
  // As unsigned numbers negative codes are too large: one comparison serves both ends.
  if (codes !== null) for (let i = 0; i < codes.length; i++) if (codes[i]! >>> 0 >= entries) return false;
  return true;
}
