// Batches as bytes of CSV or JSON lines. One writer per column and batch; digits and strings go straight into the buffer.
import type { Column, ColumnBatch } from '../../columnar/batch.ts';
import { EngineError } from '../../errors.ts';
import type { Field, Schema } from '../../plan/types.ts';
import { formatDate, formatDecimal, formatDouble, formatFloat, formatTime, formatTimestamp } from '../format-value.ts';
import type { FilesystemTable } from './table.ts';

/** Bytes that grow at their end. */
export class ByteBuffer {
  bytes = new Uint8Array(1 << 16);
  length = 0;

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
  }

  put(part: Uint8Array): void {
    this.reserve(part.length);
    const { bytes } = this;
    const at = this.length;
    for (let i = 0; i < part.length; i++) bytes[at + i] = part[i]!;
    this.length = at + part.length;
  }

  ascii(text: string): void {
    this.reserve(text.length);
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** The decimal digits of a whole number below 2^53. */
  whole(value: number): void {
    this.reserve(20);
    const { bytes } = this;
    if (value < 0) {
      bytes[this.length++] = 45;
      value = -value;
    }
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    let at = this.length + digits;
    this.length = at;
    while (value > 0x7fffffff) {
      const rest = Math.floor(value / 10);
      bytes[--at] = 48 + value - rest * 10;
      value = rest;
    }
    let small = value | 0;
    do {
      const rest = (small / 10) | 0;
      bytes[--at] = 48 + small - rest * 10;
      small = rest;
    } while (small > 0);
  }
}

type CellWriter = (row: number) => void;

/** Appends batches to a buffer as lines of text. */
export interface BatchEncoder {
  encode(batch: ColumnBatch, out: ByteBuffer): void;
}

/** The encoder of a table's format. */
export function batchEncoder(schema: Schema, table: FilesystemTable): BatchEncoder {
  return table.format === 'csv' ? new CsvEncoder(schema, table) : new JsonEncoder(schema, table);
}

class CsvEncoder implements BatchEncoder {
  private readonly schema: Schema;
  private readonly delimiter: number;
  private readonly quote: number;
  private readonly nullBytes: Uint8Array;
  private readonly quoteEmpty: boolean;
  private readonly comments: boolean;

  constructor(schema: Schema, table: FilesystemTable) {
    const { delimiter, quote, nullLiteral, allowComments } = table.csv;
    this.schema = schema;
    this.delimiter = delimiter.charCodeAt(0);
    this.quote = quote === null ? -1 : quote.charCodeAt(0);
    this.nullBytes = new TextEncoder().encode(nullLiteral ?? '');
    this.comments = allowComments;
    // Unquoted, it would read as NULL, or in a table of one column as no row at all.
    this.quoteEmpty = nullLiteral === '' || schema.length === 1;
  }

  encode(batch: ColumnBatch, out: ByteBuffer): void {
    const writers = batch.columns.map((column, index) => this.cell(column, this.schema[index]!, out));
    const { columns } = batch;
    for (let row = 0; row < batch.rows; row++) {
      for (let index = 0; index < writers.length; index++) {
        if (index > 0) {
          out.reserve(1);
          out.bytes[out.length++] = this.delimiter;
        }
        const { validity } = columns[index]!;
        if (validity !== null && ((validity[row >> 3]! >> (row & 7)) & 1) === 0) this.putNull(out);
        else writers[index]!(row);
      }
      out.reserve(1);
      out.bytes[out.length++] = 10;
    }
  }

  private putNull(out: ByteBuffer): void {
    // A line with nothing on it is no row.
    if (this.nullBytes.length === 0 && this.schema.length === 1)
      throw new EngineError(
        'CSV_UNWRITABLE',
        `column ${this.schema[0]!.name} is NULL, which CSV of one column cannot tell from no row`,
        {
          hint: "set 'csv.null-literal', for example to 'NULL'",
        },
      );
    out.put(this.nullBytes);
  }

  private cell(column: Column, field: Field, out: ByteBuffer): CellWriter {
    if (column.physical !== 'str') return plainCell(column, field, out, ' ');
    const { codes, offsets, bytes } = column;
    return (row) => {
      const entry = codes === null ? row : codes[row]!;
      this.string(field, bytes, offsets[entry]!, offsets[entry + 1]!, out);
    };
  }

  private string(field: Field, from: Uint8Array, start: number, end: number, out: ByteBuffer): void {
    out.reserve(2 * (end - start) + 2);
    const { bytes } = out;
    let at = out.length;
    const { delimiter, quote } = this;
    let special = (start === end && this.quoteEmpty) || (this.comments && from[start] === 35);
    if (!special) {
      for (let i = start; i < end; i++) {
        const c = from[i]!;
        if (c === delimiter || c === quote || c === 10 || c === 13) {
          special = true;
          break;
        }
        bytes[at++] = c;
      }
      if (!special && !this.looksNull(from, start, end)) {
        out.length = at;
        return;
      }
    }
    if (quote < 0)
      throw new EngineError(
        'CSV_UNWRITABLE',
        `column ${field.name}: '${new TextDecoder().decode(from.subarray(start, end))}' cannot be written without quotes`,
        { hint: "remove 'csv.disable-quote-character', or choose another 'csv.field-delimiter' or 'csv.null-literal'" },
      );
    at = out.length;
    bytes[at++] = quote;
    for (let i = start; i < end; i++) {
      const c = from[i]!;
      if (c === quote) bytes[at++] = quote;
      bytes[at++] = c;
    }
    bytes[at++] = quote;
    out.length = at;
  }

