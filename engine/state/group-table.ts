// The state of an aggregation: groups in the order of arrival, each a record of key and accumulators, found by an open-addressing table.
// The loops that look keys up and update accumulators are generated (codegen/aggregate-update.ts); here is what they work on.
import type { Column } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import { physical, type SqlType } from '../plan/types.ts';
import { KEY_GROUPS, keyGroupOf } from './key-groups.ts';
import { fieldColumn, gatherRecords, HASH_AT, layoutRecord, STAMP_AT, type RecordLayout } from './records.ts';
import { StringHeap } from './string-heap.ts';
import { StringStore } from './string-store.ts';
import { sequence } from './validity.ts';

const INITIAL_CAPACITY = 64;

export interface GroupTableOptions {
  /** Records keep the time of their last update. */
  timed?: boolean;
  /** Bytes up to which growth doubles the table; beyond them it grows by what is needed, and its owner spills it. */
  budget?: number;
}

export class GroupTable {
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
  readonly layout: RecordLayout;
  /** Per key column: its strings, null when it has another type. */
  readonly heaps: (StringHeap | null)[];
  /** Per accumulator: its strings, null when it has another type. */
  readonly strings: (StringStore | null)[];
  private readonly direct: boolean;
  private readonly budget: number;
  private stamp = 0;

  constructor(
    keyTypes: readonly SqlType[],
    accumulatorTypes: readonly SqlType[],
    { timed = false, budget = Infinity }: GroupTableOptions = {},
  ) {
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
  }

  get allocatedBytes(): number {
    return this.slots.byteLength + this.records.byteLength + this.stringBytes;
  }

  /** Forgets all groups but keeps the memory. False when it cannot: strings are held. */
  clear(): boolean {
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

  /** Columns of keys and accumulators of `count` groups from `first` on. */
  range(first: number, count: number): Column[] {
    return this.columns(this.records, first, count, sequence(first, count));
  }

  /** Columns of keys and accumulators of `groups`, in that order. */
  pick(groups: Int32Array): Column[] {
    return this.columns(gatherRecords(this.records, this.layout.width, groups), 0, groups.length, groups);
  }

  /** Columns of the keys in `count` records from record `first` of `records` on: of this table, or copied from it. */
  keyColumns(records: Int32Array, first: number, count: number): Column[] {
    const { width, keys } = this.layout;
    return keys.map((field, i): Column => {
      const column = fieldColumn(records, width, field, first, count);
      return this.heaps[i]?.column(column.values as Int32Array, count, column.validity) ?? column;
    });
  }

  /** Times of the last update of `groups`. Only of a timed table. */
  timeColumn(groups: Int32Array): Column {
    const { width, timeAt } = this.layout;
    const values = new Float64Array(groups.length);
    for (let i = 0; i < groups.length; i++) values[i] = this.doubles[(groups[i]! * width + timeAt!) >> 1]!;
    return { physical: 'f64', values, validity: null };
  }

  /** Groups sorted by key group: those of key group k are `order[starts[k] .. starts[k + 1])`. */
  byKeyGroup(): { order: Int32Array; starts: Int32Array } {
    const { records, size } = this;
    const { width } = this.layout;
    const starts = new Int32Array(KEY_GROUPS + 1);
    for (let group = 0; group < size; group++) starts[keyGroupOf(records[group * width + HASH_AT]!) + 1]!++;
    for (let k = 0; k < KEY_GROUPS; k++) starts[k + 1]! += starts[k]!;
    const next = starts.slice();
    const order = new Int32Array(size);
    for (let group = 0; group < size; group++) order[next[keyGroupOf(records[group * width + HASH_AT]!)]!++] = group;
    return { order, starts };
  }

  private columns(records: Int32Array, first: number, count: number, groups: Int32Array): Column[] {
    const { width, accumulators } = this.layout;
    return [
      ...this.keyColumns(records, first, count),
      ...accumulators.map((field, i) =>
        field === null ? this.strings[i]!.column(groups, count) : fieldColumn(records, width, field, first, count),
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
    if (!this.direct && this.slots.length < slotsFor(capacity)) this.rehash();
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
