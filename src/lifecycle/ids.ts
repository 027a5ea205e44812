// Ids that follow from what they name, so that a decision that is made again makes the same id.

const OFFSET = 0x6c62272e07bb014262b821756295c58dn;
const PRIME = 0x0000000001000000000000000000013bn;
const MASK = (1n << 128n) - 1n;

/** Odd, with its bits spread: from the golden ratio. */
const SPREAD = 0x9e3779b97f4a7c15f39cc0605cedc835n;

/** 32 hex digits from `parts`: the 128-bit FNV-1a hash (RFC 9923), mixed so that every digit depends on every part. Names things; keeps no secrets. */
export function idOf(...parts: (string | number)[]): string {
  let hash = OFFSET;
  for (const part of parts) {
    for (let i = 0; i <= String(part).length; i++) {
      // One unit past the end gives NaN, which separates ('a', 'bc') from ('ab', 'c').
      const unit = String(part).charCodeAt(i);
      hash = ((hash ^ BigInt(Number.isNaN(unit) ? 0x1ffff : unit)) * PRIME) & MASK;
    }
  }
  // FNV leaves the last characters in the low digits alone; names are often told apart by their first few.
  for (let round = 0; round < 2; round++) hash = ((hash ^ (hash >> 64n)) * SPREAD) & MASK;
  hash ^= hash >> 64n;
  return hash.toString(16).padStart(32, '0');
}
