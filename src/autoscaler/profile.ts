// The load of a week, learned from the job itself: what is expected when, so that a recurring rise is met ahead of time. It only ever adds to what was
// measured: nothing is taken away because the profile says so.
import type { LoadProfile, RecentLoad, Time } from './model.ts';
import { clamp } from './pauses.ts';
import { STEP_MS } from './recent.ts';

export const SLOT_MS = 30 * 60_000;
const DAY_SLOTS = 48;
export const WEEK_SLOTS = 7 * DAY_SLOTS;
/** The epoch began on a Thursday; the first Monday came four days later. */
const FIRST_MONDAY = 4 * 24 * 3_600_000;
/** Of what a slot was, what a new week replaces. */
const WEIGHT = 0.5;
/** For how long today is taken to differ from the profile as it does now. */
const CORRECTION_MS = 3 * 3_600_000;

export const slotOf = (at: Time): number => {
  const slot = Math.floor((at - FIRST_MONDAY) / SLOT_MS) % WEEK_SLOTS;
  return slot < 0 ? slot + WEEK_SLOTS : slot;
};

/** Takes over the steps that have ended since `before`. */
export function learnProfile(
  profile: LoadProfile | null,
  before: RecentLoad | null,
  after: RecentLoad,
): LoadProfile | null {
  if (before === null || after.start === before.start || before.count === 0) return profile;
  const slots = profile?.slots ?? Array<number | null>(WEEK_SLOTS).fill(null);
  const load = before.sum / before.count;
  const slot = slotOf(before.start);
  const current = profile?.current ?? null;
  if (current?.slot === slot) return { slots, current: { slot, highest: Math.max(current.highest, load) } };
  return { slots: current === null ? slots : withSlot(slots, current), current: { slot, highest: load } };
}

function withSlot(
  slots: LoadProfile['slots'],
  { slot, highest }: { slot: number; highest: number },
): LoadProfile['slots'] {
  const old = slots[slot] ?? null;
  // Kept short, because it stands in a ConfigMap.
  const learned = Number((old === null ? highest : old + WEIGHT * (highest - old)).toPrecision(4));
  return slots.map((value, i) => (i === slot ? learned : value));
}

/** What is expected at a time; where that day of the week was never seen, what the last day had. Null: nothing is known of that hour. */
export function expected({ slots }: LoadProfile, at: Time): number | null {
  const slot = slotOf(at);
  for (let days = 0; days < 7; days++) {
    const known = slots[(slot - days * DAY_SLOTS + WEEK_SLOTS) % WEEK_SLOTS];
    if (known !== null && known !== undefined) return known;
  }
  return null;
}

/** What is expected, corrected by how today differs: half and double at most. */
export function forecast(profile: LoadProfile, recent: RecentLoad | null, now: Time, at: Time): number | null {
  const known = expected(profile, at);
  const here = expected(profile, now - STEP_MS);
  const last = recent?.steps.at(-1) ?? null;
  if (known === null || here === null || here <= 0 || last === null) return known;
  const differs = clamp(last / here, 0.5, 2);
  return known * (1 + (differs - 1) * Math.exp(-Math.max(0, at - now) / CORRECTION_MS));
}

/** The load of the next day in slots of half an hour, the present one first. Null: not all of it is known. */
export function nextDay(profile: LoadProfile | null, recent: RecentLoad | null, now: Time): number[] | null {
  if (profile === null) return null;
  const begin = now - (now % SLOT_MS);
  const loads = Array.from({ length: DAY_SLOTS }, (_, i) =>
    forecast(profile, recent, now, Math.max(now, begin + i * SLOT_MS)),
  );
  return loads.includes(null) ? null : (loads as number[]);
}

/** Whether every hour of the day was seen. */
export const knowsTheDay = (profile: LoadProfile | null): boolean =>
  profile !== null &&
  Array.from({ length: DAY_SLOTS }, (_, i) => expected(profile, FIRST_MONDAY + i * SLOT_MS)).every(
    (load) => load !== null,
  );
