// Parquet's physical values as those of our columns, a page or a dictionary at a time.
import type { SchemaElement } from 'hyparquet';
import type { FixedValues } from '../../columnar/batch.ts';
import { typeToString, type SqlType } from '../../plan/types.ts';
import { isByteValues, type ByteValues, type PageValues } from './parquet-encodings.ts';
import { timeUnit, type TimeUnit } from './parquet-file.ts';

const JULIAN_EPOCH = 2440588;

/** Whole values per millisecond of a unit of time. */
const perMillisecond = { MILLIS: 1, MICROS: 1000, NANOS: 1_000_000 } as const;

/** Values of fixed width in the storage form of `type`, as many as `values`. Throws when one does not fit the type. */
export function fixedValues(type: SqlType, element: SchemaElement, values: PageValues): FixedValues {
  switch (type.root) {
    case 'BOOLEAN':
      if (values instanceof Uint8Array) return values;
      break;
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'DATE':
      if (values instanceof Int32Array) return checkRange(type, values);
      break;
    case 'BIGINT':
      if (values instanceof BigInt64Array) return values;
      if (values instanceof Int32Array) return widened(values);
      break;
    case 'DECIMAL':
      return checkDigits(type, element, decimals(type, values));
    case 'FLOAT':
      if (values instanceof Float32Array) return values;
      break;
    case 'DOUBLE':
      if (values instanceof Float64Array) return values;
      if (values instanceof Float32Array) return Float64Array.from(values);
      break;
    case 'TIME':
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ': {
      const unit = timeUnit(element, type.root === 'TIME' ? 'TIME' : 'TIMESTAMP');
      const millis = unit === undefined ? undefined : milliseconds(values, unit);
      if (millis !== undefined) return type.root === 'TIME' ? Int32Array.from(millis) : millis;
      break;
    }
    default:
      break;
  }
  throw new Error(`a page has values that are no ${typeToString(type)}`);
}

function milliseconds(values: PageValues, unit: TimeUnit): Float64Array | undefined {
  const divisor = perMillisecond[unit];
  if (values instanceof Int32Array) return Float64Array.from(values, (value) => Math.floor(value / divisor));
  if (isByteValues(values)) return julianTimes(values);
  if (!(values instanceof BigInt64Array)) return undefined;
  const out = new Float64Array(values.length);
  if (unit === 'NANOS') {
    for (let i = 0; i < out.length; i++) out[i] = Number(floorDivide(values[i]!, 1_000_000n));
    return out;
  }
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  for (let i = 0; i < out.length; i++)
    out[i] = Math.floor((halves[2 * i + 1]! * 4294967296 + (halves[2 * i]! >>> 0)) / divisor);
  return out;
}

/** INT96: nanoseconds of the day in eight bytes, then the Julian day in four. */
function julianTimes({ offsets, bytes }: ByteValues): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float64Array.from({ length: offsets.length - 1 }, (_, i) => {
    const at = offsets[i]!;
    const days = view.getInt32(at + 8, true) - JULIAN_EPOCH;
    return days * 86_400_000 + Number(floorDivide(view.getBigInt64(at, true), 1_000_000n));
  });
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}

function widened(values: Int32Array): BigInt64Array {
  const out = new BigInt64Array(values.length);
  const halves = new Int32Array(out.buffer);
  for (let i = 0; i < values.length; i++) {
    halves[2 * i] = values[i]!;
    halves[2 * i + 1] = values[i]! >> 31;
  }
  return out;
}

function decimals(type: SqlType, values: PageValues): BigInt64Array {
  if (values instanceof BigInt64Array) return values;
  if (values instanceof Int32Array) return widened(values);
  if (!isByteValues(values)) throw new Error(`a page has values that are no ${typeToString(type)}`);
  const { offsets, bytes } = values;
  return BigInt64Array.from({ length: offsets.length - 1 }, (_, i) =>
    bigEndian(bytes.subarray(offsets[i], offsets[i + 1]), type),
  );
}

/** A DECIMAL as the big-endian two's complement of its unscaled value. */
function bigEndian(bytes: Uint8Array, type: SqlType): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  value = BigInt.asIntN(bytes.length * 8, value);
  if (value !== BigInt.asIntN(64, value)) throw tooLong(type);
  return value;
}

const tooLong = (type: SqlType): Error => new Error(`a value has more digits than ${typeToString(type)} holds`);

/** Only where the file's DECIMAL has more digits than the declared one. */
function checkDigits(type: SqlType, element: SchemaElement, values: BigInt64Array): BigInt64Array {
  const precision = type.precision ?? 10;
  if ((element.precision ?? Infinity) <= precision) return values;
  const limit = 10n ** BigInt(precision);
  for (const value of values) if (value >= limit || value <= -limit) throw tooLong(type);
  return values;
}

function checkRange(type: SqlType, values: Int32Array): Int32Array {
  const bits = type.root === 'TINYINT' ? 24 : type.root === 'SMALLINT' ? 16 : 0;
  if (bits > 0)
    for (const value of values)
      if ((value << bits) >> bits !== value) throw new Error(`the value ${value} is outside the range of ${type.root}`);
  return values;
}

/** Strings one behind the other. */
export function stringValues(values: PageValues): ByteValues {
  if (!isByteValues(values)) throw new Error('a page has values that are no strings');
  return values;
}
