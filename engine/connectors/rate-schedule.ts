// Rates that change over time: how many rows are due at a moment, and when a row will be.
import { parseDuration } from '../config.ts';

/** From `from` milliseconds on, `rate` rows per second. The first is from 0, the others follow in order; the last holds for ever. */
export type RateSchedule = readonly { from: number; rate: number }[];

export const constantRate = (rate: number): RateSchedule => [{ from: 0, rate }];

/** The rate of one of `parts` readers that share the schedule evenly. */
export const shareOf = (schedule: RateSchedule, parts: number): RateSchedule =>
  schedule.map(({ from, rate }) => ({ from, rate: rate / parts }));

export function rateAt(schedule: RateSchedule, elapsed: number): number {
  return schedule.findLast(({ from }) => from <= elapsed)?.rate ?? 0;
}

/** The moment behind `elapsed` at which the rate changes next; Infinity: it does not. */
export function nextChange(schedule: RateSchedule, elapsed: number): number {
  return schedule.find(({ from }) => from > elapsed)?.from ?? Infinity;
}

/** Rows, not rounded, that have become due within the first `elapsed` milliseconds. */
export function rowsDue(schedule: RateSchedule, elapsed: number): number {
  return schedule.reduce((rows, { from, rate }, index) => {
    const to = Math.min(elapsed, schedule[index + 1]?.from ?? Infinity);
    return to <= from ? rows : rows + ((to - from) * rate) / 1000;
  }, 0);
}

/** The first millisecond, not rounded, at which that many rows are due; Infinity: they never are. */
export function timeOfRow(schedule: RateSchedule, rows: number): number {
  let before = 0;
  for (const [index, { from, rate }] of schedule.entries()) {
    const lasts = (schedule[index + 1]?.from ?? Infinity) - from;
    const needs = rows <= before ? 0 : rate === 0 ? Infinity : ((rows - before) * 1000) / rate;
    if (needs <= lasts && needs < Infinity) return from + needs;
    before += rate === 0 ? 0 : (lasts * rate) / 1000;
  }
  return Infinity;
}

/**
 * Reads `0s:1000, 60s:5000, 2min:0`: from when on, and rows per second over the whole source.
 * @throws Error that says what is wrong with which step
 */
export function parseSchedule(text: string): RateSchedule {
  const schedule = text.split(',').map((step) => {
    const parts = step.split(':').map((part) => part.trim());
    const rate = Number(parts[1]);
    if (parts.length !== 2 || parts[1] === '' || !Number.isFinite(rate) || rate < 0)
      throw new Error(`'${step.trim()}' is not a time and a rate`);
    return { from: parseDuration(parts[0]!, `the time of '${step.trim()}'`), rate };
  });
  if (schedule[0]!.from !== 0) throw new Error('it does not say at which rate it begins');
  schedule.forEach(({ from }, index) => {
    if (index > 0 && from <= schedule[index - 1]!.from)
      throw new Error(`its step ${index + 1} is not later than the one before`);
  });
  return schedule;
}
