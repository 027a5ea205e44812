// A simulated network behind the engine's port. A connection keeps its frames in order, each as late as it likes; it may break at any frame, which
// each end notices in its own time, or never. Whoever connects again may be served before the old end has noticed.
import { MAX_FRAME, MAX_HANDSHAKE } from '../../engine/rpc/framing.ts';
import type { FrameHandlers, FrameLink, Network } from '../../engine/rpc/network.ts';
import { Random } from './random.ts';
import type { SimProcess, World } from './world.ts';

interface Server {
  process: SimProcess;
  accept: (link: FrameLink) => void;
}

/** What the faults turn. Milliseconds. */
export interface NetworkWeather {
  /** Times that latency is longer than usual. */
  slowness: number;
}

export class SimNetwork {
  readonly weather: NetworkWeather = { slowness: 1 };
  private readonly world: World;
  private readonly random: Random;
  private readonly servers = new Map<string, Server>();
  private connections: Connection[] = [];
  private nextPort = 1;
  /** Pairs of processes that cannot reach each other, until when. */
  private readonly partitions: { a: SimProcess; b: SimProcess; until: number }[] = [];

  constructor(world: World, seed: number) {
    this.world = world;
    this.random = new Random(seed, 'network');
  }

  /** The network as a process on a host of its own sees it. */
  of(process: SimProcess, host: string): Network {
    process.onDeath.push(() => this.hostDied(process));
    return {
      listen: async (_host, port, accept) => {
        const bound = port === 0 ? this.nextPort++ : port;
        const address = `${host}:${bound}`;
        this.servers.set(address, { process, accept });
        return { port: bound, close: () => void this.servers.delete(address) };
      },
      connect: (to, port) => this.connect(process, `${to}:${port}`),
    };
  }

  /** Frames between the two wait, new connections too. */
  partition(a: SimProcess, b: SimProcess, ms: number): void {
    this.partitions.push({ a, b, until: this.world.time + ms });
  }

  /** Breaks connections of the process, each with the probability given; `silent`: neither end is told soon. */
  breakLinks(process: SimProcess, probability: number, silent: boolean): number {
    let broken = 0;
    for (const connection of [...this.connections])
      if (connection.involves(process) && this.random.chance(probability)) {
        connection.break(silent);
        broken++;
      }
    return broken;
  }

  latency(a: SimProcess, b: SimProcess): number {
    const { slowness } = this.weather;
    let delay = this.random.spread(0.05, 2) * slowness;
    if (this.random.chance(0.02)) delay += this.random.spread(1, 50) * slowness;
    for (const { a: one, b: other, until } of this.partitions)
      if ((one === a && other === b) || (one === b && other === a))
        delay = Math.max(delay, until - this.world.time + this.random.between(0, 5));
    return delay;
  }

  get chance(): Random {
    return this.random;
  }

  get scheduler(): World {
    return this.world;
  }

  forget(connection: Connection): void {
    this.connections = this.connections.filter((one) => one !== connection);
  }

  private connect(from: SimProcess, address: string): FrameLink {
    const server = this.servers.get(address);
    const connection = new Connection(this, from, server?.process ?? null);
    if (server === undefined) {
      this.world.after(from, this.random.between(0.1, 3), 'refused', () => connection.near.over(refused(address)));
      return connection.near;
    }
    this.connections.push(connection);
    connection.deliver(connection.near, 'accept', () => {
      // The listener may have gone meanwhile.
      if (this.servers.get(address) === server) server.accept(connection.far);
      else connection.near.over(refused(address));
    });
    return connection.near;
  }

  /** The kernel of a process that died closes its connections, unless the whole machine is gone; what was under way may be lost with it. */
  private hostDied(process: SimProcess): void {
    for (const [address, server] of this.servers) if (server.process === process) this.servers.delete(address);
    for (const connection of this.connections.filter((one) => one.involves(process)))
      if (process.vanished) connection.break(true);
      else connection.died(process);
  }
}

function refused(address: string): Error {
  return new Error(`connect ECONNREFUSED ${address}`);
}

/** Two links, and what is on its way between them. */
class Connection {
  readonly near: Link;
  readonly far: Link;
  private readonly network: SimNetwork;
  /** Frames under way are lost from now on. */
  broken = false;

