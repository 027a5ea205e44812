// When a failed job is tried again: Flink's four strategies, reckoned as its RestartBackoffTimeStrategy implementations do.
import { hashBytes, mix32 } from '../../state/key-groups.ts';

export type RestartStrategyOptions =
  | { type: 'none' }
  | { type: 'fixed-delay'; attempts: number; delay: number }
  | { type: 'failure-rate'; maxFailures: number; interval: number; delay: number }
  | {
      type: 'exponential-delay';
      initialBackoff: number;
      maxBackoff: number;
      multiplier: number;
      /** After so long without failure the back-off starts again from the initial one. */
      resetThreshold: number;
      /** The back-off is longer or shorter by at most this part of it, so that jobs that failed together do not come back together. 0 to 1. */
      jitterFactor: number;
      /** Restarts in a row before the job is given up; 0: never. */
      attempts: number;
    };

/** Times are milliseconds and never decrease. */
export class RestartStrategy {
  private readonly options: RestartStrategyOptions;
  /** From 0 to below 1. */
  private readonly random: () => number;
  /** Of fixed-delay and exponential-delay: restarts so far; the latter forgets them after a quiet time. */
  private restarts = 0;
  /** Of failure-rate: the times of the last failures, one more than are tolerated. */
  private readonly failures: number[] = [];
  /** Of exponential-delay: when the restart after the last failure is due. */
  private nextRestart = -Infinity;

  /** `seed`: for the jitter; the job's id, so that jobs differ and the same job does the same. */
  constructor(options: RestartStrategyOptions, seed: string) {
    this.options = options;
    const bytes = new TextEncoder().encode(seed);
    let state = hashBytes(bytes, 0, bytes.length);
    this.random = () => (mix32((state = (state + 0x9e3779b9) | 0)) >>> 0) / 2 ** 32;
  }

  /** Counts a failure: how long to wait before the next attempt, or null to give up. */
  delayAfterFailure(now: number): number | null {
    const { options } = this;
    switch (options.type) {
      case 'none':
        return null;
      case 'fixed-delay':
        return ++this.restarts > options.attempts ? null : options.delay;
      case 'failure-rate': {
        this.failures.push(now);
        if (this.failures.length > options.maxFailures + 1) this.failures.shift();
        const exceeded = this.failures.length > options.maxFailures && now - this.failures[0]! <= options.interval;
        return exceeded ? null : options.delay;
      }
      case 'exponential-delay': {
        // Failures before the restart is due are one: tasks fail one after the other for the same reason.
        if (now > this.nextRestart) {
          if (now - this.nextRestart >= options.resetThreshold) this.restarts = 0;
          this.nextRestart = now + this.backoff(options);
          this.restarts++;
        }
        return options.attempts > 0 && this.restarts > options.attempts ? null : this.nextRestart - now;
      }
    }
  }

  private backoff(options: Extract<RestartStrategyOptions, { type: 'exponential-delay' }>): number {
    const { initialBackoff, maxBackoff, multiplier, jitterFactor } = options;
    // The limit comes before the jitter: the power of many restarts is infinite, and infinity less infinity is no number.
    const plain = Math.min(initialBackoff * multiplier ** this.restarts, maxBackoff);
    const jitter = plain * jitterFactor * (2 * this.random() - 1);
    return Math.round(Math.max(initialBackoff, Math.min(plain + jitter, maxBackoff)));
  }
}
