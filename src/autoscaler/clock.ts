// Clocks are set back, and another operator's clock is not this one's. What is remembered as of a time to come is of now, or it would be waited for until then.
import type { Kept, Time } from './model.ts';

/** A clock that differs by less is left alone, milliseconds. */
const SKEW_MS = 10_000;

/** `kept` with nothing in it that has not been yet. The same object when there is no such thing. */
export function upTo(kept: Kept, now: Time): Kept {
  const times = [
    ...kept.actions.map(({ at }) => at),
    ...[kept.asked?.at, kept.overSince, kept.warmSince, kept.idleSince, kept.stopped?.at, kept.unproven?.at],
  ];
  if (!times.some((at) => (at ?? now) > now + SKEW_MS)) return kept;
  const past = (at: Time): Time => Math.min(at, now);
  const pastOrNull = (at: Time | null): Time | null => (at === null ? null : past(at));
  return {
    ...kept,
    actions: kept.actions.map((action) => ({ ...action, at: past(action.at) })),
    asked: kept.asked && { ...kept.asked, at: past(kept.asked.at) },
    overSince: pastOrNull(kept.overSince),
    warmSince: pastOrNull(kept.warmSince),
    idleSince: pastOrNull(kept.idleSince),
    stopped: kept.stopped && { ...kept.stopped, at: past(kept.stopped.at) },
    unproven: kept.unproven && { ...kept.unproven, at: past(kept.unproven.at) },
  };
}
