// The JSON lines parser: for each order of keys met so far, a generated function that expects exactly that order and its blanks.
// Rows that differ (other keys, escapes in keys, numbers as strings, bad values) are read with JSON.parse, which is also what judges them.
import { RowFault, type BatchSink, type IngestColumn, type RowParser } from './ingest-columns.ts';
import { putUnescaped } from './ingest-escapes.ts';
import { declareColumns, FIELD_HELPERS, readPlainValue, readTemporal } from './ingest-fields.ts';
import { jsonTemplate, type JsonTemplate } from './ingest-json-template.ts';
import { putText, ValueFault } from './ingest-values.ts';

export interface JsonFormat {
  /** A key that is not in the row is an error rather than NULL. */
  failOnMissingField: boolean;
  /** Bad values become NULL, as in Flink; rows that are no JSON object, or would have a NULL where none may be, are skipped. Such rows are counted. */
  ignoreErrors: boolean;
  /** Between date and time: T (ISO-8601) or a blank (SQL). */
  timestampSeparator: 'T' | ' ';
}

/** Key orders that get a generated function; rows of yet others take the slow path. */
const MAX_TEMPLATES = 8;

type Parse = (sink: BatchSink, bytes: Uint8Array, view: DataView, p: number, stop: number) => number;

/** Compiles a parser for objects of which the fields `schema` (the output columns) are read. */
export function compileJsonParser(columns: IngestColumn[], format: JsonFormat): RowParser {
  return new JsonParser(columns, format);
}

class JsonParser implements RowParser {
  private readonly columns: IngestColumn[];
  private readonly format: JsonFormat;
  private readonly slow: JsonRowReader;
  private readonly templates: { signature: string; parse: Parse }[] = [];
  private current: Parse | null = null;

  constructor(columns: IngestColumn[], format: JsonFormat) {
    this.columns = columns;
    this.format = format;
    this.slow = new JsonRowReader(format);
  }

  parse(sink: BatchSink, bytes: Uint8Array, view: DataView, from: number, _to: number, stop: number): number {
    let p = from;
    while (sink.rows < sink.limit && p < stop) {
      if (this.current !== null) {
        p = this.current(sink, bytes, view, p, stop);
        if (sink.rows === sink.limit || p >= stop) break;
      }
      const next = this.tryOthers(sink, bytes, view, p, stop);
      p = next > p ? next : this.readSlowly(sink, bytes, p);
    }
    return p;
  }

  /** Goes on with another known order of keys when the row at `p` has it. */
  private tryOthers(sink: BatchSink, bytes: Uint8Array, view: DataView, p: number, stop: number): number {
    for (const template of this.templates) {
      if (template.parse === this.current) continue;
      const next = template.parse(sink, bytes, view, p, stop);
      if (next === p) continue;
      this.current = template.parse;
      return next;
    }
    return p;
  }

  private readSlowly(sink: BatchSink, bytes: Uint8Array, start: number): number {
    const end = bytes.indexOf(10, start);
    const taken = this.slow.read(sink, bytes, start, end);
    if (taken && this.templates.length < MAX_TEMPLATES) this.learn(bytes, start, end);
    return end + 1;
  }

  private learn(bytes: Uint8Array, start: number, end: number): void {
    const template = jsonTemplate(bytes, start, end);
    if (template === null || this.templates.some((known) => known.signature === template.signature)) return;
    const names = this.columns.map((column) => column.field.name);
    // Such rows are refused; the slow path says how.
    if (this.format.failOnMissingField && names.some((name) => !template.keys.includes(name))) return;
    const parse = compileTemplate(template, this.columns, this.format);
    this.templates.push({ signature: template.signature, parse });
    this.current = parse;
  }
}

function compileTemplate(template: JsonTemplate, columns: IngestColumn[], format: JsonFormat): Parse {
  const names = Object.keys(FIELD_HELPERS);
  const make = new Function(...names, 'putUnescaped', source(template, columns, format)) as (
    ...args: unknown[]
  ) => Parse;
  return make(...Object.values(FIELD_HELPERS), putUnescaped);
}

