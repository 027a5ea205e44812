// What arrives at a job, records per second by the second since the beginning.
import { Random } from '../random.ts';

export type Load = (second: number) => number;

export const HOUR = 3_600;
export const DAY = 24 * HOUR;

export const constant =
  (rate: number): Load =>
  () =>
    rate;

export const step =
  (before: number, after: number, at: number): Load =>
  (second) =>
    second < at ? before : after;

export const ramp =
  (from: number, to: number, begin: number, end: number): Load =>
  (second) =>
    from + (to - from) * Math.min(1, Math.max(0, (second - begin) / (end - begin)));

/** `height` times the load for `seconds`, at each of `at`. */
export const spikes =
  (base: number, height: number, at: readonly number[], seconds: number): Load =>
  (second) =>
    at.some((begin) => second >= begin && second < begin + seconds) ? base * height : base;

/** Lowest at 04:00, highest at 16:00; on Saturday and Sunday less. Second 0 is Monday 00:00. */
export const dayAndNight =
  (night: number, day: number, weekend: number): Load =>
  (second) => {
    const wave = (1 - Math.cos(((second - 4 * HOUR) / DAY) * 2 * Math.PI)) / 2;
    const factor = Math.floor(second / DAY) % 7 >= 5 ? weekend : 1;
    return (night + (day - night) * wave) * factor;
  };

/** Noise around a load: it wanders (correlated over about a minute) by `deviation` of it. */
export function noisy(load: Load, deviation: number, seed: number, seconds: number): Load {
  const random = new Random(seed, 'noise');
  const every = 5;
  const values = new Float64Array(Math.ceil(seconds / every) + 1);
  const memory = Math.exp(-every / 60);
  let wander = 0;
  for (let i = 0; i < values.length; i++) {
    wander = memory * wander + Math.sqrt(1 - memory ** 2) * normal(random);
    values[i] = Math.max(0, 1 + deviation * wander);
  }
  return (second) => load(second) * (values[Math.floor(second / every)] ?? 1);
}

/** Box and Muller. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
