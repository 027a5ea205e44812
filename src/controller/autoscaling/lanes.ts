// Work on many jobs, a few at a time, of which none waits for another one that takes long: who has not come to an end within half a second gives its place up
// and goes on beside the others, and the next time it goes by a lane of its own. A JobManager that hangs costs a connection that waits, and nobody's time.
import type { Clock } from '../../kube/time.ts';

/** Places of each lane. */
export const AT_ONCE = 16;
/** Milliseconds after which a place is given up. */
const SLOW_AFTER = 500;

class Lane {
  /** Whose work waits for a place or holds one. */
  private readonly open = new Set<() => Promise<void>>();
  private readonly waiting: { work: () => Promise<void>; takesLong: () => void }[] = [];
  private readonly clock: Clock;
  private places = AT_ONCE;
  private emptied: (() => void)[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** `takesLong` is told when `work` gives its place up. */
  add(work: () => Promise<void>, takesLong: () => void): void {
    this.open.add(work);
    this.waiting.push({ work, takesLong });
    this.fill();
  }

  /** Resolves once no work waits for a place or holds one. */
  empty(): Promise<void> {
    return this.open.size === 0 ? Promise.resolve() : new Promise((resolve) => this.emptied.push(resolve));
  }

  private fill(): void {
    while (this.places > 0 && this.waiting.length > 0) {
      this.places--;
      const { work, takesLong } = this.waiting.shift()!;
      const leave = (): void => {
        if (!this.open.delete(work)) return;
        this.places++;
        this.fill();
        if (this.open.size === 0) for (const tell of this.emptied.splice(0)) tell();
      };
      const cancel = this.clock.after(SLOW_AFTER, () => {
        takesLong();
        leave();
      });
      void work().finally(() => {
        cancel();
        leave();
      });
    }
  }
}

export class Lanes {
  private readonly quick: Lane;
  private readonly slow: Lane;
  private readonly running = new Map<string, Promise<void>>();
  /** Who took long the last time. */
  private readonly wasSlow = new Set<string>();

  constructor(clock: Clock) {
    this.quick = new Lane(clock);
    this.slow = new Lane(clock);
  }

  /** The work of this one has not come to an end. */
  has(id: string): boolean {
    return this.running.has(id);
  }

  /** `work` never rejects; not to be called for who has some under way. */
  start(id: string, work: () => Promise<void>): void {
    const lane = this.wasSlow.has(id) ? this.slow : this.quick;
    this.wasSlow.delete(id);
    const done = new Promise<void>((resolve) =>
      lane.add(
        async () => {
          await work();
          this.running.delete(id);
          resolve();
        },
        () => void this.wasSlow.add(id),
      ),
    );
    this.running.set(id, done);
  }

  forget(id: string): void {
    this.wasSlow.delete(id);
  }

  /** Resolves once all are done but those that take long. */
  quickOnesDone(): Promise<void> {
    return this.quick.empty();
  }

  async allDone(): Promise<void> {
    await Promise.all(this.running.values());
  }
}
