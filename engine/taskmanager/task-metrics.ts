// Counters and times of one task under Flink's names, as rates and totals.
import type { Metrics } from '../rpc/protocol.ts';

/** What a task is doing. Flink's TaskIOMetricGroup: what is neither idle nor held back is busy. */
export type Activity = 'busy' | 'idle' | 'backPressured';

export class TaskMetrics {
  private readonly now: () => number;
  private readonly counters = new Map<string, number>();
  private readonly spent: Record<Activity, number> = { busy: 0, idle: 0, backPressured: 0 };
  private activity: Activity = 'idle';
  private since: number;
  private last: { at: number; spent: Record<Activity, number>; in: number; out: number };
  numRecordsIn = 0;
  currentInputWatermark = Number.MIN_SAFE_INTEGER;
  /** Totals of the task's outputs and inputs, asked for when metrics are sent. */
  totals: () => { numRecordsOut: number; numBytesIn: number; numBytesOut: number } = () => ({
    numRecordsOut: 0,
    numBytesIn: 0,
    numBytesOut: 0,
  });

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.now = now;
    this.since = now();
    this.last = { at: this.since, spent: { ...this.spent }, in: 0, out: 0 };
  }

  readonly count = (metric: string, delta: number): void => {
    this.counters.set(metric, (this.counters.get(metric) ?? 0) + delta);
  };

  counted(metric: string): number {
    return this.counters.get(metric) ?? 0;
  }

  enter(activity: Activity): void {
    if (activity === this.activity) return;
    const now = this.now();
    this.spent[this.activity] += now - this.since;
    this.since = now;
    this.activity = activity;
  }

  /** Totals since the task began, and rates since `rates` was last true. */
  read(rates: boolean): Metrics {
    const now = this.now();
    this.spent[this.activity] += now - this.since;
    this.since = now;
    const totals = this.totals();
    const elapsed = Math.max(now - this.last.at, 1);
    const perSecond = (delta: number): number => (delta * 1000) / elapsed;
    const share = (activity: Activity): number =>
      Math.min(1000, Math.round(perSecond(this.spent[activity] - this.last.spent[activity])));
    const metrics: Metrics = {
      ...Object.fromEntries(this.counters),
      ...totals,
      numRecordsIn: this.numRecordsIn,
      numRecordsInPerSecond: perSecond(this.numRecordsIn - this.last.in),
      numRecordsOutPerSecond: perSecond(totals.numRecordsOut - this.last.out),
      busyTimeMsPerSecond: share('busy'),
      idleTimeMsPerSecond: share('idle'),
      backPressuredTimeMsPerSecond: share('backPressured'),
      accumulateBusyTimeMs: Math.round(this.spent.busy),
      accumulateIdleTimeMs: Math.round(this.spent.idle),
      accumulateBackPressuredTimeMs: Math.round(this.spent.backPressured),
      currentInputWatermark: this.currentInputWatermark,
    };
    if (rates) this.last = { at: now, spent: { ...this.spent }, in: this.numRecordsIn, out: totals.numRecordsOut };
    return metrics;
  }
}
