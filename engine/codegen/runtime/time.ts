// Calendar arithmetic that generated code calls: timestamps are milliseconds since the epoch, dates are days, all without a time zone (UTC).
import { EngineError } from '../../errors.ts';

export const DAY = 86_400_000;

/** Days since the epoch of a proleptic Gregorian date. Months count from 1 and may be out of range. */
export function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

export interface CivilDate {
  year: number;
  /** From 1. */
  month: number;
  day: number;
}

export function civil(days: number): CivilDate {
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const doe = z - era * 146097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36524) - Math.floor(doe / 146096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 };
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The day that many months later, or the month's last day. */
export function addMonthsToDate(days: number, months: number): number {
  const { year, month, day } = civil(days);
  const total = year * 12 + month - 1 + months;
  const newYear = Math.floor(total / 12);
  const newMonth = total - newYear * 12 + 1;
  return daysOf(newYear, newMonth, Math.min(day, daysInMonth(newYear, newMonth)));
}

export function addMonths(millis: number, months: number): number {
  const days = Math.floor(millis / DAY);
  return addMonthsToDate(days, months) * DAY + (millis - days * DAY);
}

const fixedUnits: Record<string, number> = {
  MILLISECOND: 1,
  SECOND: 1000,
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY,
  WEEK: 7 * DAY,
};
const monthUnits: Record<string, number> = { MONTH: 1, QUARTER: 3, YEAR: 12 };

export function unknownUnit(unit: string): never {
  throw new EngineError('TIME_UNIT', `time unit ${unit} is not supported here`, {
    hint: 'use YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND',
  });
}

/** Milliseconds of a unit of fixed length, or null (MONTH, QUARTER, YEAR). */
export function unitMillis(unit: string): number | null {
  return fixedUnits[unit] ?? null;
}

export function timestampAdd(unit: string, amount: number, millis: number): number {
  const fixed = fixedUnits[unit];
  if (fixed !== undefined) return millis + fixed * amount;
  return addMonths(millis, amount * (monthUnits[unit] ?? unknownUnit(unit)));
}

/** Whole units from `from` to `to`, towards zero. */
export function timestampDiff(unit: string, from: number, to: number): number {
  const fixed = fixedUnits[unit];
  if (fixed !== undefined) return Math.trunc((to - from) / fixed) | 0;
  return Math.trunc(monthsBetween(to, from) / (monthUnits[unit] ?? unknownUnit(unit))) | 0;
}

/** Whole months from `start` to `end` as Calcite's DateTimeUtils.subtractMonths counts them: days first, the time of day when the days meet. */
function monthsBetween(end: number, start: number): number {
  const [endDay, startDay] = [Math.floor(end / DAY), Math.floor(start / DAY)];
  const months = wholeMonths(endDay, startDay);
  const early = addMonthsToDate(startDay, months) === endDay && end - endDay * DAY < start - startDay * DAY;
  return early ? months - 1 : months;
}

function wholeMonths(end: number, start: number): number {
  if (end < start) return -wholeMonths(start, end);
  const [a, b] = [civil(start), civil(end)];
  let months = (b.year - a.year) * 12 + b.month - a.month;
  while (months > 0 && addMonthsToDate(start, months) > end) months--;
  return months;
}

function isoWeek(days: number): number {
  // The week's Thursday decides the year.
  const thursday = days - floorMod(days + 3, 7) + 3;
  return Math.floor((thursday - daysOf(civil(thursday).year, 1, 1)) / 7) + 1;
}

export function floorMod(a: number, b: number): number {
  return a - Math.floor(a / b) * b;
}

export function dayOfYear(days: number): number {
  return days - daysOf(civil(days).year, 1, 1) + 1;
}

/** EXTRACT: WEEK is ISO 8601's, DOW counts from Sunday = 1. */
export function extract(unit: string, millis: number): number {
  const days = Math.floor(millis / DAY);
  const time = millis - days * DAY;
  switch (unit) {
    case 'EPOCH':
      return Math.floor(millis / 1000);
    case 'MILLISECOND':
      return time % 1000;
    case 'SECOND':
      return Math.floor(time / 1000) % 60;
    case 'MINUTE':
      return Math.floor(time / 60_000) % 60;
    case 'HOUR':
      return Math.floor(time / 3_600_000);
    case 'DAY':
      return civil(days).day;
    case 'DOW':
      return floorMod(days + 4, 7) + 1;
    case 'DOY':
      return dayOfYear(days);
    case 'WEEK':
      return isoWeek(days);
    case 'MONTH':
      return civil(days).month;
    case 'QUARTER':
      return Math.floor((civil(days).month + 2) / 3);
    case 'YEAR':
      return civil(days).year;
    default:
      return unknownUnit(unit);
  }
}

