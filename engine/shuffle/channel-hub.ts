// A slot's switchboard: brings the two ends of each channel together, whichever comes first, within the slot, over a port to another slot of
// the process, or over a socket. The consumer opens; the producer answers.
import { encodeBatch } from '../columnar/wire.ts';
import { describeError } from '../errors.ts';
import type { Network } from '../rpc/network.ts';
import type { ChannelDescriptor, SlotAddress, SpillLocation } from '../rpc/protocol.ts';
import { CHANNEL_CREDITS, type InputChannel } from './input-channel.ts';
import type { Control } from './element.ts';
import type { ConsumerLink, OutputChannel } from './output-channel.ts';
import type { TemporaryFiles } from '../storage/temporary-files.ts';
import { connectSocket, DataServer, type SocketLink } from './sockets.ts';
import { SpillReader } from './spill-input.ts';

/** What two slots of one process say to each other. */
export type PortMessage =
  | { kind: 'open'; id: string; credits: number }
  | { kind: 'credit'; id: string; credits: number }
  | { kind: 'close'; id: string }
  | { kind: 'data'; id: string; bytes: Uint8Array }
  | { kind: 'control'; id: string; control: Control };

/** The way to another slot of the process: reliable and in order. The bytes of a message are moved, not copied. */
export interface SlotPort {
  post(message: PortMessage): void;
  receive(handler: (message: PortMessage) => void): void;
  close(): void;
}

interface Waiting {
  link: ConsumerLink;
  credits: number;
}

export interface HubOptions {
  taskManagerId: string;
  slot: number;
  host: string;
  /** 0 for any. */
  port: number;
  token: string | null;
  network: Network;
  /** Where results of batch tasks are. */
  temporaryFiles: TemporaryFiles;
  /** To the other slots of the process. */
  ports: Map<number, SlotPort>;
}

export class ChannelHub {
  private readonly options: HubOptions;
  private readonly outputs = new Map<string, OutputChannel>();
  private readonly inputs = new Map<string, InputChannel>();
  /** Consumers that came before their producer. */
  private readonly waiting = new Map<string, Waiting>();
  private readonly closers = new Map<string, () => void>();
  private readonly server: DataServer;

  constructor(options: HubOptions) {
    this.options = options;
    for (const port of options.ports.values()) port.receive((message) => this.receive(port, message));
    this.server = new DataServer(options.network, options.token, {
      open: (id, link, credits) => this.open(id, link, credits),
      openSpill: (location, link, credits) => serveSpill(options.temporaryFiles, location, link, credits),
      credit: (id, credits) => this.outputs.get(id)?.addCredits(credits),
      closed: (id, link) => {
        if (this.waiting.get(id)?.link === link) this.waiting.delete(id);
      },
    });
  }

  /** Begins to listen for other TaskManagers; the bound port. */
  async listen(): Promise<number> {
    return this.server.listen(this.options.host, this.options.port);
  }

  /** A producer's channel is ready. */
  offer(output: OutputChannel): void {
    this.outputs.set(output.id, output);
    const waiting = this.waiting.get(output.id);
    if (waiting === undefined) return;
    this.waiting.delete(output.id);
    output.connect(waiting.link, waiting.credits);
  }

  /** A consumer's channel asks its producer to send. */
  connect(channel: ChannelDescriptor, input: InputChannel): void {
    const { id, producer, spill } = channel;
    const port = this.portTo(producer);
    if (spill !== null) {
      // A file that cannot be opened from here is asked for where it was made, also when that was here: no output stands for it, and the server says so.
      this.openSocket(channel, input);
    } else if (this.isHere(producer)) {
      input.attach((credits) => this.outputs.get(id)?.addCredits(credits));
      const link = { sendBatch: input.receiveBatch.bind(input), sendControl: input.receiveControl.bind(input) };
      this.closers.set(id, () => this.waiting.delete(id));
      this.open(id, link, CHANNEL_CREDITS);
    } else if (port !== undefined) {
      this.inputs.set(id, input);
      input.attach((credits) => port.post({ kind: 'credit', id, credits }));
      this.closers.set(id, () => port.post({ kind: 'close', id }));
      port.post({ kind: 'open', id, credits: CHANNEL_CREDITS });
    } else this.openSocket(channel, input);
  }

  /** A task has ended: its channels exist no longer. */
  release(outputs: string[], inputs: string[]): void {
    for (const id of outputs) {
      this.outputs.delete(id);
      this.server.drop(id);
    }
    for (const id of inputs) {
      this.inputs.delete(id);
      this.closers.get(id)?.();
      this.closers.delete(id);
    }
  }

  /** Stops listening. */
  close(): void {
    this.server.close();
    for (const port of this.options.ports.values()) port.close();
  }

  private openSocket({ id, producer, spill }: ChannelDescriptor, input: InputChannel): void {
    const { network, token } = this.options;
    this.closers.set(id, connectSocket(network, producer, { token, id, spill, credits: CHANNEL_CREDITS }, input));
  }

  private isHere(producer: SlotAddress): boolean {
    return producer.taskManagerId === this.options.taskManagerId && producer.slot === this.options.slot;
  }

  private portTo(producer: SlotAddress): SlotPort | undefined {
    return producer.taskManagerId === this.options.taskManagerId ? this.options.ports.get(producer.slot) : undefined;
  }

  private open(id: string, link: ConsumerLink, credits: number): void {
    const output = this.outputs.get(id);
    if (output === undefined) this.waiting.set(id, { link, credits });
    else output.connect(link, credits);
  }

  private receive(port: SlotPort, message: PortMessage): void {
    const { id } = message;
    switch (message.kind) {
      case 'open':
        this.open(id, portLink(port, id), message.credits);
        return;
      case 'credit':
        this.outputs.get(id)?.addCredits(message.credits);
        return;
      case 'close':
        this.waiting.delete(id);
        return;
      case 'data':
        this.inputs.get(id)?.receiveEncoded(message.bytes);
        return;
      case 'control':
        this.inputs.get(id)?.receiveControl(message.control);
        return;
    }
  }
}

function portLink(port: SlotPort, id: string): ConsumerLink {
  return {
    sendBatch: (batch) => port.post({ kind: 'data', id, bytes: encodeBatch(batch) }),
    sendControl: (control) => port.post({ kind: 'control', id, control }),
  };
}

/** Sends a partition of a file as credit comes; returns how to add credit. */
function serveSpill(
  files: TemporaryFiles,
  location: SpillLocation,
  link: SocketLink,
  credits: number,
): (credits: number) => void {
  let reader: SpillReader | null;
  try {
    reader = new SpillReader(files, location, null);
  } catch (error) {
    link.sendFailure(describeError(error));
    return () => undefined;
  }
  let available = 0;
  const pump = (more: number): void => {
    available += more;
    try {
      while (reader !== null && available > 0) {
        const bytes = reader.read();
        available--;
        if (bytes === null) {
          reader = null;
          link.sendControl({ kind: 'end' });
        } else link.sendEncoded(bytes);
      }
    } catch (error) {
      reader?.close();
      reader = null;
      link.sendFailure(describeError(error));
    }
  };
  pump(credits);
  return (more) => {
    if (more > 0) pump(more);
    else reader?.close();
  };
}
