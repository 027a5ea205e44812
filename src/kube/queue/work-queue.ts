// Keys that want to be looked at. A key that is added twice before anybody took it is taken once; one that is added while it is worked on is handed out again
// afterwards, never meanwhile. A key can be added for later: the soonest wish counts, and an immediate add takes the place of all of them, since the pass
// that follows asks for its own next look.
import { delayAfter, type BackOff } from '../back-off.ts';
import type { Metrics } from '../metrics.ts';
import type { Clock, Random } from '../time.ts';

export interface WorkQueueOptions {
  clock: Clock;
  random: Random;
  /** For metrics. */
  name: string;
  /** Between failures of one key. Default: 5 ms, doubling up to 1,000 s, as in client-go, half of it by chance. */
  backOff?: BackOff | undefined;
  metrics?: Metrics | undefined;
}

/** Timers hold at most so many milliseconds; who waits longer looks in between. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class WorkQueue {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly backOff: BackOff;
  private readonly name: string;
  private readonly metrics: Metrics | undefined;
  /** Key -> when it was added, in the order in which they are handed out. */
  private readonly ready = new Map<string, number>();
  /** Key -> since when it is worked on. */
  private readonly working = new Map<string, number>();
  /** Added while worked on. */
  private readonly again = new Set<string>();
  private readonly later = new Map<string, { due: number; cancel: () => void }>();
  private readonly failed = new Map<string, number>();
  private readonly settled = new Set<() => void>();
  private state: 'open' | 'draining' | 'closed' = 'open';
  private listener: () => void = () => undefined;
  private announced = false;

  constructor({ clock, random, name, backOff, metrics }: WorkQueueOptions) {
    this.clock = clock;
    this.random = random;
    this.name = name;
    this.backOff = backOff ?? { baseMs: 5, capMs: 1_000_000, jitter: 0.5 };
    this.metrics = metrics;
  }

  /** Called when there is something to take, once for all that was added in the same turn of the event loop. */
  onReady(listener: () => void): void {
    this.listener = listener;
    this.announce();
  }

  add(key: string): void {
    if (this.state !== 'open') return;
    this.later.get(key)?.cancel();
    this.later.delete(key);
    if (this.working.has(key)) this.again.add(key);
    else this.enqueue(key);
  }

  /** `ms` from now, or sooner when somebody else asks for it sooner. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) return this.add(key);
    if (this.state !== 'open' || this.ready.has(key) || this.again.has(key)) return;
    const due = this.clock.monotonic() + ms;
    const pending = this.later.get(key);
    if (pending !== undefined && pending.due <= due) return;
    pending?.cancel();
    this.arm(key, due);
  }

  /** After the key's back-off, which grows by this; `atLeastMs` where the server asked for more. */
  addRateLimited(key: string, atLeastMs = 0): void {
    const failures = this.failures(key) + 1;
    this.failed.set(key, failures);
    this.metrics?.queueRetried?.(this.name);
    this.addAfter(key, Math.max(atLeastMs, delayAfter(failures, this.backOff, this.random)));
  }

  /** The key is well: its back-off starts anew. */
  forget(key: string): void {
    this.failed.delete(key);
  }

  /** Failures in a row. */
  failures(key: string): number {
    return this.failed.get(key) ?? 0;
  }

  /** The key that waits longest, undefined when none does. `done` must follow. */
  take(): string | undefined {
    const next = this.ready.entries().next();
    if (next.done === true) return undefined;
    const [key, addedAt] = next.value;
    this.ready.delete(key);
    const now = this.clock.monotonic();
    this.working.set(key, now);
    this.metrics?.queueDepth?.(this.name, this.ready.size);
    this.metrics?.queueWaited?.(this.name, (now - addedAt) / 1000);
    return key;
  }

  done(key: string): void {
    const since = this.working.get(key);
    if (since === undefined) throw new Error(`"${key}" was not taken from queue "${this.name}"`);
    this.working.delete(key);
    this.metrics?.queueWorked?.(this.name, (this.clock.monotonic() - since) / 1000);
    if (this.again.delete(key)) this.enqueue(key);
    for (const settle of this.settled) settle();
  }

  /** Keys that can be taken now. */
  get depth(): number {
    return this.ready.size;
  }

  /** Nothing to take, nothing under way, nothing for later. */
  get idle(): boolean {
    return this.ready.size + this.working.size + this.later.size === 0;
  }

  /** Since when the oldest key is worked on, monotonic milliseconds; undefined when none is. */
  get workingSince(): number | undefined {
    return this.working.values().next().value;
  }

  /** Seconds for which the keys that are worked on now have been worked on: all together, and the one that takes longest. */
  get unfinishedWork(): { seconds: number; longest: number } {
    const now = this.clock.monotonic();
    let seconds = 0;
    for (const since of this.working.values()) seconds += (now - since) / 1000;
    return { seconds, longest: (now - (this.workingSince ?? now)) / 1000 };
  }

  /**
   * Takes no more adds, drops what is for later, and resolves when nothing is under way any more. `drain` hands out first what can be taken now; without
   * it that is dropped too.
   */
  async close({ drain = false } = {}): Promise<void> {
    this.state = drain ? 'draining' : 'closed';
    for (const { cancel } of this.later.values()) cancel();
    this.later.clear();
    if (!drain) {
      this.ready.clear();
      this.again.clear();
    }
    while (this.ready.size + this.working.size > 0)
      await new Promise<void>((resolve) => {
        const settle = (): void => {
          this.settled.delete(settle);
          resolve();
        };
        this.settled.add(settle);
      });
    this.state = 'closed';
  }

  private enqueue(key: string): void {
    if (this.ready.has(key)) return;
    this.ready.set(key, this.clock.monotonic());
    this.metrics?.queueAdded?.(this.name);
    this.metrics?.queueDepth?.(this.name, this.ready.size);
    this.announce();
  }

  private announce(): void {
    if (this.announced || this.ready.size === 0) return;
    this.announced = true;
    this.clock.soon(() => {
      this.announced = false;
      this.listener();
    });
  }

  private arm(key: string, due: number): void {
    const left = due - this.clock.monotonic();
    const cancel = this.clock.after(Math.min(left, LONGEST_TIMER), () => {
      if (left > LONGEST_TIMER) this.arm(key, due);
      else this.add(key);
    });
    this.later.set(key, { due, cancel });
  }
}
