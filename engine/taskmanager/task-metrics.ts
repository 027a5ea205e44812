// Counters and times of one task under Flink's names: totals since it began, and rates over the last seconds.
import type { Metrics } from '../rpc/protocol.ts';
import { RateWindow } from './rate-window.ts';

/** What a task is doing. Flink's TaskIOMetricGroup: what is neither idle nor held back is busy. */
export type Activity = 'busy' | 'idle' | 'backPressured';

export class TaskMetrics {
  private readonly now: () => number;
  private readonly counters = new Map<string, number>();
  private readonly spent: Record<Activity, number> = { busy: 0, idle: 0, backPressured: 0 };
  private current: Activity = 'idle';
  private since: number;
  /** Null until the task runs, and once it has ended. */
  private window: RateWindow | null = null;
  /** Of the last sample. */
  private rates: Metrics = {};
  numRecordsIn = 0;
  currentInputWatermark = Number.MIN_SAFE_INTEGER;
  /** Totals of the task's inputs, outputs and operators, asked for when metrics are read; each has its rate beside it. */
  totals: () => Record<string, number> = () => ({});

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.now = now;
    this.since = now();
  }

  readonly count = (metric: string, delta: number): void => {
    this.counters.set(metric, (this.counters.get(metric) ?? 0) + delta);
  };

  counted(metric: string): number {
    return this.counters.get(metric) ?? 0;
  }

  get activity(): Activity {
    return this.current;
  }

  enter(activity: Activity): void {
    if (activity === this.current) return;
    this.settle();
    this.current = activity;
  }

  /** The task runs: the time that it took to restore is none of the three. */
  begin(): void {
    this.since = this.now();
    this.window = new RateWindow();
    this.sample();
  }

  /** Takes a sample: the rates are those of now. */
  sample(): void {
    if (this.window === null) return;
    this.settle();
    const { busy, idle, backPressured } = this.spent;
    const rates = this.window.add(this.since, { ...this.rated(), busy, idle, backPressured });
    if (rates !== null) this.rates = named(rates);
  }

  /** The task has ended: what has no speed any more has no rate. */
  end(): void {
    this.settle();
    this.window = null;
    this.rates = {};
  }

  /** Totals as of now, and the rates of the last sample: none before the task has run for a while. */
  read(): Metrics {
    this.settle();
    return {
      ...Object.fromEntries(this.counters),
      ...this.rated(),
      ...this.rates,
      accumulateBusyTimeMs: Math.round(this.spent.busy),
      accumulateIdleTimeMs: Math.round(this.spent.idle),
      accumulateBackPressuredTimeMs: Math.round(this.spent.backPressured),
      currentInputWatermark: this.currentInputWatermark,
    };
  }

  private settle(): void {
    const now = this.now();
    this.spent[this.current] += now - this.since;
    this.since = now;
  }

  private rated(): Record<string, number> {
    return { numRecordsIn: this.numRecordsIn, ...this.totals() };
  }
}

/** Busy is what the other two leave of a second, as in Flink: the three are 1000 together. */
function named({ busy: _, idle, backPressured, ...counters }: Record<string, number>): Metrics {
  const idleTimeMsPerSecond = Math.round(idle!);
  const backPressuredTimeMsPerSecond = Math.min(Math.round(backPressured!), 1000 - idleTimeMsPerSecond);
  return {
    ...Object.fromEntries(Object.entries(counters).map(([name, rate]) => [`${name}PerSecond`, rate])),
    busyTimeMsPerSecond: 1000 - idleTimeMsPerSecond - backPressuredTimeMsPerSecond,
    idleTimeMsPerSecond,
    backPressuredTimeMsPerSecond,
  };
}
