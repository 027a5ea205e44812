// What flows through a channel, and its form on a socket between two workers.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { Barrier } from '../rpc/protocol.ts';

export type Control =
  | { kind: 'watermark'; watermark: number }
  | { kind: 'barrier'; barrier: Barrier }
  /** An idle channel holds back no watermark until it has something again. */
  | { kind: 'idle'; idle: boolean }
  /** End of input: only barriers follow. */
  | { kind: 'end' };

export type Element = { kind: 'batch'; batch: ColumnBatch } | Control;

/** Messages on a connection of one channel. The consumer opens it and grants credits: one per batch that it has room for. */
export type ChannelMessage =
  | { kind: 'data'; bytes: Uint8Array }
  | { kind: 'control'; control: Control }
  /** To the producer. */
  | { kind: 'credit'; credits: number }
  | { kind: 'failed'; message: string };

const DATA = 1;
const JSON_MESSAGE = 2;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Parts of a frame: 8 bytes of type, so that a batch behind it stays aligned, then the body. */
export function encodeChannelMessage(message: ChannelMessage): Uint8Array[] {
  const header = new Uint8Array(8);
  header[0] = message.kind === 'data' ? DATA : JSON_MESSAGE;
  return [header, message.kind === 'data' ? message.bytes : encoder.encode(JSON.stringify(message))];
}

export function decodeChannelMessage(frame: Uint8Array): ChannelMessage {
  const body = frame.subarray(8);
  if (frame[0] === DATA) return { kind: 'data', bytes: body };
  return JSON.parse(decoder.decode(body)) as ChannelMessage;
}
