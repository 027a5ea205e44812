// What holds where the user says nothing.
import type { AutoscalingConfig, History, Kept } from './model.ts';

/** The limits that do not depend on the job. */
export const DEFAULTS = {
  mode: 'Apply',
  minParallelism: 1,
  maxParallelism: 16,
  targetUtilization: 0.7,
  catchUpTimeMs: 5 * 60_000,
  lagTargetMs: 30_000,
  rescalesPerDay: 4,
  schedules: [],
  learnProfile: true,
  scaleToZero: null,
  prices: null,
  budgetPerHour: null,
} satisfies Partial<AutoscalingConfig>;

/** Of a job that was never looked at; what a new leader has `kept` of goes in instead. */
export const emptyHistory = (kept: Kept = emptyKept()): History => ({ readings: [], kept });

export const emptyKept = (): Kept => ({
  version: 1,
  actions: [],
  vertices: {},
  unproven: null,
  pauseMs: null,
  asked: null,
  overSince: null,
  warmSince: null,
  recent: null,
  idleSince: null,
  stopped: null,
  profile: null,
  memory: { peakBytes: null, peakAt: null, since: null, killsSeen: 0, run: null, bumpedBytes: null },
  notices: [],
  cost: null,
});
