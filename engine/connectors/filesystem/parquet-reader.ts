// Reads Parquet row groups straight into columns: dictionary codes stay codes, no row objects, one page per column in memory.
import { closeSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import {
  allocateValues,
  allValid,
  type Column,
  type ColumnBatch,
  type FixedValues,
  type StringColumn,
} from '../../columnar/batch.ts';
import { StringSink } from '../../codegen/ingest-columns.ts';
import { EngineError } from '../../errors.ts';
import { physical, type Field } from '../../plan/types.ts';
import type { ReaderContext } from '../connector.ts';
import type { FormatReader } from '../split-queue.ts';
import { fileError } from './files.ts';
import { PageStream, type DataPage } from './parquet-column.ts';
import type { ByteValues, PageValues } from './parquet-encodings.ts';
import { columnChunk, fileColumn, readFooter, type ParquetFile, type RowGroup } from './parquet-file.ts';
import { fixedValues, stringValues } from './parquet-values.ts';

/** Position of a Parquet split: the rows of row group `group` of `file` from `row` on. */
export interface ParquetPosition {
  file: string;
  group: number;
  row: number;
  /** Of the row group. Absent in what older versions wrote. */
  rows?: number;
}

export class ParquetReader implements FormatReader {
  private readonly context: ReaderContext;
  private descriptor: number | null = null;
  private path = '';
  /** The footer of the file read last: its other row groups come next. */
  private footer: ParquetFile | null = null;
  private group = 0;
  private row = 0;
  private rows = 0;
  private columns: ColumnReader[] = [];

  constructor(context: ReaderContext) {
    this.context = context;
  }

  open(position: Record<string, unknown>): void {
    const { file, group, row } = position as unknown as ParquetPosition;
    this.path = file;
    this.group = group;
    this.row = 0;
    if (this.footer?.path !== file) this.footer = readFooter(file);
    const footer = this.footer;
    const rowGroup = footer.groups[group];
    if (rowGroup === undefined || row > rowGroup.rows)
      throw new EngineError(
        'PARQUET_CORRUPT',
        `${basename(file)} has no row ${row + 1} in row group ${group}: it is not the file that was read before`,
        {
          position: { file },
          hint: 'files of a source must not change while a job reads them',
        },
      );
    this.rows = rowGroup.rows;
    try {
      this.descriptor = openSync(file, 'r');
    } catch (error) {
      throw fileError(file, error);
    }
    const { table, projection } = this.context;
    this.columns = projection.map((index) => this.column(footer, rowGroup, table.schema[index]!));
    while (this.row < row) this.advance(Math.min(row - this.row, 8192));
  }

  next(limit: number): ColumnBatch | null {
    const rows = Math.min(limit, this.rows - this.row);
    if (rows <= 0) return null;
    return { schema: this.context.outputSchema, rows, columns: this.advance(rows), kinds: null };
  }

  position(): Record<string, unknown> {
    return { row: this.row };
  }

  close(): void {
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
    this.columns = [];
  }

  private column(file: ParquetFile, group: RowGroup, field: Field): ColumnReader {
    const element = fileColumn(this.context.table, file, field);
    if (element === null) return new NullReader(field);
    try {
      const chunk = columnChunk(file, group, element);
      const pages = (onDictionary: (values: PageValues) => void): PageStream =>
        new PageStream(this.descriptor!, chunk, element, group.rows, onDictionary);
      if (physical(field.type) === 'str') return new StringReader(field, pages);
      return new FixedReader(field, pages, (values) => fixedValues(field.type, element, values));
    } catch (error) {
      throw this.corrupt(field, error as Error);
    }
  }

  private advance(rows: number): Column[] {
    const columns = this.columns.map((column) => {
      try {
        return column.take(rows);
      } catch (error) {
        throw this.corrupt(column.field, error as Error);
      }
    });
    this.row += rows;
    return columns;
  }

  private corrupt(field: Field, cause: Error): EngineError {
    const where = `table ${this.context.table.name}: ${basename(this.path)}, row group ${this.group}`;
    return new EngineError(
      'PARQUET_CORRUPT',
      `${where}, column ${field.name}, at or behind row ${this.row + 1} of the group: ${cause.message}`,
      { position: { file: this.path, row: this.row + 1 }, hint: 'check that the file is complete', cause },
    );
  }
}

interface ColumnReader {
  readonly field: Field;
  /** The next `rows` rows. */
  take(rows: number): Column;
}

/** A column that the file does not have. */
class NullReader implements ColumnReader {
  readonly field: Field;

  constructor(field: Field) {
    this.field = field;
  }

  take(rows: number): Column {
    const kind = physical(this.field.type);
    const validity = new Uint8Array((rows + 7) >> 3);
    if (kind !== 'str') return { physical: kind, values: allocateValues(kind, rows), validity };
    return {
      physical: kind,
      codes: new Int32Array(rows),
      offsets: new Int32Array(2),
      bytes: new Uint8Array(0),
      validity,
    };
  }
}

type OpenPages = (onDictionary: (values: PageValues) => void) => PageStream;

/** Walks over the rows of a chunk's pages. */
abstract class PagedReader implements ColumnReader {
  readonly field: Field;
  protected readonly pages: PageStream;
  protected page: DataPage = { rows: 0, levels: null, codes: null, values: null };
  /** Rows and values of `page` taken so far. */
  protected rowAt = 0;
  protected valueAt = 0;
  private validity: Uint8Array | null = null;

  constructor(field: Field, pages: OpenPages) {
    this.field = field;
    this.pages = pages((values) => this.setDictionary(values));
  }

  take(rows: number): Column {
    this.validity = null;
    this.begin(rows);
    for (let row = 0; row < rows;) {
      while (this.rowAt === this.page.rows) this.turnPage();
      const count = Math.min(rows - row, this.page.rows - this.rowAt);
      const { levels } = this.page;
      if (levels === null) {
        this.copy(row, count);
        this.valueAt += count;
      } else this.copyWithNulls(row, count, levels, rows);
      this.rowAt += count;
      row += count;
    }
    return this.end(rows, this.validity);
  }

  protected abstract setDictionary(values: PageValues): void;
  protected abstract begin(rows: number): void;
  protected abstract openPage(): void;
  /** Copies `count` values from `valueAt` on to the rows from `row` on. */
  protected abstract copy(row: number, count: number): void;
  protected abstract putNull(row: number): void;
  protected abstract end(rows: number, validity: Uint8Array | null): Column;

  private turnPage(): void {
    const page = this.pages.next();
    if (page === null) throw new Error('its pages hold fewer rows than the row group');
    this.page = page;
    this.rowAt = 0;
    this.valueAt = 0;
    this.openPage();
  }

  private copyWithNulls(row: number, count: number, levels: Int32Array, rows: number): void {
    for (let i = 0; i < count;) {
      let run = i;
      while (run < count && levels[this.rowAt + run] !== 0) run++;
      if (run > i) {
        this.copy(row + i, run - i);
        this.valueAt += run - i;
      }
      for (i = run; i < count && levels[this.rowAt + i] === 0; i++) {
        if (!this.field.type.nullable) throw new Error('a value is NULL and the column is declared NOT NULL');
        this.validity ??= allValid(rows);
        this.validity[(row + i) >> 3]! &= ~(1 << ((row + i) & 7));
        this.putNull(row + i);
      }
    }
  }
}

class FixedReader extends PagedReader {
  private readonly convert: (values: PageValues) => FixedValues;
  private dictionary: FixedValues | null = null;
  private values: FixedValues = new Uint8Array(0);
  private out: FixedValues = new Uint8Array(0);

  constructor(field: Field, pages: OpenPages, convert: (values: PageValues) => FixedValues) {
    super(field, pages);
    this.convert = convert;
  }

  protected setDictionary(values: PageValues): void {
    this.dictionary = this.convert(values);
  }

  protected begin(rows: number): void {
    const kind = physical(this.field.type);
    if (kind !== 'str') this.out = allocateValues(kind, rows);
  }

  protected openPage(): void {
    const { codes, values } = this.page;
    if (codes === null) this.values = this.convert(values!);
    else checkCodes(codes, this.dictionary?.length);
  }

  protected copy(row: number, count: number): void {
    const { codes } = this.page;
    if (codes !== null) gather(this.out, row, this.dictionary!, codes, this.valueAt, count);
    else {
      if (this.valueAt + count > this.values.length) throw new Error('a page holds fewer values than it says');
      (this.out as Float64Array).set(this.values.subarray(this.valueAt, this.valueAt + count) as Float64Array, row);
    }
  }

  protected putNull(): void {
    // The value under a cleared validity bit is unspecified.
  }

  protected end(_rows: number, validity: Uint8Array | null): Column {
    return { physical: physical(this.field.type), values: this.out, validity } as Column;
  }
}

function gather(
  out: FixedValues,
  row: number,
  dictionary: FixedValues,
  codes: Int32Array,
  from: number,
  count: number,
): void {
  if (out instanceof BigInt64Array) {
    // As two halves each: no BigInt is made.
    const to = new Int32Array(out.buffer);
    const halves = new Int32Array(dictionary.buffer, dictionary.byteOffset, dictionary.length * 2);
    for (let i = 0; i < count; i++) {
      const code = codes[from + i]! * 2;
      to[2 * (row + i)] = halves[code]!;
      to[2 * (row + i) + 1] = halves[code + 1]!;
    }
  } else if (out instanceof Float64Array) gatherNumbers(out, row, dictionary as Float64Array, codes, from, count);
  else gatherNumbers(out, row, dictionary as Int32Array, codes, from, count);
}

function gatherNumbers<T extends Exclude<FixedValues, BigInt64Array>>(
  out: T,
  row: number,
  dictionary: T,
  codes: Int32Array,
  from: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) out[row + i] = dictionary[codes[from + i]!]!;
}