/** The start of the unit that holds `millis`. Weeks start on Sunday, as in Flink. */
export function floorTime(millis: number, unit: string): number {
  if (unit === 'WEEK') {
    const days = Math.floor(millis / DAY);
    return (days - floorMod(days + 4, 7)) * DAY;
  }
  const fixed = fixedUnits[unit];
  if (fixed !== undefined) return Math.floor(millis / fixed) * fixed;
  const size = monthUnits[unit] ?? unknownUnit(unit);
  const { year, month } = civil(Math.floor(millis / DAY));
  return daysOf(year, month - ((month - 1) % size), 1) * DAY;
}

/**
 * The start of the next unit, or of this one for a moment at its start. From the week upwards Flink looks at the day alone, so that noon of the first of
 * a month is brought back to its midnight.
 */
export function ceilTime(millis: number, unit: string): number {
  const moment = unit === 'WEEK' || monthUnits[unit] !== undefined ? Math.floor(millis / DAY) * DAY : millis;
  const start = floorTime(moment, unit);
  return start === moment ? moment : timestampAdd(unit, 1, start);
}

const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`);
const yearText = (year: number): string =>
  year >= 0 && year <= 9999
    ? String(year).padStart(4, '0')
    : `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(4, '0')}`;

export function dateText(days: number): string {
  const { year, month, day } = civil(days);
  return `${yearText(year)}-${two(month)}-${two(day)}`;
}

/** `precision` digits of the second; milliseconds are all that is kept. */
export function timeText(millis: number, precision: number): string {
  const text = `${two(Math.floor(millis / 3_600_000))}:${two(Math.floor(millis / 60_000) % 60)}:${two(Math.floor(millis / 1000) % 60)}`;
  if (precision === 0) return text;
  const fraction = String(millis % 1000).padStart(3, '0');
  return `${text}.${fraction.padEnd(precision, '0').slice(0, precision)}`;
}

export function timestampText(millis: number, precision: number): string {
  const days = Math.floor(millis / DAY);
  return `${dateText(days)} ${timeText(millis - days * DAY, precision)}`;
}

export function intervalText(millis: bigint): string {
  const value = millis < 0n ? -millis : millis;
  return `${millis < 0n ? '-' : '+'}${value / 86_400_000n} ${timeText(Number(value % 86_400_000n), 3)}`;
}

export function monthsText(months: number): string {
  const value = Math.abs(months);
  return `${months < 0 ? '-' : '+'}${Math.floor(value / 12)}-${two(value % 12)}`;
}

/** Days, or null when the date does not exist. */
export function checkedDate(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  return daysOf(year, month, day);
}

/** `2001[-02[-03]]` with what stands behind a space ignored, as Flink's DateTimeUtils.parseDate reads it; null when it is no date. */
export function parseDate(text: string): number | null {
  const space = text.indexOf(' ');
  const match = /^\s*(\d{1,4})\s*(?:-\s*(\d{1,2})\s*(?:-\s*(\d{1,2})\s*)?)?$/.exec(
    space > 0 ? text.slice(0, space) : text,
  );
  return match === null ? null : checkedDate(Number(match[1]), Number(match[2] ?? 1), Number(match[3] ?? 1));
}

/** `04:05[:06[.789]]` as milliseconds of the day. */
export function parseTime(text: string): number | null {
  const match = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?$/.exec(text.trim());
  if (match === null) return null;
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return null;
  return hour * 3_600_000 + minute * 60_000 + second * 1000 + Number((match[4] ?? '').padEnd(3, '0').slice(0, 3));
}

/** `2001-02-03[ 04:05:06[.789]]`; null when it is none. A day that its month has not is the month's last, as in Java's SMART style. */
export function parseTimestamp(text: string): number | null {
  const match = /^(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{0,9})?))?$/.exec(text);
  if (match === null) return null;
  const days = smartDate(Number(match[1]), Number(match[2]), Number(match[3]));
  const time = match[4] === undefined ? 0 : parseTime(match[4].replace(/\.$/, ''));
  return days === null || time === null ? null : days * DAY + time;
}

/** Days; the month's last day for one up to 31 that it has not; null when there is no such month or day at all. */
export function smartDate(year: number, month: number, day: number): number | null {
  return day > 31 || month < 1 || month > 12 ? null : checkedDate(year, month, Math.min(day, daysInMonth(year, month)));
}

/** Milliseconds cut to `precision` digits of the second. */
export function toPrecision(millis: number, precision: number): number {
  const unit = 10 ** (3 - precision);
  return Math.floor(millis / unit) * unit;
}