function source(template: JsonTemplate, columns: IngestColumn[], format: JsonFormat): string {
  const steps = template.keys.map((key, at) => {
    // Of a key that comes twice the last one counts.
    const output =
      template.keys.lastIndexOf(key) === at ? columns.findIndex((column) => column.field.name === key) : -1;
    const value = output < 0 ? skipValue() : readValue(columns[output]!, output, format);
    return `{ ${matchLiteral(template.literals[at]!)}\n${value} }`;
  });
  const missing = columns
    .map((column, index) => (template.keys.includes(column.field.name) ? '' : `col${index}.setNull(row);`))
    .join(' ');
  return `
    "use strict";
    // Offset of the next quote, backslash or control character: four bytes at a time, lowest match first.
    function stringEnd(view, p) {
      for (;;) {
        const w = view.getInt32(p, true);
        const q = w ^ 0x22222222, b = w ^ 0x5c5c5c5c;
        const m = ((((q - 0x01010101) | 0) & ~q) | (((b - 0x01010101) | 0) & ~b) | (((w - 0x20202020) | 0) & ~w)) & 0x80808080;
        if (m !== 0) return p + ((31 - Math.clz32(m & -m)) >> 3);
        p += 4;
      }
    }
    // Offset behind the string whose opening quote is at p, or -1.
    function skipString(bytes, view, p) {
      p = stringEnd(view, p + 1);
      while (bytes[p] === 92 && bytes[p + 1] >= 32) p = stringEnd(view, p + 2);
      return bytes[p] === 34 ? p + 1 : -1;
    }
    // Offset behind the object or array that starts at p, or -1.
    function skipNested(bytes, view, p) {
      let depth = 0;
      for (;;) {
        const c = bytes[p];
        if (c === 34) { p = skipString(bytes, view, p); if (p < 0) return -1; continue; }
        if (c === 123 || c === 91) depth++;
        else if (c === 125 || c === 93) { if (--depth === 0) return p + 1; }
        else if (c === 10) return -1;
        p++;
      }
    }
    return function parse(sink, bytes, view, p, stop) {
      ${declareColumns(columns)}
      const limit = sink.limit;
      let row = sink.rows;
      while (row < limit && p < stop) {
        const rowStart = p;
        fast: {
          ${steps.join('\n')}
          ${matchLiteral(template.literals[template.keys.length]!)}
          if (bytes[p] === 13) p++;
          if (bytes[p] !== 10) break fast;
          p++;
          ${missing}
          row++;
          continue;
        }
        p = rowStart;
        break;
      }
      sink.rows = row;
      if (row < limit) sink.resetRow();
      return p;
    };`;
}

/** Leaves the fast path unless the bytes at `p` are `literal`; compares words. The newline that ends the row matches no literal. */
function matchLiteral(literal: Uint8Array): string {
  const view = new DataView(literal.buffer, literal.byteOffset, literal.length);
  const tests: string[] = [];
  let at = 0;
  for (; at + 4 <= literal.length; at += 4) tests.push(`view.getInt32(p + ${at}, true) !== ${view.getInt32(at, true)}`);
  for (; at < literal.length; at++) tests.push(`bytes[p + ${at}] !== ${literal[at]}`);
  return tests.length === 0 ? '' : `if (${tests.join(' || ')}) break fast; p += ${literal.length};`;
}

function skipValue(): string {
  return `let c = bytes[p];
    if (c === 34) { p = skipString(bytes, view, p); if (p < 0) break fast; }
    else if (c === 123 || c === 91) { p = skipNested(bytes, view, p); if (p < 0) break fast; }
    else { const s = p; while (c !== 44 && c !== 125 && c > 32) c = bytes[++p]; if (p === s) break fast; }`;
}

