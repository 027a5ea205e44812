// Strings of keys, held once each as UTF-8 in one growing heap: a string becomes a small number that compares and hashes for free.
import type { StringColumn } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import { HASH_NULL, hashBytes } from './key-groups.ts';

const MAX_BYTES = 0x7fff_ffff;

/** Ids count from 0 in the order of arrival. What is behind an id never changes, so emitted batches may share the heap as dictionary. */
export class StringHeap {
  /** Number of strings. */
  size = 0;
  /** Hash of each string (state/key-groups.ts). */
  hashes = new Int32Array(16);
  /** String `id` is `bytes[offsets[id] .. offsets[id + 1])`. */
  private offsets = new Int32Array(17);
  private bytes = new Uint8Array(256);
  /** Open addressing with linear probing: id + 1, or 0 when free; at most half full. */
  private slots = new Int32Array(32);

  get allocatedBytes(): number {
    return this.hashes.byteLength + this.offsets.byteLength + this.bytes.byteLength + this.slots.byteLength;
  }

  /** The id of `source[start .. end)`: the one it has, or the next one. */
  intern(source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const id = this.slots[slot]! - 1;
      if (id < 0) break;
      if (this.hashes[id] === hash && this.equals(id, source, start, end)) return id;
      slot = (slot + 1) & mask;
    }
    const id = this.append(source, start, end, hash);
    this.slots[slot] = id + 1;
    if (this.size * 2 > this.slots.length) this.rehash();
    return id;
  }

  /** An id that no string has: stands for NULL where ids and groups count in step. */
  addUnlisted(): number {
    const id = this.append(this.bytes, 0, 0, HASH_NULL);
    if (this.size * 2 > this.slots.length) this.rehash();
    return id;
  }

  /** The strings `ids[0 .. rows)` as a column: over the heap itself when most of it is used, else with a dictionary of its own. */
  column(ids: Int32Array, rows: number, validity: Uint8Array | null): StringColumn {
    if (this.size > 0 && this.size <= 2 * rows)
      return {
        physical: 'str',
        codes: ids,
        offsets: this.offsets.subarray(0, this.size + 1),
        bytes: this.bytes.subarray(0, this.offsets[this.size]),
        validity,
      };
    const offsets = new Int32Array(rows + 1);
    for (let row = 0; row < rows; row++) {
      const id = ids[row]!;
      const length = id < this.size ? this.offsets[id + 1]! - this.offsets[id]! : 0;
      offsets[row + 1] = offsets[row]! + length;
    }
    const bytes = new Uint8Array(offsets[rows]!);
    for (let row = 0; row < rows; row++) {
      let from = this.offsets[ids[row]!]!;
      const end = offsets[row + 1]!;
      for (let to = offsets[row]!; to < end;) bytes[to++] = this.bytes[from++]!;
    }
    return { physical: 'str', codes: null, offsets, bytes, validity };
  }

  /** True when string `id` is `source[start .. end)`. */
  equals(id: number, source: Uint8Array, start: number, end: number): boolean {
    let at = this.offsets[id]!;
    if (this.offsets[id + 1]! - at !== end - start) return false;
    const { bytes } = this;
    for (let i = start; i < end; i++) if (bytes[at++] !== source[i]) return false;
    return true;
  }

  private append(source: Uint8Array, start: number, end: number, hash: number): number {
    const id = this.size++;
    if (id === this.hashes.length) {
      this.hashes = grown(this.hashes, id * 2);
      this.offsets = grown(this.offsets, id * 2 + 1);
    }
    let at = this.offsets[id]!;
    const needed = at + end - start;
    if (needed > this.bytes.length) {
      if (needed > MAX_BYTES)
        throw new EngineError('STATE_TOO_LARGE', `the string keys of one operator's subtask exceed 2 GiB`, {
          hint: 'raise the parallelism, so that each subtask holds fewer keys',
        });
      const bytes = new Uint8Array(Math.min(MAX_BYTES, Math.max(needed, this.bytes.length * 2)));
      bytes.set(this.bytes.subarray(0, at));
      this.bytes = bytes;
    }
    const { bytes } = this;
    for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    this.offsets[id + 1] = at;
    this.hashes[id] = hash;
    return id;
  }

  /** Doubles the slots. Ids of addUnlisted stand in none, so that no string is ever found to be one of them. */
  private rehash(): void {
    const old = this.slots;
    const slots = new Int32Array(old.length * 2);
    const mask = slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      let slot = this.hashes[entry - 1]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.slots = slots;
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}
