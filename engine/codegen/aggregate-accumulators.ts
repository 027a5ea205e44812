// Source text that adds a row to the accumulators of its group. BIGINT and DECIMAL are added and compared as two 32-bit halves: no BigInt is made.
import { physical, type Physical, type SqlType } from '../plan/types.ts';
import type { RecordField, RecordLayout } from '../state/records.ts';
import { place } from './aggregate-keys.ts';

/** One accumulator; `argument` and `filter` number the inputs of the generated function, null when it has none. */
export interface AccumulatorShape {
  fn: 'COUNT' | 'SUM' | 'MIN' | 'MAX';
  type: SqlType;
  argument: number | null;
  filter: number | null;
}

/** Locals that hold for the whole batch: data and validity of arguments, masks of filters, stores of strings. */
export function argumentPrelude(args: readonly Physical[], filters: number, layout: RecordLayout): string {
  const lines = args.map((kind, i) => {
    const common = `const a${i} = args[${i}].data, av${i} = args[${i}].validity;`;
    return kind === 'str' ? `${common} const ab${i} = args[${i}].bytes, ac${i} = args[${i}].codes;` : common;
  });
  for (let i = 0; i < filters; i++) lines.push(`const f${i} = filters[${i}];`);
  layout.accumulators.forEach((field, j) => {
    if (field === null) lines.push(`const s${j} = table.strings[${j}];`);
  });
  return lines.join('\n');
}

/** Statements that set up a group that has just been made: counts are 0, the rest is NULL (records start as zeros). */
export function initialValues(accumulators: readonly AccumulatorShape[], layout: RecordLayout): string {
  return accumulators.map(({ fn }, j) => (fn === 'COUNT' ? setValid(layout.accumulators[j]!) : '')).join(' ');
}

/** Statements that keep the accumulators of group g as entry n of `old`. */
export function keepOldValues({ width, accumulators, accumulatorsAt: from }: RecordLayout): string {
  const kept = width - from;
  const strings = accumulators.map((field, j) => (field === null ? `oldStrings[${j}].copy(n, s${j}, g);` : ''));
  const words =
    kept > 64
      ? `for (let word = 0; word < ${kept}; word++) old[o + word] = R[b + ${from} + word];`
      : Array.from({ length: kept }, (_, word) => `old[o + ${word}] = R[b + ${from + word}];`).join(' ');
  return `const o = n * ${kept}; ${words} ${strings.join(' ')}`;
}

/** Statements that add `row` to every accumulator of group g. `nullable`: arguments may hold NULLs. */
export function updateAccumulators(
  accumulators: readonly AccumulatorShape[],
  layout: RecordLayout,
  nullable: boolean,
): string {
  return accumulators
    .map((accumulator, j) => {
      const conditions: string[] = [];
      if (accumulator.filter !== null) conditions.push(`f${accumulator.filter}[row] !== 0`);
      if (nullable && accumulator.argument !== null) conditions.push(notNull(accumulator.argument));
      const update = updateOne(accumulator, layout.accumulators[j]!, j);
      return conditions.length === 0 ? `{ ${update} }` : `if (${conditions.join(' && ')}) { ${update} }`;
    })
    .join('\n');
}

function notNull(i: number): string {
  return `(av${i} === null || (av${i}[row >> 3] >> (row & 7) & 1) === 1)`;
}

function setValid({ validAt, validBit }: RecordField): string {
  return `R[b + ${validAt}] |= ${1 << validBit};`;
}

function updateOne({ fn, type, argument: a }: AccumulatorShape, field: RecordField | null, j: number): string {
  if (fn === 'COUNT') {
    const { at } = field!;
    return `const c = R[b + ${at}]; R[b + ${at}] = c + 1 | 0; if (c === -1) R[b + ${at + 1}] = R[b + ${at + 1}] + 1 | 0;`;
  }
  if (a === null) throw new Error(`${fn} has no argument`);
  if (field === null)
    return `const e = ac${a} === null ? row : ac${a}[row]; s${j}.offer(g, ab${a}, a${a}[e], a${a}[e + 1], ${fn === 'MIN' ? 1 : -1});`;
  return fn === 'SUM' ? sum(type, field, a, j) : extreme(fn, field, a);
}

/** Wraps on overflow as Flink does, except DECIMAL, which has no wrapped value: that fails. */
function sum(type: SqlType, field: RecordField, a: number, j: number): string {
  const { at } = field;
  const valid = setValid(field);
  switch (physical(type)) {
    case 'i64': {
      const add = `
const x = R[b + ${at}], y = a${a}[2 * row], z = x + y | 0;
const hi = R[b + ${at + 1}] + a${a}[2 * row + 1] + ((x & y | (x | y) & ~z) >>> 31) | 0;
R[b + ${at}] = z; R[b + ${at + 1}] = hi; ${valid}`;
      if (type.root !== 'DECIMAL') return add;
      const bound = Number((10n ** BigInt(type.precision ?? 10)) >> 32n);
      return `${add} if (hi >= ${bound} || hi < ${-bound}) checkDecimal(z, hi, ${j});`;
    }
    case 'i32': {
      const shift = type.root === 'TINYINT' ? 24 : type.root === 'SMALLINT' ? 16 : 0;
      const total = `R[b + ${at}] + a${a}[row]`;
      return `R[b + ${at}] = ${shift === 0 ? total : `(${total}) << ${shift} >> ${shift}`}; ${valid}`;
    }
    default:
      return `${place(field)} += a${a}[row]; ${valid}`;
  }
}

/** NaN is greater than every number, as Java's Double.compare has it, so that the result does not depend on the order of rows. */
function extreme(fn: 'MIN' | 'MAX', field: RecordField, a: number): string {
  const { at } = field;
  const less = fn === 'MIN' ? '<' : '>';
  const isNull = `(R[b + ${field.validAt}] & ${1 << field.validBit}) === 0`;
  const valid = setValid(field);
  const value = place(field);
  switch (field.physical) {
    case 'i64':
      return `
const lo = a${a}[2 * row], hi = a${a}[2 * row + 1], top = R[b + ${at + 1}];
if (${isNull} || hi ${less} top || (hi === top && lo >>> 0 ${less} R[b + ${at}] >>> 0)) {
  R[b + ${at}] = lo; R[b + ${at + 1}] = hi; ${valid}
}`;
    case 'f32':
    case 'f64': {
      const nan = fn === 'MIN' ? `${value} !== ${value}` : 'v !== v';
      // Adding 0 makes -0 to 0.
      return `const v = a${a}[row]; if (${isNull} || v ${less} ${value} || ${nan}) { ${value} = v + 0; ${valid} }`;
    }
    default:
      return `const v = a${a}[row]; if (${isNull} || v ${less} ${value}) { ${value} = v; ${valid} }`;
  }
}
