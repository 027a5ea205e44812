// Strings of any length, one per group, replaced at will: MIN and MAX of strings.
import type { StringColumn } from '../columnar/batch.ts';
import { packValidity } from './validity.ts';

/** Replaced strings leave garbage in the heap, which is cleared away when it runs full. */
export class StringStore {
  /** 1 = not NULL. */
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

  get allocatedBytes(): number {
    return this.valid.byteLength + this.starts.byteLength + this.lengths.byteLength + this.bytes.byteLength;
  }

  grow(capacity: number): void {
    const valid = new Uint8Array(capacity);
    valid.set(this.valid);
    this.valid = valid;
    this.starts = grown(this.starts, capacity);
    this.lengths = grown(this.lengths, capacity);
  }

  /** Forgets all strings. */
  clear(): void {
    this.valid.fill(0);
    this.lengths.fill(0);
    this.used = 0;
    this.garbage = 0;
  }

  /** Takes `source[start .. end)` when `group` has none yet, or a greater one (`sign` 1), or a lesser one (-1). Bytes order as code points do. */
  offer(group: number, source: Uint8Array, start: number, end: number, sign: 1 | -1): void {
    if (this.valid[group] === 0 || this.compare(group, source, start, end) * sign < 0)
      this.set(group, source, start, end);
  }

  /** Sets the string of `group` to `source[start .. end)`. */
  set(group: number, source: Uint8Array, start: number, end: number): void {
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

  /** Makes the string of `group` NULL. */
  setNull(group: number): void {
    this.garbage += this.lengths[group]!;
    this.lengths[group] = 0;
    this.valid[group] = 0;
  }

  /** Copies string `from` of `source`, or its NULL, to place `at`. */
  copy(at: number, source: StringStore, from: number): void {
    if (source.valid[from] === 0) this.setNull(at);
    else {
      const start = source.starts[from]!;
      this.set(at, source.bytes, start, start + source.lengths[from]!);
    }
  }

  /** A copy of the strings of groups first .. end - 1, numbered from 0. */
  slice(first: number, end: number): StringStore {
    const copy = new StringStore(end - first);
    for (let group = first; group < end; group++) copy.copy(group - first, this, group);
    return copy;
  }

  /** True when the string of `group` is not string `at` of `other`. */
  differs(group: number, other: StringStore, at: number): boolean {
    if (this.valid[group] !== other.valid[at]) return true;
    const start = other.starts[at]!;
    return this.valid[group] === 1 && this.compare(group, other.bytes, start, start + other.lengths[at]!) !== 0;
  }

  /** The strings of `groups[0 .. rows)`. */
  column(groups: Int32Array, rows: number): StringColumn {
    const offsets = new Int32Array(rows + 1);
    const valid = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) {
      offsets[row + 1] = offsets[row]! + this.lengths[groups[row]!]!;
      valid[row] = this.valid[groups[row]!]!;
    }
    const bytes = new Uint8Array(offsets[rows]!);
    for (let row = 0; row < rows; row++) {
      let from = this.starts[groups[row]!]!;
      const end = offsets[row + 1]!;
      for (let to = offsets[row]!; to < end;) bytes[to++] = this.bytes[from++]!;
    }
    return { physical: 'str', codes: null, offsets, bytes, validity: packValidity(valid, rows) };
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

  /** Moves the live strings to a fresh heap with room for as much again. */
  private makeRoom(length: number): void {
    const live = this.used - this.garbage;
    const fresh = new Uint8Array(Math.max(256, (live + length) * 2));
    let at = 0;
    for (let group = 0; group < this.lengths.length; group++) {
      const start = this.starts[group]!;
      const end = start + this.lengths[group]!;
      if (start === end) continue;
      fresh.set(this.bytes.subarray(start, end), at);
      this.starts[group] = at;
      at += end - start;
    }
    this.bytes = fresh;
    this.used = at;
    this.garbage = 0;
  }
}

function grown(array: Int32Array, capacity: number): Int32Array {
  const larger = new Int32Array(capacity);
  larger.set(array);
  return larger;
}
