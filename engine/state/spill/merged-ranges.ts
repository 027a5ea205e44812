// Several sorted sources of groups as one, range of positions by range: each range is put together in a small table, by the same generated loops
// that work on state in memory, so that nothing is merged row by row.
import type { ColumnBatch } from '../../columnar/batch.ts';
import type { GroupTable } from '../group-table.ts';
import { ascending, firstAtLeast } from './positions.ts';
import type { SpilledPage } from './run.ts';
import type { SortedPages } from './sorted-pages.ts';

/** How the copies of a group become one. */
export interface GroupMerging {
  /** A table of the form that `absorb` fills. */
  createTable(): GroupTable;
  /** Adds rows `from` to before `end` of a page. Pages come from the oldest source to the newest. */
  absorb(table: GroupTable, batch: ColumnBatch, from: number, end: number): void;
}

/** Positions `low` to before `high`. */
export interface PositionRange {
  low: number;
  high: number;
}

export const ALL_POSITIONS: PositionRange = { low: 0, high: 2 ** 32 };

/**
 * The groups of `sources`, oldest first, each once, in tables of one range each and of about `targetBytes`; ranges ascend. A table is the
 * caller's. Throws SPILL_FILE.
 */
export function* mergedRanges(
  sources: readonly SortedPages[],
  merging: GroupMerging,
  targetBytes: number,
  within: PositionRange = ALL_POSITIONS,
): Generator<GroupTable> {
  const readers = sources.map((source) => new RangeReader(source));
  for (const range of cut(sources, targetBytes, within)) {
    const table = merging.createTable();
    for (const reader of readers) reader.absorb(table, merging, range);
    if (table.size > 0) yield table;
  }
}

/** Ranges whose pages have about `targetBytes` together; a page counts where it begins. */
function cut(sources: readonly SortedPages[], targetBytes: number, { low, high }: PositionRange): PositionRange[] {
  const firsts: number[] = [];
  const sizes: number[] = [];
  for (const source of sources)
    for (let page = firstPageFrom(source, low); page < source.count && source.first(page) < high; page++) {
      firsts.push(Math.max(low, source.first(page)));
      sizes.push(source.bytes(page));
    }
  const ranges: PositionRange[] = [];
  let start = low;
  let bytes = 0;
  for (const index of ascending(Uint32Array.from(firsts))) {
    if (bytes >= targetBytes && firsts[index]! > start) {
      ranges.push({ low: start, high: firsts[index]! });
      start = firsts[index]!;
      bytes = 0;
    }
    bytes += sizes[index]!;
  }
  if (bytes > 0) ranges.push({ low: start, high });
  return ranges;
}

/** The first page that has a group at `position` or behind. */
function firstPageFrom(source: SortedPages, position: number): number {
  let from = 0;
  let end = source.count;
  while (from < end) {
    const middle = (from + end) >>> 1;
    if (source.last(middle) < position) from = middle + 1;
    else end = middle;
  }
  return from;
}

/** Keeps the page that it read last: ranges mostly end in the middle of one. */
class RangeReader {
  private readonly source: SortedPages;
  private number = -1;
  private held: SpilledPage | null = null;

  constructor(source: SortedPages) {
    this.source = source;
  }

  absorb(table: GroupTable, merging: GroupMerging, { low, high }: PositionRange): void {
    const { source } = this;
    for (let page = firstPageFrom(source, low); page < source.count && source.first(page) < high; page++) {
      const { batch, positions } = this.read(page);
      const from = firstAtLeast(positions, low, 0, positions.length);
      const end = firstAtLeast(positions, high, from, positions.length);
      if (end > from) merging.absorb(table, batch, from, end);
    }
  }

  private read(page: number): SpilledPage {
    if (this.held === null || this.number !== page) {
      this.held = this.source.read(page);
      this.number = page;
    }
    return this.held;
  }
}
