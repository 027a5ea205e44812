// Frames on a byte stream: a little-endian length of 4 bytes, then so many bytes, which arrive in a buffer of their own.
import type { Socket } from 'node:net';

/** A frame longer than this is taken for garbage: the other end does not speak our protocol. */
export const MAX_FRAME = 1 << 30;
/** Until a peer has shown its token it may send no more than this. */
export const MAX_HANDSHAKE = 1 << 16;

/** Cuts chunks into frames. Each frame starts at offset 0 of its buffer, so that typed arrays can be laid over it. */
export class FrameDecoder {
  private readonly onFrame: (frame: Uint8Array) => void;
  private readonly header = new Uint8Array(4);
  private headerFilled = 0;
  private frame: Uint8Array | null = null;
  private filled = 0;
  /** Frames above this length are refused by an error. */
  limit: number;

  constructor(onFrame: (frame: Uint8Array) => void, limit = MAX_FRAME) {
    this.onFrame = onFrame;
    this.limit = limit;
  }

  /** Throws when a frame is longer than the limit. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.frame === null) {
        while (this.headerFilled < 4 && at < chunk.length) this.header[this.headerFilled++] = chunk[at++]!;
        if (this.headerFilled < 4) return;
        const length = new DataView(this.header.buffer).getUint32(0, true);
        if (length > this.limit) throw new Error(`frame of ${length} bytes where at most ${this.limit} are allowed`);
        this.headerFilled = 0;
        this.filled = 0;
        this.frame = new Uint8Array(length);
      }
      const take = Math.min(this.frame.length - this.filled, chunk.length - at);
      this.frame.set(chunk.subarray(at, at + take), this.filled);
      this.filled += take;
      at += take;
      if (this.filled < this.frame.length) return;
      const frame = this.frame;
      this.frame = null;
      this.onFrame(frame);
    }
  }
}

/** Sends `parts` as one frame. */
export function writeFrame(socket: Socket, parts: Uint8Array[]): void {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(
    0,
    parts.reduce((sum, part) => sum + part.length, 0),
    true,
  );
  socket.cork();
  socket.write(header);
  for (const part of parts) socket.write(part);
  socket.uncork();
}
