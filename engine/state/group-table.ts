// The state of an aggregation: groups in the order of arrival, each a record of key and accumulators, found by an open-addressing table.
// The loops that look keys up and update accumulators are generated (codegen/aggregate-update.ts); here is what they work on.
import type { Column } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import { physical, type SqlType } from '../plan/types.ts';
import {
  doubleColumn,
  fieldColumns,
  gatherRecords,
  HASH_AT,
  layoutRecord,
  STAMP_AT,
  type RecordLayout,
} from './records.ts';
import { StringHeap } from './string-heap.ts';
import { StringStore } from './string-store.ts';
import { TableSnapshot } from './table-snapshot.ts';
import { sequence } from './validity.ts';

const INITIAL_CAPACITY = 64;

export interface GroupTableOptions {
  /** Records keep the time of their last update. */
  timed?: boolean;
  /** Bytes up to which growth doubles the table; beyond them it grows by what is needed, and its owner spills it. */
  budget?: number;
  /** Names the table among all that its operator subtask ever makes: part of its pages' names in checkpoints. */
  id?: number;
}

export class GroupTable {
  readonly id: number;
  /** Number of groups; they are numbered from 0. */
  size = 0;
  capacity: number;
  /** Linear probing: group + 1, or 0 when free; at most half full. Unused when the only key is a string: its id is the group. */
  slots: Int32Array;
  /** Record g starts at word g * layout.width. */
  records: Int32Array<ArrayBuffer>;
  /** The same memory. */
  doubles: Float64Array;
  floats: Float32Array;
  /** Of a single string key: the group of NULL, -1 when there is none. */
  nullGroup = -1;
  /** A key column may hold NULLs: lookups have to compare validity too. */
  keysNullable = false;
  /**
   * Per page of 2 ** layout.pageShift groups: 0 when its groups may be written, else `touch` has to be called first. All 0 until the first snapshot:
   * a batch job never takes one.
   */
  guard: Uint8Array;
  /** Written by generated code that touches memory ahead of its use, so that it is not taken for dead; never read. */
  seen = 0;
  readonly layout: RecordLayout;
  /** Per key column: its strings, null when it has another type. */
  readonly heaps: (StringHeap | null)[];
  /** Per accumulator: its strings, null when it has another type. */
  readonly strings: (StringStore | null)[];
  private readonly direct: boolean;
  private readonly budget: number;
  private stamp = 0;
  /** Per page: how many snapshots had been taken when it was last written. */
  private versions: Int32Array;
  private snapshots = 0;
  private readonly open = new Set<TableSnapshot>();

  constructor(
    keyTypes: readonly SqlType[],
    accumulatorTypes: readonly SqlType[],
    { timed = false, budget = Infinity, id = 0 }: GroupTableOptions = {},
  ) {
    this.id = id;
    this.capacity = INITIAL_CAPACITY;
    this.budget = budget;
    this.layout = layoutRecord(keyTypes, accumulatorTypes, timed);
    this.heaps = keyTypes.map((type) => (physical(type) === 'str' ? new StringHeap() : null));
    this.strings = accumulatorTypes.map((type) => (physical(type) === 'str' ? new StringStore(this.capacity) : null));
    this.direct = this.heaps.length === 1 && this.heaps[0] !== null;
    this.slots = new Int32Array(this.direct ? 0 : slotsFor(this.capacity));
    this.records = new Int32Array(this.capacity * this.layout.width);
    this.doubles = new Float64Array(this.records.buffer);
    this.floats = new Float32Array(this.records.buffer);
    this.guard = new Uint8Array(this.pagesFor(this.capacity));
    this.versions = new Int32Array(this.guard.length);
  }

  get allocatedBytes(): number {
    return this.slots.byteLength + this.records.byteLength + this.stringBytes;
  }

  /** The state now, to be read while the table goes on. Costs next to nothing now, and a copy of each page that is written before it has been read. */
  freeze(): TableSnapshot {
    const { size } = this;
    const versions = this.versions.slice(0, this.pagesFor(size));
    const snapshot = new TableSnapshot(this, size, versions, () => this.open.delete(snapshot));
    this.open.add(snapshot);
    this.snapshots++;
    this.guard.fill(1);
    return snapshot;
  }

  /** Has to come before the first group of a guarded page is written. Groups that no snapshot has, being new, may be written before. */
  touch(page: number): void {
    for (const snapshot of this.open) snapshot.keep(page);
    this.versions[page] = this.snapshots;
    this.guard[page] = 0;
  }

  /** Forgets all groups but keeps the memory. False when it cannot: strings are held, or a snapshot still needs the groups. */
  clear(): boolean {
    if (this.open.size > 0) return false;
    if (this.heaps.some((heap) => heap !== null) || this.strings.some((store) => store !== null)) return false;
    this.slots.fill(0);
    this.records.fill(0, 0, this.size * this.layout.width);
    this.size = 0;
    this.keysNullable = false;
    return true;
  }

  /** A stamp that no group carries yet. */
  nextStamp(): number {
    if (this.stamp === 0x7fff_ffff) {
      const { width } = this.layout;
      for (let group = 0; group < this.size; group++) this.records[group * width + STAMP_AT] = 0;
      this.stamp = 0;
    }
    return ++this.stamp;
  }

