// Channels between TaskManagers: one TCP connection each. The consumer's first frame shows the token and names the channel.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { encodeBatch } from '../columnar/wire.ts';
import type { ColumnBatch } from '../columnar/batch.ts';
import { FrameDecoder, MAX_FRAME, MAX_HANDSHAKE, writeFrame } from '../rpc/framing.ts';
import type { SlotAddress, SpillLocation } from '../rpc/protocol.ts';
import { tokenMatches } from '../rpc/token.ts';
import { decodeChannelMessage, encodeChannelMessage, type ChannelMessage, type Control } from './element.ts';
import type { InputChannel } from './input-channel.ts';
import type { ConsumerLink } from './output-channel.ts';

interface Handshake {
  token: string | null;
  id: string;
  spill: SpillLocation | null;
  credits: number;
}

/** The producer's end of a connection. */
export class SocketLink implements ConsumerLink {
  private readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  sendBatch(batch: ColumnBatch): void {
    this.send({ kind: 'data', bytes: encodeBatch(batch) });
  }
  sendEncoded(bytes: Uint8Array): void {
    this.send({ kind: 'data', bytes });
  }
  sendControl(control: Control): void {
    this.send({ kind: 'control', control });
  }
  sendFailure(message: string): void {
    this.send({ kind: 'failed', message });
  }

  private send(message: ChannelMessage): void {
    if (!this.socket.destroyed) writeFrame(this.socket, encodeChannelMessage(message));
  }
}

export interface ServerHandlers {
  open(id: string, link: SocketLink, credits: number): void;
  /** Returns how credit is added; 0 credits: the consumer has left. */
  openSpill(location: SpillLocation, link: SocketLink, credits: number): (credits: number) => void;
  credit(id: string, credits: number): void;
  closed(id: string, link: SocketLink): void;
}

export class DataServer {
  private readonly token: string | null;
  private readonly handlers: ServerHandlers;
  private readonly server: Server;
  private readonly sockets = new Map<string, Socket>();

  constructor(token: string | null, handlers: ServerHandlers) {
    this.token = token;
    this.handlers = handlers;
    this.server = createServer((socket) => this.accept(socket));
  }

  async listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  /** The producer of a channel has ended: the connection closes when all that was sent has left. */
  drop(id: string): void {
    this.sockets.get(id)?.end();
    this.sockets.delete(id);
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets.values()) socket.destroy();
  }

  private accept(socket: Socket): void {
    socket.setNoDelay(true);
    const link = new SocketLink(socket);
    let id: string | null = null;
    let credit: ((credits: number) => void) | null = null;
    const decoder = new FrameDecoder((frame) => {
      if (id !== null) {
        const message = decodeChannelMessage(frame);
        if (message.kind === 'credit') credit?.(message.credits);
        return;
      }
      const handshake = JSON.parse(new TextDecoder().decode(frame)) as Handshake;
      if (!tokenMatches(this.token, handshake.token)) throw new Error('wrong token');
      id = handshake.id;
      const channel = id;
      this.sockets.set(channel, socket);
      if (handshake.spill !== null) credit = this.handlers.openSpill(handshake.spill, link, handshake.credits);
      else {
        credit = (credits) => this.handlers.credit(channel, credits);
        this.handlers.open(channel, link, handshake.credits);
      }
    }, MAX_HANDSHAKE);
    socket.on('data', (chunk: Buffer) => {
      try {
        decoder.push(chunk);
      } catch {
        socket.destroy();
      }
    });
    // The consumer sees the loss; the coordinator decides.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (id === null) return;
      if (this.sockets.get(id) === socket) this.sockets.delete(id);
      credit?.(0);
      this.handlers.closed(id, link);
    });
  }
}

/** Opens a channel at its producer; returns how to close it. A connection that breaks fails the input. */
export function connectSocket(producer: SlotAddress, handshake: Handshake, input: InputChannel): () => void {
  const socket = connect(producer.port, producer.host);
  const where = `${producer.taskManagerId} at ${producer.host}:${producer.port}`;
  let closed = false;
  const fail = (message: string): void => {
    if (!closed) input.fail(message);
    closed = true;
    socket.destroy();
  };
  socket.setNoDelay(true);
  socket.on('connect', () => writeFrame(socket, [new TextEncoder().encode(JSON.stringify(handshake))]));
  input.attach((credits) => {
    if (!socket.destroyed) writeFrame(socket, encodeChannelMessage({ kind: 'credit', credits }));
  });
  const decoder = new FrameDecoder((frame) => {
    const message = decodeChannelMessage(frame);
    switch (message.kind) {
      case 'data':
        input.receiveEncoded(message.bytes);
        break;
      case 'control':
        // A file read to its end is no longer needed: whatever happens to its host.
        if (handshake.spill !== null && message.control.kind === 'end') closed = true;
        input.receiveControl(message.control);
        break;
      case 'failed':
        fail(message.message);
        break;
      case 'credit':
        break;
    }
  }, MAX_FRAME);
  socket.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk);
    } catch (error) {
      fail(`data from ${where} is damaged: ${String(error)}`);
    }
  });
  socket.on('error', (error) => fail(`connection to ${where} failed: ${error.message}`));
  socket.on('close', () => fail(`connection to ${where} was lost`));
  return () => {
    closed = true;
    socket.destroy();
  };
}
