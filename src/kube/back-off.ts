// How long to wait before the next try: doubling, with jitter so that many clients do not come back at the same moment.
import type { Random } from './time.ts';

export interface BackOff {
  /** After the first failure, milliseconds. */
  baseMs: number;
  capMs: number;
  /** The part of the delay that chance decides: 0 none, 0.5 between a half and the whole. */
  jitter: number;
}

/** Milliseconds to wait after `failures` failures in a row, counted from 1. Never more than `capMs`, never ends. */
export function delayAfter(failures: number, { baseMs, capMs, jitter }: BackOff, random: Random): number {
  const whole = Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 50));
  return whole * (1 - jitter * random());
}
