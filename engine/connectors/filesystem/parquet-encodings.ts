// Parquet's encodings of values in a page, into typed arrays. Every read is checked against the page's end: pages may be damaged.
import type { ParquetType } from 'hyparquet';

/** Values of BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY and INT96: value i is `bytes[offsets[i], offsets[i + 1])`. */
export interface ByteValues {
  offsets: Int32Array;
  /** At least 8 bytes longer than the last offset: copies go by words. */
  bytes: Uint8Array;
}

/** Booleans as 0 or 1 in a Uint8Array. */
export type PageValues = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array | ByteValues;

export const isByteValues = (values: PageValues): values is ByteValues => !ArrayBuffer.isView(values);

const SLACK = 8;
/** Prefixes can make a small page decode to anything: more than this is taken for damage. */
const MAX_DECODED = 1 << 30;

/** The bytes of an uncompressed page and how far they are read. */
export class PageBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  /** The number that `zigzag` read last, as halves. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Goes behind the next `size` bytes; returns where they start. */
  take(size: number): number {
    const start = this.at;
    if (!(size >= 0) || start + size > this.bytes.length)
      throw new Error(`a page ends where ${size} more bytes should follow`);
    this.at = start + size;
    return start;
  }

  /** An unsigned LEB128 number of up to 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.take(1)]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new Error('a page holds a number of too many bytes');
  }

  /** A zigzag LEB128 number of up to 64 bits, into `low` and `high`. */
  zigzag(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.take(1)]!;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) {
        const sign = -(low & 1);
        this.low = ((low >>> 1) | (high << 31)) ^ sign;
        this.high = (high >>> 1) ^ sign;
        return;
      }
    }
    throw new Error('a page holds a number of too many bytes');
  }
}

/** `count` numbers of `width` bits from runs and bit-packed groups (RLE/bit-packing hybrid): levels, dictionary codes, booleans. */
export function readHybrid(page: PageBytes, width: number, count: number): Int32Array {
  if (width > 32) throw new Error(`a page holds numbers of ${width} bits`);
  const out = new Int32Array(count);
  if (width === 0) return out;
  const { bytes } = page;
  for (let filled = 0; filled < count;) {
    const header = page.varint();
    const left = count - filled;
    if ((header & 1) === 1) {
      const values = Math.min((header >>> 1) * 8, left);
      // The padding of the last group may be missing.
      const size = Math.min((header >>> 1) * width, bytes.length - page.at);
      if (size * 8 < values * width) throw new Error('a page ends within a group of packed numbers');
      unpack(bytes, page.take(size), width, out, filled, values);
      filled += values;
    } else {
      const size = (width + 7) >> 3;
      const start = page.take(size);
      let value = 0;
      for (let i = 0; i < size; i++) value |= bytes[start + i]! << (8 * i);
      const end = filled + Math.min(header >>> 1, left);
      out.fill(value, filled, end);
      filled = end;
    }
  }
  return out;
}

function unpack(bytes: Uint8Array, start: number, width: number, out: Int32Array, from: number, count: number): void {
  if (width > 24) {
    for (let i = 0; i < count; i++) out[from + i] = bitsAt(bytes, start, i * width, width);
    return;
  }
  const mask = (1 << width) - 1;
  let buffer = 0;
  let have = 0;
  let at = start;
  for (let i = from; i < from + count; i++) {
    while (have < width) {
      buffer |= bytes[at++]! << have;
      have += 8;
    }
    out[i] = buffer & mask;
    buffer >>>= width;
    have -= width;
  }
}

/** The `width` (up to 32) bits that start `bit` bits behind the byte `start`, as an int32. */
function bitsAt(bytes: Uint8Array, start: number, bit: number, width: number): number {
  let at = start + Math.floor(bit / 8);
  const shift = bit & 7;
  let value = bytes[at]! >>> shift;
  for (let have = 8 - shift; have < width; have += 8) value |= bytes[++at]! << have;
  return width === 32 ? value : value & ((1 << width) - 1);
}

