// Source text that adds a row to the accumulators of its group. BIGINT and DECIMAL are added and compared as two 32-bit halves: no BigInt is made.
import { physical, type Physical, type SqlType } from '../plan/types.ts';

/** One accumulator; `argument` and `filter` number the inputs of the generated function, null when it has none. */
export interface AccumulatorShape {
  fn: 'COUNT' | 'SUM' | 'MIN' | 'MAX';
  type: SqlType;
  argument: number | null;
  filter: number | null;
}

/** Locals that hold for the whole batch: data and validity of arguments, masks of filters. */
export function argumentPrelude(args: readonly Physical[], filters: number): string {
  const lines = args.map((kind, i) => {
    const common = `const a${i} = args[${i}].data, av${i} = args[${i}].validity;`;
    return kind === 'str' ? `${common} const ab${i} = args[${i}].bytes, ac${i} = args[${i}].codes;` : common;
  });
  for (let i = 0; i < filters; i++) lines.push(`const f${i} = filters[${i}];`);
  return lines.join('\n');
}

/** Locals that hold until the table grows. */
export function accumulatorArrays(accumulators: readonly AccumulatorShape[]): string {
  return accumulators
    .map(({ type }, j) => {
      const store = `table.accumulators[${j}]`;
      const kind = physical(type);
      if (kind === 'str') return `const s${j} = ${store}, sv${j} = s${j}.valid;`;
      return `const s${j} = ${store}.${kind === 'i64' ? 'words' : 'values'}, sv${j} = ${store}.valid;`;
    })
    .join('\n');
}

/** Statements that sets up a group that has just been made: counts are 0, the rest is NULL (arrays start as zeros). */
export function initialValues(accumulators: readonly AccumulatorShape[]): string {
  return accumulators.map(({ fn }, j) => (fn === 'COUNT' ? `sv${j}[g] = 1;` : '')).join(' ');
}

/** Statements that keep the values of group g from before this batch at place n of `old`. */
export function keepOldValues(accumulators: readonly AccumulatorShape[]): string {
  return accumulators
    .map(({ type }, j) => {
      const kind = physical(type);
      if (kind === 'str') return `old[${j}].copy(n, s${j}, g);`;
      const valid = `ov${j}[n] = sv${j}[g];`;
      return kind === 'i64'
        ? `${valid} o${j}[2 * n] = s${j}[2 * g]; o${j}[2 * n + 1] = s${j}[2 * g + 1];`
        : `${valid} o${j}[n] = s${j}[g];`;
    })
    .join('\n');
}

/** Locals of keepOldValues. */
export function oldPrelude(accumulators: readonly AccumulatorShape[]): string {
  return accumulators
    .map(({ type }, j) => {
      const kind = physical(type);
      if (kind === 'str') return '';
      return `const o${j} = old[${j}].${kind === 'i64' ? 'words' : 'values'}, ov${j} = old[${j}].valid;`;
    })
    .join('\n');
}

/** Statements that add `row` to every accumulator of group g. `nullable`: arguments may hold NULLs. */
export function updateAccumulators(accumulators: readonly AccumulatorShape[], nullable: boolean): string {
  return accumulators
    .map((accumulator, j) => {
      const conditions: string[] = [];
      if (accumulator.filter !== null) conditions.push(`f${accumulator.filter}[row] !== 0`);
      if (nullable && accumulator.argument !== null) conditions.push(notNull(accumulator.argument));
      const update = updateOne(accumulator, j);
      return conditions.length === 0 ? `{ ${update} }` : `if (${conditions.join(' && ')}) { ${update} }`;
    })
    .join('\n');
}

function notNull(i: number): string {
  return `(av${i} === null || (av${i}[row >> 3] >> (row & 7) & 1) === 1)`;
}

function updateOne(accumulator: AccumulatorShape, j: number): string {
  const { fn, type, argument } = accumulator;
  if (fn === 'COUNT')
    return `const c = s${j}[2 * g]; s${j}[2 * g] = c + 1 | 0; if (c === -1) s${j}[2 * g + 1] = s${j}[2 * g + 1] + 1 | 0;`;
  if (argument === null) throw new Error(`${fn} has no argument`);
  return fn === 'SUM' ? sum(type, argument, j) : extreme(fn, type, argument, j);
}

/** Wraps on overflow as Flink does, except DECIMAL, which has no wrapped value: that fails. */
function sum(type: SqlType, a: number, j: number): string {
  const valid = `sv${j}[g] = 1;`;
  switch (physical(type)) {
    case 'i64': {
      const add = `
const x = s${j}[2 * g], y = a${a}[2 * row], z = x + y | 0;
const hi = s${j}[2 * g + 1] + a${a}[2 * row + 1] + ((x & y | (x | y) & ~z) >>> 31) | 0;
s${j}[2 * g] = z; s${j}[2 * g + 1] = hi; ${valid}`;
      if (type.root !== 'DECIMAL') return add;
      const bound = Number((10n ** BigInt(type.precision ?? 10)) >> 32n);
      return `${add} if (hi >= ${bound} || hi < ${-bound}) checkDecimal(z, hi, ${j});`;
    }
    case 'i32': {
      const shift = type.root === 'TINYINT' ? 24 : type.root === 'SMALLINT' ? 16 : 0;
      const total = `s${j}[g] + a${a}[row]`;
      return `s${j}[g] = ${shift === 0 ? total : `(${total}) << ${shift} >> ${shift}`}; ${valid}`;
    }
    default:
      return `s${j}[g] += a${a}[row]; ${valid}`;
  }
}

/** NaN is greater than every number, as Java's Double.compare has it, so that the result does not depend on the order of rows. */
function extreme(fn: 'MIN' | 'MAX', type: SqlType, a: number, j: number): string {
  const less = fn === 'MIN' ? '<' : '>';
  switch (physical(type)) {
    case 'i64':
      return `
const lo = a${a}[2 * row], hi = a${a}[2 * row + 1], top = s${j}[2 * g + 1];
if (sv${j}[g] === 0 || hi ${less} top || (hi === top && lo >>> 0 ${less} s${j}[2 * g] >>> 0)) {
  s${j}[2 * g] = lo; s${j}[2 * g + 1] = hi; sv${j}[g] = 1;
}`;
    case 'str':
      return `
const e = ac${a} === null ? row : ac${a}[row];
s${j}.offer(g, ab${a}, a${a}[e], a${a}[e + 1], ${fn === 'MIN' ? -1 : 1});`;
    case 'f32':
    case 'f64': {
      const nan = fn === 'MIN' ? `s${j}[g] !== s${j}[g]` : 'v !== v';
      // Adding 0 makes -0 to 0.
      return `const v = a${a}[row]; if (sv${j}[g] === 0 || v ${less} s${j}[g] || ${nan}) { s${j}[g] = v + 0; sv${j}[g] = 1; }`;
    }
    default:
      return `const v = a${a}[row]; if (sv${j}[g] === 0 || v ${less} s${j}[g]) { s${j}[g] = v; sv${j}[g] = 1; }`;
  }
}
