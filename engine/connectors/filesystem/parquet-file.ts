// A Parquet file's footer: its row groups, and whether its columns fit the declared ones.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import {
  parquetMetadata,
  parquetSchema,
  type ColumnMetaData,
  type FileMetaData,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { EngineError } from '../../errors.ts';
import type { TableSpec } from '../../plan/exec-plan.ts';
import { typeToString, type Field } from '../../plan/types.ts';
import { didYouMean } from '../options.ts';
import { fileError } from './files.ts';

const FOOTER_TAIL = 8;

export interface RowGroup {
  rows: number;
  /** The chunks of columns that are not nested, by name. */
  chunks: Map<string, ColumnMetaData>;
}

/** What a footer says, checked as far as it can be without reading pages. */
export interface ParquetFile {
  path: string;
  /** In bytes. */
  size: number;
  columns: SchemaTree[];
  groups: RowGroup[];
}

/** Reads the footer of the file. Throws PARQUET_CORRUPT that names the file. */
export function readFooter(path: string): ParquetFile {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw fileError(path, error);
  }
  try {
    const { size } = fstatSync(file);
    const tail = new Uint8Array(FOOTER_TAIL);
    if (size < 12 || readSync(file, tail, 0, FOOTER_TAIL, size - FOOTER_TAIL) < FOOTER_TAIL)
      throw new Error(`a file of ${size} bytes is too short`);
    const length = new DataView(tail.buffer).getUint32(0, true);
    if (String.fromCharCode(...tail.subarray(4)) !== 'PAR1') throw new Error('it does not end with PAR1');
    if (length + 12 > size) throw new Error(`its footer of ${length} bytes is longer than the file`);
    const footer = new Uint8Array(length + FOOTER_TAIL);
    for (let at = 0; at < footer.length;) {
      const read = readSync(file, footer, at, footer.length - at, size - footer.length + at);
      if (read === 0) throw new Error('it became shorter while it was read');
      at += read;
    }
    const metadata = parquetMetadata(footer, { geoparquet: false });
    const columns = parquetSchema(metadata).children;
    return { path, size, columns, groups: rowGroups(metadata, columns) };
  } catch (cause) {
    throw new EngineError(
      'PARQUET_CORRUPT',
      `${basename(path)} is not a readable Parquet file: ${(cause as Error).message}`,
      {
        position: { file: path },
        hint: 'check that the file is complete and is Parquet',
        cause,
      },
    );
  } finally {
    closeSync(file);
  }
}

function rowGroups(metadata: FileMetaData, columns: SchemaTree[]): RowGroup[] {
  const flat = new Set(columns.filter((column) => column.children.length === 0).map((column) => column.element.name));
  // A damaged name must not read as a column that the file lacks.
  if (columns.some((column) => typeof column.element.name !== 'string')) throw new Error('a column has no name');
  const groups = metadata.row_groups.map(({ num_rows: count, columns }): RowGroup => {
    const chunks = new Map<string, ColumnMetaData>();
    for (const { meta_data: chunk } of columns)
      if (chunk?.path_in_schema.length === 1) chunks.set(chunk.path_in_schema[0]!, chunk);
    const lost = [...flat].find((name) => !chunks.has(name));
    if (lost !== undefined || chunks.size !== flat.size)
      throw new Error(
        `a row group has other columns than the file${lost === undefined ? '' : `: ${lost} is not there`}`,
      );
    return { rows: whole(count), chunks };
  });
  const rows = groups.reduce((sum, group) => sum + group.rows, 0);
  if (rows !== whole(metadata.num_rows))
    throw new Error(`its footer says ${metadata.num_rows} rows, its row groups have ${rows}`);
  return groups;
}

function whole(value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw new Error(`its footer has ${String(value)} where a size or count should be`);
  return number;
}

/** The chunk of `column` in a row group, checked against the footer and the size of the file. Throws plain errors. */
export function columnChunk(file: ParquetFile, group: RowGroup, column: SchemaElement): ColumnMetaData {
  const chunk = group.chunks.get(column.name)!;
  if (chunk.type !== column.type) throw new Error(`its chunk is of type ${chunk.type}, the column of ${column.type}`);
  if (whole(chunk.num_values) !== group.rows)
    throw new Error(`its chunk has ${chunk.num_values} rows, the row group ${group.rows}`);
  const first = whole(chunk.data_page_offset);
  const start = Math.min(first, whole(chunk.dictionary_page_offset ?? 0) || first);
  if (start + whole(chunk.total_compressed_size) > file.size - FOOTER_TAIL)
    throw new Error('its chunk goes beyond the end of the file');
  return chunk;
}

/**
 * The file's column for `field`; null when it has none, which reads as NULL, as in Flink. Throws PARQUET_SCHEMA that names file and column when
 * its type is another, or when the column may not be NULL.
 */
