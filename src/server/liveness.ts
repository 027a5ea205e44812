// Whether only a restart helps. That the event loop turns is seen from the outside: a loop that is stuck answers no probe. What is looked at here is a pass over a
// job that never ends: calls have deadlines, so it is a fault in the operator, and its job would be left alone for ever. Time is counted in looks of a timer,
// not by a clock: a process that was stopped for an hour, or starved, wakes up with passes that are old and not stuck.
import type { Clock } from '../kube/time.ts';

export interface LivenessOptions {
  clock: Clock;
  /** When the oldest pass that is under way began; undefined when none is. */
  workingSince: () => number | undefined;
  /** Milliseconds: far above the deadlines of all calls of one pass together. */
  limitMs?: number;
  lookEveryMs?: number;
}

export class Liveness {
  private readonly options: Required<LivenessOptions>;
  private oldest: number | undefined;
  private looks = 0;

  constructor(options: LivenessOptions) {
    this.options = { limitMs: 600_000, lookEveryMs: 5_000, ...options };
    this.arm();
  }

  /** What is stuck; null when nothing is. */
  get stuck(): string | null {
    const { limitMs, lookEveryMs } = this.options;
    if (this.looks * lookEveryMs < limitMs) return null;
    return `a pass has been under way for more than ${limitMs / 1000} s`;
  }

  private look(): void {
    const oldest = this.options.workingSince();
    this.looks = oldest !== undefined && oldest === this.oldest ? this.looks + 1 : 0;
    this.oldest = oldest;
  }

  private arm(): void {
    this.options.clock.after(this.options.lookEveryMs, () => {
      this.look();
      this.arm();
    });
  }
}
