// Parquet's physical values as those of our columns, a page or a dictionary at a time.
import type { SchemaElement } from 'hyparquet';
import { allocateValues, type FixedValues } from '../../columnar/batch.ts';
import { physical, type SqlType } from '../../plan/types.ts';
import type { PageValues } from './parquet-column.ts';
import { timeUnit } from './parquet-file.ts';

const JULIAN_EPOCH = 2440588;

/** Whole values per millisecond of a unit of time. */
const perMillisecond = { MILLIS: 1, MICROS: 1000, NANOS: 1_000_000 } as const;

/** Values of fixed width in the storage form of `type`, as many as `values`. Throws when one does not fit the type. */
export function fixedValues(type: SqlType, element: SchemaElement, values: PageValues): FixedValues {
  const count = values.length;
  const kind = physical(type);
  if (kind === 'str') throw new Error('strings have no fixed width');
  const unit = timeUnit(element, type.root === 'TIME' ? 'TIME' : 'TIMESTAMP');
  if (unit !== undefined) return times(kind === 'i32' ? new Int32Array(count) : new Float64Array(count), values, unit);
  if (kind === 'i64') return values instanceof BigInt64Array ? values : longs(values, type);
  if (kind === 'i32' && values instanceof Int32Array) return checkRange(type, values);
  if (kind === 'f64' && values instanceof Float64Array) return values;
  if (kind === 'f32' && values instanceof Float32Array) return values;
  const out = allocateValues(kind, count);
  for (let i = 0; i < count; i++) out[i] = Number(values[i]);
  return out;
}

function times<T extends Int32Array | Float64Array>(out: T, values: PageValues, unit: keyof typeof perMillisecond): T {
  const divisor = perMillisecond[unit];
  if (values instanceof BigInt64Array && values.byteOffset % 4 === 0) {
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    if (unit === 'NANOS') for (let i = 0; i < out.length; i++) out[i] = Number(floorDivide(values[i]!, 1_000_000n));
    else
      for (let i = 0; i < out.length; i++)
        out[i] = Math.floor((halves[2 * i + 1]! * 4294967296 + (halves[2 * i]! >>> 0)) / divisor);
    return out;
  }
  for (let i = 0; i < out.length; i++) {
    const value: unknown = values[i];
    // INT96: nanoseconds of the day, then the Julian day in the upper 32 bits.
    if (typeof value === 'bigint')
      out[i] = (Number(value >> 64n) - JULIAN_EPOCH) * 86_400_000 + Number((value & 0xffffffffffffffffn) / 1_000_000n);
    else out[i] = Math.floor(Number(value) / divisor);
  }
  return out;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}

function longs(values: PageValues, type: SqlType): BigInt64Array {
  const out = new BigInt64Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const value: unknown = values[i];
    out[i] = value instanceof Uint8Array ? bigEndian(value, type) : BigInt(value as number);
  }
  return out;
}

/** A DECIMAL as the big-endian two's complement of its unscaled value. */
function bigEndian(bytes: Uint8Array, type: SqlType): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  value = BigInt.asIntN(Math.max(1, bytes.length * 8), value);
  if (value !== BigInt.asIntN(64, value))
    throw new Error(`a value has more than the ${type.precision} digits declared`);
  return value;
}

function checkRange(type: SqlType, values: Int32Array): Int32Array {
  const bits = type.root === 'TINYINT' ? 24 : type.root === 'SMALLINT' ? 16 : 0;
  if (bits > 0)
    for (const value of values)
      if ((value << bits) >> bits !== value) throw new Error(`the value ${value} is outside the range of ${type.root}`);
  return values;
}

/** Strings one behind the other: entry e is `bytes[offsets[e], offsets[e + 1])`. */
export function stringValues(values: PageValues): { offsets: Int32Array; bytes: Uint8Array } {
  const parts = values as ArrayLike<Uint8Array>;
  const offsets = new Int32Array(parts.length + 1);
  for (let i = 0; i < parts.length; i++) offsets[i + 1] = offsets[i]! + parts[i]!.length;
  // Copies go by words: room for the last one.
  const bytes = new Uint8Array(offsets[parts.length]! + 8);
  for (let i = 0; i < parts.length; i++) bytes.set(parts[i]!, offsets[i]);
  return { offsets, bytes };
}
