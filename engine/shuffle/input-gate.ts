// All input channels of a task as one: elements in turn, barriers aligned, watermarks joined, end of input when every channel has ended.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { Barrier } from '../rpc/protocol.ts';
import { MAX_WATERMARK } from '../operators/operator.ts';
import type { Element } from './element.ts';
import { WatermarkValve } from './watermark-valve.ts';

export type GateEvent =
  | { kind: 'batch'; batch: ColumnBatch }
  | { kind: 'watermark'; watermark: number }
  | { kind: 'idle'; idle: boolean }
  | { kind: 'barrier'; barrier: Barrier }
  | { kind: 'ended' };

/** A channel as the gate sees it: a queue of elements, or a file that is read as one. */
export interface ElementSource {
  /** The next element, or null when there is none now. */
  take(): Element | null;
  /** `take` has something to give. */
  readonly available: boolean;
  readonly bytesReceived: number;
}

/** Flink's CheckpointedInputGate with the aligned barrier handler. A channel behind its barrier is not read: its producer runs out of credit. */
export class InputGate {
  private readonly channels: ElementSource[];
  private readonly valve: WatermarkValve;
  private readonly blocked: Uint8Array;
  private blockedCount = 0;
  private readonly ended: Uint8Array;
  private endedCount = 0;
  private cursor = 0;
  private idle = false;
  private following: GateEvent | null = null;

  constructor(channels: ElementSource[]) {
    this.channels = channels;
    this.valve = new WatermarkValve(channels.length);
    this.blocked = new Uint8Array(channels.length);
    this.ended = new Uint8Array(channels.length);
  }

  get bytesReceived(): number {
    return this.channels.reduce((sum, channel) => sum + channel.bytesReceived, 0);
  }

  /** There may be a next event now. */
  get available(): boolean {
    if (this.following !== null) return true;
    return this.channels.some((channel, index) => this.blocked[index] === 0 && channel.available);
  }

  /** The next event, or null when no channel that may be read has one. */
  next(): GateEvent | null {
    if (this.following !== null) {
      const event = this.following;
      this.following = null;
      return event;
    }
    const count = this.channels.length;
    for (let tried = 0; tried < count;) {
      const index = this.cursor;
      const channel = this.channels[index]!;
      const element = this.blocked[index] === 1 ? null : channel.take();
      if (element === null) {
        this.cursor = (index + 1) % count;
        tried++;
        continue;
      }
      tried = 0;
      let event: GateEvent | null;
      switch (element.kind) {
        case 'batch':
          this.cursor = (index + 1) % count;
          return element;
        case 'watermark':
          event = this.joined(this.valve.advance(index, element.watermark));
          break;
        case 'idle':
          event = this.joined(this.valve.setIdle(index, element.idle));
          break;
        case 'barrier':
          event = this.align(index, element.barrier);
          break;
        case 'end':
          event = this.end(index);
          break;
      }
      if (event !== null) return event;
    }
    return null;
  }

  private joined(watermark: number | null): GateEvent | null {
    if (watermark !== null) {
      this.idle = false;
      return { kind: 'watermark', watermark };
    }
    if (this.valve.isIdle === this.idle) return null;
    this.idle = this.valve.isIdle;
    return { kind: 'idle', idle: this.idle };
  }

  private align(index: number, barrier: Barrier): GateEvent | null {
    this.blocked[index] = 1;
    this.blockedCount++;
    if (this.blockedCount < this.channels.length) return null;
    this.blocked.fill(0);
    this.blockedCount = 0;
    return { kind: 'barrier', barrier };
  }

  private end(index: number): GateEvent | null {
    if (this.ended[index] === 1) return null;
    this.ended[index] = 1;
    this.endedCount++;
    const event = this.joined(this.valve.advance(index, MAX_WATERMARK));
    if (this.endedCount < this.channels.length) return event;
    if (event === null) return { kind: 'ended' };
    this.following = { kind: 'ended' };
    return event;
  }
}