function checkCodes(codes: Int32Array, entries: number | undefined): void {
  if (entries === undefined) throw new Error('a page refers to a dictionary that is not there');
  for (let i = 0; i < codes.length; i++)
    if (!(codes[i]! < entries)) throw new Error(`a page refers to entry ${codes[i]} of a dictionary of ${entries}`);
}

/** Strings keep the chunk's dictionary and codes as long as pages are coded; a batch that touches a plain page has its strings copied. */
class StringReader extends PagedReader {
  private dictionary: ByteValues | null = null;
  private plain: ByteValues | null = null;
  private codes = new Int32Array(0);
  /** In use from the first plain page of the chunk on: writers do not go back to coded pages. */
  private copied = false;
  private readonly sink = new StringSink();

  protected setDictionary(values: PageValues): void {
    this.dictionary = stringValues(values);
  }

  protected begin(rows: number): void {
    if (this.copied) this.sink.begin(rows);
    else this.codes = new Int32Array(rows);
  }

  protected openPage(): void {
    const { codes, values } = this.page;
    if (codes !== null) {
      checkCodes(codes, this.dictionary === null ? undefined : this.dictionary.offsets.length - 1);
      this.plain = null;
    } else this.plain = stringValues(values!);
  }

  protected copy(row: number, count: number): void {
    const { codes } = this.page;
    if (!this.copied && codes !== null) {
      for (let i = 0; i < count; i++) this.codes[row + i] = codes[this.valueAt + i]!;
      return;
    }
    if (!this.copied) this.startCopying(row);
    const source = this.plain ?? this.dictionary!;
    const view = new DataView(source.bytes.buffer);
    for (let i = 0; i < count; i++) {
      const entry = codes === null ? this.valueAt + i : codes[this.valueAt + i]!;
      if (entry + 1 >= source.offsets.length) throw new Error('a page holds fewer values than it says');
      this.sink.put(source.bytes, view, source.offsets[entry]!, source.offsets[entry + 1]!, row + i);
    }
  }

  protected putNull(row: number): void {
    if (!this.copied) this.codes[row] = 0;
    else this.sink.putEmpty(row);
  }

  protected end(rows: number, validity: Uint8Array | null): StringColumn {
    if (this.copied) return this.sink.finish(rows, validity);
    // Without a dictionary every row is NULL; codes still need an entry.
    const { offsets, bytes } = this.dictionary ?? { offsets: new Int32Array(2), bytes: new Uint8Array(0) };
    const entries = offsets.length > 1 ? offsets : new Int32Array(2);
    return { physical: 'str', codes: this.codes, offsets: entries, bytes: bytes.subarray(0, entries.at(-1)), validity };
  }

  /** Brings the `rows` rows of this batch that have codes over to the sink. */
  private startCopying(rows: number): void {
    const codes = this.codes;
    this.sink.begin(codes.length);
    if (this.dictionary !== null) {
      const { offsets, bytes } = this.dictionary;
      const view = new DataView(bytes.buffer);
      for (let row = 0; row < rows; row++)
        this.sink.put(bytes, view, offsets[codes[row]!]!, offsets[codes[row]! + 1]!, row);
    } else for (let row = 0; row < rows; row++) this.sink.putEmpty(row);
    this.copied = true;
  }
}
