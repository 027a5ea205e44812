// CAST and TRY_CAST, and the implicit conversions of operands whose types differ only in storage.
import { EngineError } from '../errors.ts';
import { physical, typeToString, type SqlType, type TypeRoot } from '../plan/types.ts';
import type { Code, Emitter } from './emitter.ts';

const INTEGERS: Partial<Record<TypeRoot, number>> = { TINYINT: 8, SMALLINT: 16, INT: 32, BIGINT: 64 };
const isText = (root: TypeRoot): boolean => root === 'CHAR' || root === 'VARCHAR';
const isTimestamp = (root: TypeRoot): boolean => root === 'TIMESTAMP' || root === 'TIMESTAMP_LTZ';
const isDouble = (root: TypeRoot): boolean => root === 'FLOAT' || root === 'DOUBLE';

/** Text of an i32 wrapped to the width of its type. */
export function wrapInt(text: string, root: TypeRoot): string {
  if (root === 'TINYINT') return `((${text}) << 24 >> 24)`;
  return root === 'SMALLINT' ? `((${text}) << 16 >> 16)` : `((${text}) | 0)`;
}

/** A DECIMAL whose digits may exceed its precision: NULL then, as in Flink. */
export function checkDecimal(em: Emitter, code: Code, precision: number): Code {
  const limit = `${10n ** BigInt(precision)}n`;
  const v = em.bind(code.v);
  const over = em.bind(`${v} >= ${limit} || ${v} <= -${limit}`);
  return { v, n: code.n === 'false' ? over : em.bind(`${code.n} || ${over}`) };
}

/**
 * `code` of type `from` as type `to`. What cannot be converted is an EngineError (CAST_FAILED), or NULL when `lenient` (TRY_CAST).
 * Numbers wrap and saturate as Java's casts do; DECIMAL overflow is NULL.
 */
export function convert(em: Emitter, code: Code, from: SqlType, to: SqlType, lenient = false): Code {
  if (code.n === 'true' || from.root === 'NULL') return { v: zeroOf(to), n: 'true' };
  if (isText(to.root)) return toText(em, code, from, to);
  if (isText(from.root)) return fromText(em, code, to, lenient);
  const direct = numeric(em, code, from, to) ?? temporal(em, code, from, to);
  if (direct !== null) return direct;
  throw new EngineError('CAST_UNSUPPORTED', `cannot cast ${typeToString(from)} to ${typeToString(to)}`, {
    hint: 'cast by way of STRING, or use a conversion function such as TO_TIMESTAMP',
  });
}

function zeroOf(type: SqlType): string {
  return { u8: 'false', i64: '0n', str: "''", i32: '0', f32: '0', f64: '0' }[physical(type)];
}

