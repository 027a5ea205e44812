// What generated encoders write with: a buffer that grows, and values as ASCII digits. Each function takes the offset and returns the one behind.
import { formatDate, formatDecimal, formatDouble, formatFloat } from '../connectors/format-value.ts';

/** Bytes that grow at their end. */
export class ByteBuffer {
  bytes = new Uint8Array(1 << 16);
  view = new DataView(this.bytes.buffer);
  length = 0;

  /** Keeps the bytes before `at` and makes room for `more` behind it. */
  grow(at: number, more: number): void {
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, at + more));
    bytes.set(this.bytes.subarray(0, at));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** The most bytes that one value other than a string takes. */
export const MAX_VALUE_BYTES = 40;

export function putAscii(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** The decimal digits of a whole number below 2^53. */
export function putWhole(bytes: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    bytes[at++] = 45;
    value = -value;
  }
  if (value > 0x7fffffff) {
    // Nine digits at a time: int32 arithmetic does the rest.
    const high = Math.floor(value / 1e9);
    at = putWhole(bytes, at, high);
    return putDigits(bytes, at, (value - high * 1e9) | 0, 9);
  }
  const small = value | 0;
  return putDigits(bytes, at, small, digitsOf(small));
}

function digitsOf(value: number): number {
  if (value < 10000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 100000000) return value < 1000000 ? (value < 100000 ? 5 : 6) : value < 10000000 ? 7 : 8;
  return value < 1000000000 ? 9 : 10;
}

/** Exactly `digits` digits of an int32 that is not negative, zeros in front. */
function putDigits(bytes: Uint8Array, at: number, value: number, digits: number): number {
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = (value / 10) | 0;
    bytes[i] = 48 + value - rest * 10;
    value = rest;
  }
  return at + digits;
}

/** A BIGINT, or the unscaled DECIMAL, in `halves[2 * row]` (low) and the half behind it. */
export function putLong(bytes: Uint8Array, at: number, halves: Int32Array, row: number, scale: number): number {
  const low = halves[2 * row]!;
  const high = halves[2 * row + 1]!;
  // Whole numbers of up to 53 bits need no BigInt.
  if (high >= 0x1fffff || high < -0x1fffff)
    return putAscii(bytes, at, formatDecimal((BigInt(high) << 32n) | BigInt(low >>> 0), scale));
  let value = high * 4294967296 + (low >>> 0);
  if (scale === 0) return putWhole(bytes, at, value);
  if (value < 0) {
    bytes[at++] = 45;
    value = -value;
  }
  // Digits behind the point one by one from the right, then what is before it.
  const unit = 10 ** scale;
  const whole = Math.floor(value / unit);
  let fraction = value - whole * unit;
  at = putWhole(bytes, at, whole);
  bytes[at] = 46;
  for (let i = at + scale; i > at; i--) {
    const rest = Math.floor(fraction / 10);
    bytes[i] = 48 + fraction - rest * 10;
    fraction = rest;
  }
  return at + scale + 1;
}

/** A double as Java writes it. Up to three digits behind the point go without a string: a decimal of so few digits is the shortest one. */
export function putDouble(bytes: Uint8Array, at: number, value: number): number {
  const thousandths = Math.round(value * 1000);
  if (thousandths === 0 || thousandths / 1000 !== value || !(Math.abs(value) < 1e7))
    return putAscii(bytes, at, formatDouble(value));
  if (value < 0) bytes[at++] = 45;
  const size = Math.abs(thousandths);
  const whole = Math.floor(size / 1000);
  const fraction = size - whole * 1000;
  at = putWhole(bytes, at, whole);
  bytes[at] = 46;
  putDigits(bytes, at + 1, fraction, 3);
  return at + (fraction % 10 !== 0 ? 4 : fraction % 100 !== 0 ? 3 : 2);
}

export function putFloat(bytes: Uint8Array, at: number, value: number): number {
  return putAscii(bytes, at, formatFloat(value));
}

export function putBoolean(bytes: Uint8Array, at: number, value: number): number {
  return putAscii(bytes, at, value === 0 ? 'false' : 'true');
}

/** Days from 0000-03-01 to 1970-01-01: years that start in March have their leap day last. */
const MARCH_EPOCH = 719468;
const DAYS_OF_400_YEARS = 146097;
const FIRST_DAY = -719528;
const LAST_DAY = 2932896;

/** `yyyy-MM-dd` of days since the epoch; years beyond 0 to 9999 as formatDate writes them. */
export function putDate(bytes: Uint8Array, at: number, days: number): number {
  if (!(days >= FIRST_DAY && days <= LAST_DAY)) return putAscii(bytes, at, formatDate(days));
  // One era more, so that all is positive.
  const shifted = (days + MARCH_EPOCH + DAYS_OF_400_YEARS) | 0;
  const era = (shifted / DAYS_OF_400_YEARS) | 0;
  const day = shifted - era * DAYS_OF_400_YEARS;
  const yearOfEra = ((day - ((day / 1460) | 0) + ((day / 36524) | 0) - ((day / 146096) | 0)) / 365) | 0;
  const dayOfYear = day - (yearOfEra * 365 + (yearOfEra >> 2) - ((yearOfEra / 100) | 0));
  // Months from March on follow the pattern of 153 days in five.
  const month = ((5 * dayOfYear + 2) / 153) | 0;
  const year = (era - 1) * 400 + yearOfEra + (month >= 10 ? 1 : 0);
  putDigits(bytes, at, year, 4);
  bytes[at + 4] = 45;
  putDigits(bytes, at + 5, month >= 10 ? month - 9 : month + 3, 2);
  bytes[at + 7] = 45;
  putDigits(bytes, at + 8, dayOfYear - (((153 * month + 2) / 5) | 0) + 1, 2);
  return at + 10;
}

/** `HH:mm:ss[.S..]` of milliseconds of the day, with as few digits of the fraction as it needs. */
export function putTime(bytes: Uint8Array, at: number, millis: number): number {
  const ms = millis | 0;
  const seconds = (ms / 1000) | 0;
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  const fraction = ms - seconds * 1000;
  putDigits(bytes, at, hours, 2);
  bytes[at + 2] = 58;
  putDigits(bytes, at + 3, minutes - hours * 60, 2);
  bytes[at + 5] = 58;
  putDigits(bytes, at + 6, seconds - minutes * 60, 2);
  if (fraction === 0) return at + 8;
  bytes[at + 8] = 46;
  putDigits(bytes, at + 9, fraction, 3);
  return at + (fraction % 10 !== 0 ? 12 : fraction % 100 !== 0 ? 11 : 10);
}

/** Date and time of milliseconds since the epoch with the byte `separator` between. */
export function putTimestamp(bytes: Uint8Array, at: number, millis: number, separator: number): number {
  const days = Math.floor(millis / 86_400_000);
  at = putDate(bytes, at, days);
  bytes[at] = separator;
  return putTime(bytes, at + 1, millis - days * 86_400_000);
}
