// What is learned is written down so that it outlives the process, and seldom: of a job at rest nothing is. What changes at each look (the load of the last
// minutes, smoothed rates, how long something has lasted) is no reason to write; it goes along when something else is.
import type { Kept, KeptVertex, LoadProfile, Time } from './model.ts';

/** What was decided or found out. */
export const SOON_MS = 5 * 60_000;
/** What was measured. */
export const LATER_MS = 30 * 60_000;

/** Of a measured quantity, what is no news. */
const ABOUT = 0.1;
const DAY_MS = 24 * 3_600_000;
/** For so long nobody may have looked without anything having happened meanwhile. */
const UNWATCHED_MS = 60_000;

/** After which time since the last writing `kept` is worth another, milliseconds. Null: there is nothing new in it. */
export function keepWithin(kept: Kept, written: Kept): number | null {
  const last = (of: Kept): Time => of.actions.at(-1)?.at ?? -Infinity;
  if (last(kept) > last(written) || JSON.stringify(foundOut(kept)) !== JSON.stringify(foundOut(written)))
    return SOON_MS;
  return isMeasuredAnew(kept, written) ? LATER_MS : null;
}

const foundOut = ({ unproven, stopped, vertices, notices, cost, memory }: Kept): unknown => [
  unproven === null,
  stopped,
  Object.entries(vertices).flatMap(([id, { ceiling }]) => (ceiling === null ? [] : [[id, ceiling]])),
  notices.map(({ kind, subject }) => `${kind}/${subject}`).sort(),
  cost === null ? null : [cost.currency, cost.perHour],
  [memory.bumpedBytes, memory.killsSeen],
];

function isMeasuredAnew(kept: Kept, written: Kept): boolean {
  const ids = Object.keys(kept.vertices);
  return (
    ids.length !== Object.keys(written.vertices).length ||
    ids.some((id) => isVertexAnew(kept.vertices[id]!, written.vertices[id])) ||
    differs(kept.pauseMs, written.pauseMs) ||
    differs(kept.memory.peakBytes, written.memory.peakBytes) ||
    (kept.memory.peakAt ?? 0) - (written.memory.peakAt ?? 0) > DAY_MS ||
    isProfileAnew(kept.profile, written.profile)
  );
}

const isVertexAnew = (kept: KeptVertex, written: KeptVertex | undefined): boolean =>
  written === undefined ||
  kept.parallelism !== written.parallelism ||
  kept.tellsPending !== written.tellsPending ||
  differs(kept.ratePerSubtask, written.ratePerSubtask) ||
  differs(kept.ratio, written.ratio);

/** A slot of a quiet night is no news for a tenth of itself, but for a tenth of the week's highest. */
function isProfileAnew(kept: LoadProfile | null, written: LoadProfile | null): boolean {
  if (kept === null || written === null) return kept !== null;
  const most = Math.max(...kept.slots.map((load) => load ?? 0));
  return kept.slots.some((load, slot) => load !== null && differs(load, written.slots[slot] ?? null, most));
}

function differs(a: number | null, b: number | null, of?: number): boolean {
  if (a === null || b === null) return a !== b;
  return Math.abs(a - b) > ABOUT * (of ?? Math.max(Math.abs(a), Math.abs(b)));
}

/** What was written at `savedAt` as it counts now. "Since when" is a word of who has watched all the time: after a longer gap it is said anew. */
export function resumed(kept: Kept, savedAt: Time, now: Time): Kept {
  const unwatched = Math.abs(now - savedAt) > UNWATCHED_MS;
  return {
    ...kept,
    ...(unwatched ? { overSince: null, warmSince: null, idleSince: null } : {}),
    notices: kept.notices.map((notice) => ({ ...notice, seenAt: now })),
  };
}
