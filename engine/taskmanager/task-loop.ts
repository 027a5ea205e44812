// The scheduler of a slot's thread: tasks that can go on, in turn, one step at a time. It returns to Node's event loop every few milliseconds,
// where messages, sockets and timers are served.

export interface Runnable {
  /** One batch, barrier or command. True: there may be more to do at once. Never throws. */
  step(): boolean;
}

/** Long enough that returning costs nothing, short enough that a barrier or a credit never waits long. */
const SLICE_MS = 4;

export class TaskLoop {
  private readonly now: () => number;
  private queue: Runnable[] = [];
  private readonly queued = new Set<Runnable>();
  private scheduled = false;
  private readonly run = (): void => this.runSlice();

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** Something has come for the task. */
  schedule(task: Runnable): void {
    if (this.queued.has(task)) return;
    this.queued.add(task);
    this.queue.push(task);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.run);
  }

  private runSlice(): void {
    const end = this.now() + SLICE_MS;
    do {
      const round = this.queue;
      this.queue = [];
      for (const task of round) {
        this.queued.delete(task);
        if (task.step() && !this.queued.has(task)) {
          this.queued.add(task);
          this.queue.push(task);
        }
      }
    } while (this.queue.length > 0 && this.now() < end);
    this.scheduled = this.queue.length > 0;
    if (this.scheduled) setImmediate(this.run);
  }
}
