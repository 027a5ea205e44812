// Hands out the splits of one source, in order, and takes back those of tasks that were lost.
import type { Pace, SourceSplit } from '../../connectors/connector.ts';
import { PaceShares } from './pace-shares.ts';

export interface SplitEnumeratorOptions {
  operatorId: string;
  mode: 'STREAMING' | 'BATCH';
  /** Subtasks of the source. */
  parallelism: number;
  /** At most so many of them get splits. */
  maxReaders: number;
  splits: readonly SourceSplit[];
}

export class SplitEnumerator {
  readonly operatorId: string;
  private readonly streaming: boolean;
  private readonly maxReaders: number;
  /** Not handed out yet, by ordinal. */
  private remaining: SourceSplit[];
  /** Per subtask: what it was given, as it was given. */
  private readonly given = new Map<number, SourceSplit[]>();
  /** Groups of which some subtask has read. */
  private readonly begun = new Set<string>();
  private readonly paces: PaceShares;

  constructor({ operatorId, mode, parallelism, maxReaders, splits }: SplitEnumeratorOptions) {
    this.operatorId = operatorId;
    this.streaming = mode === 'STREAMING';
    this.maxReaders = maxReaders;
    this.paces = new PaceShares(splits, Math.min(parallelism, maxReaders, splits.length));
    this.remaining = splits.map(({ pace: _, ...split }) => split).sort(byOrdinal);
  }

  /** The next split for a subtask, or null when there is none for it now or ever. The rules are those of SourceSplit.group. */
  next(subtask: number): SourceSplit | null {
    if (subtask >= this.maxReaders) return null;
    const split = this.streaming ? this.nextInTime(subtask) : this.remaining[0];
    if (split === undefined) return null;
    this.remaining.splice(this.remaining.indexOf(split), 1);
    this.begun.add(split.group);
    this.given.set(subtask, [...(this.given.get(subtask) ?? []), split]);
    return paced(split, this.paces.take(subtask));
  }

  /** All that a lost subtask was given goes to whoever asks next. */
  giveBack(subtask: number): void {
    this.remaining = [...this.remaining, ...(this.given.get(subtask) ?? [])].sort(byOrdinal);
    this.given.delete(subtask);
  }

  /** Splits that no subtask has been given. */
  get unassigned(): readonly SourceSplit[] {
    return this.remaining;
  }

  /** Splits that a checkpoint triggered now has to hold beside those that the tasks report. */
  snapshot(): SourceSplit[] {
    return this.remaining.map((split, index) => (index === 0 ? paced(split, this.paces.left()) : split));
  }

  private nextInTime(subtask: number): SourceSplit | undefined {
    const last = this.given.get(subtask)?.at(-1);
    const own = last === undefined ? undefined : this.remaining.find((split) => split.group === last.group);
    return (
      own ??
      this.remaining.find((split) => !this.begun.has(split.group)) ??
      (last === undefined ? this.remaining[0] : undefined)
    );
  }
}

function byOrdinal(a: SourceSplit, b: SourceSplit): number {
  return a.ordinal - b.ordinal;
}

const paced = (split: SourceSplit, pace: Pace | null): SourceSplit => (pace === null ? split : { ...split, pace });
