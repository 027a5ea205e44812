// Arithmetic, comparisons and numeric functions. Integers wrap; integer and DECIMAL division by zero is an error; DECIMAL overflow is NULL.
import type { Expr } from '../plan/exec-plan.ts';
import { physical, type SqlType } from '../plan/types.ts';
import { checkDecimal, convert, rescaleText, wrapInt } from './emit-cast.ts';
import type { Call, Code, Emitter } from './emitter.ts';

export type Emit = (em: Emitter, call: Call) => Code;

const isDouble = (type: SqlType): boolean => type.root === 'FLOAT' || type.root === 'DOUBLE';
const scaleOf = (type: SqlType): number => (type.root === 'DECIMAL' ? (type.scale ?? 0) : 0);

function arithmetic(op: '+' | '-' | '*' | '/' | '%'): Emit {
  return (em, { args, type }) => {
    if (type.root === 'DECIMAL') return decimalArithmetic(em, op, args, type);
    // The binder gives operands the type of the result; what differs only in width is converted here.
    const [a, b] = args.map((arg) => convert(em, em.emit(arg), arg.type, type)) as [Code, Code];
    switch (physical(type)) {
      case 'i64': {
        if (op !== '/' && op !== '%') return em.strict([a, b], 'i64', (x, y) => `BigInt.asIntN(64, ${x} ${op} ${y})`);
        const divide = (x: string, y: string): string =>
          `(${y} === 0n ? ${em.helper('divisionByZero')}() : BigInt.asIntN(64, ${x} ${op} ${y}))`;
        return em.strict([a, b], 'i64', divide, { guard: true });
      }
      case 'i32': {
        if (op === '*') return em.strict([a, b], 'i32', (x, y) => wrapInt(`Math.imul(${x}, ${y})`, type.root));
        if (op !== '/' && op !== '%') return em.strict([a, b], 'i32', (x, y) => wrapInt(`${x} ${op} ${y}`, type.root));
        const divide = (x: string, y: string): string =>
          `(${y} === 0 ? ${em.helper('divisionByZero')}() : ${wrapInt(`${x} ${op} ${y}`, type.root)})`;
        return em.strict([a, b], 'i32', divide, { guard: true });
      }
      case 'f32':
        return em.strict([a, b], 'f32', (x, y) => `Math.fround(${x} ${op} ${y})`);
      default:
        return em.strict([a, b], 'f64', (x, y) => `(${x} ${op} ${y})`);
    }
  };
}

/** An operand of DECIMAL arithmetic: its unscaled value; integers have scale 0. */
function unscaled(em: Emitter, arg: Expr): Code {
  const code = em.emit(arg);
  return physical(arg.type) === 'i64' ? code : convert(em, code, arg.type, { root: 'BIGINT', nullable: true });
}

function decimalArithmetic(em: Emitter, op: string, args: Expr[], type: SqlType): Code {
  const [left, right] = args as [Expr, Expr];
  const [a, b] = [unscaled(em, left), unscaled(em, right)];
  const [s1, s2, scale] = [scaleOf(left.type), scaleOf(right.type), scaleOf(type)];
  const common = Math.max(s1, s2);
  const compute = (x: string, y: string): string => {
    if (op === '*') return rescaleText(em, `(${x} * ${y})`, s1 + s2, scale);
    if (op === '/') return `${em.helper('decimalDivide')}(${x}, ${y}, ${s1}, ${s2}, ${scale})`;
    const [l, r] = [rescaleText(em, x, s1, common), rescaleText(em, y, s2, common)];
    if (op === '%') return rescaleText(em, `${em.helper('decimalRemainder')}(${l}, ${r})`, common, scale);
    return rescaleText(em, `(${l} ${op} ${r})`, common, scale);
  };
  const result = em.strict([a, b], 'i64', compute, { guard: op === '/' || op === '%' });
  return checkDecimal(em, result, type.precision ?? 18);
}

