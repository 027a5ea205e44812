// Within what a decision must stay: the user's bounds, a schedule's, what a vertex can use, what was found to bring nothing, and the budget.
import { lastTime, scheduleError } from '../api/cron.ts';
import { neverCloses } from '../api/windows.ts';
import { partsOf } from './alignment.ts';
import { taskManagerPerHour } from './money.ts';
import type { AutoscalingConfig, Kept, KeptVertex, ScheduleWindow, Time, VertexSample } from './model.ts';

export interface Bounds {
  min: number;
  max: number;
  maxTaskManagers: number;
  /** What set them, where it was not minParallelism and maxParallelism; otherwise empty. */
  because: string;
  /** The job is not to run before this time; null: it may. */
  suspendedUntil: Time | null;
}

/** A minimum above the maximum gives way to it. */
export function boundsAt(config: AutoscalingConfig, now: Time): Bounds {
  const open = config.schedules.find((window) => openUntil(window, now) !== null);
  let because = open === undefined ? '' : `schedule ${open.name}`;
  const slots = config.slotsPerTaskManager;
  let max = Math.max(1, open?.maxParallelism ?? config.maxParallelism);
  const affordable = affordableTaskManagers(config);
  if (affordable < Math.ceil(max / slots)) {
    max = Math.min(max, affordable * slots);
    because = `budget of ${config.budgetPerHour} ${config.prices!.currency} an hour`;
  }
  const min = Math.min(Math.max(1, open?.minParallelism ?? config.minParallelism), max);
  const suspendedUntil = open?.suspend === true ? openUntil(open, now) : null;
  return { min, max, maxTaskManagers: Math.ceil(max / slots), because, suspendedUntil };
}

/** When a window closes that is open now; null: it is not, its schedule cannot be read, or it would stop the job for good. */
function openUntil(window: ScheduleWindow, now: Time): Time | null {
  if (scheduleError(window) !== null || neverCloses(window, window.durationMs)) return null;
  const opened = lastTime(window, now);
  return opened !== null && now < opened + window.durationMs ? opened + window.durationMs : null;
}

/**
 * The window that keeps a job stopped for good, as operators did once that followed such windows: whoever comes after them starts nothing on his own. Undefined:
 * there is none, or another window may have stopped the job.
 */
export function closedForGood({ schedules }: AutoscalingConfig): ScheduleWindow | undefined {
  const stopping = schedules.filter(({ suspend }) => suspend);
  const isForGood = (window: ScheduleWindow): boolean =>
    scheduleError(window) === null && neverCloses(window, window.durationMs);
  return stopping.every(isForGood) ? stopping[0] : undefined;
}

/** One is always left: a budget bounds the size of a job, and stops none. */
function affordableTaskManagers(config: AutoscalingConfig): number {
  const each = taskManagerPerHour(config);
  if (config.budgetPerHour === null || each === null || each <= 0) return Infinity;
  // 0.3 / 0.1 is a little less than 3 in floating point.
  return Math.max(1, Math.floor(config.budgetPerHour / each + 1e-6));
}

/** The fewest and the most subtasks of one vertex. A maximum of the vertex itself goes before the user's minimum. */
export function rangeOf(vertex: VertexSample, bounds: Bounds, kept: Kept, now: Time): { low: number; high: number } {
  const ceiling = kept.vertices[vertex.id]?.ceiling ?? null;
  const parts = partsOf(vertex);
  const high = Math.max(
    1,
    Math.min(
      bounds.max,
      vertex.maxParallelism,
      parts === null || parts < 1 ? Infinity : parts,
      ceilingOf(ceiling, now, bounds.min),
    ),
  );
  return { low: Math.min(bounds.min, high), high };
}

/** Once its time is over, twice as many may be tried. */
function ceilingOf(ceiling: KeptVertex['ceiling'], now: Time, min: number): number {
  if (ceiling === null) return Infinity;
  return now >= ceiling.until ? 2 * ceiling.parallelism : Math.max(ceiling.parallelism, min);
}
