// Channels between TaskManagers: one connection each. The consumer's first frame shows the token and names the channel.
import { encodeBatch } from '../columnar/wire.ts';
import type { ColumnBatch } from '../columnar/batch.ts';
import type { FrameLink, Listener, Network } from '../rpc/network.ts';
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
  private readonly link: FrameLink;

  constructor(link: FrameLink) {
    this.link = link;
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
    if (!this.link.closed) this.link.send(encodeChannelMessage(message));
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
  private readonly network: Network;
  private readonly token: string | null;
  private readonly handlers: ServerHandlers;
  private listener: Listener | null = null;
  private readonly links = new Map<string, FrameLink>();

  constructor(network: Network, token: string | null, handlers: ServerHandlers) {
    this.network = network;
    this.token = token;
    this.handlers = handlers;
  }

  async listen(host: string, port: number): Promise<number> {
    this.listener = await this.network.listen(host, port, (link) => this.accept(link));
    return this.listener.port;
  }

  /** The producer of a channel has ended: the connection closes when all that was sent has left. */
  drop(id: string): void {
    this.links.get(id)?.end();
    this.links.delete(id);
  }

  close(): void {
    this.listener?.close();
    for (const link of this.links.values()) link.close();
  }

  /** A consumer that breaks the rules is cut off: it sees the loss, and the coordinator decides. */
  private accept(connection: FrameLink): void {
    const link = new SocketLink(connection);
    let id: string | null = null;
    let credit: ((credits: number) => void) | null = null;
    const open = ({ token, id: channel, spill, credits }: Handshake): void => {
      if (!tokenMatches(this.token, token)) throw new Error('wrong token');
      id = channel;
      this.links.set(channel, connection);
      if (spill !== null) credit = this.handlers.openSpill(spill, link, credits);
      else {
        credit = (more) => this.handlers.credit(channel, more);
        this.handlers.open(channel, link, credits);
      }
    };
    connection.start({
      frame: (bytes) => {
        if (id === null) {
          open(JSON.parse(new TextDecoder().decode(bytes)) as Handshake);
          return;
        }
        const message = decodeChannelMessage(bytes);
        if (message.kind === 'credit') credit?.(message.credits);
      },
      closed: () => {
        if (id === null) return;
        if (this.links.get(id) === connection) this.links.delete(id);
        credit?.(0);
        this.handlers.closed(id, link);
      },
    });
  }
}

/** Opens a channel at its producer; returns how to close it. A connection that breaks fails the input. */
export function connectSocket(
  network: Network,
  producer: SlotAddress,
  handshake: Handshake,
  input: InputChannel,
): () => void {
  const link = network.connect(producer.host, producer.port);
  const where = `${producer.taskManagerId} at ${producer.host}:${producer.port}`;
  let closed = false;
  const fail = (message: string): void => {
    if (!closed) input.fail(message);
    closed = true;
    link.close();
  };
  input.attach((credits) => {
    if (!link.closed) link.send(encodeChannelMessage({ kind: 'credit', credits }));
  });
  link.start({
    frame: (bytes) => {
      const message = decodeChannelMessage(bytes);
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
    },
    closed: (error) =>
      fail(error === null ? `connection to ${where} was lost` : `connection to ${where} failed: ${error.message}`),
  });
  link.send([new TextEncoder().encode(JSON.stringify(handshake))]);
  return () => {
    closed = true;
    link.close();
  };
}
