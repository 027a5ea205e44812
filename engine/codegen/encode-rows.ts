// Compiles encoders: batches as lines of CSV or JSON. One generated function per schema and format; no strings are made on the way.
import type { ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import { physical, type Field, type Schema } from '../plan/types.ts';
import { csvQuoter, EncodedStrings, jsonQuoter, type StringQuoter } from './encode-strings.ts';
import * as values from './encode-values.ts';
import { instantiate } from './function-cache.ts';
import type { CsvFormat } from './ingest-csv.ts';

/** Appends the rows of `batch` to `out`, a line each. */
export type RowEncoder = (batch: ColumnBatch, out: values.ByteBuffer) => void;

export interface JsonEncoding {
  /** Between date and time: T (ISO-8601) or a blank (SQL). */
  timestampSeparator: 'T' | ' ';
  /** Fields that are NULL are left out. */
  ignoreNullFields: boolean;
}

const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];
const NEWLINE = 10;
const COMMA = 44;

/** Rows as CSV as `format` says. Throws CSV_UNWRITABLE, when it writes, for a value that could not be read back. */
export function compileCsvEncoder(schema: Schema, format: CsvFormat): RowEncoder {
  const alone = schema.length === 1;
  const nullBytes = bytesOf(format.nullLiteral ?? '');
  // A line with nothing on it is no row.
  const putNull = alone && nullBytes.length === 0 ? 'rt.unwritableNull();' : putBytes(nullBytes);
  const cells = schema.map((field, index) => {
    const separator = index === 0 ? '' : putBytes(bytesOf(format.delimiter));
    return `${separator}\nif (${isNull(index)}) { ${putNull} } else { ${putValue(field, index, ' ')} }`;
  });
  const literals = schema.length * (nullBytes.length + 1) + 1;
  return compile(schema, [...cells, putBytes([NEWLINE])], literals, csvQuoter(format, alone));
}

/** Rows as JSON objects. */
export function compileJsonEncoder(schema: Schema, format: JsonEncoding): RowEncoder {
  const keys = schema.map((field) => bytesOf(`${JSON.stringify(field.name)}:`));
  const cells = schema.map((field, index) => {
    const value = jsonValue(field, index, format.timestampSeparator);
    // Every field has a comma behind it; the last one is taken back.
    if (format.ignoreNullFields)
      return `if (!${isNull(index)}) { ${putBytes(keys[index]!)} ${value} ${putBytes([COMMA])} }`;
    const before = index === 0 ? keys[index]! : [COMMA, ...keys[index]!];
    return `${putBytes(before)}\nif (${isNull(index)}) { ${putBytes(bytesOf('null'))} } else { ${value} }`;
  });
  const end = `${format.ignoreNullFields ? `if (bytes[at - 1] === ${COMMA}) at--;` : ''} ${putBytes(bytesOf('}\n'))}`;
  const literals = keys.reduce((sum, key) => sum + key.length + 5, 3);
  return compile(schema, [putBytes(bytesOf('{')), ...cells, end], literals, jsonQuoter);
}

