// Functions of dates, times and timestamps. All are without a time zone: the session's zone is UTC.
import type { Expr } from '../plan/exec-plan.ts';
import { physical, sqlType, type SqlType } from '../plan/types.ts';
import type { Emit } from './emit-arithmetic.ts';
import { convert } from './emit-cast.ts';
import type { Call, Code, Emitter } from './emitter.ts';
import { checkPattern } from './runtime/date-format.ts';
import { unitMillis, unknownUnit } from './runtime/time.ts';

const STRING = sqlType.string();
const INT = sqlType.int();
const BIGINT = sqlType.bigint();
const TIMESTAMP = sqlType.timestamp(3);
const UNITS = [
  'EPOCH',
  'MILLISECOND',
  'SECOND',
  'MINUTE',
  'HOUR',
  'DAY',
  'DOW',
  'DOY',
  'WEEK',
  'MONTH',
  'QUARTER',
  'YEAR',
];

/** A unit literal such as 'HOUR', in capitals. */
function unitOf(expr: Expr | undefined): string {
  const unit =
    expr?.kind === 'literal'
      ? String(expr.value)
          .toUpperCase()
          .replace(/^SQL_TSI_/, '')
      : 'of a column';
  return UNITS.includes(unit) ? unit : unknownUnit(unit);
}

/** Any temporal operand as milliseconds: a TIME as those of its day. */
function millis(em: Emitter, arg: Expr): Code {
  const code = em.emit(arg);
  return arg.type.root === 'TIME' ? code : convert(em, code, arg.type, TIMESTAMP);
}

/** Milliseconds back as the type of the call. */
function fromMillis(em: Emitter, code: Code, type: SqlType): Code {
  return type.root === 'TIME' ? code : convert(em, code, TIMESTAMP, type);
}

function extract(em: Emitter, { args, type }: Call): Code {
  const unit = unitOf(args[0]);
  const code = millis(em, args[1]!);
  const fixed: Record<string, [number, number]> = { HOUR: [3_600_000, 24], MINUTE: [60_000, 60], SECOND: [1000, 60] };
  const [size, count] = fixed[unit] ?? [0, 0];
  const value = em.strict([code], 'f64', (v) => {
    if (size === 0) return `${em.helper('extract')}('${unit}', ${v})`;
    // Remainders of the floor, so that times before 1970 come out right.
    const whole = em.bind(`Math.floor(${v} / ${size})`);
    return `${whole} - Math.floor(${whole} / ${count}) * ${count}`;
  });
  return physical(type) === 'i64' ? { v: em.bind(`BigInt(${value.v})`), n: value.n } : value;
}

function floorCeil(ceil: boolean): Emit {
  return (em, { args, type }) => {
    const unit = unitOf(args[1]);
    const size = unit === 'WEEK' ? null : unitMillis(unit);
    const result = em.strict([millis(em, args[0]!)], 'f64', (v) =>
      size === null
        ? `${em.helper(ceil ? 'ceilTime' : 'floorTime')}(${v}, '${unit}')`
        : `(Math.${ceil ? 'ceil' : 'floor'}(${v} / ${size}) * ${size} + 0)`,
    );
    return fromMillis(em, result, type);
  };
}

/** temporal plus or minus an interval. */
function shift(sign: 1 | -1): Emit {
  return (em, { args, type }) => {
    const [moment, interval] = args as [Expr, Expr];
    const operands = [em.emit(moment), em.emit(interval)];
    const kind = physical(type);
    const op = sign === 1 ? '+' : '-';
    if (interval.type.root === 'INTERVAL_YEAR_MONTH') {
      const helper = em.helper(type.root === 'DATE' ? 'addMonthsToDate' : 'addMonths');
      return em.strict(operands, kind, (x, m) => `${helper}(${x}, ${sign === 1 ? m : `-${m}`})`);
    }
    const amount = (y: string): string => (/^\(?-?\d+n\)?$/.test(y) ? y.replace('n', '') : `Number(${y})`);
    if (type.root === 'DATE')
      return em.strict(operands, kind, (x, y) => `(${x} ${op} Math.trunc(${amount(y)} / 86400000))`);
    if (type.root === 'TIME')
      return em.strict(operands, kind, (x, y) => `${em.helper('floorMod')}(${x} ${op} ${amount(y)}, 86400000)`);
    return em.strict(operands, kind, (x, y) => `(${x} ${op} ${amount(y)})`);
  };
}