  /** Whether a string would be read as the NULL literal. */
  private looksNull(from: Uint8Array, start: number, end: number): boolean {
    const { nullBytes } = this;
    if (end - start !== nullBytes.length || nullBytes.length === 0) return false;
    for (let i = 0; i < nullBytes.length; i++) if (from[start + i] !== nullBytes[i]) return false;
    return true;
  }
}

const HEX = new TextEncoder().encode('0123456789ABCDEF');
/** The letter behind the backslash of characters that have a short escape. */
const SHORT_ESCAPES: Record<number, number> = { 8: 98, 9: 116, 10: 110, 12: 102, 13: 114, 34: 34, 92: 92 };

class JsonEncoder implements BatchEncoder {
  private readonly schema: Schema;
  private readonly keys: Uint8Array[];
  private readonly separator: 'T' | ' ';
  private readonly ignoreNulls: boolean;

  constructor(schema: Schema, table: FilesystemTable) {
    const encoder = new TextEncoder();
    this.schema = schema;
    this.keys = schema.map((field) => encoder.encode(`${JSON.stringify(field.name)}:`));
    this.separator = table.json.timestampSeparator;
    this.ignoreNulls = table.json.ignoreNullFields;
  }

  encode(batch: ColumnBatch, out: ByteBuffer): void {
    const writers = batch.columns.map((column, index) => this.cell(column, this.schema[index]!, out));
    const { columns } = batch;
    for (let row = 0; row < batch.rows; row++) {
      out.reserve(1);
      out.bytes[out.length++] = 123;
      let first = true;
      for (let index = 0; index < writers.length; index++) {
        const { validity } = columns[index]!;
        const isNull = validity !== null && ((validity[row >> 3]! >> (row & 7)) & 1) === 0;
        if (isNull && this.ignoreNulls) continue;
        if (!first) {
          out.reserve(1);
          out.bytes[out.length++] = 44;
        }
        first = false;
        out.put(this.keys[index]!);
        if (isNull) out.ascii('null');
        else writers[index]!(row);
      }
      out.reserve(2);
      out.bytes[out.length++] = 125;
      out.bytes[out.length++] = 10;
    }
  }

  private cell(column: Column, field: Field, out: ByteBuffer): CellWriter {
    if (column.physical !== 'str') {
      const plain = plainCell(column, field, out, this.separator);
      const quoted = ['DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMP_LTZ'].includes(field.type.root);
      const real = column.physical === 'f64' || column.physical === 'f32';
      if (!quoted && !real) return plain;
      return (row) => {
        // JSON has no NaN or infinity: they go as strings, as Flink writes them.
        const quote = quoted || !Number.isFinite(column.values[row]);
        if (quote) out.ascii('"');
        plain(row);
        if (quote) out.ascii('"');
      };
    }
    const { codes, offsets, bytes } = column;
    return (row) => {
      const entry = codes === null ? row : codes[row]!;
      putJsonString(bytes, offsets[entry]!, offsets[entry + 1]!, out);
    };
  }
}

function putJsonString(from: Uint8Array, start: number, end: number, out: ByteBuffer): void {
  out.reserve(6 * (end - start) + 2);
  const { bytes } = out;
  let at = out.length;
  bytes[at++] = 34;
  for (let i = start; i < end; i++) {
    const c = from[i]!;
    if (c >= 32 && c !== 34 && c !== 92) {
      bytes[at++] = c;
      continue;
    }
    bytes[at++] = 92;
    const short = SHORT_ESCAPES[c];
    if (short !== undefined) bytes[at++] = short;
    else {
      bytes[at++] = 117;
      bytes[at++] = 48;
      bytes[at++] = 48;
      bytes[at++] = HEX[c >> 4]!;
      bytes[at++] = HEX[c & 15]!;
    }
  }
  bytes[at++] = 34;
  out.length = at;
}

/** Writes values of a fixed width; numbers as Flink casts them to strings. */
function plainCell(
  column: Exclude<Column, { physical: 'str' }>,
  field: Field,
  out: ByteBuffer,
  separator: string,
): CellWriter {
  const { values } = column;
  const { type } = field;
  if (values instanceof BigInt64Array) {
    const scale = type.root === 'DECIMAL' ? (type.scale ?? 0) : 0;
    if (scale > 0) return (row) => out.ascii(formatDecimal(values[row]!, scale));
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    return (row) => {
      const hi = halves[2 * row + 1]!;
      // Whole numbers of up to 53 bits need no BigInt.
      if (hi < 0x1fffff && hi >= -0x1fffff) out.whole(hi * 4294967296 + (halves[2 * row]! >>> 0));
      else out.ascii(String(values[row]!));
    };
  }
  switch (type.root) {
    case 'BOOLEAN':
      return (row) => out.ascii(values[row] === 0 ? 'false' : 'true');
    case 'FLOAT':
      return (row) => out.ascii(formatFloat(values[row]!));
    case 'DOUBLE':
      return (row) => out.ascii(formatDouble(values[row]!));
    case 'DATE':
      return (row) => out.ascii(formatDate(values[row]!));
    case 'TIME':
      return (row) => out.ascii(formatTime(values[row]!));
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ': {
      const zone = type.root === 'TIMESTAMP_LTZ' ? 'Z' : '';
      return memoized((millis) => formatTimestamp(millis, separator) + zone, values, out);
    }
    default:
      return (row) => out.whole(values[row]!);
  }
}

/** Windows and event times come in runs: the text of the value before is kept. */
function memoized(format: (value: number) => string, values: ArrayLike<number>, out: ByteBuffer): CellWriter {
  let last = NaN;
  let text = '';
  return (row) => {
    const value = values[row]!;
    if (value !== last) {
      last = value;
      text = format(value);
    }
    out.ascii(text);
  };
}
