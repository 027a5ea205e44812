// What generated parsers write into: typed arrays per column, strings interned while repeating pays, and the batch they become.
import {
  allocateValues,
  allValid,
  type Column,
  type ColumnBatch,
  type FixedValues,
  type StringColumn,
} from '../columnar/batch.ts';
import { physical, type Field, type Physical, type Schema } from '../plan/types.ts';

/** Interning stops for good at this many distinct values: half a batch, when codes no longer save work downstream. */
export const MAX_INTERNED = 4096;
const MAX_INTERNED_BYTES = 1 << 18;
/** Word copies may run this far behind the end of what they copy. */
const SLACK = 8;

/** A column's value that cannot be read. The reader of the file adds where: file, line. */
export class RowFault extends Error {
  readonly rowStart: number;
  readonly column: string | null;
  readonly value: string;
  readonly reason: string;

  /** `rowStart` is the offset of the row in the parser's buffer; `column` is null when the row as a whole is wrong. */
  constructor(rowStart: number, column: string | null, value: string, reason: string) {
    super(reason);
    this.rowStart = rowStart;
    this.column = column;
    this.value = value;
    this.reason = reason;
  }
}

/** One output column while a batch is filled. Values are written straight into `values` (or its `halves`), NULLs by setNull. */
export class IngestColumn {
  readonly field: Field;
  readonly physical: Physical;
  /** Of strings: where they go; else null. */
  readonly strings: StringSink | null;
  /** Of fixed widths: one value per row. */
  values: FixedValues = new Uint8Array(0);
  /** Of i64: the same memory as 32-bit halves, low half first. */
  halves: Int32Array = new Int32Array(0);
  private validity: Uint8Array | null = null;
  private limit = 0;

  constructor(field: Field) {
    this.field = field;
    this.physical = physical(field.type);
    this.strings = this.physical === 'str' ? new StringSink() : null;
  }

  begin(limit: number): void {
    this.limit = limit;
    this.validity = null;
    if (this.physical === 'str') this.strings!.begin(limit);
    else {
      this.values = allocateValues(this.physical, limit);
      if (this.values instanceof BigInt64Array) this.halves = new Int32Array(this.values.buffer);
    }
  }

  setNull(row: number): void {
    this.validity ??= allValid(this.limit);
    this.validity[row >> 3]! &= ~(1 << (row & 7));
    this.strings?.putEmpty(row);
  }

  /** Forgets that `row` was NULL: it is written again. */
  reset(row: number): void {
    if (this.validity !== null) this.validity[row >> 3]! |= 1 << (row & 7);
  }

  finish(rows: number): Column {
    const { validity } = this;
    if (this.physical === 'str') return this.strings!.finish(rows, validity);
    return { physical: this.physical, values: this.values, validity };
  }
}

/** Strings of one column: codes into a dictionary kept from batch to batch, or, once values no longer repeat, entry by row. */
export class StringSink {
  private interning = true;
  private codes = new Int32Array(0);
  private offsets = new Int32Array(1);
  private data = new Uint8Array(0);
  private view = new DataView(this.data.buffer);
  private entries = 0;
  /** Open addressing: entry + 1 per slot, 0 is free. */
  private slots = new Int32Array(256);
  private hashes = new Int32Array(MAX_INTERNED);
  /** The dictionary as last emitted: unchanged dictionaries are the same objects, so that readers may cache what they derive. */
  private emitted: { entries: number; offsets: Int32Array; bytes: Uint8Array } | null = null;
  /** Bytes of the last plain batch: the guess for the next. */
  private expected = 0;

  begin(limit: number): void {
    if (this.interning) {
      this.codes = new Int32Array(limit);
      if (this.offsets.length <= MAX_INTERNED) this.offsets = new Int32Array(MAX_INTERNED + 1);
      return;
    }
    this.offsets = new Int32Array(limit + 1);
    this.allocate(Math.max(1024, this.expected + (this.expected >> 3)));
  }

  /** The string `bytes[start, end)` for `row`. Rows come in order; writing the last row again replaces it. */
  put(bytes: Uint8Array, view: DataView, start: number, end: number, row: number): void {
    if (this.interning) {
      const code = this.intern(bytes, view, start, end);
      if (code >= 0) {
        this.codes[row] = code;
        return;
      }
      this.giveUp(row);
    }
    const at = this.offsets[row]!;
    const length = end - start;
    if (at + length + SLACK > this.data.length) this.grow(at, length);
    const target = this.view;
    for (let i = 0; i < length; i += 4) target.setInt32(at + i, view.getInt32(start + i, true), true);
    this.offsets[row + 1] = at + length;
  }

  putEmpty(row: number): void {
    if (this.interning) this.codes[row] = 0;
    else this.offsets[row + 1] = this.offsets[row]!;
  }

