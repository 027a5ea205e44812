// Literals of the text as typed constants: numbers, strings, dates and times, intervals.
import { parseDate, parseTime, parseTimestamp } from '../codegen/runtime/time.ts';
import type { Expression, IntervalUnit } from '../sql/ast.ts';
import type { Expr } from './exec-plan.ts';
import { literal } from './expressions.ts';
import { unsupported, type Fail } from './plan-error.ts';
import { MAX_DECIMAL_PRECISION, MAX_TIME_PRECISION } from './type-rules.ts';
import { sqlType, type SqlType } from './types.ts';

type Of<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

/** Flink's types: 1 is INT, 3000000000 BIGINT, 0.5 DECIMAL(2, 1), 5E-1 DOUBLE, 'ab' CHAR(2). `negated` for a minus before a number. */
export function bindLiteral(node: Of<'literal'>, negated: boolean, fail: Fail): Expr {
  switch (node.type) {
    case 'null':
      return literal(null, { root: 'NULL', nullable: true });
    case 'boolean':
      return literal(node.value === true, sqlType.boolean(false));
    case 'string': {
      const text = String(node.value);
      return literal(text, { root: 'CHAR', length: text.length, nullable: false });
    }
    case 'number':
      return number(String(node.value), negated, node, fail);
  }
}

function number(text: string, negated: boolean, node: Of<'literal'>, fail: Fail): Expr {
  const sign = negated ? '-' : '';
  if (/e/i.test(text)) {
    const value = Number(sign + text);
    if (!Number.isFinite(value))
      throw fail('SQL_LITERAL', node.span, `${text} is out of the range of DOUBLE`, 'write a smaller number');
    return literal(Object.is(value, -0) ? 0 : value, sqlType.double(false));
  }
  const [whole = '', fraction = ''] = text.split('.');
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  if (fraction === '') {
    const value = BigInt(sign + digits);
    if (value === BigInt.asIntN(32, value)) return literal(Number(value), sqlType.int(false));
    if (value === BigInt.asIntN(64, value)) return literal(String(value), sqlType.bigint(false));
  }
  // As Calcite counts: each digit that is written, so that 0.5 is DECIMAL(2, 1) and 00.10 DECIMAL(4, 2).
  const precision = whole.length + fraction.length;
  if (precision > MAX_DECIMAL_PRECISION)
    throw unsupported(
      fail,
      node.span,
      `the number ${text}, which has more than ${MAX_DECIMAL_PRECISION} digits,`,
      `write it with an exponent to make it a DOUBLE: ${text}E0`,
    );
  const value = `${sign}${whole === '' ? '0' : whole.replace(/^0+(?=\d)/, '')}${fraction === '' ? '' : `.${fraction}`}`;
  return literal(value, sqlType.decimal(precision, fraction.length, false));
}

const SHAPES = {
  DATE: { pattern: /^\d{4}-\d{1,2}-\d{1,2}$/, example: "DATE '2024-03-31'" },
  TIME: { pattern: /^\d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?$/, example: "TIME '08:30:00'" },
  TIMESTAMP: {
    pattern: /^\d{4}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?)?$/,
    example: "TIMESTAMP '2024-03-31 08:30:00'",
  },
} as const;

/** DATE, TIME and TIMESTAMP literals; the digits of the fraction make the precision. */
export function bindTemporal(node: Of<'temporal'>, fail: Fail): Expr {
  const { type, value } = node;
  const { pattern, example } = SHAPES[type];
  const parse = { DATE: parseDate, TIME: parseTime, TIMESTAMP: parseTimestamp }[type];
  // A cast would take 30 February for the last day of the month; a literal must be right.
  const exists = type === 'TIME' || parseDate(value) !== null;
  const parsed = pattern.test(value) && exists ? parse(value) : null;
  if (parsed === null) throw fail('SQL_LITERAL', node.span, `'${value}' is no ${type}`, `write it as ${example}`);
  if (type === 'DATE') return literal(parsed, sqlType.date(false));
  const precision = /\.(\d*)$/.exec(value)?.[1]?.length ?? 0;
  if (precision > MAX_TIME_PRECISION)
    throw unsupported(
      fail,
      node.span,
      `a ${type} with ${precision} digits after the second`,
      'times are held to the millisecond',
    );
  return literal(parsed, { root: type, precision, nullable: false });
}