function numeric(em: Emitter, code: Code, from: SqlType, to: SqlType): Code | null {
  const { v } = code;
  const bits = INTEGERS[to.root];
  const fromBits = INTEGERS[from.root];
  const done = (text: string): Code => ({ v: em.bind(text), n: code.n });
  if (from.root === 'BOOLEAN') {
    if (to.root === 'BOOLEAN') return code;
    if (bits !== undefined) return done(bits === 64 ? `(${v} ? 1n : 0n)` : `(${v} ? 1 : 0)`);
    if (isDouble(to.root)) return done(`(${v} ? 1 : 0)`);
    return to.root === 'DECIMAL' ? decimal(em, done(`(${v} ? 1n : 0n)`), 0, to) : null;
  }
  if (fromBits !== undefined) {
    if (to.root === 'BOOLEAN') return done(fromBits === 64 ? `${v} !== 0n` : `${v} !== 0`);
    if (bits !== undefined) return integerToInteger(em, code, fromBits, bits, to);
    if (isDouble(to.root)) return done(to.root === 'FLOAT' ? `Math.fround(Number(${v}))` : numberOf(v, fromBits));
    if (to.root === 'DECIMAL') return decimal(em, fromBits === 64 ? code : done(`BigInt(${v})`), 0, to, fromBits);
    return null;
  }
  if (from.root === 'DECIMAL') {
    const scale = from.scale ?? 0;
    if (to.root === 'BOOLEAN') return done(`${v} !== 0n`);
    if (to.root === 'DECIMAL') return decimal(em, code, scale, to, undefined, from);
    if (isDouble(to.root)) {
      const value = `${em.helper('decimalToDouble')}(${v}, ${scale})`;
      return done(to.root === 'FLOAT' ? `Math.fround(${value})` : value);
    }
    if (bits === undefined) return null;
    const whole = `${v} / ${10n ** BigInt(scale)}n`;
    return done(bits === 64 ? `(${whole})` : wrapInt(`Number(BigInt.asIntN(32, ${whole}))`, to.root));
  }
  if (!isDouble(from.root)) return null;
  if (to.root === 'BOOLEAN') return done(`${v} !== 0`);
  if (to.root === 'DOUBLE') return code;
  if (to.root === 'FLOAT') return done(`Math.fround(${v})`);
  if (bits === 64) return done(`${em.helper('doubleToLong')}(${v})`);
  if (bits !== undefined) return done(wrapInt(`${em.helper('doubleToInt')}(${v})`, to.root));
  if (to.root !== 'DECIMAL') return null;
  const exact = em.strict([code], 'i64', (x) => `${em.helper('doubleToDecimal')}(${x}, ${to.scale ?? 0})`, {
    guard: true,
    nullable: true,
  });
  return checkDecimalIfSet(em, exact, to);
}

/** The value may be null: compared only where it is not. */
function checkDecimalIfSet(em: Emitter, code: Code, to: SqlType): Code {
  const value = em.bind(code.n === 'false' ? code.v : `${code.n} ? 0n : ${code.v}`);
  return checkDecimal(em, { v: value, n: code.n }, to.precision ?? 10);
}

function numberOf(v: string, bits: number): string {
  return bits === 64 ? `Number(${v})` : v;
}

function integerToInteger(em: Emitter, code: Code, fromBits: number, bits: number, to: SqlType): Code {
  if (fromBits === bits) return code;
  if (bits === 64) return { v: em.bind(`BigInt(${code.v})`), n: code.n };
  if (fromBits < bits) return code;
  const value = fromBits === 64 ? `Number(BigInt.asIntN(32, ${code.v}))` : code.v;
  return { v: em.bind(wrapInt(value, to.root)), n: code.n };
}

function decimal(em: Emitter, code: Code, scale: number, to: SqlType, bits?: number, from?: SqlType): Code {
  const target = to.scale ?? 0;
  const precision = to.precision ?? 10;
  const scaled = scale === target ? code : { v: em.bind(rescaleText(em, code.v, scale, target)), n: code.n };
  // Digits before the point that the source can have, against those that the target can hold.
  const digits =
    from !== undefined ? (from.precision ?? 10) - scale : bits === undefined ? 1 : Math.ceil(bits * 0.30103);
  const roundsUp = scale > target ? 1 : 0;
  return digits + roundsUp <= precision - target ? scaled : checkDecimal(em, scaled, precision);
}

export function rescaleText(em: Emitter, v: string, from: number, to: number): string {
  if (from === to) return v;
  if (from < to) return `(${v} * ${10n ** BigInt(to - from)}n)`;
  return `${em.helper('divideHalfUp')}(${v}, ${10n ** BigInt(from - to)}n)`;
}

function temporal(em: Emitter, code: Code, from: SqlType, to: SqlType): Code | null {
  const { v, n } = code;
  const done = (text: string): Code => ({ v: em.bind(text), n });
  if (isTimestamp(from.root)) {
    if (isTimestamp(to.root)) {
      const precision = to.precision ?? 6;
      return precision >= 3 || precision >= (from.precision ?? 6)
        ? code
        : done(`${em.helper('toPrecision')}(${v}, ${precision})`);
    }
    if (to.root === 'DATE') return done(`Math.floor(${v} / 86400000)`);
    return to.root === 'TIME' ? toTime(em, done(`(${v} - Math.floor(${v} / 86400000) * 86400000)`), from, to) : null;
  }
  if (from.root === 'DATE') {
    if (to.root === 'DATE') return code;
    return isTimestamp(to.root) ? done(`${v} * 86400000`) : null;
  }
  if (from.root === 'TIME' && to.root === 'TIME') return toTime(em, code, from, to);
  return from.root === to.root ? code : null;
}

