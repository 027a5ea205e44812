// One RPC connection: typed messages as msgpack frames over TCP. Sending never blocks; order is kept.
import type { Socket } from 'node:net';
import { Packr } from 'msgpackr';
import { FrameDecoder, MAX_FRAME, MAX_HANDSHAKE, writeFrame } from './framing.ts';

export interface ConnectionHandlers<In> {
  message: (message: In) => void;
  /** Once, whatever the reason. */
  closed: (error: Error | null) => void;
}

export class Connection<Out, In> {
  private readonly socket: Socket;
  private readonly packr = new Packr({ useRecords: false, moreTypes: false });
  private readonly decoder: FrameDecoder;
  private handlers: ConnectionHandlers<In> | null = null;
  private error: Error | null = null;

  /** `trusted` false: only small frames until `trust()` is called. */
  constructor(socket: Socket, trusted: boolean) {
    this.socket = socket;
    socket.setNoDelay(true);
    this.decoder = new FrameDecoder(
      (frame) => {
        // A handler may have closed the connection in the middle of a chunk.
        if (!this.socket.destroyed) this.handlers?.message(this.packr.unpack(frame) as In);
      },
      trusted ? MAX_FRAME : MAX_HANDSHAKE,
    );
  }

  start(handlers: ConnectionHandlers<In>): void {
    this.handlers = handlers;
    this.socket.on('data', (chunk: Buffer) => {
      try {
        this.decoder.push(chunk);
      } catch (error) {
        this.close(error instanceof Error ? error : new Error(String(error)));
      }
    });
    this.socket.on('error', (error) => (this.error ??= error));
    this.socket.on('close', () => handlers.closed(this.error));
  }

  trust(): void {
    this.decoder.limit = MAX_FRAME;
  }

  send(message: Out): void {
    if (!this.socket.destroyed) writeFrame(this.socket, [this.packr.pack(message)]);
  }

  /** Sends what is queued, then ends. */
  end(): void {
    this.socket.end();
  }

  close(error: Error | null = null): void {
    this.error ??= error;
    this.socket.destroy();
  }
}