/** DELTA_BINARY_PACKED into `out`, whole; additions wrap around as the format says. */
export function readDelta<T extends Int32Array | BigInt64Array>(page: PageBytes, out: T): T {
  const count = out.length;
  if (count === 0 && page.at === page.bytes.length) return out;
  const blockValues = page.varint();
  const miniblocks = page.varint();
  const total = page.varint();
  const perMiniblock = blockValues / miniblocks;
  if (!(perMiniblock > 0) || perMiniblock % 8 !== 0) throw new Error('a page of deltas has blocks of impossible size');
  if (total !== count) throw new Error(`a page of deltas has ${total} values instead of ${count}`);
  page.zigzag();
  let { low, high } = page;
  const wide = out instanceof BigInt64Array;
  const halves = wide ? new Int32Array(out.buffer, out.byteOffset, count * 2) : out;
  const store = (index: number): void => {
    if (!wide) halves[index] = low;
    else {
      halves[2 * index] = low;
      halves[2 * index + 1] = high;
    }
  };
  if (count > 0) store(0);
  for (let index = 1; index < count;) {
    page.zigzag();
    const { low: leastLow, high: leastHigh } = page;
    const widths = page.take(miniblocks);
    for (let block = 0; block < miniblocks && index < count; block++) {
      const width = page.bytes[widths + block]!;
      if (width > 64) throw new Error(`a page holds numbers of ${width} bits`);
      const values = Math.min(perMiniblock, count - index);
      // The padding of the last miniblock may be missing.
      const size = Math.min((perMiniblock * width) / 8, page.bytes.length - page.at);
      if (size * 8 < values * width) throw new Error('a page ends within a block of deltas');
      const start = page.take(size);
      for (let i = 0; i < values; i++, index++) {
        const deltaLow = width === 0 ? 0 : bitsAt(page.bytes, start, i * width, Math.min(width, 32));
        const deltaHigh = width > 32 ? bitsAt(page.bytes, start, i * width + 32, width - 32) : 0;
        const sum = (low >>> 0) + (leastLow >>> 0) + (deltaLow >>> 0);
        high = (high + leastHigh + deltaHigh + Math.floor(sum / 4294967296)) | 0;
        low = sum | 0;
        store(index);
      }
    }
  }
  return out;
}

/** `count` values of a page in `encoding`, other than dictionary codes. `width` is the bytes per value of FIXED_LEN_BYTE_ARRAY. */
export function readValues(
  page: PageBytes,
  encoding: string,
  type: ParquetType,
  count: number,
  width: number | undefined,
): PageValues {
  switch (encoding) {
    case 'PLAIN':
      return readPlain(page, type, count, width);
    case 'RLE':
      if (type !== 'BOOLEAN') break;
      page.take(4);
      return Uint8Array.from(readHybrid(page, 1, count));
    case 'DELTA_BINARY_PACKED':
      if (type === 'INT32') return readDelta(page, new Int32Array(count));
      if (type === 'INT64') return readDelta(page, new BigInt64Array(count));
      break;
    case 'DELTA_LENGTH_BYTE_ARRAY':
      if (type === 'BYTE_ARRAY') return adjacent(page, readDelta(page, new Int32Array(count)));
      break;
    case 'DELTA_BYTE_ARRAY':
      if (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY') return withPrefixes(page, count);
      break;
    case 'BYTE_STREAM_SPLIT': {
      const size = widthOf(type, width);
      if (size === undefined) break;
      const start = page.take(count * size);
      const joined = new Uint8Array(count * size + SLACK);
      for (let byte = 0, at = start; byte < size; byte++)
        for (let i = 0; i < count; i++) joined[i * size + byte] = page.bytes[at++]!;
      return fixedWidth(new PageBytes(joined), type, count, size);
    }
  }
  throw new Error(`values of type ${type} in the encoding ${encoding} cannot be read`);
}

function readPlain(page: PageBytes, type: ParquetType, count: number, width: number | undefined): PageValues {
  if (type === 'BOOLEAN') {
    const start = page.take((count + 7) >> 3);
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = (page.bytes[start + (i >> 3)]! >> (i & 7)) & 1;
    return out;
  }
  if (type === 'BYTE_ARRAY') return withLengths(page, count);
  const size = widthOf(type, width);
  if (size === undefined) throw new Error(`values of type ${type} cannot be read`);
  return fixedWidth(page, type, count, size);
}

function widthOf(type: ParquetType, width: number | undefined): number | undefined {
  const widths: Partial<Record<ParquetType, number>> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, INT96: 12 };
  const size = type === 'FIXED_LEN_BYTE_ARRAY' ? width : widths[type];
  return size !== undefined && size > 0 ? size : undefined;
}

