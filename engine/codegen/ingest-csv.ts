// The CSV parser: one generated function per schema and projection for rows as they mostly are, and a slow path that knows every rule.
// Bad values, ragged rows, comments and fields that go on behind the buffer leave the fast path and are read again by the slow one.
import type { Schema } from '../plan/types.ts';
import { RowFault, type BatchSink, type IngestColumn, type RowParser } from './ingest-columns.ts';
import { putDoubled } from './ingest-escapes.ts';
import { declareColumns, FIELD_HELPERS, readPlainValue } from './ingest-fields.ts';
import { putText, ValueFault } from './ingest-values.ts';

export interface CsvFormat {
  delimiter: string;
  /** null: quotes are ordinary characters. */
  quote: string | null;
  /** The text that stands for NULL. null: none, but an empty field of a type other than a string is NULL. */
  nullLiteral: string | null;
  /** Lines that start with # are skipped. */
  allowComments: boolean;
  /** Bad values become NULL, missing fields too; rows with fields too many are left out, as in Flink. Such rows are counted. */
  ignoreErrors: boolean;
}

type Parse = (
  sink: BatchSink,
  bytes: Uint8Array,
  view: DataView,
  p: number,
  to: number,
  stop: number,
  final: boolean,
) => number;

const NEWLINE = 10;
const decoder = new TextDecoder();
const timestampForm = { separators: ' T' };

/** Compiles a parser for tables of `schema` of which only the columns `projection` are read, into the sink's columns in that order. */
export function compileCsvParser(
  schema: Schema,
  projection: number[],
  columns: IngestColumn[],
  format: CsvFormat,
): RowParser {
  const slow = new CsvRowReader(schema, projection, format);
  const names = Object.keys(FIELD_HELPERS);
  const make = new Function(...names, 'putDoubled', 'slow', source(schema, projection, columns, format)) as (
    ...args: unknown[]
  ) => Parse;
  return { parse: make(...Object.values(FIELD_HELPERS), putDoubled, slow) };
}

function source(schema: Schema, projection: number[], columns: IngestColumn[], format: CsvFormat): string {
  const delimiter = format.delimiter.charCodeAt(0);
  const quote = format.quote === null ? -1 : format.quote.charCodeAt(0);
  const fields = schema.map((_, index) => {
    const output = projection.indexOf(index);
    const last = index === schema.length - 1;
    const read = output < 0 ? skipField(quote) : readField(columns[output]!, output, quote, format, delimiter, last);
    const end = last
      ? `if (bytes[p] === 13) p++;
         if (bytes[p] !== 10) break fast;
         p++;`
      : `if (bytes[p] !== ${delimiter}) break fast;
         p++;`;
    return `{ ${read}\n${end} }`;
  });
  return `
    "use strict";
    // Offset of the next delimiter or newline: four bytes at a time, a byte of zero in w ^ pattern marks a match.
    function plainEnd(view, p) {
      for (;;) {
        const w = view.getInt32(p, true);
        const a = w ^ ${repeat4(delimiter)}, b = w ^ ${repeat4(NEWLINE)};
        const m = ((((a - 0x01010101) | 0) & ~a) | (((b - 0x01010101) | 0) & ~b)) & 0x80808080;
        if (m !== 0) return p + ((31 - Math.clz32(m & -m)) >> 3);
        p += 4;
      }
    }
    // Offset of the next quote in [p, to), or -1.
    function quoteEnd(view, p, to) {
      for (; p < to; p += 4) {
        const a = view.getInt32(p, true) ^ ${repeat4(Math.max(quote, 0))};
        const m = ((a - 0x01010101) | 0) & ~a & 0x80808080;
        if (m !== 0) {
          p += (31 - Math.clz32(m & -m)) >> 3;
          return p < to ? p : -1;
        }
      }
      return -1;
    }
    return function parse(sink, bytes, view, p, to, stop, final) {
      ${declareColumns(columns)}
      const limit = sink.limit;
      let row = sink.rows;
      while (row < limit && p < stop) {
        const rowStart = p;
        const first = bytes[p];
        if (first === 10) { p++; continue; }
        if (first === 13 && bytes[p + 1] === 10) { p += 2; continue; }
        fast: {
          ${format.allowComments ? 'if (first === 35) break fast;' : ''}
          ${fields.join('\n')}
          row++;
          continue;
        }
        sink.rows = row;
        p = slow.read(sink, bytes, rowStart, to, final);
        row = sink.rows;
        if (p < 0) { p = rowStart; break; }
      }
      sink.rows = row;
      return p;
    };`;
}

function skipField(quote: number): string {
  if (quote < 0) return 'p = plainEnd(view, p);';
  return `if (bytes[p] === ${quote}) {
      do {
        p = quoteEnd(view, p + 1, to);
        if (p < 0) break fast;
        p++;
      } while (bytes[p] === ${quote});
    } else p = plainEnd(view, p);`;
}

