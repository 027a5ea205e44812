// Hands out rows by the clock: how many may be read now, and when to come back.
import { BATCH_ROWS } from '../columnar/batch.ts';
import type { Pace, ReaderContext } from './connector.ts';
import { nextChange, rateAt, rowsDue, timeOfRow, type RateSchedule } from './rate-schedule.ts';

/** Milliseconds between two batches: rows wait at most so long for their batch. */
const TICK_MS = 20;
/** Timers do not take more than 24 days; who wakes early looks again. */
const LONGEST_SLEEP_MS = 3_600_000;

/**
 * Counts from its first use, or from where it is told to go on. What was due and could not be read is caught up. Time that passes while nothing reads is
 * none of the schedule's.
 */
export class Pacer {
  private readonly schedule: RateSchedule;
  private readonly context: Pick<ReaderContext, 'monotonic' | 'after' | 'wake'>;
  /** The moment of the schedule's time 0; null before the first use. */
  private start: number | null = null;
  /** Where the schedule goes on at its first use. */
  private resumeAt = 0;
  /** Rows that were due or read before it goes on are not counted: what is due beside those of the schedule, less what is read. */
  private balance = 0;
  private stopTimer: (() => void) | null = null;

  /** `schedule`: of this reader. */
  constructor(schedule: RateSchedule, context: Pick<ReaderContext, 'monotonic' | 'after' | 'wake'>) {
    this.schedule = schedule;
    this.context = context;
  }

  /** Goes on where a schedule was. */
  resume({ elapsed, behind }: Pace): void {
    this.balance += behind;
    const now = this.elapsed;
    if (elapsed <= now) return;
    // What is due between the two was due before, and is read or among what is behind.
    this.balance -= Math.floor(rowsDue(this.schedule, elapsed)) - Math.floor(rowsDue(this.schedule, now));
    if (this.start === null) this.resumeAt = elapsed;
    else this.start -= elapsed - now;
  }

  pace(): Pace {
    return { elapsed: Math.round(this.elapsed), behind: Math.max(0, this.due()) };
  }

  /** Rows that may be read now: 0, or at least a tick's worth. */
  allowance(): number {
    this.start ??= this.context.monotonic() - this.resumeAt;
    const due = this.due();
    return due < this.tickRows() ? 0 : Math.min(due, BATCH_ROWS);
  }

  spend(rows: number): void {
    this.balance -= rows;
  }

  /** Has wake() called when the next tick's rows are due, or when the rate changes. */
  wakeLater(): void {
    if (this.stopTimer !== null) return;
    const { elapsed, schedule } = this;
    const wanted = timeOfRow(schedule, this.tickRows() - this.balance);
    const at = Math.min(wanted, nextChange(schedule, elapsed));
    if (at === Infinity) return;
    const delay = Math.min(Math.max(1, Math.ceil(at - elapsed)), LONGEST_SLEEP_MS);
    this.stopTimer = this.context.after(delay, () => {
      this.stopTimer = null;
      this.context.wake();
    });
  }

  stop(): void {
    this.stopTimer?.();
    this.stopTimer = null;
  }

  /** Rows due and not read. */
  due(): number {
    return Math.floor(rowsDue(this.schedule, this.elapsed)) + this.balance;
  }

  private get elapsed(): number {
    return this.start === null ? this.resumeAt : this.context.monotonic() - this.start;
  }

  private tickRows(): number {
    const rows = Math.floor((rateAt(this.schedule, this.elapsed) * TICK_MS) / 1000);
    return Math.max(1, Math.min(BATCH_ROWS, rows));
  }
}
