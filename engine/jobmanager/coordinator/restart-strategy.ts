// When a failed job is tried again: Flink's four strategies.

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
      /** Failures in a row before the job is given up; 0: never. */
      attempts: number;
    };

/** Times are milliseconds and never decrease. */
export class RestartStrategy {
  private readonly options: RestartStrategyOptions;
  private failures: number[] = [];
  private backoff = 0;

  constructor(options: RestartStrategyOptions) {
    this.options = options;
  }

  /** Counts a failure: how long to wait before the next attempt, or null to give up. */
  delayAfterFailure(now: number): number | null {
    const { options } = this;
    switch (options.type) {
      case 'none':
        return null;
      case 'fixed-delay':
        this.failures.push(now);
        return this.failures.length > options.attempts ? null : options.delay;
      case 'failure-rate':
        this.failures = this.failures.filter((at) => at > now - options.interval);
        this.failures.push(now);
        return this.failures.length > options.maxFailures ? null : options.delay;
      case 'exponential-delay': {
        const last = this.failures.at(-1);
        if (last === undefined || now - last >= options.resetThreshold + this.backoff) {
          this.failures = [];
          this.backoff = options.initialBackoff;
        } else this.backoff = Math.min(this.backoff * options.multiplier, options.maxBackoff);
        this.failures.push(now);
        return options.attempts > 0 && this.failures.length > options.attempts ? null : this.backoff;
      }
    }
  }
}