/** The type in which operands of different types are compared. */
export function comparisonType(types: SqlType[]): SqlType {
  const known = types.filter((type) => type.root !== 'NULL');
  const first = known[0] ?? types[0]!;
  if (known.every((type) => type.root === first.root && scaleOf(type) === scaleOf(first))) return first;
  if (known.some(isDouble)) return { root: 'DOUBLE', nullable: true };
  if (known.some((type) => type.root === 'DECIMAL'))
    // Wide enough for every operand: comparisons must not overflow.
    return { root: 'DECIMAL', precision: 60, scale: Math.max(...known.map(scaleOf)), nullable: true };
  if (known.some((type) => type.root === 'BIGINT')) return { root: 'BIGINT', nullable: true };
  if (known.some((type) => type.root === 'TIMESTAMP' || type.root === 'TIMESTAMP_LTZ'))
    return known.find((type) => type.root.startsWith('TIMESTAMP'))!;
  if (known.some((type) => type.root === 'VARCHAR')) return { root: 'VARCHAR', length: 2147483647, nullable: true };
  return { root: 'INT', nullable: true };
}

/** Text of a comparison of two values of one type. */
export function compareText(em: Emitter, op: string, type: SqlType, x: string, y: string): string {
  const js = op === '=' ? '===' : op === '<>' ? '!==' : op;
  if (physical(type) === 'str' && js.length < 3) return `${em.helper('compareStrings')}(${x}, ${y}) ${js} 0`;
  return `${x} ${js} ${y}`;
}

/** A comparison of a string column with a literal: by bytes, nothing is decoded. */
function entryEquals(em: Emitter, args: Expr[]): Code | null {
  const column = args.find((arg) => arg.kind === 'column');
  const constant = args.find((arg) => arg.kind === 'literal');
  if (column === undefined || constant === undefined || typeof constant.value !== 'string') return null;
  if (physical(column.type) !== 'str') return null;
  const bytes = em.constant(`${em.helper('utf8')}(${JSON.stringify(constant.value)})`);
  const isNull = em.emit({ kind: 'call', fn: 'IS NULL', args: [column], type: { root: 'BOOLEAN', nullable: false } });
  const entry = em.entryOf(column.index);
  const [o, b] = [`o${column.index}`, `b${column.index}`];
  const test = `${em.helper('bytesEqual')}(${b}, ${o}[${entry}], ${o}[${entry} + 1], ${bytes})`;
  return em.strict([{ v: entry, n: isNull.v }], 'u8', () => test, { guard: true });
}

function comparison(op: string): Emit {
  return (em, { args }) => {
    const bytes = op === '=' || op === '<>' ? entryEquals(em, args) : null;
    if (bytes !== null) return op === '=' ? bytes : { v: em.bind(`!${bytes.v}`), n: bytes.n };
    const type = comparisonType(args.map((arg) => arg.type));
    const [a, b] = args.map((arg) => convert(em, em.emit(arg), arg.type, type)) as [Code, Code];
    return em.strict([a, b], 'u8', (x, y) => compareText(em, op, type, x, y), {
      guard: physical(type) === 'str' && op.length < 3,
    });
  };
}

function distinct(negated: boolean): Emit {
  return (em, { args }) => {
    const type = comparisonType(args.map((arg) => arg.type));
    const [a, b] = args.map((arg) => convert(em, em.emit(arg), arg.type, type)) as [Code, Code];
    const equal = em.bind(`${a.n} || ${b.n} ? ${a.n} && ${b.n} : ${a.v} === ${b.v}`);
    return { v: negated ? equal : em.bind(`!${equal}`), n: 'false' };
  };
}

/** GREATEST and LEAST: NULL when any operand is. */
function extreme(op: '<' | '>'): Emit {
  return (em, { args, type }) => {
    const codes = args.map((arg) => convert(em, em.emit(arg), arg.type, type));
    return codes.reduce((a, b) =>
      em.strict([a, b], physical(type), (x, y) => `(${compareText(em, op, type, y, x)} ? ${y} : ${x})`),
    );
  };
}

/** A function of doubles. */
const math =
  (compute: (...values: string[]) => string): Emit =>
  (em, { args }) =>
    em.strict(
      args.map((arg) => convert(em, em.emit(arg), arg.type, { root: 'DOUBLE', nullable: true })),
      'f64',
      compute,
    );

function floorCeil(ceil: boolean): Emit {
  return (em, { args, type }) => {
    const [arg] = args as [Expr];
    const code = em.emit(arg);
    if (isDouble(arg.type)) return em.strict([code], 'f64', (x) => `Math.${ceil ? 'ceil' : 'floor'}(${x})`);
    if (arg.type.root !== 'DECIMAL') return code;
    const floor = em.helper('decimalFloor');
    const whole = em.strict([code], 'i64', (x) =>
      ceil ? `-${floor}(-${x}, ${scaleOf(arg.type)})` : `${floor}(${x}, ${scaleOf(arg.type)})`,
    );
    return convert(em, whole, { root: 'DECIMAL', precision: 19, scale: 0, nullable: true }, type);
  };
}

