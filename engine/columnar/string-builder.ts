// Builds the dictionary of a string column: entries are appended as text or as UTF-8 and found again while that pays.
const encoder = new TextEncoder();
const SAMPLE = 1024;

/** What `StringDictionary.finish` returns: offsets and bytes of a `StringColumn`. */
export interface Dictionary {
  offsets: Int32Array;
  bytes: Uint8Array;
}

/**
 * Entries are only appended: arrays that `finish` has given out stay as they are. Strings are looked up among those added before until
 * more than half of a first sample turned out to be new; from then on every string becomes an entry of its own.
 */
export class StringDictionary {
  entries = 0;
  private bytes: Uint8Array<ArrayBuffer>;
  private offsets: Int32Array;
  private seen: Map<string, number> | null = new Map();
  private asked = 0;
  private finished: Dictionary | null = null;

  /** `before`: the builder of the batch before, whose size is likely to be needed again. */
  constructor(before?: StringDictionary) {
    this.bytes = new Uint8Array(Math.max(1024, before === undefined ? 0 : before.offsets[before.entries]!));
    this.offsets = new Int32Array(Math.max(64, before?.entries ?? 0) + 1);
  }

  /** The entry of `text`. */
  add(text: string): number {
    if (this.seen === null) return this.append(text);
    const known = this.seen.get(text);
    if (known !== undefined) {
      this.asked++;
      return known;
    }
    const entry = this.append(text);
    this.seen.set(text, entry);
    if (++this.asked >= SAMPLE && this.seen.size > this.asked >> 1) this.seen = null;
    return entry;
  }

  /** A new entry with a copy of `source[start..end)`. Not looked up. */
  addBytes(source: Uint8Array, start: number, end: number): number {
    const at = this.offsets[this.entries]!;
    this.reserve(at + end - start);
    const { bytes } = this;
    if (end - start < 32) for (let i = start, o = at; i < end; i++, o++) bytes[o] = source[i]!;
    else bytes.set(source.subarray(start, end), at);
    return this.close(at + end - start);
  }

  private append(text: string): number {
    const at = this.offsets[this.entries]!;
    const { length } = text;
    this.reserve(at + length * 3);
    const { bytes } = this;
    if (length < 32) {
      let i = 0;
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 127) break;
        bytes[at + i] = unit;
      }
      if (i === length) return this.close(at + length);
    }
    return this.close(at + encoder.encodeInto(text, bytes.subarray(at)).written);
  }

  private close(end: number): number {
    if (this.entries + 2 > this.offsets.length) {
      const grown = new Int32Array(this.offsets.length * 2);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    this.finished = null;
    this.offsets[this.entries + 1] = end;
    return this.entries++;
  }

  private reserve(length: number): void {
    if (length <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.offsets[this.entries]));
    this.bytes = grown;
  }

  /** The dictionary so far, with at least one entry (a NULL row's code must be valid). The same arrays as before when nothing was added. */
  finish(): Dictionary {
    if (this.entries === 0) this.append('');
    this.finished ??= {
      offsets: this.offsets.subarray(0, this.entries + 1),
      bytes: this.bytes.subarray(0, this.offsets[this.entries]),
    };
    return this.finished;
  }
}
