// Frames over TCP.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { FrameDecoder, MAX_FRAME, MAX_HANDSHAKE, writeFrame } from './framing.ts';
import type { FrameHandlers, FrameLink, Network } from './network.ts';

class TcpLink implements FrameLink {
  private readonly socket: Socket;
  private readonly decoder: FrameDecoder;
  private handlers: FrameHandlers | null = null;
  private error: Error | null = null;

  constructor(socket: Socket, limit: number) {
    this.socket = socket;
    socket.setNoDelay(true);
    this.decoder = new FrameDecoder((frame) => {
      // A handler may have closed the connection in the middle of a chunk.
      if (!this.socket.destroyed) this.handlers?.frame(frame);
    }, limit);
  }

  get limit(): number {
    return this.decoder.limit;
  }
  set limit(bytes: number) {
    this.decoder.limit = bytes;
  }

  get closed(): boolean {
    return this.socket.destroyed;
  }

  start(handlers: FrameHandlers): void {
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

  send(parts: Uint8Array[]): void {
    if (!this.socket.destroyed) writeFrame(this.socket, parts);
  }

  end(): void {
    this.socket.end();
  }

  close(error?: Error): void {
    this.error ??= error ?? null;
    this.socket.destroy();
  }
}

export const tcp: Network = {
  listen: async (host, port, accept) =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => accept(new TcpLink(socket, MAX_HANDSHAKE)));
      server.once('error', reject);
      server.listen(port, host, () =>
        resolve({ port: (server.address() as AddressInfo).port, close: () => void server.close() }),
      );
    }),
  connect: (host, port) => new TcpLink(connect(port, host), MAX_FRAME),
};
