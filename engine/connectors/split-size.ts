// How much there is to read in several splits together.
import type { SourceSplit, SplitSize } from './connector.ts';

/** Sums over the splits, those measured in rows and those measured in bytes apart; null when nothing is known of one. */
export function sizeOfAll(
  splits: readonly SourceSplit[],
  sizeOf: (split: SourceSplit) => SplitSize | null,
): { rows: number; bytes: number } | null {
  const all = { rows: 0, bytes: 0 };
  for (const split of splits) {
    const size = sizeOf(split);
    if (size === null) return null;
    if ('rows' in size) all.rows += size.rows;
    else all.bytes += size.bytes;
  }
  return all;
}
