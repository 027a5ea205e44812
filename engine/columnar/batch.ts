// A batch of rows as columns: what operators pass to one another, in memory. `wire.ts` gives its one-buffer form.
import { physical, type Physical, type Schema } from '../plan/types.ts';

/** Rows that sources and builders aim at per batch. An operator must accept any number. */
export const BATCH_ROWS = 8192;

/** Row kinds of a changelog, numbered as Flink's RowKind. A batch without kinds is all INSERT. */
export const RowKind = { INSERT: 0, UPDATE_BEFORE: 1, UPDATE_AFTER: 2, DELETE: 3 } as const;

export type FixedValues = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

/** Values of a fixed width. A value under a cleared validity bit is unspecified. */
export interface FixedColumn {
  physical: Exclude<Physical, 'str'>;
  values: FixedValues;
  /** One bit per row, least significant first, 1 = not NULL; null when no row is NULL. */
  validity: Uint8Array | null;
}

/**
 * Strings as UTF-8 in a dictionary: entry e is `bytes[offsets[e] .. offsets[e + 1])`, row r is entry `codes[r]`, or entry r when `codes` is
 * null. Entries may repeat (equal bytes, different codes) and may be unused: equality of codes implies equality of
 * strings, never the reverse. NULL rows have an unspecified but valid code.
 */
export interface StringColumn {
  physical: 'str';
  codes: Int32Array | null;
  /** Length: entries + 1. */
  offsets: Int32Array;
  bytes: Uint8Array;
  validity: Uint8Array | null;
}

export type Column = FixedColumn | StringColumn;

/** Typed arrays may be longer than `rows`; only the first `rows` values count. Batches are immutable once emitted. */
export interface ColumnBatch {
  schema: Schema;
  rows: number;
  columns: Column[];
  /** RowKind per row, or null when all are INSERT. */
  kinds: Uint8Array | null;
}

export function isNull(column: Column, row: number): boolean {
  return column.validity !== null && ((column.validity[row >> 3]! >> (row & 7)) & 1) === 0;
}

/** Number of dictionary entries of a string column. */
export function entryCount(column: StringColumn): number {
  return column.offsets.length - 1;
}

/** Bytes of a validity bitmap for `rows` rows, all set. */
export function allValid(rows: number): Uint8Array {
  return new Uint8Array((rows + 7) >> 3).fill(255);
}

export function allocateValues(kind: Exclude<Physical, 'str'>, rows: number): FixedValues {
  switch (kind) {
    case 'u8':
      return new Uint8Array(rows);
    case 'i32':
      return new Int32Array(rows);
    case 'i64':
      return new BigInt64Array(rows);
    case 'f32':
      return new Float32Array(rows);
    case 'f64':
      return new Float64Array(rows);
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A value for people and tests: not for the hot path. BIGINT and DECIMAL come as bigint (DECIMAL unscaled), booleans as boolean. */
export type CellValue = null | boolean | number | bigint | string;

/** One cell. Slow; for tests, printing and formatting only. */
export function cell(batch: ColumnBatch, columnIndex: number, row: number): CellValue {
  const column = batch.columns[columnIndex]!;
  if (isNull(column, row)) return null;
  if (column.physical === 'str') {
    const entry = column.codes === null ? row : column.codes[row]!;
    return decoder.decode(column.bytes.subarray(column.offsets[entry], column.offsets[entry + 1]));
  }
  const value = column.values[row]!;
  return column.physical === 'u8' ? value !== 0 : value;
}

/** All rows as arrays of cells. For tests and printing. */
export function toRows(batch: ColumnBatch): CellValue[][] {
  return Array.from({ length: batch.rows }, (_, row) => batch.columns.map((_c, index) => cell(batch, index, row)));
}

/** Builds a batch from rows of cells. For tests, VALUES and small inputs. */
export function fromRows(schema: Schema, rows: CellValue[][], kinds: Uint8Array | null = null): ColumnBatch {
  const columns = schema.map((field, index): Column => {
    const cells = rows.map((row) => row[index] ?? null);
    let validity: Uint8Array | null = null;
    cells.forEach((value, row) => {
      if (value !== null) return;
      validity ??= allValid(rows.length);
      validity[row >> 3]! &= ~(1 << (row & 7));
    });
    const kind = physical(field.type);
    if (kind === 'str')
      return { ...stringEntries(cells.map((value) => (value === null ? '' : String(value)))), validity };
    const values = allocateValues(kind, rows.length);
    cells.forEach((value, row) => {
      if (value === null) return;
      if (values instanceof BigInt64Array) values[row] = BigInt(value);
      else values[row] = Number(value);
    });
    return { physical: kind, values, validity };
  });
  return { schema, rows: rows.length, columns, kinds };
}

/** A string column with one dictionary entry per row. */
export function stringEntries(values: string[]): StringColumn {
  const parts = values.map((value) => encoder.encode(value));
  const offsets = new Int32Array(values.length + 1);
  parts.forEach((part, index) => (offsets[index + 1] = offsets[index]! + part.length));
  const bytes = new Uint8Array(offsets[values.length]!);
  parts.forEach((part, index) => bytes.set(part, offsets[index]));
  return { physical: 'str', codes: null, offsets, bytes, validity: null };
}