function fixedWidth(page: PageBytes, type: ParquetType, count: number, size: number): PageValues {
  const start = page.bytes.byteOffset + page.take(count * size);
  const { buffer } = page.bytes;
  const aligned = start % size === 0;
  const [from, at] = aligned ? [buffer, start] : [buffer.slice(start, start + count * size), 0];
  switch (type) {
    case 'INT32':
      return new Int32Array(from, at, count);
    case 'INT64':
      return new BigInt64Array(from, at, count);
    case 'FLOAT':
      return new Float32Array(from, at, count);
    case 'DOUBLE':
      return new Float64Array(from, at, count);
    default: {
      const offsets = Int32Array.from({ length: count + 1 }, (_, i) => i * size);
      const bytes = new Uint8Array(count * size + SLACK);
      bytes.set(new Uint8Array(from, at, count * size));
      return { offsets, bytes };
    }
  }
}

/** Each value behind its length. */
function withLengths(page: PageBytes, count: number): ByteValues {
  const { view, bytes: from } = page;
  const offsets = new Int32Array(count + 1);
  const first = page.at;
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(page.take(4), true);
    page.take(length);
    offsets[i + 1] = offsets[i]! + length;
  }
  const bytes = new Uint8Array(offsets[count]! + SLACK);
  const target = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const start = first + offsets[i]! + 4 * (i + 1);
    const to = offsets[i]!;
    const length = offsets[i + 1]! - to;
    let k = 0;
    for (; k + 4 <= length; k += 4) target.setInt32(to + k, view.getInt32(start + k, true), true);
    for (; k < length; k++) bytes[to + k] = from[start + k]!;
  }
  return { offsets, bytes };
}

/** All values one behind the other. */
function adjacent(page: PageBytes, lengths: Int32Array): ByteValues {
  const offsets = new Int32Array(lengths.length + 1);
  const left = page.bytes.length - page.at;
  for (let i = 0; i < lengths.length; i++) {
    const end = offsets[i]! + lengths[i]!;
    if (lengths[i]! < 0 || end > left) throw new Error('a page holds a string that goes beyond its end');
    offsets[i + 1] = end;
  }
  const size = offsets[lengths.length]!;
  const start = page.take(size);
  const bytes = new Uint8Array(size + SLACK);
  bytes.set(page.bytes.subarray(start, start + size));
  return { offsets, bytes };
}

/** Each value as the length of what it shares with the value before, and the rest. */
function withPrefixes(page: PageBytes, count: number): ByteValues {
  const prefixes = readDelta(page, new Int32Array(count));
  const suffixes = adjacent(page, readDelta(page, new Int32Array(count)));
  const offsets = new Int32Array(count + 1);
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const prefix = prefixes[i]!;
    if (prefix < 0 || prefix > previous) throw new Error('a page holds a string that shares more than there is');
    previous = prefix + suffixes.offsets[i + 1]! - suffixes.offsets[i]!;
    const end = offsets[i]! + previous;
    if (end > MAX_DECODED) throw new Error(`a page holds strings of more than ${MAX_DECODED >> 20} MiB`);
    offsets[i + 1] = end;
  }
  const bytes = new Uint8Array(offsets[count]! + SLACK);
  for (let i = 0; i < count; i++) {
    const at = offsets[i]!;
    // The value before ends where this one starts.
    const before = i === 0 ? 0 : offsets[i - 1]!;
    bytes.copyWithin(at, before, before + prefixes[i]!);
    bytes.set(suffixes.bytes.subarray(suffixes.offsets[i], suffixes.offsets[i + 1]), at + prefixes[i]!);
  }
  return { offsets, bytes };
}
