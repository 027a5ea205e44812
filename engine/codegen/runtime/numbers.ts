// Numeric helpers that generated code calls: DECIMAL on unscaled bigints, rounding, and text as Java prints and reads it.
import { EngineError } from '../../errors.ts';

const powers: bigint[] = [1n];

/** 10^n. */
export function pow10(n: number): bigint {
  while (powers.length <= n) powers.push(powers[powers.length - 1]! * 10n);
  return powers[n]!;
}

export function divisionByZero(): never {
  throw new EngineError('DIVISION_BY_ZERO', 'integer or DECIMAL division by zero', {
    hint: 'guard the divisor: x / NULLIF(y, 0) gives NULL instead',
  });
}

/** a / b rounded half away from zero (Java's HALF_UP). */
export function divideHalfUp(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  const rest = a - quotient * b;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  if (twice < (b < 0n ? -b : b)) return quotient;
  return a < 0n === b < 0n ? quotient + 1n : quotient - 1n;
}

/** An unscaled value brought from scale `from` to scale `to`, rounded half up. */
export function rescale(value: bigint, from: number, to: number): bigint {
  if (from === to) return value;
  return from < to ? value * pow10(to - from) : divideHalfUp(value, pow10(from - to));
}

/** DECIMAL quotient at scale `scale`. The operands have scales s1 and s2. */
export function decimalDivide(a: bigint, b: bigint, s1: number, s2: number, scale: number): bigint {
  if (b === 0n) divisionByZero();
  const shift = scale - s1 + s2;
  return shift >= 0 ? divideHalfUp(a * pow10(shift), b) : divideHalfUp(a, b * pow10(-shift));
}

export function decimalRemainder(a: bigint, b: bigint): bigint {
  if (b === 0n) divisionByZero();
  return a % b;
}

/** `n` digits of zeros dropped to minus infinity (floor), plus infinity (ceil) or zero, at scale `scale` -> 0. */
export function decimalFloor(value: bigint, scale: number): bigint {
  const unit = pow10(scale);
  const quotient = value / unit;
  return value < 0n && quotient * unit !== value ? quotient - 1n : quotient;
}

/** Rounds an unscaled value to `digits` after the point (may be negative), then gives it scale `to`. */
export function decimalRound(value: bigint, from: number, digits: number, to: number, truncate: boolean): bigint {
  if (digits >= from) return rescale(value, from, to);
  // More digits than any number here has: nothing is left, and the power of ten would fill the memory.
  if (from - digits > 700) return 0n;
  const unit = pow10(from - digits);
  const rounded = (truncate ? value / unit : divideHalfUp(value, unit)) * unit;
  return rescale(rounded, from, to);
}

export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Reads decimal text with an optional exponent at `scale`, rounded half up; null when it is no number. */
export function parseDecimal(text: string, scale: number): bigint | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text.trim());
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponent] = match;
  if (whole + fraction === '') return null;
  const value = BigInt(whole + fraction);
  const own = fraction.length - Number(exponent ?? 0);
  const scaled = own < 0 ? value * pow10(-own + scale) : rescale(value, own, scale);
  return sign === '-' ? -scaled : scaled;
}

/** The double nearest to unscaled / 10^scale. */
export function decimalToDouble(unscaled: bigint, scale: number): number {
  const approximate = Number(unscaled);
  // Both exact: one rounding, so the quotient is the nearest double.
  if (Math.abs(approximate) <= Number.MAX_SAFE_INTEGER && scale <= 22) return approximate / 10 ** scale;
  return Number(decimalText(unscaled, scale));
}

/** A finite double at `scale`, from its shortest decimal text as Java's BigDecimal.valueOf does; null when not finite. */
export function doubleToDecimal(value: number, scale: number): bigint | null {
  return Number.isFinite(value) ? parseDecimal(String(value), scale) : null;
}

/** Java's (int) of a double: truncated, saturated, NaN as 0. */
export function doubleToInt(value: number): number {
  if (value >= 2147483647) return 2147483647;
  return value <= -2147483648 ? -2147483648 : value | 0;
}

/** Java's (long) of a double. */
export function doubleToLong(value: number): bigint {
  if (value !== value) return 0n;
  if (value >= 9223372036854775807) return 9223372036854775807n;
  return value <= -9223372036854775808 ? -9223372036854775808n : BigInt(Math.trunc(value));
}

/** Rounds a double half up on its decimal digits, as Flink's SqlFunctionUtils.sround does; or truncates. */
export function roundDouble(value: number, digits: number, truncate: boolean): number {
  if (!Number.isFinite(value) || digits > 308) return value;
  if (digits >= 0 && digits <= 15) {
    const unit = 10 ** digits;
    const scaled = Math.abs(value) * unit;
    const below = Math.floor(scaled);
    const rest = scaled - below;
    // Away from the places where the product's own rounding could decide, the plain way is right.
    const clear = truncate ? rest > 1e-5 && rest < 1 - 1e-5 : Math.abs(rest - 0.5) > 1e-5;
    if (clear && scaled < 1e9) return (Math.sign(value) * (truncate || rest < 0.5 ? below : below + 1)) / unit;
  }
  const scale = Math.max(digits, 0);
  const exact = parseDecimal(String(value), 340)!;
  return Number(decimalText(decimalRound(exact, 340, digits, scale, truncate), scale));
}

/** Rounds an integer to a multiple of 10^-digits (digits < 0). */
export function roundLong(value: bigint, digits: number, truncate: boolean): bigint {
  if (digits >= 0) return value;
  if (digits < -19) return 0n;
  return BigInt.asIntN(64, decimalRound(value, 0, digits, 0, truncate));
}

function javaDigits(value: number, shortest: string): string {
  const [mantissa, exponentText] = shortest.split('e') as [string, string];
  const exponent = Number(exponentText);
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e7) {
    if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
    return `${sign}${digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')}.${digits.slice(exponent + 1) || '0'}`;
  }
  return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${exponent}`;
}

/** A DOUBLE as Java's Double.toString (shortest digits, as since JDK 19): `1.0`, `1.0E10`, `NaN`. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  return javaDigits(value, value.toExponential());
}

/** A FLOAT as Java's Float.toString. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return javaDigits(value, text);
  }
  return javaDigits(value, value.toExponential(9));
}

/** Text to DOUBLE; null when it is no number. */
export function parseDouble(text: string): number | null {
  const trimmed = text.trim();
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/.test(trimmed)) return Number(trimmed.replace(/[dDfF]$/, ''));
  if (/^[+-]?(NaN|Infinity)$/.test(trimmed)) return Number(trimmed.endsWith('NaN') ? NaN : trimmed);
  return null;
}

/** Text to an integer of `bits` bits; digits after a point are dropped, as Flink does; null when it is no number or out of range. */
export function parseLong(text: string, bits: number): bigint | null {
  const match = /^([+-]?\d+)(?:\.\d*)?$/.exec(text.trim());
  if (match === null) return null;
  const value = BigInt(match[1]!.replace(/^\+/, ''));
  return BigInt.asIntN(bits, value) === value ? value : null;
}

export function parseInt32(text: string, bits: number): number | null {
  const value = parseLong(text, bits);
  return value === null ? null : Number(value);
}

const TRUE_TEXTS = new Set(['t', 'true', 'y', 'yes', '1']);
const FALSE_TEXTS = new Set(['f', 'false', 'n', 'no', '0']);

export function parseBoolean(text: string): boolean | null {
  const lower = text.toLowerCase();
  if (TRUE_TEXTS.has(lower)) return true;
  return FALSE_TEXTS.has(lower) ? false : null;
}
