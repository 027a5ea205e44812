// Growable columns of state: one value per group. Values move between state and batches as 32-bit words, whatever their type.
import {
  allocateValues,
  type Column,
  type FixedColumn,
  type FixedValues,
  type StringColumn,
} from '../columnar/batch.ts';
import type { Physical } from '../plan/types.ts';

type FixedPhysical = Exclude<Physical, 'str'>;

/** 0, 1, 2, ...: where values move to consecutive places. At least `length` long. */
export function identity(length: number): Int32Array {
  if (identities.length < length) identities = sequence(0, Math.max(length, 2 * identities.length));
  return identities;
}
let identities = sequence(0, 8192);

/** from, from + 1, ...: `length` numbers. */
export function sequence(from: number, length: number): Int32Array {
  const numbers = new Int32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = from + i;
  return numbers;
}

/** Values of a fixed width with one byte of validity each (1 = not NULL). */
export class FixedStore {
  readonly physical: FixedPhysical;
  values: FixedValues;
  /** The same memory as 32-bit words: two per value for i64 and f64, one for i32 and f32; unused for u8. */
  words: Int32Array;
  valid: Uint8Array;

  constructor(physical: FixedPhysical, capacity: number) {
    this.physical = physical;
    this.values = allocateValues(physical, capacity);
    this.words = wordsOf(this.values);
    this.valid = new Uint8Array(capacity);
  }

  /** The first `rows` values of a column, over the column's own memory: to be read only. */
  static view(column: FixedColumn, rows: number): FixedStore {
    const store = new FixedStore(column.physical, 0);
    store.values = column.values;
    store.words = wordsOf(column.values);
    store.valid = unpackValidity(column.validity, rows);
    return store;
  }

  get allocatedBytes(): number {
    return this.values.byteLength + this.valid.byteLength;
  }

  grow(capacity: number): void {
    const old = this.values;
    this.values = allocateValues(this.physical, capacity);
    new Uint8Array(this.values.buffer).set(new Uint8Array(old.buffer, old.byteOffset, old.byteLength));
    this.words = wordsOf(this.values);
    this.valid = grownBytes(this.valid, capacity);
  }

  /** Copies value `from[i]` of this store to place `to[i]` of `target`, for i < count. */
  move(target: FixedStore, to: Int32Array, from: Int32Array, count: number): void {
    moveBytes(target.valid, to, this.valid, from, count);
    switch (this.physical) {
      case 'i64':
      case 'f64':
        return moveDoubleWords(target.words, to, this.words, from, count);
      case 'i32':
      case 'f32':
        return moveWords(target.words, to, this.words, from, count);
      case 'u8':
        return moveBytes(target.values as Uint8Array, to, this.values as Uint8Array, from, count);
    }
  }

  /** Sets `changed[i]` where value `groups[i]` differs in bits or validity from value i of `old`, for i < count. */
  markChanges(old: FixedStore, groups: Int32Array, count: number, changed: Uint8Array): void {
    const { words, valid } = this;
    const width = this.physical === 'u8' ? 0 : this.physical === 'i64' || this.physical === 'f64' ? 2 : 1;
    const values = width === 0 ? (this.values as Uint8Array) : null;
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      if (valid[group] !== old.valid[i]) changed[i] = 1;
      else if (values !== null) {
        if (values[group] !== (old.values as Uint8Array)[i]) changed[i] = 1;
      } else if (width === 1) {
        if (words[group] !== old.words[i]) changed[i] = 1;
      } else if (words[2 * group] !== old.words[2 * i] || words[2 * group + 1] !== old.words[2 * i + 1]) changed[i] = 1;
    }
  }

  /** The first `rows` values as a column that shares their memory: nothing may be written to this store afterwards. */
  toColumn(rows: number): FixedColumn {
    return { physical: this.physical, values: this.values, validity: packValidity(this.valid, rows) };
  }
}

/** Strings of any length, replaced at will: MIN and MAX. Replaced ones leave garbage that is cleared away when it outweighs the rest. */
export class StringStore {
  readonly physical = 'str';
  valid: Uint8Array;
  private starts: Int32Array;
  private lengths: Int32Array;
  private bytes = new Uint8Array(256);
  private used = 0;
  private garbage = 0;

  constructor(capacity: number) {
    this.valid = new Uint8Array(capacity);
    this.starts = new Int32Array(capacity);
    this.lengths = new Int32Array(capacity);
  }

  /** A copy of the first `rows` strings of a column. */
  static view(column: StringColumn, rows: number): StringStore {
    const store = new StringStore(rows);
    const valid = unpackValidity(column.validity, rows);
    for (let row = 0; row < rows; row++) {
      if (valid[row] === 0) continue;
      const entry = column.codes === null ? row : column.codes[row]!;
      store.set(row, column.bytes, column.offsets[entry]!, column.offsets[entry + 1]!);
    }
    return store;
  }

  get allocatedBytes(): number {
    return this.valid.byteLength + this.starts.byteLength + this.lengths.byteLength + this.bytes.byteLength;
  }

  grow(capacity: number): void {
    this.valid = grownBytes(this.valid, capacity);
    const starts = new Int32Array(capacity);
    starts.set(this.starts);
    this.starts = starts;
    const lengths = new Int32Array(capacity);
    lengths.set(this.lengths);
    this.lengths = lengths;
  }

  /** Forgets all strings. */
  clear(): void {
    this.valid.fill(0);
    this.lengths.fill(0);
    this.used = 0;
    this.garbage = 0;
  }