/** A time of day with no more digits of the second than its type has. */
function toTime(em: Emitter, code: Code, from: SqlType, to: SqlType): Code {
  const precision = to.precision ?? 0;
  if (precision >= 3 || precision >= (from.precision ?? 0)) return code;
  return { v: em.bind(`${em.helper('toPrecision')}(${code.v}, ${precision})`), n: code.n };
}

function toText(em: Emitter, code: Code, from: SqlType, to: SqlType): Code {
  const call = (helper: string, ...more: (string | number)[]): Code =>
    em.strict([code], 'str', (v) => `${em.helper(helper)}(${[v, ...more].join(', ')})`, { guard: true });
  let text: Code;
  switch (from.root) {
    case 'BOOLEAN':
      text = em.strict([code], 'str', (v) => `(${v} ? 'TRUE' : 'FALSE')`);
      break;
    case 'FLOAT':
      text = call('floatText');
      break;
    case 'DOUBLE':
      text = call('doubleText');
      break;
    case 'DECIMAL':
      text = call('decimalText', from.scale ?? 0);
      break;
    case 'DATE':
      text = call('dateText');
      break;
    case 'TIME':
      text = call('timeText', from.precision ?? 0);
      break;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      text = call('timestampText', from.precision ?? 6);
      break;
    case 'INTERVAL_DAY_TIME':
      text = call('intervalText');
      break;
    case 'INTERVAL_YEAR_MONTH':
      text = call('monthsText');
      break;
    case 'CHAR':
    case 'VARCHAR':
      text = code;
      break;
    default:
      text = em.strict([code], 'str', (v) => `String(${v})`, { guard: true });
  }
  const length = to.length ?? 1;
  const fits = isText(from.root) && from.root === to.root && (from.length ?? 1) <= length;
  if (length === 2147483647 || (fits && to.root === 'VARCHAR')) return text;
  return em.strict([text], 'str', (v) => `${em.helper('toLength')}(${v}, ${length}, ${to.root === 'CHAR'})`, {
    guard: true,
  });
}

function fromText(em: Emitter, code: Code, to: SqlType, lenient: boolean): Code {
  const parser = (v: string): string => {
    const bits = INTEGERS[to.root];
    if (to.root === 'BIGINT') return `${em.helper('parseLong')}(${v}, 64)`;
    if (bits !== undefined) return `${em.helper('parseInt32')}(${v}, ${bits})`;
    switch (to.root) {
      case 'BOOLEAN':
        return `${em.helper('parseBoolean')}(${v})`;
      case 'FLOAT':
      case 'DOUBLE':
        return `${em.helper('parseDouble')}(${v})`;
      case 'DECIMAL':
        return `${em.helper('parseDecimal')}(${v}, ${to.scale ?? 0})`;
      case 'DATE':
        return `${em.helper('parseDate')}(${v})`;
      case 'TIME':
        return `${em.helper('parseTime')}(${v})`;
      case 'TIMESTAMP':
      case 'TIMESTAMP_LTZ':
        return `${em.helper('parseTimestamp')}(${v})`;
      default:
        throw new EngineError('CAST_UNSUPPORTED', `cannot cast STRING to ${typeToString(to)}`);
    }
  };
  const kind = physical(to);
  const checked = (v: string): string =>
    lenient
      ? parser(v)
      : `${em.helper('required')}(${parser(v)}, ${v}, ${JSON.stringify(typeToString({ ...to, nullable: true }))})`;
  const parsed = em.strict([code], kind, checked, { guard: true, nullable: lenient });
  if (to.root === 'FLOAT') return { v: em.bind(`Math.fround(${parsed.v})`), n: parsed.n };
  return to.root === 'DECIMAL' ? checkDecimalIfSet(em, parsed, to) : parsed;
}