export function fileColumn(table: TableSpec, file: ParquetFile, field: Field): SchemaElement | null {
  const node = file.columns.find((child) => child.element.name === field.name);
  const where = `table ${table.name}: ${basename(file.path)}`;
  if (node === undefined) {
    if (field.type.nullable) return null;
    throw new EngineError('PARQUET_SCHEMA', `${where} has no column ${field.name}, which is declared NOT NULL`, {
      position: { file: file.path },
      hint: nameHint(field.name, file.columns),
    });
  }
  const { element } = node;
  if (node.children.length > 0 || element.repetition_type === 'REPEATED' || !fits(field, element))
    throw new EngineError(
      'PARQUET_SCHEMA',
      `${where}: column ${field.name} is ${describeElement(element, node.children.length > 0)}, declared as ${typeToString(field.type)}`,
      { position: { file: file.path }, hint: hintFor(element) },
    );
  return element;
}

/** Checks the declared columns against all files of the table. Throws PARQUET_SCHEMA when a type is another, or no file has a column: a typing mistake. */
export function checkColumns(table: TableSpec, files: ParquetFile[]): void {
  for (const field of table.schema) {
    const found = files.filter((file) => fileColumn(table, file, field) !== null);
    if (found.length > 0 || files.length === 0) continue;
    const which = files.length === 1 ? basename(files[0]!.path) : `none of its ${files.length} files`;
    throw new EngineError(
      'PARQUET_SCHEMA',
      `table ${table.name}: ${which} has ${files.length === 1 ? 'no' : 'a'} column ${field.name}`,
      { position: { file: files[0]!.path }, hint: nameHint(field.name, files[0]!.columns) },
    );
  }
}

function nameHint(name: string, columns: SchemaTree[]): string {
  const names = columns.map((column) => column.element.name);
  const guess = didYouMean(name, names);
  return guess === undefined ? `it has: ${names.join(', ')}` : `did you mean ${guess}?`;
}

export type TimeUnit = 'MILLIS' | 'MICROS' | 'NANOS';

/** The unit of a timestamp or time column; undefined when it is neither. */
export function timeUnit(element: SchemaElement, kind: 'TIMESTAMP' | 'TIME'): TimeUnit | undefined {
  const { logical_type: logical, converted_type: converted, type } = element;
  if (logical?.type === kind) return logical.unit;
  if (converted === `${kind}_MILLIS`) return 'MILLIS';
  if (converted === `${kind}_MICROS`) return 'MICROS';
  return kind === 'TIMESTAMP' && type === 'INT96' ? 'NANOS' : undefined;
}

/** Physical types that hold DECIMALs. */
const decimals = new Set(['INT32', 'INT64', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY']);

const isDecimal = (element: SchemaElement): boolean =>
  element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL';

function fits(field: Field, element: SchemaElement): boolean {
  const { type } = element;
  const date = element.converted_type === 'DATE' || element.logical_type?.type === 'DATE';
  const time = timeUnit(element, 'TIMESTAMP') !== undefined || timeUnit(element, 'TIME') !== undefined;
  const logical = element.logical_type;
  const unsigned =
    element.converted_type?.startsWith('UINT') === true || (logical?.type === 'INTEGER' && !logical.isSigned);
  const plain = !date && !time && !unsigned && !isDecimal(element);
  switch (field.type.root) {
    case 'BOOLEAN':
      return type === 'BOOLEAN';
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
      return type === 'INT32' && plain;
    case 'BIGINT':
      return (type === 'INT32' || type === 'INT64') && plain;
    case 'FLOAT':
      return type === 'FLOAT';
    case 'DOUBLE':
      return type === 'FLOAT' || type === 'DOUBLE';
    case 'DECIMAL':
      return (
        isDecimal(element) &&
        (element.scale ?? 0) === (field.type.scale ?? 0) &&
        type !== undefined &&
        decimals.has(type)
      );
    case 'CHAR':
    case 'VARCHAR':
      return type === 'BYTE_ARRAY' && plain;
    case 'DATE':
      return type === 'INT32' && date;
    case 'TIME':
      return timeUnit(element, 'TIME') !== undefined && (type === 'INT32' || type === 'INT64');
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return timeUnit(element, 'TIMESTAMP') !== undefined && (type === 'INT64' || type === 'INT96');
    default:
      return false;
  }
}

function describeElement(element: SchemaElement, group: boolean): string {
  if (group || element.repetition_type === 'REPEATED') return 'nested';
  const logical = element.logical_type?.type ?? element.converted_type;
  return logical === undefined ? String(element.type) : `${element.type} (${logical})`;
}

function hintFor(element: SchemaElement): string {
  if (timeUnit(element, 'TIMESTAMP') !== undefined) return 'declare it as TIMESTAMP(3)';
  if (isDecimal(element)) return `declare it as DECIMAL(${element.precision ?? 18}, ${element.scale ?? 0})`;
  const types: Record<string, string> = {
    BOOLEAN: 'BOOLEAN',
    INT32: element.converted_type === 'DATE' ? 'DATE' : 'INT',
    INT64: 'BIGINT',
    FLOAT: 'FLOAT',
    DOUBLE: 'DOUBLE',
    BYTE_ARRAY: 'STRING',
  };
  const type = types[element.type ?? ''];
  return type === undefined ? 'leave the column out of the table' : `declare it as ${type}`;
}
