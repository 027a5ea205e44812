// The state of an aggregation: groups in the order of arrival, their keys and accumulators as columns, found by an open-addressing table.
// The loops that look keys up and update accumulators are generated (codegen/aggregate-update.ts); here is what they work on.
import type { Column } from '../columnar/batch.ts';
import { physical, type SqlType } from '../plan/types.ts';
import { KEY_GROUPS, keyGroupOf } from './key-groups.ts';
import { createStore, FixedStore, identity, moveValues, packValidity, type Store } from './stores.ts';
import { StringHeap } from './string-heap.ts';

const INITIAL_CAPACITY = 64;

/** One key column: the values, or for strings their ids in a heap. */
export interface KeyStore {
  store: FixedStore;
  heap: StringHeap | null;
}

export class GroupTable {
  /** Number of groups; they are numbered from 0. */
  size = 0;
  capacity = INITIAL_CAPACITY;
  /** Linear probing: group + 1, or 0 when free; at most half full. Unused when the only key is a string: its id is the group. */
  slots: Int32Array;
  /** Combined hash of each group's key. */
  hashes = new Int32Array(INITIAL_CAPACITY);
  /** Stamp of the last batch that changed the group: only kept for changelogs. */
  stamps: Int32Array;
  /** Of a single string key: the group of NULL, -1 when there is none. */
  nullGroup = -1;
  /** A key column may hold NULLs: lookups have to compare validity too. */
  keysNullable = false;
  readonly keys: KeyStore[];
  readonly accumulators: Store[];
  private readonly direct: boolean;
  private readonly stamped: boolean;
  private stamp = 0;

  /** `stamped` when the changes of each batch will be asked for. */
  constructor(keyTypes: readonly SqlType[], accumulatorTypes: readonly SqlType[], stamped: boolean) {
    this.keys = keyTypes.map((type): KeyStore => {
      const kind = physical(type);
      return kind === 'str'
        ? { store: new FixedStore('i32', INITIAL_CAPACITY), heap: new StringHeap() }
        : { store: new FixedStore(kind, INITIAL_CAPACITY), heap: null };
    });
    this.accumulators = accumulatorTypes.map((type) => createStore(physical(type), INITIAL_CAPACITY));
    this.direct = this.keys.length === 1 && this.keys[0]!.heap !== null;
    this.stamped = stamped;
    this.slots = new Int32Array(this.direct ? 0 : 2 * INITIAL_CAPACITY);
    this.stamps = new Int32Array(stamped ? INITIAL_CAPACITY : 0);
  }

  get allocatedBytes(): number {
    const keys = this.keys.reduce((sum, key) => sum + key.store.allocatedBytes + (key.heap?.allocatedBytes ?? 0), 0);
    const accumulators = this.accumulators.reduce((sum, store) => sum + store.allocatedBytes, 0);
    return this.slots.byteLength + this.hashes.byteLength + this.stamps.byteLength + keys + accumulators;
  }

  /** Grows when little room is left for `wanted` more groups. Returns how many may come before this has to be asked again; at least 1. */
  room(wanted: number): number {
    const free = this.capacity - this.size;
    if (free >= wanted || free >= this.capacity >> 2) return free;
    this.grow(this.capacity * 2);
    return this.capacity - this.size;
  }

  /** The stamp of the next batch: no group carries it yet. */
  nextStamp(): number {
    if (this.stamp === 0x7fff_ffff) {
      this.stamps.fill(0);
      this.stamp = 0;
    }
    return ++this.stamp;
  }

  /** Makes room for `groups` in all, at once. */
  reserve(groups: number): void {
    let capacity = this.capacity;
    while (capacity < groups) capacity *= 2;
    if (capacity > this.capacity) this.grow(capacity);
  }

  /** Columns of the keys of `groups[0 .. rows)`. */
  keyColumns(groups: Int32Array, rows: number): Column[] {
    return this.keys.map(({ store, heap }): Column => {
      const gathered = new FixedStore(store.physical, rows);
      store.move(gathered, identity(rows), groups, rows);
      if (heap === null) return gathered.toColumn(rows);
      return heap.column(gathered.values as Int32Array, rows, packValidity(gathered.valid, rows));
    });
  }

  /** Columns of the accumulators of `groups[0 .. rows)`. */
  accumulatorColumns(groups: Int32Array, rows: number): Column[] {
    return this.accumulators.map((store) => {
      const gathered = createStore(store.physical, rows);
      moveValues(store, gathered, identity(rows), groups, rows);
      return gathered.toColumn(rows);
    });
  }

  /** Groups sorted by key group: those of key group k are `order[starts[k] .. starts[k + 1])`. */
  byKeyGroup(): { order: Int32Array; starts: Int32Array } {
    const starts = new Int32Array(KEY_GROUPS + 1);
    for (let group = 0; group < this.size; group++) starts[keyGroupOf(this.hashes[group]!) + 1]!++;
    for (let k = 0; k < KEY_GROUPS; k++) starts[k + 1]! += starts[k]!;
    const next = starts.slice();
    const order = new Int32Array(this.size);
    for (let group = 0; group < this.size; group++) order[next[keyGroupOf(this.hashes[group]!)]!++] = group;
    return { order, starts };
  }

  private grow(capacity: number): void {
    this.capacity = capacity;
    for (const { store } of this.keys) store.grow(capacity);
    for (const store of this.accumulators) store.grow(capacity);
    const hashes = new Int32Array(capacity);
    hashes.set(this.hashes);
    this.hashes = hashes;
    if (this.stamped) {
      const stamps = new Int32Array(capacity);
      stamps.set(this.stamps);
      this.stamps = stamps;
    }
    if (!this.direct) this.rehash();
  }

  private rehash(): void {
    const slots = new Int32Array(2 * this.capacity);
    const mask = slots.length - 1;
    for (let group = 0; group < this.size; group++) {
      let slot = this.hashes[group]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = group + 1;
    }
    this.slots = slots;
  }
}