  /** Grows when little room is left for `wanted` more groups. Returns how many may come before this has to be asked again; at least 1. */
  room(wanted: number): number {
    const free = this.capacity - this.size;
    if (free >= wanted || free >= this.capacity >> 2) return free;
    this.grow(this.nextCapacity(wanted));
    return this.capacity - this.size;
  }

  /** Makes room for so many groups in all, as far as the budget allows: who knows how many will come spares the table its growth. */
  reserve(groups: number): void {
    const perGroup = 4 * this.layout.width + this.stringBytes / this.capacity;
    const fitting = Math.floor((this.budget - (this.direct ? 0 : 4 * slotsFor(groups))) / perGroup);
    if (groups > this.capacity && fitting >= groups) this.grow(groups);
  }

  /** Columns of keys and accumulators of `count` groups from `first` on. */
  range(first: number, count: number): Column[] {
    return this.columns(this.records, first, count, sequence(first, count));
  }

  /** Columns of keys and accumulators, and of the time of the last update in a timed table, of `groups` in that order. */
  stateColumns(groups: Int32Array): Column[] {
    const { width, timeAt } = this.layout;
    const rows = groups.length;
    const records = gatherRecords(this.records, width, groups);
    const times = timeAt === null ? [] : [doubleColumn(records, width, timeAt, 0, rows)];
    return [...this.columns(records, 0, rows, groups), ...times];
  }

  /** Columns of the keys in `count` records from record `first` of `records` on: of this table, or copied from it. */
  keyColumns(records: Int32Array, first: number, count: number): Column[] {
    const { width, keys } = this.layout;
    return fieldColumns(records, width, keys, first, count).map(
      (column, i): Column => this.heaps[i]?.column(column.values as Int32Array, count, column.validity) ?? column,
    );
  }

  /** Hash of each group's key. */
  hashes(): Int32Array {
    const { records, size } = this;
    const { width } = this.layout;
    const hashes = new Int32Array(size);
    for (let group = 0; group < size; group++) hashes[group] = records[group * width + HASH_AT]!;
    return hashes;
  }

  /** When a group was last updated. Only of a timed table. */
  timeOf(group: number): number {
    return this.doubles[(group * this.layout.width + this.layout.timeAt!) >> 1]!;
  }

  private columns(records: Int32Array, first: number, count: number, groups: Int32Array): Column[] {
    const { width, accumulators } = this.layout;
    return [
      ...this.keyColumns(records, first, count),
      ...fieldColumns(records, width, accumulators, first, count).map(
        (column, i) => column ?? this.strings[i]!.column(groups, count),
      ),
    ];
  }

  private get stringBytes(): number {
    let bytes = 0;
    for (const held of this.heaps) bytes += held?.allocatedBytes ?? 0;
    for (const held of this.strings) bytes += held?.allocatedBytes ?? 0;
    return bytes;
  }

  /** Twice the capacity, or what the budget allows when that is worth it. Strings are taken to grow in step. */
  private nextCapacity(wanted: number): number {
    const twice = 2 * this.capacity;
    const perGroup = 4 * this.layout.width + this.stringBytes / this.capacity;
    const fitting = Math.floor((this.budget - (this.direct ? 0 : 4 * slotsFor(twice))) / perGroup);
    if (fitting >= twice) return twice;
    const least = this.capacity + (this.capacity >> 3);
    return fitting > least ? fitting : Math.max(least, this.size + wanted);
  }

  private grow(capacity: number): void {
    // Words are numbered with 31 bits in generated code.
    if (capacity * this.layout.width > 0x7fff_ffff)
      throw new EngineError(
        'STATE_TOO_LARGE',
        `the state of one operator's subtask exceeds 8 GiB: ${this.size} groups`,
        {
          hint: 'raise the parallelism, so that each subtask holds fewer keys',
        },
      );
    this.capacity = capacity;
    const records = new Int32Array(capacity * this.layout.width);
    records.set(this.records);
    this.records = records;
    this.doubles = new Float64Array(records.buffer);
    this.floats = new Float32Array(records.buffer);
    for (const store of this.strings) store?.grow(capacity);
    const pages = this.pagesFor(capacity);
    const guard = new Uint8Array(pages).fill(this.snapshots === 0 ? 0 : 1);
    guard.set(this.guard);
    this.guard = guard;
    const versions = new Int32Array(pages);
    versions.set(this.versions);
    this.versions = versions;
    if (!this.direct && this.slots.length < slotsFor(capacity)) this.rehash();
  }

  private pagesFor(groups: number): number {
    return Math.ceil(groups / 2 ** this.layout.pageShift);
  }

  private rehash(): void {
    const { records } = this;
    const { width } = this.layout;
    const slots = new Int32Array(slotsFor(this.capacity));
    const mask = slots.length - 1;
    for (let group = 0; group < this.size; group++) {
      let slot = records[group * width + HASH_AT]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = group + 1;
    }
    this.slots = slots;
  }
}

/** Slots for so many groups: a power of two, twice as many at least. */
function slotsFor(capacity: number): number {
  return 2 ** (Math.ceil(Math.log2(capacity)) + 1);
}
