// The receiving end of a channel: a bounded queue of elements. Each batch taken from it gives its credit back to the producer.
import type { ColumnBatch } from '../columnar/batch.ts';
import { decodeBatch, encodedSize } from '../columnar/wire.ts';
import type { Schema } from '../plan/types.ts';
import type { Control, Element } from './element.ts';

/** Batches in flight per channel: enough to keep both ends busy, few enough to bound memory (8 batches of 8192 rows). */
export const CHANNEL_CREDITS = 8;

/** An encoded batch waits as bytes: it is decoded when its turn comes, as views without a copy. */
type Queued = Element | { kind: 'encoded'; bytes: Uint8Array };

export class InputChannel {
  readonly id: string;
  private readonly schema: Schema;
  private readonly onAvailable: () => void;
  private readonly onFailure: (message: string) => void;
  private queue: Queued[] = [];
  private head = 0;
  private grant: ((credits: number) => void) | null = null;
  bytesReceived = 0;

  constructor(id: string, schema: Schema, onAvailable: () => void, onFailure: (message: string) => void) {
    this.id = id;
    this.schema = schema;
    this.onAvailable = onAvailable;
    this.onFailure = onFailure;
  }

  /** The transport that leads back to the producer. */
  attach(grant: (credits: number) => void): void {
    this.grant = grant;
  }

  get available(): boolean {
    return this.head < this.queue.length;
  }

  receiveBatch(batch: ColumnBatch): void {
    this.bytesReceived += encodedSize(batch);
    this.add({ kind: 'batch', batch });
  }

  receiveEncoded(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    this.add({ kind: 'encoded', bytes });
  }

  receiveControl(control: Control): void {
    this.add(control);
  }

  fail(message: string): void {
    this.onFailure(message);
  }

  take(): Element | null {
    const queued = this.queue[this.head];
    if (queued === undefined) return null;
    this.head++;
    if (this.head === this.queue.length) {
      this.queue = [];
      this.head = 0;
    }
    if (queued.kind === 'encoded') {
      this.grant?.(1);
      return { kind: 'batch', batch: decodeBatch(this.schema, queued.bytes) };
    }
    if (queued.kind === 'batch') this.grant?.(1);
    return queued;
  }

  private add(element: Queued): void {
    this.queue.push(element);
    if (this.queue.length - this.head === 1) this.onAvailable();
  }
}