function round(truncate: boolean): Emit {
  return (em, { args, type }) => {
    const [arg, digitsArg] = args as [Expr, Expr | undefined];
    const value = em.emit(arg);
    const digits: Code =
      digitsArg === undefined
        ? { v: '0', n: 'false' }
        : convert(em, em.emit(digitsArg), digitsArg.type, { root: 'INT', nullable: true });
    const operands = [value, digits];
    if (isDouble(arg.type)) {
      const rounded = (x: string, d: string): string => `${em.helper('roundDouble')}(${x}, ${d}, ${truncate})`;
      return em.strict(
        operands,
        'f64',
        type.root === 'FLOAT' ? (x, d) => `Math.fround(${rounded(x, d)})` : (x, d) => rounded(x, d),
      );
    }
    if (arg.type.root === 'DECIMAL') {
      const text = (x: string, d: string): string =>
        `${em.helper('decimalRound')}(${x}, ${scaleOf(arg.type)}, ${d}, ${scaleOf(type)}, ${truncate})`;
      return checkDecimal(em, em.strict(operands, 'i64', text), type.precision ?? 18);
    }
    const long = { root: 'BIGINT', nullable: true } as const;
    const wide = convert(em, value, arg.type, long);
    const rounded = em.strict([wide, digits], 'i64', (x, d) => `${em.helper('roundLong')}(${x}, ${d}, ${truncate})`);
    return convert(em, rounded, long, arg.type);
  };
}

function negate(em: Emitter, { args, type }: Call): Code {
  const code = convert(em, em.emit(args[0]!), args[0]!.type, type);
  return em.strict([code], physical(type), (x) => negateText(x, type));
}

function negateText(x: string, type: SqlType): string {
  const kind = physical(type);
  if (kind === 'i64') return `BigInt.asIntN(64, -${x})`;
  return kind === 'i32' ? wrapInt(`-${x}`, type.root) : `(-${x})`;
}

function sign(em: Emitter, { args, type }: Call): Code {
  const [arg] = args as [Expr];
  const code = em.emit(arg);
  if (physical(arg.type) !== 'i64') return em.strict([code], physical(type), (x) => `Math.sign(${x})`);
  const unit = `${10n ** BigInt(scaleOf(type))}n`;
  const signed = em.strict([code], 'i64', (x) => `(${x} > 0n ? ${unit} : ${x} < 0n ? -${unit} : 0n)`);
  return type.root === 'DECIMAL' ? signed : convert(em, signed, { root: 'BIGINT', nullable: true }, type);
}

export const arithmeticEmitters = {
  '+': arithmetic('+'),
  '-': arithmetic('-'),
  '*': arithmetic('*'),
  '/': arithmetic('/'),
  '%': arithmetic('%'),
  MOD: arithmetic('%'),
  NEGATE: negate,
  '=': comparison('='),
  '<>': comparison('<>'),
  '<': comparison('<'),
  '<=': comparison('<='),
  '>': comparison('>'),
  '>=': comparison('>='),
  'IS DISTINCT FROM': distinct(false),
  'IS NOT DISTINCT FROM': distinct(true),
  GREATEST: extreme('>'),
  LEAST: extreme('<'),
  ABS: (em: Emitter, { args, type }: Call): Code =>
    em.strict([em.emit(args[0]!)], physical(type), (x) =>
      physical(type) === 'f64' || physical(type) === 'f32'
        ? `Math.abs(${x})`
        : `(${x} < ${physical(type) === 'i64' ? '0n' : '0'} ? ${negateText(x, type)} : ${x})`,
    ),
  FLOOR: floorCeil(false),
  CEIL: floorCeil(true),
  ROUND: round(false),
  TRUNCATE: round(true),
  POWER: math((x, y) => `Math.pow(${x}, ${y})`),
  SQRT: math((x) => `Math.sqrt(${x})`),
  EXP: math((x) => `Math.exp(${x})`),
  LN: math((x) => `Math.log(${x})`),
  LOG10: math((x) => `Math.log10(${x})`),
  SIGN: sign,
};
