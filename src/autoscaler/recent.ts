// The load of the last hours in steps of five minutes: what scaling down looks back on, and what the weekly profile is learned from.
import type { RecentLoad, Time } from './model.ts';

export const STEP_MS = 5 * 60_000;
/** Six hours. */
export const RECENT_MS = 6 * 3_600_000;
const STEPS = RECENT_MS / STEP_MS;

/** `load` null: it could not be measured just now. */
export function withLoad(recent: RecentLoad | null, load: number | null, now: Time): RecentLoad {
  const start = now - (now % STEP_MS);
  let { steps, sum, count } = recent ?? { steps: [], sum: 0, count: 0 };
  if (recent !== null && start > recent.start) {
    const missed = Math.min(STEPS, (start - recent.start) / STEP_MS - 1);
    steps = [
      ...steps,
      count > 0 ? Number((sum / count).toPrecision(4)) : null,
      ...Array<null>(missed).fill(null),
    ].slice(-STEPS);
    sum = 0;
    count = 0;
  }
  return { steps, start, sum: sum + (load ?? 0), count: count + (load === null ? 0 : 1) };
}

/** The highest step of the last `steps` whole ones and of the present one. Null: not all are known. */
export function highest(recent: RecentLoad | null, steps: number): number | null {
  if (recent === null || recent.steps.length < steps) return null;
  const all = recent.steps.slice(-steps);
  if (all.some((one) => one === null)) return null;
  return Math.max(...(all as number[]), recent.count > 0 ? recent.sum / recent.count : 0);
}
