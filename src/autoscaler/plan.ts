// The cheapest way through the next day with few rescales, by dynamic programming: for each slot, how many TaskManagers.

/** A rescale must save this share of what the day costs. */
const RESCALE_SHARE = 0.01;

/** `needs`: TaskManagers that each slot needs at least. `changes`: rescales allowed, the one from `current` counted. Returns one count for each slot. */
export function planDay(needs: readonly number[], current: number, changes: number): number[] {
  const levels = [...new Set([...needs, current])].sort((a, b) => a - b);
  const price = RESCALE_SHARE * needs.reduce((a, b) => a + b, 0);
  // cost[c][l]: cheapest so far that ends at level l after c changes; from: where it came from.
  let cost = table(changes, levels.length);
  cost[0]![levels.indexOf(current)] = 0;
  const from: number[][][] = [];
  for (const need of needs) {
    const next = table(changes, levels.length);
    const origin = table(changes, levels.length);
    for (let c = 0; c <= changes; c++)
      for (let l = 0; l < levels.length; l++) {
        const here = cost[c]![l]!;
        if (here === Infinity) continue;
        for (let to = 0; to < levels.length; to++) {
          const used = to === l ? c : c + 1;
          // Where no rescale is left, too little is dearer than anything, but not impossible.
          const missing = Math.max(0, need - levels[to]!) * 100;
          const total = here + levels[to]! + missing + (to === l ? 0 : price);
          if (used > changes || total >= next[used]![to]!) continue;
          next[used]![to] = total;
          origin[used]![to] = l;
        }
      }
    cost = next;
    from.push(origin);
  }
  return trace(levels, cost, from);
}

const table = (changes: number, levels: number): number[][] =>
  Array.from({ length: changes + 1 }, () => Array<number>(levels).fill(Infinity));

function trace(levels: readonly number[], cost: readonly number[][], from: readonly number[][][]): number[] {
  let [used, level] = [0, 0];
  for (let c = 0; c < cost.length; c++)
    for (let l = 0; l < levels.length; l++) if (cost[c]![l]! < cost[used]![level]!) [used, level] = [c, l];
  const plan: number[] = [];
  for (let slot = from.length - 1; slot >= 0; slot--) {
    plan.unshift(levels[level]!);
    const before = from[slot]![used]![level]!;
    if (before !== level) used--;
    level = before;
  }
  return plan;
}