function readField(
  column: IngestColumn,
  index: number,
  quote: number,
  format: CsvFormat,
  delimiter: number,
  last: boolean,
): string {
  const { type } = column.field;
  if (column.physical === 'str') {
    // A quote right behind the closing one is a doubled quote.
    const quoted = `if (bytes[p] === ${quote}) {
        let e = quoteEnd(view, p + 1, to);
        if (e >= 0 && bytes[e + 1] === ${quote}) e = putDoubled(str${index}, bytes, p + 1, to, ${quote}, row);
        else if (e >= 0) str${index}.put(bytes, view, p + 1, e, row);
        if (e < 0) break fast;
        p = e + 1;
      } else `;
    const literal = format.nullLiteral === null ? null : Buffer.from(format.nullLiteral);
    const isNull =
      literal === null
        ? ''
        : `if (e - p === ${literal.length}${[...literal].map((byte, at) => ` && bytes[p + ${at}] === ${byte}`).join('')})
          ${type.nullable ? `col${index}.setNull(row); else ` : 'break fast; else '}`;
    return `${quote < 0 ? '' : quoted}{
        const next = plainEnd(view, p);
        const e = ${last ? 'next > p && bytes[next] === 10 && bytes[next - 1] === 13 ? next - 1 : next' : 'next'};
        ${isNull}str${index}.put(bytes, view, p, e, row);
        p = e;
      }`;
  }
  const value = `{ ${readPlainValue(type, index, 'break fast;', [32, 84])} }`;
  const emptyIsNull = (format.nullLiteral ?? '') === '' && type.nullable;
  if (!emptyIsNull) return value;
  return `if (bytes[p] === ${last ? 10 : delimiter}) col${index}.setNull(row); else ${value}`;
}

function repeat4(byte: number): string {
  return String(Math.imul(byte, 0x01010101));
}

/** Reads one row by every rule of the format. */
class CsvRowReader {
  private readonly schema: Schema;
  private readonly projection: number[];
  private readonly format: CsvFormat;
  private readonly delimiter: number;
  private readonly quote: number;

  constructor(schema: Schema, projection: number[], format: CsvFormat) {
    this.schema = schema;
    this.projection = projection;
    this.format = format;
    this.delimiter = format.delimiter.charCodeAt(0);
    this.quote = format.quote === null ? -1 : format.quote.charCodeAt(0);
  }

  /** Reads the row at `start`; returns the offset behind it, -1 when it goes on behind `to`. */
  read(sink: BatchSink, bytes: Uint8Array, start: number, to: number, final: boolean): number {
    sink.resetRow();
    if (this.format.allowComments && bytes[start] === 35) return bytes.indexOf(NEWLINE, start) + 1;
    const fields: { text: string; quoted: boolean }[] = [];
    let p = start;
    for (;;) {
      const end = bytes[p] === this.quote ? this.quotedEnd(bytes, p, to) : this.plainEnd(bytes, p);
      if (end < 0) {
        if (!final) return -1;
        const text = decoder.decode(bytes.subarray(p, Math.min(to - 1, p + 60)));
        if (!this.format.ignoreErrors)
          throw new RowFault(start, this.schema[fields.length]?.name ?? null, text, 'its closing quote is missing');
        sink.invalid++;
        return to;
      }
      fields.push(this.field(bytes, p, end));
      p = end + 1;
      if (bytes[end] !== this.delimiter) break;
    }
    this.store(sink, start, fields);
    return p;
  }

  /** Offset of the delimiter or newline behind a field that starts unquoted: quotes inside are ordinary. */
  private plainEnd(bytes: Uint8Array, p: number): number {
    while (bytes[p] !== this.delimiter && bytes[p] !== NEWLINE) p++;
    return p;
  }

  /** Offset of the delimiter or newline behind a quoted field, -1 when its closing quote is not before `to`. */
  private quotedEnd(bytes: Uint8Array, p: number, to: number): number {
    do {
      p = bytes.indexOf(this.quote, p + 1) + 1;
      if (p === 0 || p >= to) return -1;
    } while (bytes[p] === this.quote);
    return this.plainEnd(bytes, p);
  }

  private field(bytes: Uint8Array, start: number, end: number): { text: string; quoted: boolean } {
    const stripped = bytes[end] === NEWLINE && end > start && bytes[end - 1] === 13 ? end - 1 : end;
    const text = decoder.decode(bytes.subarray(start, stripped));
    if (bytes[start] !== this.quote) return { text, quoted: false };
    const { quote } = this.format;
    const close = text.lastIndexOf(quote!);
    return { text: text.slice(1, close).replaceAll(quote! + quote!, quote!) + text.slice(close + 1), quoted: true };
  }

  private store(sink: BatchSink, start: number, fields: { text: string; quoted: boolean }[]): void {
    const { schema, format } = this;
    let bad = false;
    let keep = true;
    if (fields.length !== schema.length) {
      if (!format.ignoreErrors) {
        const text = fields.map((field) => field.text).join(format.delimiter);
        throw new RowFault(
          start,
          null,
          text.slice(0, 200),
          `it has ${fields.length} fields, the table ${schema.length} columns`,
        );
      }
      bad = true;
      keep = fields.length < schema.length;
    }
    this.projection.forEach((index, output) => {
      const column = sink.columns[output]!;
      const field = fields[index];
      try {
        if (field === undefined || this.isNull(field, column)) this.storeNull(column, sink.rows, field?.text ?? '');
        else putText(column, sink.rows, field.text, timestampForm);
      } catch (error) {
        if (!(error instanceof ValueFault)) throw error;
        if (!format.ignoreErrors) throw new RowFault(start, column.field.name, field?.text ?? '', error.message);
        bad = true;
        column.setNull(sink.rows);
        // A column that promises no NULLs cannot hold one: then the row goes.
        keep &&= column.field.type.nullable;
      }
    });
    if (bad) sink.invalid++;
    if (keep) sink.rows++;
  }

  private isNull(field: { text: string; quoted: boolean }, column: IngestColumn): boolean {
    const { nullLiteral } = this.format;
    if (field.quoted) return false;
    return nullLiteral === null ? field.text === '' && column.physical !== 'str' : field.text === nullLiteral;
  }

  private storeNull(column: IngestColumn, row: number, text: string): void {
    if (!column.field.type.nullable) throw new ValueFault(text === '' ? 'is empty' : 'stands for NULL');
    column.setNull(row);
  }
}
