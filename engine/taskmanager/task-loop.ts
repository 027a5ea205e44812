// The scheduler of a slot's thread: tasks that can go on, in turn, one step at a time. It returns to Node's event loop every few milliseconds,
// where messages, sockets and timers are served.
import type { Clock } from '../clock.ts';

export interface Runnable {
  /** One batch, barrier or command. True: there may be more to do at once. Never throws. */
  step(): boolean;
  /** Emits what was held back. Never throws. */
  flush(): void;
}

/** Long enough that returning costs nothing, short enough that a barrier or a credit never waits long. */
const SLICE_MS = 4;
/** How long a busy thread may hold rows back. */
const LINGER_MS = 200;

export class TaskLoop {
  private readonly clock: Pick<Clock, 'monotonic' | 'soon'>;
  private queue: Runnable[] = [];
  private readonly queued = new Set<Runnable>();
  /** Tasks that hold rows back, and since when. */
  private readonly lingering = new Map<Runnable, number>();
  private scheduled = false;
  private readonly run = (): void => this.runSlice();

  constructor(clock: Pick<Clock, 'monotonic' | 'soon'>) {
    this.clock = clock;
  }

  /** Something has come for the task. */
  schedule(task: Runnable): void {
    if (this.queued.has(task)) return;
    this.queued.add(task);
    this.queue.push(task);
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.soon(this.run);
  }

  /** The task, which is in its step, holds rows back: they go out when no task of the thread can go on, or when they have waited long enough. */
  linger(task: Runnable): void {
    if (!this.lingering.has(task)) this.lingering.set(task, this.clock.monotonic());
  }

  private flushLingering(): void {
    if (this.lingering.size === 0) return;
    const latest = this.queue.length === 0 ? Infinity : this.clock.monotonic() - LINGER_MS;
    for (const [task, since] of this.lingering) {
      if (since > latest) continue;
      this.lingering.delete(task);
      task.flush();
    }
  }

  private runSlice(): void {
    const end = this.clock.monotonic() + SLICE_MS;
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
    } while (this.queue.length > 0 && this.clock.monotonic() < end);
    this.flushLingering();
    this.scheduled = this.queue.length > 0;
    if (this.scheduled) this.clock.soon(this.run);
  }
}