  /** Takes `source[start .. end)` when `group` has no value yet, or a greater one (a smaller one when `sign` is -1). Bytes order as code points. */
  offer(group: number, source: Uint8Array, start: number, end: number, sign: 1 | -1): void {
    if (this.valid[group] === 0 || this.compare(group, source, start, end) * sign > 0)
      this.set(group, source, start, end);
  }

  /** Copies string `from` of `source`, or its NULL, to place `at`. */
  copy(at: number, source: StringStore, from: number): void {
    if (source.valid[from] === 0) {
      this.garbage += this.lengths[at]!;
      this.lengths[at] = 0;
      this.valid[at] = 0;
    } else {
      const start = source.starts[from]!;
      this.set(at, source.bytes, start, start + source.lengths[from]!);
    }
  }

  move(target: StringStore, to: Int32Array, from: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) target.copy(to[i]!, this, from[i]!);
  }

  markChanges(old: StringStore, groups: Int32Array, count: number, changed: Uint8Array): void {
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      const start = old.starts[i]!;
      if (this.valid[group] !== old.valid[i]) changed[i] = 1;
      else if (this.valid[group] === 1 && this.compare(group, old.bytes, start, start + old.lengths[i]!) !== 0)
        changed[i] = 1;
    }
  }

  toColumn(rows: number): StringColumn {
    const offsets = new Int32Array(rows + 1);
    for (let row = 0; row < rows; row++) offsets[row + 1] = offsets[row]! + this.lengths[row]!;
    const bytes = new Uint8Array(offsets[rows]!);
    for (let row = 0; row < rows; row++) {
      const start = this.starts[row]!;
      bytes.set(this.bytes.subarray(start, start + this.lengths[row]!), offsets[row]);
    }
    return { physical: 'str', codes: null, offsets, bytes, validity: packValidity(this.valid, rows) };
  }

  /** Below 0 when `source[start .. end)` comes before the group's string. */
  private compare(group: number, source: Uint8Array, start: number, end: number): number {
    const at = this.starts[group]!;
    const length = this.lengths[group]!;
    const common = Math.min(length, end - start);
    for (let i = 0; i < common; i++) {
      const difference = source[start + i]! - this.bytes[at + i]!;
      if (difference !== 0) return difference;
    }
    return end - start - length;
  }

  private set(group: number, source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.garbage += this.lengths[group]!;
    this.lengths[group] = 0;
    if (this.used + length > this.bytes.length) this.makeRoom(length);
    const { bytes } = this;
    let at = this.used;
    this.starts[group] = at;
    for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    this.used = at;
    this.lengths[group] = length;
    this.valid[group] = 1;
  }

  /** Moves the live strings to a fresh heap with room for as much again. */
  private makeRoom(length: number): void {
    const live = this.used - this.garbage;
    const fresh = new Uint8Array(Math.max(256, (live + length) * 2));
    let at = 0;
    for (let group = 0; group < this.lengths.length; group++) {
      const start = this.starts[group]!;
      const end = start + this.lengths[group]!;
      fresh.set(this.bytes.subarray(start, end), at);
      this.starts[group] = at;
      at += end - start;
    }
    this.bytes = fresh;
    this.used = at;
    this.garbage = 0;
  }
}

export type Store = FixedStore | StringStore;

export function createStore(physical: Physical, capacity: number): Store {
  return physical === 'str' ? new StringStore(capacity) : new FixedStore(physical, capacity);
}

export function viewColumn(column: Column, rows: number): Store {
  return column.physical === 'str' ? StringStore.view(column, rows) : FixedStore.view(column, rows);
}

/** Copies between stores of the same physical type. */
export function moveValues(source: Store, target: Store, to: Int32Array, from: Int32Array, count: number): void {
  if (source instanceof StringStore) source.move(target as StringStore, to, from, count);
  else source.move(target as FixedStore, to, from, count);
}

/** Marks where `current[groups[i]]` differs from `old[i]`; both of the same physical type. */
export function markChanges(current: Store, old: Store, groups: Int32Array, count: number, changed: Uint8Array): void {
  if (current instanceof StringStore) current.markChanges(old as StringStore, groups, count, changed);
  else current.markChanges(old as FixedStore, groups, count, changed);
}

/** One bit per row from one byte per row; null when no row is NULL. */
export function packValidity(valid: Uint8Array, rows: number): Uint8Array | null {
  let row = 0;
  while (row < rows && valid[row] === 1) row++;
  if (row === rows) return null;
  const bits = new Uint8Array((rows + 7) >> 3);
  for (row = 0; row < rows; row++) bits[row >> 3]! |= valid[row]! << (row & 7);
  return bits;
}

function unpackValidity(validity: Uint8Array | null, rows: number): Uint8Array {
  const valid = new Uint8Array(rows);
  if (validity === null) return valid.fill(1);
  for (let row = 0; row < rows; row++) valid[row] = (validity[row >> 3]! >> (row & 7)) & 1;
  return valid;
}

function wordsOf(values: FixedValues): Int32Array {
  return values instanceof Uint8Array
    ? new Int32Array(0)
    : new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2);
}

function grownBytes(bytes: Uint8Array, capacity: number): Uint8Array {
  const larger = new Uint8Array(capacity);
  larger.set(bytes);
  return larger;
}

function moveBytes(target: Uint8Array, to: Int32Array, source: Uint8Array, from: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) target[to[i]!] = source[from[i]!]!;
}

function moveWords(target: Int32Array, to: Int32Array, source: Int32Array, from: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) target[to[i]!] = source[from[i]!]!;
}

function moveDoubleWords(
  target: Int32Array,
  to: Int32Array,
  source: Int32Array,
  from: Int32Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const at = 2 * to[i]!;
    const of = 2 * from[i]!;
    target[at] = source[of]!;
    target[at + 1] = source[of + 1]!;
  }
}
