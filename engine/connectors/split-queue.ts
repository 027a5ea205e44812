// Reads splits one after the other, at full speed or replayed at a rate: what the sources have in common.
import { BATCH_ROWS, type ColumnBatch } from '../columnar/batch.ts';
import type { ReaderContext, SourceReader, SourceSplit } from './connector.ts';

/** Reads one split at a time. */
export interface FormatReader {
  /** Begins a split at its position. */
  open(position: Record<string, unknown>): void;
  /** Up to `limit` rows; 'pending' when wake() will be called; null at the end of the split. */
  next(limit: number): ColumnBatch | 'pending' | null;
  /** Just behind the last batch. */
  position(): Record<string, unknown>;
  close(): void;
}

export interface ReplayOptions {
  /** Rows per second. */
  rate: number;
  /** What comes behind the last row: the end of the stream, or nothing. */
  onEnd: 'finish' | 'wait';
}

/** Milliseconds between two batches of a replay: rows wait at most so long for their batch. */
const REPLAY_TICK = 20;

export class SplitQueueReader implements SourceReader {
  private readonly format: FormatReader;
  private readonly pacer: Pacer | null;
  private readonly onEnd: 'finish' | 'wait';
  private readonly splits: SourceSplit[] = [];
  private opened = false;
  /** The last split of a replay that waits is read: it is kept, so that a restored reader waits too. */
  private waiting = false;

  constructor(format: FormatReader, context: ReaderContext, replay: ReplayOptions | null) {
    this.format = format;
    this.pacer = replay === null ? null : new Pacer(replay.rate, context);
    this.onEnd = replay?.onEnd ?? 'finish';
  }

  addSplit(split: SourceSplit): void {
    // The one being read stays first whatever its ordinal.
    const rest = this.splits.splice(this.opened ? 1 : 0);
    rest.push(split);
    rest.sort((a, b) => a.ordinal - b.ordinal);
    this.splits.push(...rest);
  }

  poll(): ColumnBatch | null {
    const limit = this.pacer === null ? BATCH_ROWS : this.pacer.allowance();
    while (limit > 0 && this.splits.length > 0 && !this.waiting) {
      const split = this.splits[0]!;
      if (!this.opened) {
        this.format.open(split.position);
        this.opened = true;
      }
      const batch = this.format.next(limit);
      if (batch === 'pending') return null;
      if (batch !== null) {
        this.pacer?.spend(batch.rows);
        return batch;
      }
      if (this.onEnd === 'wait' && split.position['last'] === true) this.waiting = true;
      else {
        this.format.close();
        this.opened = false;
        this.splits.shift();
      }
    }
    if (this.splits.length > 0 && !this.waiting) this.pacer?.wakeLater();
    return null;
  }

  needsSplit(): boolean {
    return this.splits.length === 0;
  }

  snapshot(): SourceSplit[] {
    return this.splits.map((split, index) =>
      index === 0 && this.opened ? { ...split, position: { ...split.position, ...this.format.position() } } : split,
    );
  }

  close(): void {
    this.pacer?.stop();
    this.format.close();
  }
}

/** Hands out rows by the clock, counted from its first use: a restored replay neither repeats nor catches up the time it was away. */
class Pacer {
  private readonly rate: number;
  private readonly context: Pick<ReaderContext, 'monotonic' | 'after' | 'wake'>;
  private readonly tickRows: number;
  private start = -1;
  private spent = 0;
  private stopTimer: (() => void) | null = null;

  constructor(rate: number, context: Pick<ReaderContext, 'monotonic' | 'after' | 'wake'>) {
    this.rate = rate;
    this.context = context;
    this.tickRows = Math.max(1, Math.min(BATCH_ROWS, Math.floor((rate * REPLAY_TICK) / 1000)));
  }

  /** Rows that may be read now: 0, or at least a tick's worth. */
  allowance(): number {
    if (this.start < 0) this.start = this.context.monotonic();
    const due = this.due();
    return due < this.tickRows ? 0 : Math.min(due, BATCH_ROWS);
  }

  spend(rows: number): void {
    this.spent += rows;
  }

  wakeLater(): void {
    if (this.stopTimer !== null) return;
    const lacking = this.tickRows - this.due();
    const delay = Math.max(1, Math.ceil((lacking * 1000) / this.rate));
    this.stopTimer = this.context.after(delay, () => {
      this.stopTimer = null;
      this.context.wake();
    });
  }

  stop(): void {
    this.stopTimer?.();
    this.stopTimer = null;
  }

  private due(): number {
    return Math.floor(((this.context.monotonic() - this.start) * this.rate) / 1000) - this.spent;
  }
}