function readValue(column: IngestColumn, index: number, format: JsonFormat): string {
  const { type } = column.field;
  const nulls = type.nullable
    ? `if (view.getInt32(p, true) === 0x6c6c756e) { col${index}.setNull(row); p += 4; } else `
    : '';
  switch (type.root) {
    case 'CHAR':
    case 'VARCHAR':
      return `if (bytes[p] === 34) {
          const e = stringEnd(view, p + 1);
          if (bytes[e] === 34) { str${index}.put(bytes, view, p + 1, e, row); p = e + 1; }
          else {
            const s = p;
            p = skipString(bytes, view, p);
            if (p < 0 || !putUnescaped(str${index}, bytes, s + 1, p - 1, row)) break fast;
          }
        } else ${nulls}break fast;`;
    case 'DATE':
    case 'TIME':
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return `if (bytes[p] === 34) {
          p++;
          ${readTemporal(type, index, 'break fast;', [format.timestampSeparator.charCodeAt(0)])}
          if (bytes[p++] !== 34) break fast;
        } else ${nulls}break fast;`;
    default:
      // Numbers in quotes, which Flink takes too, are for the slow path; so are leading zeros, which are not JSON.
      return `${nulls}{
          if (bytes[p] === 48 && ((bytes[p + 1] - 48) >>> 0) < 10) break fast;
          ${readPlainValue(type, index, 'break fast;', [])}
        }`;
  }
}

const decoder = new TextDecoder();

/** A number of the row with its digits as written: BIGINT and DECIMAL must not pass through a double. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Reads one row by JSON.parse. */
class JsonRowReader {
  private readonly format: JsonFormat;

  constructor(format: JsonFormat) {
    this.format = format;
  }

  /** Reads `bytes[start, end)`, a line without its newline; false when it gave no row: blank, or skipped for an error. */
  read(sink: BatchSink, bytes: Uint8Array, start: number, end: number): boolean {
    sink.resetRow();
    const text = decoder.decode(bytes.subarray(start, end));
    if (text.trim() === '') return false;
    try {
      this.store(sink, start, text, parseObject(start, text));
    } catch (error) {
      if (!(error instanceof RowFault) || !this.format.ignoreErrors) throw error;
      sink.invalid++;
      sink.resetRow();
      return false;
    }
    sink.rows++;
    return true;
  }

  private store(sink: BatchSink, start: number, text: string, object: Record<string, unknown>): void {
    let bad = false;
    for (const column of sink.columns) {
      const { name, type } = column.field;
      const present = Object.hasOwn(object, name);
      const value = present ? object[name] : null;
      const fail = (reason: string): never => {
        throw new RowFault(start, name, value === null ? 'null' : valueText(value, text, name), reason);
      };
      if (!present && this.format.failOnMissingField) fail('the field is missing');
      if (value === null || value === undefined) {
        if (!type.nullable)
          fail(present ? 'the column is NOT NULL' : 'the field is missing and the column is NOT NULL');
        column.setNull(sink.rows);
        continue;
      }
      try {
        this.put(column, sink.rows, value, valueText(value, text, name));
      } catch (error) {
        if (!(error instanceof ValueFault)) throw error;
        if (!this.format.ignoreErrors || !type.nullable) fail(error.message);
        bad = true;
        column.setNull(sink.rows);
      }
    }
    if (bad) sink.invalid++;
  }

  private put(column: IngestColumn, row: number, value: unknown, text: string): void {
    const { root } = column.field.type;
    if (column.physical !== 'str' && typeof value === 'object' && !(value instanceof NumberText))
      throw new ValueFault(`an object or array is no ${root}`);
    if (root === 'BOOLEAN' && value instanceof NumberText) throw new ValueFault('is neither true nor false');
    putText(column, row, text, { separators: this.format.timestampSeparator });
  }
}

function valueText(value: unknown, row: string, name: string): string {
  if (typeof value === 'string') return value;
  if (value instanceof NumberText) return value.text;
  if (typeof value === 'boolean') return String(value);
  // An object or array in a string column: its JSON, as in Flink. Parsed again, without the digits as text.
  return JSON.stringify((JSON.parse(row) as Record<string, unknown>)[name]);
}

/** `JSON.parse` hands a reviver the source text of each primitive; the type of lib.es does not know yet. */
type SourceReviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

function parseObject(start: number, text: string): Record<string, unknown> {
  const reviver: SourceReviver = (_key, value, context) =>
    typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value;
  let value: unknown;
  try {
    value = JSON.parse(text, reviver);
  } catch (error) {
    throw new RowFault(start, null, text.slice(0, 200), `it is not JSON: ${(error as Error).message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof NumberText)
    throw new RowFault(start, null, text.slice(0, 200), 'it is not a JSON object');
  return value as Record<string, unknown>;
}
