// Between a callback and a loop: what is pushed is iterated in order, until the signal aborts.

export class EventQueue<T> implements AsyncIterable<T> {
  private readonly waiting: T[] = [];
  private readonly signal: AbortSignal;
  private wake: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener('abort', () => this.wake(), { once: true });
  }

  push(event: T): void {
    this.waiting.push(event);
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.signal.aborted) {
      const next = this.waiting.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
