// Reads splits one after the other, at full speed or replayed at a rate: what the sources have in common.
import { BATCH_ROWS, type ColumnBatch } from '../columnar/batch.ts';
import type { ReaderContext, SourceBacklog, SourceReader, SourceSplit, SplitSize } from './connector.ts';
import { Pacer } from './pacer.ts';
import { shareOf, type RateSchedule } from './rate-schedule.ts';
import { sizeOfAll } from './split-size.ts';

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
  /** Of all readers together: each of `readers` takes an even share. */
  schedule: RateSchedule;
  readers: number;
  /** Positions hold how far the schedule has come; else it begins anew with each reader. */
  keepsPace: boolean;
  /** What comes behind the last row: the end of the stream, or nothing. */
  onEnd: 'finish' | 'wait';
}

export interface SplitQueueOptions {
  /** Null: as fast as it goes. */
  replay: ReplayOptions | null;
  sizeOf: (split: SourceSplit) => SplitSize | null;
}

export class SplitQueueReader implements SourceReader {
  private readonly format: FormatReader;
  private readonly pacer: Pacer | null;
  private readonly replay: ReplayOptions | null;
  private readonly sizeOf: SplitQueueOptions['sizeOf'];
  private readonly splits: SourceSplit[] = [];
  private opened = false;
  /** The split that was read last, at its end: while there is no other, it holds how far the schedule has come. Null: none was, or no pace is kept. */
  private lastRead: SourceSplit | null = null;
  /** The last split of a replay that waits is read: it is kept, so that a restored reader waits too. */
  private waiting = false;
  /** What was read of splits that are measured in bytes, up to the open one. */
  private readonly read = { rows: 0, bytes: 0 };
  /** Bytes of the open split when it was opened; null: it is not measured in bytes. */
  private openedBytes: number | null = null;

  constructor(format: FormatReader, context: ReaderContext, { replay, sizeOf }: SplitQueueOptions) {
    this.format = format;
    this.replay = replay;
    this.sizeOf = sizeOf;
    this.pacer = replay === null ? null : new Pacer(shareOf(replay.schedule, replay.readers), context);
  }

  addSplit({ pace, ...split }: SourceSplit): void {
    if (pace !== undefined && this.replay?.keepsPace === true) this.pacer?.resume(pace);
    // The one being read stays first whatever its ordinal.
    const rest = this.splits.splice(this.opened ? 1 : 0);
    rest.push(split);
    rest.sort((a, b) => a.ordinal - b.ordinal);
    this.splits.push(...rest);
    this.lastRead = null;
  }

  poll(most = BATCH_ROWS): ColumnBatch | null {
    const limit = this.pacer === null ? most : Math.min(most, this.pacer.allowance());
    while (limit > 0 && this.splits.length > 0 && !this.waiting) {
      const split = this.splits[0]!;
      if (!this.opened) {
        this.openedBytes = this.bytesOf(split);
        this.format.open(split.position);
        this.opened = true;
      }
      const batch = this.format.next(limit);
      if (batch === 'pending') return null;
      if (batch !== null) {
        this.pacer?.spend(batch.rows);
        if (this.openedBytes !== null) this.read.rows += batch.rows;
        return batch;
      }
      if (this.replay?.onEnd === 'wait' && split.position['last'] === true) this.waiting = true;
      else {
        this.read.bytes += this.openedBytes ?? 0;
        this.openedBytes = null;
        if (this.replay?.keepsPace === true) this.lastRead = this.positions()[0]!;
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
    const splits = this.positions();
    const [first, ...others] = splits.length === 0 && this.lastRead !== null ? [this.lastRead] : splits;
    if (first === undefined || this.pacer === null || this.replay?.keepsPace !== true) return splits;
    return [{ ...first, pace: this.pacer.pace() }, ...others];
  }

  backlog(): SourceBacklog {
    const splits = this.positions();
    const left = this.opened ? this.bytesOf(splits[0]!) : null;
    const bytes = this.openedBytes === null || left === null ? 0 : Math.max(0, this.openedBytes - left);
    return {
      unread: sizeOfAll(splits, this.sizeOf),
      due: this.pacer === null ? null : splits.length === 0 || this.waiting ? 0 : Math.max(0, this.pacer.due()),
      read: { rows: this.read.rows, bytes: this.read.bytes + bytes },
    };
  }

  close(): void {
    this.pacer?.stop();
    this.format.close();
  }

  private positions(): SourceSplit[] {
    return this.splits.map((split, index) =>
      index === 0 && this.opened ? { ...split, position: { ...split.position, ...this.format.position() } } : split,
    );
  }

  private bytesOf(split: SourceSplit): number | null {
    const size = this.sizeOf(split);
    return size !== null && 'bytes' in size ? size.bytes : null;
  }
}