/** A pattern given as a literal is checked when the plan is compiled. */
function patternOf(em: Emitter, arg: Expr | undefined, otherwise: string): Code {
  if (arg === undefined) return { v: JSON.stringify(otherwise), n: 'false' };
  if (arg.kind === 'literal' && typeof arg.value === 'string') checkPattern(arg.value);
  return em.emit(arg);
}

const TIMESTAMP_PATTERN = 'yyyy-MM-dd HH:mm:ss';

function dateFormat(em: Emitter, { args }: Call): Code {
  const [moment, pattern] = args as [Expr, Expr];
  const operand = physical(moment.type) === 'str' ? lenient(em, [moment]) : millis(em, moment);
  const format = (v: string, p: string): string => `${em.helper('formatTimestamp')}(${v}, ${p})`;
  return em.strict([operand, patternOf(em, pattern, TIMESTAMP_PATTERN)], 'str', format, { guard: true });
}

/** Text to milliseconds; NULL when it does not match, as in Flink. */
function parse(em: Emitter, args: Expr[]): Code {
  const [text, pattern] = args as [Expr, Expr | undefined];
  const value = convert(em, em.emit(text), text.type, STRING);
  const read =
    pattern === undefined
      ? (v: string): string => `${em.helper('parseTimestamp')}(${v})`
      : (v: string, p: string): string => `${em.helper('parseTimestampAs')}(${v}, ${p})`;
  const operands = pattern === undefined ? [value] : [value, patternOf(em, pattern, TIMESTAMP_PATTERN)];
  return em.strict(operands, 'f64', (v, p = '') => read(v, p), { guard: true, nullable: true });
}

/** Text to milliseconds by a pattern as UNIX_TIMESTAMP reads it; NULL when it does not match. */
function lenient(em: Emitter, args: Expr[]): Code {
  const [text, pattern] = args as [Expr, Expr | undefined];
  const value = convert(em, em.emit(text), text.type, STRING);
  const read = (v: string, p: string): string => `${em.helper('parseTimestampAs')}(${v}, ${p}, true)`;
  return em.strict([value, patternOf(em, pattern, TIMESTAMP_PATTERN)], 'f64', read, { guard: true, nullable: true });
}

/** Milliseconds of the years 0 to 9999: what TO_TIMESTAMP_LTZ makes of a number is NULL outside of them. */
const [FIRST_MILLI, LAST_MILLI] = [-62_167_219_200_000, 253_402_300_799_999];

/** TO_TIMESTAMP_LTZ(number, precision): precision 0 counts seconds, 3 milliseconds; or text with an optional pattern, which must match. */
function toTimestampLtz(em: Emitter, { args }: Call): Code {
  const [value, precision] = args as [Expr, Expr | undefined];
  if (physical(value.type) === 'str') {
    const text = convert(em, em.emit(value), value.type, STRING);
    const moment = parse(em, args);
    const known = precision === undefined ? text.n : em.anyNull([text, em.emit(precision)]);
    const failed = `${em.helper('required')}(null, ${text.v}, 'TIMESTAMP_LTZ(3)')`;
    return { v: em.bind(`${moment.n} ? ${known} ? 0 : ${failed} : ${moment.v}`), n: known };
  }
  const digits = precision?.kind === 'literal' ? Number(precision.value) : 3;
  const number = convert(em, em.emit(value), value.type, sqlType.double());
  const millis = em.strict([number], 'f64', (v) => (digits === 0 ? `Math.floor(${v} * 1000)` : `Math.floor(${v})`));
  const outside = em.bind(`!(${millis.v} >= ${FIRST_MILLI} && ${millis.v} <= ${LAST_MILLI})`);
  return { v: millis.v, n: millis.n === 'false' ? outside : em.bind(`${millis.n} || ${outside}`) };
}

