// The groups of a table at one moment, read later while the table goes on: a page is copied before its first change, unless it has been read by then.
// (Copy on write; Flink's CopyOnWriteStateMap does so per entry.)
import type { Column } from '../columnar/batch.ts';
import type { GroupTable } from './group-table.ts';
import { KEY_GROUPS, keyGroupOf } from './key-groups.ts';
import { doubleColumn, fieldColumns, HASH_AT } from './records.ts';
import { StringStore } from './string-store.ts';
import { sequence } from './validity.ts';

/** A page as it was: its records and, per accumulator, its strings, null when it has another type. Group `first` of the table comes first. */
interface PageSource {
  records: Int32Array;
  first: number;
  strings: readonly (StringStore | null)[];
  firstString: number;
}

export class TableSnapshot {
  /** Groups. */
  readonly size: number;
  /** Per page; grows with each snapshot before which the page was written. */
  readonly versions: Int32Array;
  private readonly table: GroupTable;
  private readonly onRelease: () => void;
  /** The table's memory at the time. Once the table has grown, it is nobody else's. */
  private records: Int32Array;
  private readonly copies: (PageSource | undefined)[];
  /** Pages that were encoded before their first change. */
  private readonly encoded: (Uint8Array | undefined)[];
  private encode: ((page: number) => Uint8Array) | null = null;
  /** 1: is not read any more. */
  private readonly done: Uint8Array;

  /** `versions` has one entry per page. */
  constructor(table: GroupTable, size: number, versions: Int32Array, onRelease: () => void) {
    this.table = table;
    this.size = size;
    this.versions = versions;
    this.onRelease = onRelease;
    this.records = table.records;
    this.copies = new Array<PageSource | undefined>(versions.length);
    this.encoded = new Array<Uint8Array | undefined>(versions.length);
    this.done = new Uint8Array(versions.length);
  }

  /** It is read by `readPage` alone, each page once: one that is about to change is then encoded instead of copied, which it would be anyway. */
  readAsPages(encode: (page: number) => Uint8Array): void {
    this.encode = encode;
  }

  /** The table is about to write the page. */
  keep(page: number): void {
    if (page >= this.done.length || this.done[page] === 1 || this.copies[page] !== undefined) return;
    if (this.encoded[page] !== undefined) return;
    const { table } = this;
    const { width, pageShift } = table.layout;
    const first = page << pageShift;
    const end = Math.min(this.size, first + (1 << pageShift));
    const grown = this.records !== table.records;
    if (grown && table.strings.every((store) => store === null)) return;
    if (this.encode !== null) {
      this.encoded[page] = this.encode(page);
      return;
    }
    this.copies[page] = {
      records: grown ? this.records : this.records.slice(first * width, end * width),
      first: grown ? 0 : first,
      strings: table.strings.map((store) => store?.slice(first, end) ?? null),
      firstString: first,
    };
  }

  /** Groups of the page. */
  rows(page: number): number {
    const { pageShift } = this.table.layout;
    return Math.min(this.size - (page << pageShift), 1 << pageShift);
  }

  /** Columns of keys and accumulators, and of the time of the last update in a timed table. */
  columns(page: number): Column[] {
    const source = this.source(page);
    const first = page << this.table.layout.pageShift;
    const rows = this.rows(page);
    return this.columnsOf(source.records, first - source.first, rows, (accumulator) => {
      const store = source.strings[accumulator]!;
      return store.column(sequence(first - source.firstString, rows), rows);
    });
  }

  /** Once per page, after `readAsPages`: then it is not kept any more. */
  readPage(page: number): Uint8Array {
    const bytes = this.encoded[page] ?? this.encode!(page);
    this.skip(page);
    return bytes;
  }

  /** The page is not read (again): it need not be kept. */
  skip(page: number): void {
    this.done[page] = 1;
    this.copies[page] = undefined;
    this.encoded[page] = undefined;
  }

  /** Hash of each group's key. */
  hashes(): Int32Array {
    const hashes = new Int32Array(this.size);
    this.eachRecord((group, records, record) => {
      hashes[group] = records[record + HASH_AT]!;
    });
    return hashes;
  }

  /** Groups sorted by key group: those of key group k are `order[starts[k] .. starts[k + 1])`. */
  byKeyGroup(): { order: Int32Array; starts: Int32Array } {
    const { size } = this;
    const keyGroups = new Uint8Array(size);
    const starts = new Int32Array(KEY_GROUPS + 1);
    this.eachRecord((group, records, record) => {
      const keyGroup = keyGroupOf(records[record + HASH_AT]!);
      keyGroups[group] = keyGroup;
      starts[keyGroup + 1]!++;
    });
    for (let k = 0; k < KEY_GROUPS; k++) starts[k + 1]! += starts[k]!;
    const next = starts.slice();
    const order = new Int32Array(size);
    for (let group = 0; group < size; group++) order[next[keyGroups[group]!]!++] = group;
    return { order, starts };
  }

  /** The same columns of `groups`, in that order. */
  stateColumns(groups: Int32Array): Column[] {
    const { width, pageShift } = this.table.layout;
    const gathered = new Int32Array(groups.length * width);
    let to = 0;
    for (const group of groups) {
      const { records, first } = this.source(group >> pageShift);
      const from = (group - first) * width;
      for (let word = 0; word < width; word++) gathered[to++] = records[from + word]!;
    }
    return this.columnsOf(gathered, 0, groups.length, (accumulator) => {
      const strings = new StringStore(groups.length);
      groups.forEach((group, row) => {
        const source = this.source(group >> pageShift);
        strings.copy(row, source.strings[accumulator]!, group - source.firstString);
      });
      return strings.column(sequence(0, groups.length), groups.length);
    });
  }

  /** Nothing is read any more. Twice does no harm. */
  release(): void {
    this.copies.fill(undefined);
    this.encoded.fill(undefined);
    this.done.fill(1);
    this.records = new Int32Array(0);
    this.onRelease();
  }

  private source(page: number): PageSource {
    return this.copies[page] ?? { records: this.records, first: 0, strings: this.table.strings, firstString: 0 };
  }

  private columnsOf(
    records: Int32Array,
    first: number,
    rows: number,
    stringsOf: (accumulator: number) => Column,
  ): Column[] {
    const { layout } = this.table;
    const { width, timeAt } = layout;
    const accumulators = fieldColumns(records, width, layout.accumulators, first, rows).map(
      (column, i) => column ?? stringsOf(i),
    );
    const times = timeAt === null ? [] : [doubleColumn(records, width, timeAt, first, rows)];
    return [...this.table.keyColumns(records, first, rows), ...accumulators, ...times];
  }

  private eachRecord(take: (group: number, records: Int32Array, record: number) => void): void {
    const { width, pageShift } = this.table.layout;
    for (let page = 0, group = 0; group < this.size; page++) {
      const { records, first } = this.source(page);
      const end = Math.min(this.size, (page + 1) << pageShift);
      for (; group < end; group++) take(group, records, (group - first) * width);
    }
  }
}
