// A Parquet file's footer: its row groups, and whether its columns fit the declared ones.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { parquetMetadata, parquetSchema, type FileMetaData, type SchemaElement, type SchemaTree } from 'hyparquet';
import { EngineError } from '../../errors.ts';
import type { TableSpec } from '../../plan/exec-plan.ts';
import { typeToString, type Field } from '../../plan/types.ts';
import { didYouMean } from '../options.ts';
import { fileError } from './files.ts';

const FOOTER_TAIL = 8;

/** Reads the footer of the file. Throws PARQUET_CORRUPT that names the file. */
export function readFooter(path: string): FileMetaData {
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
    readSync(file, footer, 0, footer.length, size - footer.length);
    return parquetMetadata(footer, { geoparquet: false });
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

/** The node of the file's column for `field`. Throws PARQUET_SCHEMA that names file and column when there is none or its type is another. */
export function fileColumn(table: TableSpec, path: string, metadata: FileMetaData, field: Field): SchemaTree[] {
  const root = parquetSchema(metadata);
  const node = root.children.find((child) => child.element.name === field.name);
  const where = `table ${table.name}: ${basename(path)}`;
  if (node === undefined) {
    const names = root.children.map((child) => child.element.name);
    const guess = didYouMean(field.name, names);
    throw new EngineError('PARQUET_SCHEMA', `${where} has no column ${field.name}`, {
      position: { file: path },
      hint: guess === undefined ? `it has: ${names.join(', ')}` : `did you mean ${guess}?`,
    });
  }
  const { element } = node;
  if (node.children.length > 0 || element.repetition_type === 'REPEATED' || !fits(field, element))
    throw new EngineError(
      'PARQUET_SCHEMA',
      `${where}: column ${field.name} is ${describeElement(element, node.children.length > 0)}, declared as ${typeToString(field.type)}`,
      { position: { file: path }, hint: hintFor(element) },
    );
  return [root, node];
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

const isDecimal = (element: SchemaElement): boolean =>
  element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL';

function fits(field: Field, element: SchemaElement): boolean {
  const { type } = element;
  const date = element.converted_type === 'DATE' || element.logical_type?.type === 'DATE';
  const time = timeUnit(element, 'TIMESTAMP') !== undefined || timeUnit(element, 'TIME') !== undefined;
  const unsigned = element.converted_type?.startsWith('UINT') === true;
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
      return isDecimal(element) && (element.scale ?? 0) === (field.type.scale ?? 0) && type !== undefined;
    case 'CHAR':
    case 'VARCHAR':
      return type === 'BYTE_ARRAY' && plain;
    case 'DATE':
      return type === 'INT32' && date;
    case 'TIME':
      return timeUnit(element, 'TIME') !== undefined;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return timeUnit(element, 'TIMESTAMP') !== undefined;
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
