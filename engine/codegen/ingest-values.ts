// Values of text formats, from bytes on the hot path (NaN or -1 when it takes a closer look) and from text off it (with reasons).
import type { IngestColumn } from './ingest-columns.ts';
import type { SqlType } from '../plan/types.ts';

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
export function daysOfDate(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

// Rows mostly share their day with the row before: its bytes and their result are kept.
let lastYear = 0x30303030;
let lastMonthDay = 0;
let lastDays = 0;

/** Days since the epoch of the ten bytes `yyyy-MM-dd` at `at`; NaN when they are no date. */
export function dateAt(view: DataView, at: number): number {
  const year = view.getInt32(at, true);
  const monthDay = view.getInt32(at + 5, true);
  if (view.getUint8(at + 4) !== 45 || (view.getUint8(at + 9) - 48) >>> 0 > 9) return NaN;
  // monthDay holds MM-d; the last digit of the day joins in place of the hyphen.
  const packed = (monthDay & ~0x00ff0000) | (view.getUint8(at + 9) << 16);
  if ((monthDay & 0x00ff0000) !== 0x002d0000) return NaN;
  if (year === lastYear && packed === lastMonthDay) return lastDays;
  const y = digits4(year);
  const month = digits2(monthDay);
  const day = ((monthDay >>> 24) - 48) * 10 + view.getUint8(at + 9) - 48;
  if (y < 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(y, month) || monthDay >>> 24 > 57) return NaN;
  lastYear = year;
  lastMonthDay = packed;
  lastDays = daysOfDate(y, month, day);
  return lastDays;
}

/** Milliseconds of the day of the eight bytes `HH:mm:ss` at `at`; NaN when they are no time. */
export function timeAt(view: DataView, at: number): number {
  const first = view.getInt32(at, true);
  const second = view.getInt32(at + 4, true);
  const hours = digits2(first);
  const minutes = (((first >>> 24) - 48) * 10 + (second & 255) - 48) | 0;
  const seconds = digits2(second >>> 16);
  if (((first >> 16) & 255) !== 58 || ((second >> 8) & 255) !== 58) return NaN;
  if (((first >>> 24) - 48) >>> 0 > 9 || ((second & 255) - 48) >>> 0 > 9) return NaN;
  if (hours < 0 || hours > 23 || minutes > 59 || seconds < 0 || seconds > 59) return NaN;
  return (hours * 3600 + minutes * 60 + seconds) * 1000;
}

/** Milliseconds since the epoch of the 19 bytes `yyyy-MM-dd?HH:mm:ss` at `at`, `?` being `separator`; NaN when they are no timestamp. */
export function timestampAt(view: DataView, at: number, separator: number): number {
  if (view.getUint8(at + 10) !== separator) return NaN;
  return dateAt(view, at) * 86_400_000 + timeAt(view, at + 11);
}

function digits2(word: number): number {
  const tens = (word & 255) - 48;
  const ones = ((word >> 8) & 255) - 48;
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? -1 : tens * 10 + ones;
}

function digits4(word: number): number {
  const high = digits2(word);
  const low = digits2(word >>> 16);
  return high < 0 || low < 0 ? -1 : high * 100 + low;
}

/** A number of JSON's or Java's plain form in `bytes[start, end)`; NaN when it is none (never the NaN of the text "NaN"). */
export function numberIn(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 400 || start === end) return NaN;
  let text = '';
  for (let i = start; i < end; i++) {
    const c = bytes[i]!;
    // Digits, + - . e E: no hexadecimal, no blanks, which Number() would take.
    if (!((c >= 48 && c <= 57) || c === 45 || c === 46 || c === 101 || c === 69 || c === 43)) return NaN;
    text += String.fromCharCode(c);
  }
  return Number(text);
}

/** Powers of ten that are exact doubles: for mantissas below 2^53, one multiplication or division by them rounds correctly. */
export const EXACT_POWERS = Float64Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** Why a text is no value of a type. */
export class ValueFault extends Error {}

const numberForm = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const dateForm = /^(\d{4})-(\d{2})-(\d{2})$/;
const timeForm = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?$/;

const ranges: Partial<Record<SqlType['root'], [number, number]>> = {
  TINYINT: [-128, 127],
  SMALLINT: [-32768, 32767],
  INT: [-2147483648, 2147483647],
};

/** How timestamps are written: `separator` between date and time, and whether TIMESTAMP_LTZ ends in Z (UTC). */
export interface TimestampForm {
  separators: string;
}

const encoder = new TextEncoder();