/** A function of statements that write at `at`; `literals` is how many bytes those take that do not depend on values. */
function compile(schema: Schema, statements: string[], literals: number, quoter: StringQuoter): RowEncoder {
  const strings = schema.map((field) => new EncodedStrings(quoter, field.name));
  const declarations = schema.map((field, index) => {
    const kind = physical(field.type);
    const column = `const c${index} = batch.columns[${index}], n${index} = c${index}.validity;`;
    if (kind === 'str')
      return `${column} const s${index} = rt.strings[${index}], codes${index} = c${index}.codes;
        s${index}.begin(c${index}); const starts${index} = s${index}.starts, lengths${index} = s${index}.lengths;`;
    if (kind !== 'i64') return `${column} const v${index} = c${index}.values;`;
    return `${column} const v${index} = new Int32Array(c${index}.values.buffer, c${index}.values.byteOffset, c${index}.values.length * 2);`;
  });
  const source = `
    // Room for a row apart from its strings; kept free behind every string as well.
    const FIXED = ${literals + schema.length * values.MAX_VALUE_BYTES + 16};
    return (batch, out) => {
      let bytes = out.bytes, view = out.view, at = out.length, room = bytes.length - FIXED;
      const reserve = (more) => {
        out.grow(at, more + FIXED);
        bytes = out.bytes; view = out.view; room = bytes.length - FIXED;
      };
      ${declarations.join('\n')}
      const rows = batch.rows;
      for (let row = 0; row < rows; row++) {
        if (at > room) reserve(0);
        ${statements.join('\n')}
      }
      out.length = at;
    };`;
  const unwritableNull = (): never => {
    throw new EngineError(
      'CSV_UNWRITABLE',
      `column ${schema[0]!.name} is NULL, which CSV of one column cannot tell from no row`,
      { hint: "set 'csv.null-literal', for example to 'NULL'" },
    );
  };
  return instantiate(source, { ...values, strings, unwritableNull });
}

const isNull = (index: number): string => `(n${index} !== null && ((n${index}[row >> 3] >> (row & 7)) & 1) === 0)`;

/** Writes constant bytes, four at a time; there is room to write beyond them. */
function putBytes(bytes: number[]): string {
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const word = [0, 1, 2, 3].reduce((sum, i) => sum | ((bytes[at + i] ?? 0) << (8 * i)), 0);
    words.push(bytes.length === 1 ? `bytes[at] = ${bytes[0]};` : `view.setInt32(at + ${at}, ${word}, true);`);
  }
  return bytes.length === 0 ? '' : `${words.join(' ')} at += ${bytes.length};`;
}

function jsonValue(field: Field, index: number, separator: string): string {
  const value = putValue(field, index, separator);
  const quote = putBytes([34]);
  switch (field.type.root) {
    case 'DATE':
    case 'TIME':
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return `${quote} ${value} ${quote}`;
    case 'FLOAT':
    case 'DOUBLE':
      // JSON has no NaN or infinity: they go as strings, as Flink writes them.
      return `if (Number.isFinite(v${index}[row])) { ${value} } else { ${quote} ${value} ${quote} }`;
    default:
      return value;
  }
}

/** Writes the value of `row`, not NULL, of column `index`. */
function putValue(field: Field, index: number, separator: string): string {
  const put = (name: string, ...more: (string | number)[]): string =>
    `at = rt.${name}(bytes, at, ${[`v${index}[row]`, ...more].join(', ')});`;
  const { type } = field;
  switch (type.root) {
    case 'CHAR':
    case 'VARCHAR':
      return putString(index);
    case 'BIGINT':
      return `at = rt.putLong(bytes, at, v${index}, row, 0);`;
    case 'DECIMAL':
      return `at = rt.putLong(bytes, at, v${index}, row, ${type.scale ?? 0});`;
    case 'BOOLEAN':
      return put('putBoolean');
    case 'FLOAT':
      return put('putFloat');
    case 'DOUBLE':
      return put('putDouble');
    case 'DATE':
      return put('putDate');
    case 'TIME':
      return put('putTime');
    case 'TIMESTAMP':
      return put('putTimestamp', separator.charCodeAt(0));
    case 'TIMESTAMP_LTZ':
      return `${put('putTimestamp', separator.charCodeAt(0))} ${putBytes(bytesOf('Z'))}`;
    default:
      return put('putWhole');
  }
}

function putString(index: number): string {
  const s = `s${index}`;
  return `if (codes${index} === null) {
      const more = ${s}.bound(row);
      if (at + more > room) reserve(more);
      at = ${s}.put(row, bytes, at);
    } else {
      const code = codes${index}[row];
      if (starts${index}[code] < 0) ${s}.encode(code);
      const from = starts${index}[code], length = lengths${index}[code], source = ${s}.view;
      if (at + length > room) reserve(length);
      for (let i = 0; i < length; i += 4) view.setInt32(at + i, source.getInt32(from + i, true), true);
      at += length;
    }`;
}
