// The sending end of a channel: holds elements until the consumer has connected and granted credit. Control elements need no credit but keep their place.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { Control, Element } from './element.ts';

/** The way to the consumer: direct, through a port, or through a socket. */
export interface ConsumerLink {
  sendBatch(batch: ColumnBatch): void;
  sendControl(control: Control): void;
}

/** Batches that may wait without credit before the task stops: one step of an operator may still add to them. */
const PENDING_LIMIT = 2;

export class OutputChannel {
  readonly id: string;
  private readonly onWritable: () => void;
  private pending: Element[] = [];
  private pendingBatches = 0;
  private credits = 0;
  private link: ConsumerLink | null = null;

  /** `onWritable` is called when the channel was full and is not any more. */
  constructor(id: string, onWritable: () => void) {
    this.id = id;
    this.onWritable = onWritable;
  }

  get full(): boolean {
    return this.pendingBatches >= PENDING_LIMIT;
  }

  get drained(): boolean {
    return this.pending.length === 0;
  }

  connect(link: ConsumerLink, credits: number): void {
    this.link = link;
    this.credits = credits;
    this.flush();
  }

  addCredits(credits: number): void {
    this.credits += credits;
    this.flush();
  }

  push(element: Element): void {
    if (this.link !== null && this.pending.length === 0 && (element.kind !== 'batch' || this.credits > 0)) {
      this.send(this.link, element);
      return;
    }
    this.pending.push(element);
    if (element.kind === 'batch') this.pendingBatches++;
  }

  private flush(): void {
    if (this.link === null) return;
    const wasFull = this.full;
    let sent = 0;
    for (; sent < this.pending.length; sent++) {
      const element = this.pending[sent]!;
      if (element.kind === 'batch') {
        if (this.credits === 0) break;
        this.pendingBatches--;
      }
      this.send(this.link, element);
    }
    if (sent > 0) this.pending.splice(0, sent);
    if (wasFull && !this.full) this.onWritable();
  }

  private send(link: ConsumerLink, element: Element): void {
    if (element.kind === 'batch') {
      this.credits--;
      link.sendBatch(element.batch);
    } else link.sendControl(element);
  }
}