const MILLIS: Partial<Record<IntervalUnit, number>> = {
  WEEK: 604_800_000,
  DAY: 86_400_000,
  HOUR: 3_600_000,
  MINUTE: 60_000,
  SECOND: 1000,
};
const MONTHS: Partial<Record<IntervalUnit, number>> = { YEAR: 12, QUARTER: 3, MONTH: 1 };

/** The fields of an interval of several units: what separates each from the one before, and its milliseconds. */
const FIELDS: { unit: IntervalUnit; separator: string }[] = [
  { unit: 'DAY', separator: '' },
  { unit: 'HOUR', separator: ' ' },
  { unit: 'MINUTE', separator: ':' },
  { unit: 'SECOND', separator: ':' },
];

/** INTERVAL literals as milliseconds or months. */
export function bindInterval(node: Of<'interval'>, fail: Fail): Expr {
  const { from, to } = node;
  const negative = node.value.trim().startsWith('-');
  const text = node.value.trim().replace(/^[+-]\s*/, '');
  const amount = to === null || to === from ? single(text, from) : several(text, from, to);
  if (amount === null) {
    const units = to === null ? from : `${from} TO ${to}`;
    throw fail(
      'SQL_LITERAL',
      node.span,
      `'${node.value}' is no INTERVAL ${units}`,
      `write for example ${exampleOf(from, to)}`,
    );
  }
  const value = amount * node.sign * (negative ? -1 : 1);
  const months = MONTHS[from] !== undefined;
  if (!Number.isSafeInteger(value) || (months && Math.abs(value) > 2147483647))
    throw fail(
      'SQL_LITERAL',
      node.span,
      `INTERVAL '${node.value}' ${from} is out of range`,
      'write a shorter interval',
    );
  const type: SqlType = { root: months ? 'INTERVAL_YEAR_MONTH' : 'INTERVAL_DAY_TIME', nullable: false };
  return literal(value === 0 ? 0 : value, type);
}

function single(text: string, unit: IntervalUnit): number | null {
  const match = (unit === 'SECOND' ? /^\d+(\.\d{1,9})?$/ : /^\d+$/).exec(text);
  return match === null ? null : Math.floor(Number(text) * (MILLIS[unit] ?? MONTHS[unit]!) + 1e-6);
}

function several(text: string, from: IntervalUnit, to: IntervalUnit): number | null {
  if (from === 'YEAR' && to === 'MONTH') {
    const match = /^(\d+)-(\d{1,2})$/.exec(text);
    return match === null || Number(match[2]) > 11 ? null : Number(match[1]) * 12 + Number(match[2]);
  }
  const first = FIELDS.findIndex(({ unit }) => unit === from);
  const last = FIELDS.findIndex(({ unit }) => unit === to);
  if (first < 0 || last <= first) return null;
  const fields = FIELDS.slice(first, last + 1);
  const pattern = fields
    .map(({ unit, separator }, i) => `${i === 0 ? '' : separator}(\\d+${unit === 'SECOND' ? '(?:\\.\\d{1,9})?' : ''})`)
    .join('');
  const match = new RegExp(`^${pattern}$`).exec(text);
  if (match === null) return null;
  let total = 0;
  for (const [i, { unit }] of fields.entries()) {
    const value = Number(match[i + 1]);
    if (i > 0 && value >= (unit === 'HOUR' ? 24 : 60)) return null;
    total += value * MILLIS[unit]!;
  }
  return Math.floor(total + 1e-6);
}

function exampleOf(from: IntervalUnit, to: IntervalUnit | null): string {
  if (to === null || to === from) return `INTERVAL '5' ${from}`;
  if (from === 'YEAR') return "INTERVAL '1-6' YEAR TO MONTH";
  const first = FIELDS.findIndex(({ unit }) => unit === from);
  const last = FIELDS.findIndex(({ unit }) => unit === to);
  if (first < 0 || last <= first) return "INTERVAL '1 02:03:04' DAY TO SECOND";
  const sample = ['1', '02', '03', '04']
    .slice(first, last + 1)
    .map((digits, i) => (i === 0 ? '' : FIELDS[first + i]!.separator) + digits);
  return `INTERVAL '${sample.join('')}' ${from} TO ${to}`;
}
