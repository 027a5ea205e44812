// Whether we may still write. A lease is only as good as the moment of writing: a process that was stopped for a minute wakes up believing what it believed
// before. So nothing trusts a flag: the monotonic clock is read again right before each request leaves.
import { KubeError } from '../errors.ts';
import type { Fence } from '../rest/requester.ts';
import type { Clock } from '../time.ts';

export class LeaseFence implements Fence {
  private readonly clock: Clock;
  private readonly controller = new AbortController();
  private deadline: number;
  private cancel: () => void = () => undefined;

  /** `until`: monotonic milliseconds. */
  constructor(clock: Clock, until: number) {
    this.clock = clock;
    this.deadline = until;
    this.arm();
  }

  /** Aborts, with a KubeError LEADERSHIP_LOST, once nothing may be written any more. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  check(): void {
    if (this.remaining() <= 0) this.lose('its lease was not renewed in time');
    this.signal.throwIfAborted();
  }

  remaining(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.deadline - this.clock.monotonic());
  }

  /** The lease was renewed, by a request that was sent early enough to allow writes `until` then. What was lost is not found again. */
  extend(until: number): void {
    if (this.remaining() <= 0) return this.lose('its lease was renewed too late');
    this.deadline = Math.max(this.deadline, until);
  }

  lose(why: string): void {
    if (this.signal.aborted) return;
    this.cancel();
    this.controller.abort(new KubeError('LEADERSHIP_LOST', `this process no longer leads: ${why}`));
  }

  /** No more timers; what has been decided stays. */
  end(): void {
    this.cancel();
  }

  private arm(): void {
    this.cancel = this.clock.after(Math.max(1, this.remaining()), () => {
      if (this.remaining() > 0) this.arm();
      else this.lose('its lease was not renewed in time');
    });
  }
}
