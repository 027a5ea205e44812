// Whether the load keeps rising. Said only of a rise that has gone on for a whole hour, through both halves of it, and is more than noise: a start, a step, a
// backlog that is replayed and a spike are none, and neither is a constant load, whose five minutes differ by a few percent.
import type { RecentLoad } from './model.ts';
import { clamp } from './pauses.ts';

/** How far ahead a steady rise is met: fewer, larger steps. */
const AHEAD_STEPS = 18;
/** Over how long a rise is measured, and how many steps of each half of it must be known. */
const TREND_STEPS = 12;
const KNOWN_OF_HALF = 4;
/** Of the load, within the hour. Whatever steps within 5 % of a constant load look like, the middle of their slopes is less. */
const CLEAR_RISE = 0.12;
/** How steep each half must be, of the whole: a step is flat before or after. */
const STEADY = 0.5;

/** By how much more than now the load will be in an hour and a half if it goes on rising as in the last hour: 1 to 2. */
export function headroomOf(recent: RecentLoad | null, load: number | null): number {
  if (recent === null || load === null || load <= 0 || recent.steps.length < TREND_STEPS) return 1;
  const steps = recent.steps.slice(-TREND_STEPS);
  const half = TREND_STEPS / 2;
  const slope = slopeOf(steps);
  const steady = Math.min(slopeOf(steps.slice(0, half)), slopeOf(steps.slice(half)));
  // A load that dips for a moment makes no rise out of noise.
  const highest = Math.max(load, ...steps.map((step) => step ?? 0));
  if (slope * TREND_STEPS < CLEAR_RISE * highest || steady < STEADY * slope) return 1;
  return clamp(1 + (slope * AHEAD_STEPS) / load, 1, 2);
}

/** The middle of the slopes between all that is known (Theil and Sen): half of what was seen may be noise. 0: too little is known. */
function slopeOf(steps: readonly (number | null)[]): number {
  const slopes: number[] = [];
  for (let from = 0; from < steps.length; from++)
    for (let to = from + 1; to < steps.length; to++)
      if (steps[from] !== null && steps[to] !== null) slopes.push((steps[to]! - steps[from]!) / (to - from));
  if (slopes.length < (KNOWN_OF_HALF * (KNOWN_OF_HALF - 1)) / 2) return 0;
  return slopes.sort((a, b) => a - b)[slopes.length >> 1]!;
}
