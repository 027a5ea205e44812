// Hands out the splits of one source, in order, and takes back those of tasks that were lost.
import type { SourceSplit } from '../../connectors/connector.ts';

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

  constructor(operatorId: string, mode: 'STREAMING' | 'BATCH', maxReaders: number, splits: SourceSplit[]) {
    this.operatorId = operatorId;
    this.streaming = mode === 'STREAMING';
    this.maxReaders = maxReaders;
    this.remaining = [...splits].sort(byOrdinal);
  }

  /** The next split for a subtask, or null when there is none for it now or ever. The rules are those of SourceSplit.group. */
  next(subtask: number): SourceSplit | null {
    if (subtask >= this.maxReaders) return null;
    const split = this.streaming ? this.nextInTime(subtask) : this.remaining[0];
    if (split === undefined) return null;
    this.remaining.splice(this.remaining.indexOf(split), 1);
    this.begun.add(split.group);
    this.given.set(subtask, [...(this.given.get(subtask) ?? []), split]);
    return split;
  }

  /** All that a lost subtask was given goes to whoever asks next. */
  giveBack(subtask: number): void {
    this.remaining = [...this.remaining, ...(this.given.get(subtask) ?? [])].sort(byOrdinal);
    this.given.delete(subtask);
  }

  /** Splits that a checkpoint triggered now has to hold beside those that the tasks report. */
  snapshot(): SourceSplit[] {
    return [...this.remaining];
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
