// How far a source's schedule had come when it was read last: every reader goes on there, and each takes its share of what was behind. Which splits the
// positions were of does not matter: with another parallelism others are read.
import type { Pace, SourceSplit } from '../../connectors/connector.ts';

export class PaceShares {
  private readonly pace: Pace | null;
  private readonly readers: number;
  private readonly taken = new Set<number>();
  private behindTaken = 0;

  constructor(splits: readonly SourceSplit[], readers: number) {
    const paces = splits.flatMap(({ pace }) => (pace === undefined ? [] : [pace]));
    this.readers = readers;
    this.pace =
      paces.length === 0
        ? null
        : {
            elapsed: Math.max(...paces.map(({ elapsed }) => elapsed)),
            behind: paces.reduce((sum, { behind }) => sum + behind, 0),
          };
  }

  /** What goes with the first split of a subtask; null: with later ones, or of a source without a schedule, nothing. */
  take(subtask: number): Pace | null {
    if (this.pace === null || this.taken.has(subtask)) return null;
    const index = this.taken.size;
    this.taken.add(subtask);
    const upTo = (readers: number): number =>
      Math.floor((this.pace!.behind * Math.min(readers, this.readers)) / this.readers);
    const behind = upTo(index + 1) - upTo(index);
    this.behindTaken += behind;
    return { elapsed: this.pace.elapsed, behind };
  }

  /** What is behind and nobody has taken. */
  left(): Pace | null {
    return this.pace && { elapsed: this.pace.elapsed, behind: this.pace.behind - this.behindTaken };
  }
}
