// Builds batches value by value, for operators and sources that produce rows one at a time.
import { physical, type Schema } from '../plan/types.ts';
import {
  allocateValues,
  allValid,
  BATCH_ROWS,
  type CellValue,
  type Column,
  type ColumnBatch,
  type FixedColumn,
  type FixedValues,
} from './batch.ts';
import { StringDictionary } from './string-builder.ts';

const FIRST_CAPACITY = 64;

function grow<T extends FixedValues>(values: T, kind: FixedColumn['physical'], capacity: number): FixedValues {
  const grown = allocateValues(kind, capacity);
  if (grown instanceof BigInt64Array) grown.set(values as BigInt64Array);
  else grown.set(values as Float64Array);
  return grown;
}

/** Collects the values of one column. One of `append...` is called once per row. */
export class ColumnBuilder {
  length = 0;
  readonly physical: Column['physical'];
  private values: FixedValues;
  private validity: Uint8Array | null = null;
  private strings: StringDictionary | null;

  constructor(kind: Column['physical'], capacity: number = FIRST_CAPACITY) {
    this.physical = kind;
    this.strings = kind === 'str' ? new StringDictionary() : null;
    this.values = allocateValues(kind === 'str' ? 'i32' : kind, capacity);
  }

  /** A cell as `cell()` of batch.ts gives it. */
  append(value: CellValue): void {
    if (value === null) this.appendNull();
    else if (this.strings !== null) this.store(this.strings.add(String(value)));
    else if (this.physical === 'i64') this.store(BigInt(value));
    else this.store(Number(value));
  }

  appendNull(): void {
    const row = this.length;
    this.store(this.physical === 'i64' ? 0n : 0);
    const needed = (this.values.length + 7) >> 3;
    if (this.validity === null || this.validity.length < needed) {
      const grown = new Uint8Array(needed).fill(255);
      if (this.validity !== null) grown.set(this.validity);
      this.validity = grown;
    }
    this.validity[row >> 3]! &= ~(1 << (row & 7));
  }

  /** UTF-8 bytes of a string; copied. Only for string columns. */
  appendBytes(bytes: Uint8Array, start: number, end: number): void {
    this.store(this.strings!.addBytes(bytes, start, end));
  }

  private store(value: number | bigint): void {
    const row = this.length++;
    if (row >= this.values.length)
      this.values = grow(this.values, this.physical === 'str' ? 'i32' : this.physical, this.values.length * 2);
    if (this.values instanceof BigInt64Array) this.values[row] = value as bigint;
    else this.values[row] = value as number;
  }

  /** The column so far. The builder starts anew. */
  finish(): Column {
    const rows = this.length;
    const validity = this.finishValidity(rows);
    const values = this.values.subarray(0, rows);
    const kind = this.physical;
    this.length = 0;
    this.validity = null;
    this.values = allocateValues(kind === 'str' ? 'i32' : kind, Math.max(FIRST_CAPACITY, Math.min(rows, BATCH_ROWS)));
    if (kind !== 'str') return { physical: kind, values, validity };
    const { offsets, bytes } = this.strings!.finish();
    this.strings = new StringDictionary();
    return { physical: 'str', codes: values as Int32Array, offsets, bytes, validity };
  }

  private finishValidity(rows: number): Uint8Array | null {
    if (this.validity === null) return null;
    const out = allValid(rows);
    out.set(this.validity.subarray(0, out.length));
    return out;
  }
}

/** Collects rows of one schema. `kinds` are kept only once a row is not an INSERT. */
export class BatchBuilder {
  rows = 0;
  /** In the schema's order, to append to directly; then call `endRow`. */
  readonly columns: ColumnBuilder[];
  private readonly schema: Schema;
  private kinds: number[] | null = null;

  constructor(schema: Schema) {
    this.schema = schema;
    this.columns = schema.map((field) => new ColumnBuilder(physical(field.type)));
  }

  appendRow(cells: CellValue[], kind = 0): void {
    for (let i = 0; i < this.columns.length; i++) this.columns[i]!.append(cells[i] ?? null);
    this.endRow(kind);
  }

  /** Ends the row whose values were appended to `columns`. */
  endRow(kind = 0): void {
    if (kind !== 0) this.kinds ??= new Array<number>(this.rows).fill(0);
    this.kinds?.push(kind);
    this.rows++;
  }

  /** The batch so far; the builder starts anew. */
  finish(): ColumnBatch {
    const batch: ColumnBatch = {
      schema: this.schema,
      rows: this.rows,
      columns: this.columns.map((column) => column.finish()),
      kinds: this.kinds === null ? null : Uint8Array.from(this.kinds),
    };
    this.rows = 0;
    this.kinds = null;
    return batch;
  }
}
