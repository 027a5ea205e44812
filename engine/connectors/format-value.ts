// Values as text, the way Flink's formats and print connector write them: for columns outside of hot paths and for building hot ones.
import type { SqlType } from '../plan/types.ts';
import type { CellValue } from '../columnar/batch.ts';

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** `yyyy-MM-dd` of days since the epoch. Years beyond 9999 and before 0 are written with their sign, as Java does. */
export function formatDate(days: number): string {
  const date = new Date(days * 86_400_000);
  const year = date.getUTCFullYear();
  const text = year > 9999 ? `+${year}` : year < 0 ? `-${pad(-year, 4)}` : pad(year, 4);
  return `${text}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
}

/** `HH:mm:ss[.S..]` of milliseconds of the day, with as few digits of the fraction as it needs. */
export function formatTime(millis: number): string {
  const seconds = Math.floor(millis / 1000);
  const fraction = millis - seconds * 1000;
  const text = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return fraction === 0 ? text : `${text}.${pad(fraction, 3).replace(/0+$/, '')}`;
}

/** As Java's LocalTime prints: without seconds when they are zero, with three digits of the fraction or none. */
function javaTime(millis: number): string {
  if (millis % 60_000 === 0) return formatTime(millis).slice(0, 5);
  const fraction = millis % 1000;
  return formatTime(millis - fraction) + (fraction === 0 ? '' : `.${pad(fraction, 3)}`);
}

function javaTimestamp(millis: number): string {
  const days = Math.floor(millis / 86_400_000);
  return `${formatDate(days)}T${javaTime(millis - days * 86_400_000)}`;
}

/** `yyyy-MM-dd HH:mm:ss[.S..]` of milliseconds since the epoch; `separator` is a space, or T for ISO-8601. */
export function formatTimestamp(millis: number, separator = ' '): string {
  const days = Math.floor(millis / 86_400_000);
  return formatDate(days) + separator + formatTime(millis - days * 86_400_000);
}

/** An unscaled DECIMAL with `scale` digits after the point: 12345n, 2 -> `123.45`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/**
 * A double as Java's Double.toString: always with a point, an exponent from 1e7 and below 1e-3 (`1.0E7`). Flink's casts, CSV and print write this.
 */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  const size = Math.abs(value);
  if (size === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (size >= 1e-3 && size < 1e7) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [mantissa, exponent] = value.toExponential().split('e');
  return `${mantissa!.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}

/** A FLOAT as Java's Float.toString: the fewest digits that give the same single precision number. */
export function formatFloat(value: number): string {
  // Zero keeps its sign only there.
  if (value === 0) return formatDouble(value);
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return formatDouble(shorter);
  }
  return formatDouble(value);
}

/** One value of `type`, not NULL, as Flink's print connector shows it. */
export function formatValue(type: SqlType, value: Exclude<CellValue, null>): string {
  switch (type.root) {
    case 'DATE':
      return formatDate(Number(value));
    case 'TIME':
      return javaTime(Number(value));
    case 'TIMESTAMP':
      return javaTimestamp(Number(value));
    case 'TIMESTAMP_LTZ':
      // An Instant always shows its seconds.
      return `${formatTimestamp(Number(value), 'T')}Z`;
    case 'DECIMAL':
      return formatDecimal(BigInt(value), type.scale ?? 0);
    case 'DOUBLE':
      return formatDouble(Number(value));
    case 'FLOAT':
      return formatFloat(Number(value));
    default:
      return String(value);
  }
}
