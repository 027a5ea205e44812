// Randomness from a seed: the same seed, the same numbers, on every machine.

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d = 1;

  /** Streams of one seed with different names are independent: what one draws does not shift the others. */
  constructor(seed: number, stream: string) {
    this.a = seed >>> 0;
    this.b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.c = hashText(stream);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** In [0, 1): the generator sfc32 by Chris Doty-Humphrey. */
  next(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + t) | 0;
    return (t >>> 0) / 0x1_0000_0000;
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Mostly small, at times large: between `low` and `high`, even on a logarithmic scale. */
  spread(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }
}

/** FNV-1a. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
