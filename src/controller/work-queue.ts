// Keys that want to be looked at: each by one worker at a time, different ones at once. A key that is added while it is worked on is worked on again.

interface Entry {
  timer: NodeJS.Timeout | undefined;
  /** When the timer fires; performance clock, milliseconds. */
  due: number;
  working: boolean;
  again: boolean;
}

export class WorkQueue {
  private readonly entries = new Map<string, Entry>();
  private readonly work: (key: string) => Promise<void>;
  private readonly settled = new Set<() => void>();
  private closed = false;

  /** `work` must not reject. */
  constructor(work: (key: string) => Promise<void>) {
    this.work = work;
  }

  /** Looks at `key` after `delayMs`, or sooner when somebody else asks for it sooner. */
  add(key: string, delayMs = 0): void {
    if (this.closed) return;
    const entry = this.entries.get(key) ?? { timer: undefined, due: Infinity, working: false, again: false };
    this.entries.set(key, entry);
    if (entry.working && delayMs === 0) entry.again = true;
    const due = performance.now() + delayMs;
    if (due >= entry.due || (entry.working && delayMs === 0)) return;
    clearTimeout(entry.timer);
    entry.due = due;
    // setTimeout holds at most 2^31 milliseconds; who waits longer looks in between.
    entry.timer = setTimeout(() => void this.fire(key, entry), Math.min(delayMs, 2 ** 31 - 1));
  }

  /** No new work; answers when what is under way is done. */
  async close(): Promise<void> {
    this.closed = true;
    for (const entry of this.entries.values()) clearTimeout(entry.timer);
    while ([...this.entries.values()].some((entry) => entry.working))
      await new Promise<void>((resolve) => this.settled.add(resolve));
  }

  private async fire(key: string, entry: Entry): Promise<void> {
    entry.timer = undefined;
    entry.due = Infinity;
    if (entry.working) {
      entry.again = true;
      return;
    }
    entry.working = true;
    entry.again = false;
    await this.work(key);
    entry.working = false;
    for (const done of this.settled) done();
    this.settled.clear();
    if (this.closed) return;
    if (entry.again) this.add(key);
    else if (entry.due === Infinity) this.entries.delete(key);
  }
}
