// The order of groups in run files: by key group, then by the rest of the hash. A key group is a range of positions, so that state can be read key
// group by key group, and merged range by range, without loading it all.
import { KEY_GROUPS, mix32 } from '../key-groups.ts';

/** Positions of a key group: keyGroup * KEY_GROUP_SPAN up to before (keyGroup + 1) * KEY_GROUP_SPAN. */
export const KEY_GROUP_SPAN = 2 ** 32 / KEY_GROUPS;

/** The place of a key's hash, 0 to 2^32 - 1: equal when and only when the hashes are. Its highest bits are the key group. */
export function positionOf(hash: number): number {
  const mixed = mix32(hash);
  return ((mixed >>> 7) | (mixed << 25)) >>> 0;
}

/** Indexes of `positions` in ascending order; a radix sort. */
export function ascending(positions: Uint32Array): Int32Array {
  const { length } = positions;
  let order = new Int32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  let spare = new Int32Array(length);
  const bits = length < 1024 ? 8 : 11;
  const mask = (1 << bits) - 1;
  const starts = new Int32Array(mask + 2);
  for (let shift = 0; shift < 32; shift += bits) {
    starts.fill(0);
    for (let i = 0; i < length; i++) starts[((positions[i]! >>> shift) & mask) + 1]!++;
    for (let digit = 0; digit < mask; digit++) starts[digit + 1]! += starts[digit]!;
    for (let i = 0; i < length; i++) {
      const index = order[i]!;
      spare[starts[(positions[index]! >>> shift) & mask]!++] = index;
    }
    [order, spare] = [spare, order];
  }
  return order;
}

/** The first index from `from` on whose value in ascending `values` is at least `wanted`; `end` when there is none. */
export function firstAtLeast(values: Uint32Array, wanted: number, from: number, end: number): number {
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
