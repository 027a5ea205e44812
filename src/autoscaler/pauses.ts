// What a rescale costs, from the job's own pauses, and the patience that follows: who pauses for two seconds may follow the load closely.
import type { Kept, Sample } from './model.ts';

/** Assumed until the job has been rescaled once. */
const ASSUMED_PAUSE_MS = 5_000;

/** The median of the job's last five rescales; what is remembered where it has none in this run. */
export function measuredPause(sample: Sample | null, remembered: number | null): number | null {
  const own = (sample?.pauses ?? []).filter(({ cause }) => cause === 'Rescale').slice(-5);
  const sorted = own.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? remembered;
}

export interface Patience {
  pauseMs: number;
  /** How long the load must be above what the job can do at all. */
  overMs: number;
  /** How long it must be above the upper utilisation, where nothing is late yet. */
  warmMs: number;
  /** How long half of the TaskManagers must be enough; fewer to be saved, longer patience (see `patienceFor`). */
  downMs: number;
}

export function patienceOf({ pauseMs }: Kept): Patience {
  const pause = pauseMs ?? ASSUMED_PAUSE_MS;
  return {
    pauseMs: pause,
    overMs: clamp(4 * pause, 20_000, 180_000),
    warmMs: clamp(30 * pause, 120_000, 600_000),
    downMs: clamp(120 * pause, 300_000, 3_600_000),
  };
}

/** The smaller the share of TaskManagers that is saved, the longer they must have been too many: half of them `downMs`, a quarter four times that. */
export const patienceFor = (saved: number, { downMs }: Patience): number => downMs * (0.5 / saved) ** 2;

export const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
