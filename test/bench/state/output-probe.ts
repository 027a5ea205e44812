// Sees the output of print sinks the moment it leaves a TaskManager, and how long it stood still.
import type { Readable } from 'node:stream';
import { epochMs } from './job.ts';

/** A line of a print sink, which names its subtask when there are several: `2> +U[1, 2]`. */
const LINE = /^(?:(\d+)> )?[+-][IUD]\[/;

export class OutputProbe {
  /** When lines of a subtask arrived, milliseconds since the epoch; lines that came at once count once. */
  private readonly arrivals: { at: number; subtask: string }[] = [];

  /** Follows the standard output of a TaskManager. */
  follow(stdout: Readable): void {
    let rest = '';
    stdout.setEncoding('utf8');
    stdout.on('data', (chunk: string) => {
      const at = epochMs();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const subtask of new Set(lines.flatMap((line) => (LINE.test(line) ? [LINE.exec(line)![1] ?? '1'] : []))))
        this.arrivals.push({ at, subtask });
    });
  }

  /** When the first line after `time` came; null while none has. */
  firstAfter(time: number): number | null {
    return this.arrivals.find(({ at }) => at > time)?.at ?? null;
  }

  /** Milliseconds of the longest silence that overlaps [from, to]: of any subtask alone, or of all together. */
  longestGap(from: number, to: number, of: 'subtask' | 'all'): number {
    const groups = of === 'all' ? [this.arrivals] : [...Map.groupBy(this.arrivals, ({ subtask }) => subtask).values()];
    let longest = 0;
    for (const arrivals of groups)
      for (let i = 1; i < arrivals.length; i++) {
        const [begin, end] = [arrivals[i - 1]!.at, arrivals[i]!.at];
        if (end >= from && begin <= to) longest = Math.max(longest, end - begin);
      }
    return longest;
  }

  clear(): void {
    this.arrivals.length = 0;
  }
}