  constructor(network: SimNetwork, from: SimProcess, to: SimProcess | null) {
    this.network = network;
    this.near = new Link(this, from, MAX_FRAME);
    this.far = new Link(this, to ?? from, MAX_HANDSHAKE);
  }

  involves(process: SimProcess): boolean {
    return this.near.process === process || this.far.process === process;
  }

  other(link: Link): Link {
    return link === this.near ? this.far : this.near;
  }

  /** Brings something from one end to the other, behind all that was sent before. */
  deliver(from: Link, label: string, run: () => void): void {
    if (this.broken) return;
    const to = this.other(from);
    const { scheduler } = this.network;
    to.lastArrival = Math.max(to.lastArrival + 0.001, scheduler.time + this.network.latency(from.process, to.process));
    const remove = scheduler.at(to.process, to.lastArrival, label, () => {
      to.underWay.shift();
      run();
    });
    to.underWay.push(remove);
  }

  /** Both ends lose what is under way, or all but the first of it. */
  break(silent: boolean): void {
    const { chance, scheduler } = this.network;
    for (const end of [this.near, this.far]) {
      this.loseTail(end);
      // Of a silent break the network tells nobody; the end that writes finds out when its retransmissions are given up.
      const notice = silent ? chance.spread(2_000, 20_000) : chance.spread(0.1, 500);
      const at = Math.max(end.lastArrival + 0.001, scheduler.time + notice);
      scheduler.at(end.process, at, 'connection lost', () => end.over(new Error('read ECONNRESET')));
    }
    this.broken = true;
    this.network.forget(this);
  }

  /** One end has closed. Graceful: the other end gets all that was sent. */
  closedBy(link: Link, graceful: boolean): void {
    const other = this.other(link);
    if (!graceful) this.loseTail(other);
    this.deliver(link, 'closed', () => other.over(null));
    this.broken ||= !graceful;
    link.underWay.splice(0).forEach((cancel) => cancel());
    this.network.forget(this);
  }

  died(process: SimProcess): void {
    const link = this.near.process === process ? this.near : this.far;
    this.closedBy(link, false);
  }

  private loseTail(end: Link): void {
    const kept = this.network.chance.below(end.underWay.length + 1);
    end.underWay.splice(kept).forEach((cancel) => cancel());
  }
}

class Link implements FrameLink {
  limit: number;
  readonly process: SimProcess;
  /** When the last thing sent to this end arrives. */
  lastArrival = 0;
  /** How to call off what is on its way to this end, in order. */
  readonly underWay: (() => void)[] = [];
  private readonly connection: Connection;
  private handlers: FrameHandlers | null = null;
  private isClosed = false;
  private ending = false;
  private told = false;

  constructor(connection: Connection, process: SimProcess, limit: number) {
    this.connection = connection;
    this.process = process;
    this.limit = limit;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  start(handlers: FrameHandlers): void {
    this.handlers = handlers;
  }

  send(parts: Uint8Array[]): void {
    if (this.isClosed || this.ending || !this.process.alive) return;
    const bytes = join(parts);
    const other = this.connection.other(this);
    this.connection.deliver(this, 'frame', () => other.receive(bytes));
  }

  end(): void {
    if (this.isClosed || this.ending || !this.process.alive) return;
    this.ending = true;
    this.connection.closedBy(this, true);
    this.tell(null);
  }

  close(error?: Error): void {
    if (this.isClosed || !this.process.alive) return;
    this.isClosed = true;
    if (!this.ending) this.connection.closedBy(this, false);
    this.tell(error ?? null);
  }

  receive(bytes: Uint8Array): void {
    if (this.isClosed) return;
    try {
      if (bytes.length > this.limit)
        throw new Error(`frame of ${bytes.length} bytes where at most ${this.limit} are allowed`);
      this.handlers?.frame(bytes);
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The connection is no more, as this end is told by the network. */
  over(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (!this.told) this.handlers?.closed(error);
    this.told = true;
  }

  /** As a socket does: `closed` never comes from within a call. */
  private tell(error: Error | null): void {
    this.process.clock.after(0, () => {
      this.isClosed = true;
      if (!this.told) this.handlers?.closed(error);
      this.told = true;
    });
  }
}

/** Frames are copied: the sender may write on in its buffers. */
function join(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