/** The clock at the start of the batch. */
function now(em: Emitter): string {
  if (!em.prologue.includes('const now = rt.now();')) em.prologue.push('const now = rt.now();');
  return 'now';
}

function unixTimestamp(em: Emitter, { args }: Call): Code {
  if (args.length === 0) return { v: em.bind(`BigInt(Math.floor(${now(em)} / 1000))`), n: 'false' };
  // NULL is for NULLs alone: what does not match is the least BIGINT.
  const operands = args.map((arg) => em.emit(arg));
  const moment = lenient(em, args);
  const seconds = `BigInt(Math.floor(${moment.v} / 1000))`;
  return { v: em.bind(`${moment.n} ? -9223372036854775808n : ${seconds}`), n: em.anyNull(operands) };
}

function fromUnixtime(em: Emitter, { args }: Call): Code {
  const [seconds, pattern] = args as [Expr, Expr | undefined];
  const value = convert(em, em.emit(seconds), seconds.type, BIGINT);
  const format = (v: string, p: string): string => `${em.helper('formatTimestamp')}(Number(${v}) * 1000, ${p})`;
  return em.strict([value, patternOf(em, pattern, TIMESTAMP_PATTERN)], 'str', format, { guard: true });
}

function timestampAdd(em: Emitter, { args, type }: Call): Code {
  const unit = unitOf(args[0]);
  const amount = convert(em, em.emit(args[1]!), args[1]!.type, INT);
  const operands = [amount, millis(em, args[2]!)];
  const sum = em.strict(operands, 'f64', (n, v) => `${em.helper('timestampAdd')}('${unit}', ${n}, ${v})`);
  if (type.root === 'TIME') return em.strict([sum], 'i32', (v) => `${em.helper('floorMod')}(${v}, 86400000)`);
  return fromMillis(em, sum, type);
}

function timestampDiff(em: Emitter, { args, type }: Call): Code {
  const unit = unitOf(args[0]);
  const ends = [millis(em, args[1]!), millis(em, args[2]!)];
  const difference = em.strict(ends, 'i32', (a, b) => `${em.helper('timestampDiff')}('${unit}', ${a}, ${b})`);
  return convert(em, difference, INT, type);
}

export const timeEmitters = {
  TEMPORAL_PLUS: shift(1),
  TEMPORAL_MINUS: shift(-1),
  EXTRACT: extract,
  FLOOR_TIME: floorCeil(false),
  CEIL_TIME: floorCeil(true),
  DATE_FORMAT: dateFormat,
  TO_TIMESTAMP: (em: Emitter, { args }: Call): Code => parse(em, args),
  TO_TIMESTAMP_LTZ: toTimestampLtz,
  TO_DATE: (em: Emitter, { args, type }: Call): Code => {
    const [text] = args as [Expr];
    if (args.length === 1) return convert(em, em.emit(text), text.type, type, true);
    const moment = lenient(em, args);
    const checked = moment.n === 'false' ? moment.v : `${moment.n} ? 0 : ${moment.v}`;
    return convert(em, { v: em.bind(checked), n: moment.n }, TIMESTAMP, type);
  },
  UNIX_TIMESTAMP: unixTimestamp,
  FROM_UNIXTIME: fromUnixtime,
  TIMESTAMPADD: timestampAdd,
  TIMESTAMPDIFF: timestampDiff,
  CURRENT_TIMESTAMP: (em: Emitter): Code => ({ v: now(em), n: 'false' }),
  LOCALTIMESTAMP: (em: Emitter): Code => ({ v: now(em), n: 'false' }),
  CURRENT_DATE: (em: Emitter): Code => ({ v: `Math.floor(${now(em)} / 86400000)`, n: 'false' }),
};
