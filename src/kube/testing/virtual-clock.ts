// Time that passes when a test says so. Between two moments everything that was set off by the first one settles.
import type { Clock } from '../time.ts';

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

export class VirtualClock implements Clock {
  private time = 0;
  private order = 0;
  private timers: Timer[] = [];

  now(): number {
    return Date.UTC(2026, 0, 1) + this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + Math.max(0, ms), order: this.order++, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (let timer = this.next(end); timer !== undefined; timer = this.next(end)) {
      this.time = Math.max(this.time, timer.at);
      timer.run();
      await settle();
    }
    this.time = end;
  }

  /** Lets time pass until `promise` has settled, at most for `ms`. */
  async until<T>(promise: Promise<T>, ms = 3_600_000): Promise<T> {
    let settled = false;
    const mark = (): void => void (settled = true);
    promise.then(mark, mark);
    const end = this.time + ms;
    await settle();
    while (!settled) {
      const timer = this.next(end);
      if (timer === undefined) throw new Error(`nothing happened within ${ms} ms of virtual time`);
      this.time = Math.max(this.time, timer.at);
      timer.run();
      await settle();
    }
    return promise;
  }

  private next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers)
      if (timer.at <= end && (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)))
        first = timer;
    this.timers = this.timers.filter((other) => other !== first);
    return first;
  }
}

/** Promises that follow from each other are through before an immediate comes. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A process of its own: its clock shows another time and runs at another speed, and it can be stopped while the world goes on. */
export class ProcessClock implements Clock {
  private readonly world: VirtualClock;
  private readonly speed: number;
  private readonly offset: number;
  private stoppedUntil = 0;

  constructor(world: VirtualClock, speed: number, offset: number) {
    this.world = world;
    this.speed = speed;
    this.offset = offset;
  }

  now(): number {
    return this.world.now() + this.offset;
  }

  monotonic(): number {
    return this.world.monotonic() * this.speed;
  }

  after(ms: number, run: () => void): () => void {
    const attempt = (): void => {
      const left = this.stoppedUntil - this.world.monotonic();
      if (left > 0) cancel = this.world.after(left, attempt);
      else run();
    };
    let cancel = this.world.after(ms / this.speed, attempt);
    return () => cancel();
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  /** SIGSTOP now, SIGCONT `ms` later: nothing runs in between, and then what is due does. */
  stop(ms: number): void {
    this.stoppedUntil = Math.max(this.stoppedUntil, this.world.monotonic() + ms);
  }

  get stopped(): boolean {
    return this.stoppedUntil > this.world.monotonic();
  }
}