  finish(rows: number, validity: Uint8Array | null): StringColumn {
    if (!this.interning) {
      const end = this.offsets[rows]!;
      this.expected = end;
      const offsets = this.offsets.length === rows + 1 ? this.offsets : this.offsets.slice(0, rows + 1);
      return { physical: 'str', codes: null, offsets, bytes: this.data.subarray(0, end), validity };
    }
    // All rows NULL: their codes still need an entry to point at.
    if (this.entries === 0 && rows > 0) this.entries = 1;
    if (this.emitted?.entries !== this.entries) {
      const offsets = this.offsets.slice(0, this.entries + 1);
      this.emitted = { entries: this.entries, offsets, bytes: this.data.slice(0, offsets[this.entries]) };
    }
    const { offsets, bytes } = this.emitted;
    return { physical: 'str', codes: this.codes, offsets, bytes, validity };
  }

  /** The entry equal to `bytes[start, end)`, made when new; -1 when the dictionary is full. */
  private intern(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const length = end - start;
    let h = length;
    let i = start;
    for (; i + 4 <= end; i += 4) {
      h = Math.imul(h ^ view.getInt32(i, true), 0x9e3779b1);
      h ^= h >>> 15;
    }
    for (; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
    h ^= h >>> 13;
    const { slots, hashes, offsets, data } = this;
    const mask = slots.length - 1;
    let slot = h & mask;
    for (;;) {
      const entry = slots[slot]! - 1;
      if (entry < 0) break;
      const at = offsets[entry]!;
      if (hashes[entry] === h && offsets[entry + 1]! - at === length) {
        const known = this.view;
        let k = 0;
        for (; k + 4 <= length; k += 4) if (known.getInt32(at + k, true) !== view.getInt32(start + k, true)) break;
        if (k + 4 > length) for (; k < length; k++) if (data[at + k] !== bytes[start + k]) break;
        if (k >= length) return entry;
      }
      slot = (slot + 1) & mask;
    }
    const entry = this.entries;
    const at = offsets[entry]!;
    if (entry === MAX_INTERNED || at + length > MAX_INTERNED_BYTES) return -1;
    if (at + length + SLACK > data.length) this.grow(at, length);
    for (let k = 0; k < length; k++) this.data[at + k] = bytes[start + k]!;
    offsets[entry + 1] = at + length;
    hashes[entry] = h;
    slots[slot] = entry + 1;
    this.entries++;
    if (this.entries * 2 > slots.length) this.rehash();
    return entry;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.entries; entry++) {
      let slot = this.hashes[entry]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.slots = slots;
  }

  /** Turns the rows before `row` into plain entries, and stays plain. */
  private giveUp(row: number): void {
    const { codes, offsets: from, data } = this;
    const offsets = new Int32Array(codes.length + 1);
    let size = 0;
    for (let r = 0; r < row; r++) size += from[codes[r]! + 1]! - from[codes[r]!]!;
    this.allocate(Math.max(1024, row === 0 ? 0 : Math.ceil((size / row) * codes.length)));
    for (let r = 0; r < row; r++) {
      const start = from[codes[r]!]!;
      const end = from[codes[r]! + 1]!;
      this.data.set(data.subarray(start, end), offsets[r]);
      offsets[r + 1] = offsets[r]! + end - start;
    }
    this.offsets = offsets;
    this.interning = false;
    this.emitted = null;
    this.slots = new Int32Array(0);
    this.hashes = new Int32Array(0);
  }

  private allocate(size: number): void {
    // Not zeroed: every byte up to the last offset is written before it is read. A page-sized piece or more has its own memory.
    this.data = new Uint8Array(Buffer.allocUnsafeSlow(size + SLACK).buffer);
    this.view = new DataView(this.data.buffer);
  }

  private grow(used: number, more: number): void {
    const old = this.data;
    this.allocate(Math.max(old.length * 2, used + more + 64));
    this.data.set(old.subarray(0, used));
  }
}

/** All columns of the batch being filled. */
export class BatchSink {
  readonly schema: Schema;
  readonly columns: IngestColumn[];
  /** Rows complete so far; a parser writes at this index and counts up. */
  rows = 0;
  limit = 0;
  /** Bad rows that were skipped, or had a bad value set to NULL, since the last finish. */
  invalid = 0;

  constructor(schema: Schema) {
    this.schema = schema;
    this.columns = schema.map((field) => new IngestColumn(field));
  }

  begin(limit: number): void {
    this.rows = 0;
    this.limit = limit;
    for (const column of this.columns) column.begin(limit);
  }

  /** Makes the row being written blank again. */
  resetRow(): void {
    for (const column of this.columns) column.reset(this.rows);
  }

  finish(): ColumnBatch {
    const { rows } = this;
    return { schema: this.schema, rows, columns: this.columns.map((column) => column.finish(rows)), kinds: null };
  }
}

/** A parser of one text format for one schema and projection. */
export interface RowParser {
  /**
   * Appends to `sink` the rows of `bytes` that start in [from, stop), until the sink is full. `bytes[to - 1]` is a newline and at least
   * 64 bytes may be read behind `to`. Returns the offset behind the last row taken; short of `stop` with room in the sink means that the row there
   * goes on behind `to`. `final`: nothing comes behind `to`. Throws RowFault.
   */
  parse(
    sink: BatchSink,
    bytes: Uint8Array,
    view: DataView,
    from: number,
    to: number,
    stop: number,
    final: boolean,
  ): number;
}
