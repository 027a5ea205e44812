// Finds the groups of a batch in a run: keys in the order of positions, pages in the order of positions, each page read once.
import type { FixedColumn } from '../../columnar/batch.ts';
import type { GroupTable } from '../group-table.ts';
import { keepEqualKeys, writeAccumulators, writeTimes } from './group-rows.ts';
import type { PageCache } from './page-cache.ts';
import { firstAtLeast } from './positions.ts';
import type { Run, RunPart, SpilledPage } from './run.ts';

/** Groups of a table that are looked for, in the order of positions. */
export interface Wanted {
  groups: Int32Array;
  positions: Uint32Array;
  /** Of each: 0 while it is looked for. */
  outcome: Uint8Array;
}

export const FOUND = 1;
/** It was there, but its time was over: no older copy counts either. */
export const EXPIRED = 2;

/** Gives the groups that are in `part` their accumulators. `deadline`: a group that was last updated then or before counts as absent. */
export function lookUp(
  table: GroupTable,
  wanted: Wanted,
  run: Run,
  part: RunPart,
  cache: PageCache,
  deadline: number | null,
): void {
  const { positions, outcome } = wanted;
  const { filter, firsts, lasts } = part;
  const count = positions.length;
  const skipped = new Uint8Array(count);
  for (let i = 0; i < count; i++)
    skipped[i] = outcome[i] !== 0 || (filter !== null && !filter.mayHold(positions[i]!)) ? 1 : 0;
  let next = 0;
  let page = 0;
  for (;;) {
    while (next < count && skipped[next] === 1) next++;
    if (next === count) return;
    page = firstAtLeast(lasts, positions[next]!, page, lasts.length);
    if (page === lasts.length) return;
    if (firsts[page]! > positions[next]!) {
      next++;
      continue;
    }
    const end = firstAtLeast(positions, lasts[page]! + 1, next, count);
    searchPage(table, wanted, skipped, next, end, cache.read(run, part, page), deadline);
    next = end;
    page++;
    // A position may go on in the next page: it is looked for there again.
    if (page < lasts.length) while (next > 0 && positions[next - 1]! >= firsts[page]!) next--;
  }
}

/** Looks for the wanted groups `from` to before `end` in one page. */
function searchPage(
  table: GroupTable,
  { groups, positions, outcome }: Wanted,
  skipped: Uint8Array,
  from: number,
  end: number,
  page: SpilledPage,
  deadline: number | null,
): void {
  const { batch, positions: held } = page;
  const pairs: number[] = [];
  const indexOf = new Map<number, number>();
  let at = 0;
  for (let i = from; i < end; i++) {
    if (skipped[i] === 1) continue;
    at = firstAtLeast(held, positions[i]!, at, held.length);
    for (let row = at; row < held.length && held[row] === positions[i]; row++) {
      pairs.push(groups[i]!, row);
      indexOf.set(groups[i]!, i);
    }
  }
  if (pairs.length === 0) return;
  const pairGroups = Int32Array.from({ length: pairs.length >> 1 }, (_, pair) => pairs[2 * pair]!);
  const pairRows = Int32Array.from({ length: pairs.length >> 1 }, (_, pair) => pairs[2 * pair + 1]!);
  const matches = keepEqualKeys(table, pairGroups, batch, pairRows, pairGroups.length);
  const times = timesOf(table, page);
  let alive = 0;
  for (let pair = 0; pair < matches; pair++) {
    const group = pairGroups[pair]!;
    const row = pairRows[pair]!;
    const i = indexOf.get(group)!;
    skipped[i] = 1;
    outcome[i] = times !== null && deadline !== null && times[row]! <= deadline ? EXPIRED : FOUND;
    if (outcome[i] !== FOUND) continue;
    pairGroups[alive] = group;
    pairRows[alive++] = row;
  }
  const { keys, accumulators } = table.layout;
  const columns = batch.columns.slice(keys.length, keys.length + accumulators.length);
  writeAccumulators(table, pairGroups, columns, pairRows, alive);
  if (times !== null) writeTimes(table, pairGroups, times, pairRows, alive);
}

function timesOf({ layout }: GroupTable, { batch }: SpilledPage): Float64Array | null {
  if (layout.timeAt === null) return null;
  return (batch.columns[layout.keys.length + layout.accumulators.length] as FixedColumn).values as Float64Array;
}
