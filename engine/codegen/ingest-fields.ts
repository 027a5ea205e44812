// Source text that generated parsers share: reading one value of a type at `p`, leaving `p` behind it or leaving the fast path.
import { EXACT_POWERS, dateAt, numberIn, timeAt, timestampAt } from './ingest-values.ts';
import type { IngestColumn } from './ingest-columns.ts';
import type { SqlType } from '../plan/types.ts';

/** What the generated text refers to by name. */
export const FIELD_HELPERS = { EXACT_POWERS, dateAt, numberIn, timeAt, timestampAt };

/** Declarations at the top of a generated parse function: typed arrays of each output column as local names. */
export function declareColumns(columns: IngestColumn[]): string {
  return columns
    .map((column, index) => {
      const base = `const col${index} = sink.columns[${index}];`;
      if (column.physical === 'str') return `${base} const str${index} = col${index}.strings;`;
      if (column.physical === 'i64') return `${base} const half${index} = col${index}.halves;`;
      return `${base} const val${index} = col${index}.values;`;
    })
    .join('\n');
}

/**
 * Statements that read an unquoted value other than a string at `p` into row `row` of output column `index`. On anything unusual they
 * run `leave`, after which a slow path reads the row again. What follows the value is for the caller to check.
 */
export function readPlainValue(type: SqlType, index: number, leave: string, separators: number[]): string {
  switch (type.root) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT': {
      const check =
        type.root === 'INT' ? '' : `if (v !== v << ${type.root === 'TINYINT' ? '24 >> 24' : '16 >> 16'}) ${leave}`;
      return `${digits9(leave)}
        if (((bytes[p] - 48) >>> 0) < 10) ${leave}
        if (neg) v = -v | 0;
        ${check}
        val${index}[row] = v;`;
    }
    case 'BIGINT':
      return `${digits9(leave)}
        if (((bytes[p] - 48) >>> 0) < 10) {
          let w = v;
          const end15 = s + 15;
          while (p < end15 && ((d = bytes[p] - 48) >>> 0) < 10) { w = w * 10 + d; p++; }
          if (((bytes[p] - 48) >>> 0) < 10) ${leave}
          if (neg) w = -w;
          ${storeWhole(index, 'w')}
        } else {
          if (neg) v = -v | 0;
          half${index}[2 * row] = v;
          half${index}[2 * row + 1] = v >> 31;
        }`;
    case 'DECIMAL': {
      const scale = type.scale ?? 0;
      const precision = type.precision ?? 10;
      // Up to 15 digits after scaling are exact in a double; more, and digits to round, are for the slow path.
      return `${mantissa(leave)}
        const lack = ${scale} - places;
        if (lack < 0 || seen + lack > 15 || m * EXACT_POWERS[lack] >= 1e${Math.min(precision, 15)}) ${leave}
        let w = m * EXACT_POWERS[lack];
        if (neg) w = -w;
        ${storeWhole(index, 'w')}`;
    }
    case 'FLOAT':
    case 'DOUBLE':
      return `const from = p;
        ${mantissa('', true)}
        if (seen > 15 || places > 22 || bytes[p] === 101 || bytes[p] === 69) {
          let c;
          while ((((c = bytes[p]) - 48) >>> 0) < 10 || c === 46 || c === 45 || c === 43 || c === 101 || c === 69) p++;
          m = numberIn(bytes, bytes[from] === 45 ? from + 1 : from, p);
          if (m !== m) ${leave}
        } else if (seen === 0) ${leave}
        else if (places !== 0) m = m / EXACT_POWERS[places];
        val${index}[row] = neg ? -m : m;`;
    case 'BOOLEAN':
      return `{ const word = view.getInt32(p, true);
        if (word === 0x65757274) { val${index}[row] = 1; p += 4; }
        else if (word === 0x736c6166 && bytes[p + 4] === 101) { val${index}[row] = 0; p += 5; }
        else ${leave} }`;
    default:
      return readTemporal(type, index, leave, separators);
  }
}

/** Reads a date, time or timestamp at `p`, which in JSON stands behind its opening quote. */
export function readTemporal(type: SqlType, index: number, leave: string, separators: number[]): string {
  const fraction = `if (bytes[p] === 46) {
      let scale = 100, f = 0, d;
      const s = ++p;
      while (((d = bytes[p] - 48) >>> 0) < 10) { f += d * scale; scale = scale === 1 ? 0 : scale / 10; p++; }
      if (p === s || p > s + 9) ${leave}
      t += f;
    }`;
  const zone = type.root === 'TIMESTAMP_LTZ' ? `if (bytes[p++] !== 90) ${leave}` : '';
  switch (type.root) {
    case 'DATE':
      return `{ const t = dateAt(view, p);
        if (t !== t) ${leave}
        val${index}[row] = t; p += 10; }`;
    case 'TIME':
      return `{ let t = timeAt(view, p);
        if (t !== t) ${leave}
        p += 8;
        ${fraction}
        val${index}[row] = t; }`;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ': {
      const separator =
        separators.length === 1
          ? String(separators[0])
          : `bytes[p + 10] === ${separators[1]} ? ${separators[1]} : ${separators[0]}`;
      return `{ let t = timestampAt(view, p, ${separator});
        if (t !== t) ${leave}
        p += 19;
        ${fraction}
        ${zone}
        val${index}[row] = t; }`;
    }
    default:
      return leave;
  }
}

/** A sign and up to nine digits into the int32 `v`; `s` is where the digits start. */
function digits9(leave: string): string {
  return `let neg = false, v = 0, d = 0;
    if (bytes[p] === 45) { neg = true; p++; }
    const s = p, end9 = p + 9;
    while (p < end9 && ((d = bytes[p] - 48) >>> 0) < 10) { v = (Math.imul(v, 10) + d) | 0; p++; }
    if (p === s) ${leave}`;
}

/** A sign, digits and a fraction: `m` the digits as one number, `seen` how many, `places` how many behind the point. */
function mantissa(leave: string, lenient = false): string {
  return `let neg = false, m = 0, d = 0, seen = 0, places = 0;
    if (bytes[p] === 45) { neg = true; p++; }
    { const s = p;
      while (((d = bytes[p] - 48) >>> 0) < 10) { m = m * 10 + d; p++; }
      seen = p - s;
      if (bytes[p] === 46) {
        const f = ++p;
        while (((d = bytes[p] - 48) >>> 0) < 10) { m = m * 10 + d; p++; }
        places = p - f;
        seen += places;
      } }
    ${lenient ? '' : `if (seen === 0 || seen > 15) ${leave}`}`;
}

/** Stores the whole number in the double `name`, below 2^53, as the two halves of 64 bits. */
function storeWhole(index: number, name: string): string {
  return `const hi = Math.floor(${name} / 4294967296);
    half${index}[2 * row] = (${name} - hi * 4294967296) | 0;
    half${index}[2 * row + 1] = hi;`;
}