/** Writes `text` as the value of `row`. Throws ValueFault with the reason when it is no value of the column's type. */
export function putText(column: IngestColumn, row: number, text: string, form: TimestampForm): void {
  const { type } = column.field;
  switch (type.root) {
    case 'CHAR':
    case 'VARCHAR': {
      const bytes = new Uint8Array(text.length * 3 + 8);
      const { written } = encoder.encodeInto(text, bytes);
      column.strings!.put(bytes, new DataView(bytes.buffer), 0, written, row);
      return;
    }
    case 'BIGINT':
      (column.values as BigInt64Array)[row] = wholeNumber(text, -(2n ** 63n), 2n ** 63n - 1n, 'BIGINT');
      return;
    case 'DECIMAL':
      (column.values as BigInt64Array)[row] = parseDecimal(text.trim(), type.precision ?? 10, type.scale ?? 0);
      return;
    default:
      (column.values as Exclude<typeof column.values, BigInt64Array>)[row] = numberOf(type, text.trim(), form);
  }
}

function numberOf(type: SqlType, text: string, form: TimestampForm): number {
  switch (type.root) {
    case 'BOOLEAN':
      if (!/^(true|false)$/i.test(text)) throw new ValueFault('is neither true nor false');
      return text.length === 4 ? 1 : 0;
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT': {
      const [least, greatest] = ranges[type.root]!;
      return Number(wholeNumber(text, BigInt(least), BigInt(greatest), type.root));
    }
    case 'FLOAT':
    case 'DOUBLE':
      if (text === 'NaN') return NaN;
      if (/^[+-]?Infinity$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
      if (!numberForm.test(text)) throw new ValueFault('is not a number');
      return Number(text);
    case 'DATE':
      return parseDate(text);
    case 'TIME':
      return parseTime(text);
    case 'TIMESTAMP':
      return parseTimestamp(text, form);
    case 'TIMESTAMP_LTZ':
      if (!text.endsWith('Z')) throw new ValueFault('does not end in Z, as a TIMESTAMP_LTZ (in UTC) must');
      return parseTimestamp(text.slice(0, -1), form);
    default:
      throw new ValueFault(`cannot be read as ${type.root}`);
  }
}

/** A whole number within bounds; `5.0` and `1e3` are whole. */
function wholeNumber(text: string, least: bigint, greatest: bigint, type: string): bigint {
  const trimmed = text.trim();
  let value: bigint;
  if (/^[+-]?\d+$/.test(trimmed)) value = BigInt(trimmed.replace('+', ''));
  else if (numberForm.test(trimmed)) value = unscaled(trimmed, 0, true);
  else throw new ValueFault('is not a whole number');
  if (value < least || value > greatest) throw new ValueFault(`is outside the range of ${type}`);
  return value;
}

/** `text` times 10^scale, rounded half up (away from zero), as Flink rounds DECIMALs; `exact` refuses to round. */
function unscaled(text: string, scale: number, exact: boolean): bigint {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const fraction = match[3]!;
  const shift = Number(match[4] ?? 0) - fraction.length + scale;
  if (Math.abs(shift) > 1000) throw new ValueFault('has an exponent that is too large');
  const digits = BigInt(match[2]! + fraction);
  let value: bigint;
  if (shift >= 0) value = digits * 10n ** BigInt(shift);
  else {
    const divisor = 10n ** BigInt(-shift);
    value = digits / divisor;
    const rest = digits % divisor;
    if (exact && rest !== 0n) throw new ValueFault('is not a whole number');
    if (rest * 2n >= divisor) value += 1n;
  }
  return match[1] === '-' ? -value : value;
}

function parseDecimal(text: string, precision: number, scale: number): bigint {
  if (!numberForm.test(text)) throw new ValueFault('is not a number');
  const value = unscaled(text, scale, false);
  const limit = 10n ** BigInt(precision);
  if (value >= limit || value <= -limit)
    throw new ValueFault(`has more digits than DECIMAL(${precision}, ${scale}) holds`);
  return value;
}

function parseDate(text: string): number {
  const match = dateForm.exec(text);
  if (match === null) throw new ValueFault('is not a date of the form yyyy-MM-dd');
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month))
    throw new ValueFault('is not a day of the calendar');
  return daysOfDate(year, month, day);
}

function parseTime(text: string): number {
  const match = timeForm.exec(text);
  if (match === null || Number(match[1]) > 23 || Number(match[2]) > 59 || Number(match[3]) > 59)
    throw new ValueFault('is not a time of the form HH:mm:ss[.SSS]');
  const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
  return seconds * 1000 + Number((match[4] ?? '').padEnd(3, '0').slice(0, 3));
}

function parseTimestamp(text: string, form: TimestampForm): number {
  const separator = text[10];
  if (separator === undefined || !form.separators.includes(separator))
    throw new ValueFault(`is not a timestamp of the form yyyy-MM-dd${form.separators[0]}HH:mm:ss[.SSS]`);
  return parseDate(text.slice(0, 10)) * 86_400_000 + parseTime(text.slice(11));
}
