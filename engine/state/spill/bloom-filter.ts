// A Bloom filter over positions (Bloom 1970): tells of most keys that a run does not hold them, without reading a page.

/** Bits per group, of which PROBES are set: about 1 % of absent keys pass. */
const BITS_PER_GROUP = 10;
const PROBES = 5;

export class BloomFilter {
  private readonly words: Int32Array;
  private readonly mask: number;

  constructor(groups: number) {
    const bits = Math.min(2 ** 31, 2 ** Math.ceil(Math.log2(Math.max(64, groups * BITS_PER_GROUP))));
    this.words = new Int32Array(bits / 32);
    this.mask = bits - 1;
  }

  /** Bytes that a filter for so many groups takes. */
  static bytesFor(groups: number): number {
    return Math.min(2 ** 31, 2 ** Math.ceil(Math.log2(Math.max(64, groups * BITS_PER_GROUP)))) / 8;
  }

  get allocatedBytes(): number {
    return this.words.byteLength;
  }

  add(position: number): void {
    const step = stepOf(position);
    let bit = position;
    for (let probe = 0; probe < PROBES; probe++) {
      const at = bit & this.mask;
      this.words[at >>> 5]! |= 1 << (at & 31);
      bit = (bit + step) | 0;
    }
  }

  mayHold(position: number): boolean {
    const step = stepOf(position);
    let bit = position;
    for (let probe = 0; probe < PROBES; probe++) {
      const at = bit & this.mask;
      if ((this.words[at >>> 5]! & (1 << (at & 31))) === 0) return false;
      bit = (bit + step) | 0;
    }
    return true;
  }
}

/** Double hashing (Kirsch, Mitzenmacher 2006): positions are hashes already, so one multiplication gives the second. Odd: it visits all bits. */
function stepOf(position: number): number {
  const mixed = Math.imul(position ^ (position >>> 16), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) | 1;
}
