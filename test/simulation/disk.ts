// A simulated disk behind the engine's FileSystem port. What is written is seen by all at once, as through the kernel's cache, but is durable only
// when it was synced: a loss of power takes bytes and names that were not. It may be full for a while, slow, answer with errors, or lie about syncs.
import { basename, dirname } from 'node:path';
import type { FileSystem, OpenFile } from '../../engine/storage/file-system.ts';
import { Random } from './random.ts';
import type { SimProcess, World } from './world.ts';

export interface Inode {
  bytes: Uint8Array;
  length: number;
  /** Bytes that survive a loss of power. */
  durable: number;
  /** Bytes of which a sync has said that they do. More than `durable` when the disk lies. */
  promised: number;
  /** When it was made, virtual milliseconds. */
  created: number;
  /** Who wrote last. */
  writer: SimProcess | null;
  /** The disk has lost what it had promised: the bytes as they were promised. */
  betrayed: Uint8Array | null;
}

/** What the faults turn. */
export interface DiskWeather {
  full: boolean;
  /** Syncs of files are acknowledged and not done. */
  lies: boolean;
  /** Times that operations take longer than usual. */
  slowness: number;
  /** Probability that an operation fails with EIO. */
  errors: number;
}

interface Pending {
  directory: string;
  undo: () => void;
}

export class SimDisk {
  readonly weather: DiskWeather = { full: false, lies: false, slowness: 1, errors: 0 };
  /** A loss of power has taken what the disk had promised to keep. */
  betrayed = false;
  /** Called after each change of names in a directory. */
  onChange: (path: string, process: SimProcess | null) => void = () => undefined;
  private readonly world: World;
  private readonly random: Random;
  private readonly files = new Map<string, Inode>();
  private readonly directories = new Set<string>(['/']);
  /** Names in each directory, those of directories with `/` behind. */
  private readonly names = new Map<string, Set<string>>();
  /** Changes of names that are not durable yet, oldest first. */
  private pending: Pending[] = [];
  /** Appends that are under way: a process that dies may leave a part of one. */
  private readonly appending = new Map<SimProcess, Set<{ inode: Inode; bytes: Uint8Array }>>();

  constructor(world: World, seed: number) {
    this.world = world;
    this.random = new Random(seed, 'disk');
  }

  /** As `process` sees it; null: as nobody does, at once and without faults. */
  of(process: SimProcess | null): FileSystem {
    return new ProcessFiles(this, process);
  }

  /** Paths of files, sorted. */
  paths(directory: string): string[] {
    const prefix = `${directory}/`;
    return [...this.files.keys()].filter((path) => path.startsWith(prefix)).sort();
  }

  inode(path: string): Inode | undefined {
    return this.files.get(path);
  }

  /** The machine of `process` loses power: what it wrote and did not sync is gone, or torn. */
  loseUnsynced(process: SimProcess): void {
    for (const inode of new Set(this.files.values())) if (inode.writer === process) this.tear(inode);
  }

  /** The disk itself loses power: bytes and names. */
  losePower(): void {
    const kept = new Map<string, number>();
    for (const { directory } of this.pending) kept.set(directory, (kept.get(directory) ?? 0) + 1);
    // A directory's changes reach the disk in order.
    for (const [directory, count] of kept) kept.set(directory, this.random.below(count + 1));
    const lost = this.pending.filter(({ directory }) => {
      const left = kept.get(directory)!;
      kept.set(directory, left - 1);
      return left <= 0;
    });
    this.pending = [];
    for (const { undo } of lost.reverse()) undo();
    for (const inode of new Set(this.files.values())) this.tear(inode);
  }

  /** What a killed process was writing may have reached the file in part. */
  killed(process: SimProcess): void {
    for (const { inode, bytes } of this.appending.get(process) ?? [])
      if (this.random.chance(0.5)) this.append(inode, bytes.subarray(0, this.random.below(bytes.length + 1)), process);
    this.appending.delete(process);
  }

  perform<T>(process: SimProcess | null, label: string, cost: number, effect: () => T): Promise<T> {
    if (process === null) return Promise.resolve(effect());
    const { world, random, weather } = this;
    return new Promise((resolve, reject) => {
      const latency = cost * random.spread(0.2, 5) * weather.slowness;
      world.after(process, latency, label, () => {
        let result: T;
        try {
          this.mayFail(label);
          result = effect();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        if (!random.chance(0.1)) resolve(result);
        else world.after(process, latency * random.spread(0.1, 10), 'answer', () => resolve(result));
      });
    });
  }

  mayFail(label: string): void {
    const { weather, random } = this;
    if (weather.errors > 0 && random.chance(weather.errors)) throw failure('EIO', label);
  }

  checkSpace(label: string): void {
    if (this.weather.full && !this.random.chance(0.1)) throw failure('ENOSPC', label);
  }

  create(path: string, exclusive: boolean, process: SimProcess | null): Inode {
    if (process !== null) this.checkSpace('create');
    if (!this.directories.has(dirname(path))) throw failure('ENOENT', path);
    if (exclusive && this.files.has(path)) throw failure('EEXIST', path);
    const inode = {
      bytes: new Uint8Array(64),
      length: 0,
      durable: 0,
      promised: 0,
      created: this.world.time,
      writer: process,
      betrayed: null,
    };
    this.enter(path, inode, process);
    return inode;
  }

  existing(path: string): Inode {
    const inode = this.files.get(path);
    if (inode === undefined) throw failure('ENOENT', path);
    return inode;
  }

  append(inode: Inode, bytes: Uint8Array, process: SimProcess | null): void {
    if (inode.length + bytes.length > inode.bytes.length) {
      const larger = new Uint8Array(2 * (inode.length + bytes.length));
      larger.set(inode.bytes.subarray(0, inode.length));
      inode.bytes = larger;
    }
    inode.bytes.set(bytes, inode.length);
    inode.length += bytes.length;
    inode.writer = process;
  }

  /** A disk that becomes full takes a part. */
  appendChecked(inode: Inode, bytes: Uint8Array, process: SimProcess): void {
    try {
      this.checkSpace('append');
    } catch (error) {
      this.append(inode, bytes.subarray(0, this.random.below(bytes.length + 1)), process);
      throw error;
    }
    this.append(inode, bytes, process);
  }

  async appendLater(inode: Inode, bytes: Uint8Array, process: SimProcess): Promise<void> {
    let underWay = this.appending.get(process);
    if (underWay === undefined) this.appending.set(process, (underWay = new Set()));
    const append = { inode, bytes };
    underWay.add(append);
    return this.perform(process, 'append', 0.03, () => this.appendChecked(inode, bytes, process)).finally(() =>
      underWay.delete(append),
    );
  }

  sync(inode: Inode): void {
    inode.promised = inode.length;
    if (!this.weather.lies) inode.durable = inode.length;
  }

  rename(from: string, to: string, process: SimProcess | null): void {
    const inode = this.existing(from);
    if (!this.directories.has(dirname(to))) throw failure('ENOENT', to);
    const replaced = this.files.get(to);
    this.put(from, undefined);
    this.put(to, inode);
    // One change of the directory: a loss of power leaves one of the names.
    this.changed(to, process, () => {
      this.put(to, replaced);
      this.put(from, inode);
    });
    this.onChange(from, process);
  }

  link(from: string, to: string, process: SimProcess | null): void {
    const inode = this.existing(from);
    if (process !== null) this.checkSpace('link');
    if (this.files.has(to)) throw failure('EEXIST', to);
    if (!this.directories.has(dirname(to))) throw failure('ENOENT', to);
    this.enter(to, inode, process);
  }

  leave(path: string, process: SimProcess | null): void {
    const inode = this.files.get(path);
    if (inode === undefined) return;
    this.put(path, undefined);
    this.changed(path, process, () => this.put(path, inode));
  }

  syncDirectory(path: string): void {
    if (!this.directories.has(path)) throw failure('ENOENT', path);
    this.pending = this.pending.filter(({ directory }) => directory !== path);
  }

  /** Those that are new are durable when their parents, which it returns, have been synced. */
  makeDirectory(path: string): string[] {
    const made: string[] = [];
    for (let at = path; !this.directories.has(at); at = dirname(at)) made.push(at);
    for (const at of made.toReversed()) {
      this.enterDirectory(at);
      this.pending.push({ directory: dirname(at), undo: () => this.dropDirectory(at) });
    }
    return made.map((at) => dirname(at));
  }

  removeDirectory(path: string): void {
    if (!this.directories.has(path)) return;
    if (this.list(path).length > 0) throw failure('ENOTEMPTY', path);
    this.dropDirectory(path);
    this.pending = this.pending.filter(({ directory }) => directory !== path);
    this.pending.push({ directory: dirname(path), undo: () => this.enterDirectory(path) });
  }

  list(path: string): string[] {
    return [...(this.names.get(path) ?? [])].sort();
  }

  private enterDirectory(path: string): void {
    this.directories.add(path);
    this.addName(path, '/');
  }

  /** With all that is in it. */
  private dropDirectory(path: string): void {
    for (const file of this.paths(path)) this.put(file, undefined);
    for (const directory of this.directories)
      if (directory === path || directory.startsWith(`${path}/`)) {
        this.directories.delete(directory);
        this.names.delete(directory);
      }
    this.names.get(dirname(path))?.delete(`${basename(path)}/`);
  }

  private enter(path: string, inode: Inode, process: SimProcess | null): void {
    const before = this.files.get(path);
    this.put(path, inode);
    this.changed(path, process, () => this.put(path, before));
  }

  private put(path: string, inode: Inode | undefined): void {
    if (inode === undefined) {
      this.files.delete(path);
      this.names.get(dirname(path))?.delete(basename(path));
    } else {
      this.files.set(path, inode);
      this.addName(path, '');
    }
  }

  private addName(path: string, suffix: '' | '/'): void {
    const directory = dirname(path);
    let names = this.names.get(directory);
    if (names === undefined) this.names.set(directory, (names = new Set()));
    names.add(basename(path) + suffix);
  }

  private changed(path: string, process: SimProcess | null, undo: () => void): void {
    this.pending.push({ directory: dirname(path), undo });
    this.onChange(path, process);
  }

  private tear(inode: Inode): void {
    if (inode.durable >= inode.length) return;
    const { random } = this;
    if (inode.promised > inode.durable) {
      inode.betrayed ??= inode.bytes.slice(0, inode.promised);
      this.betrayed = true;
    }
    const whole = inode.durable + random.below(inode.length - inode.durable + 1);
    // The length may have reached the disk before the bytes: zeros.
    if (random.chance(0.3)) inode.bytes.fill(0, whole, inode.length);
    else inode.length = whole;
    inode.durable = inode.length;
    inode.promised = inode.length;
  }
}

class ProcessFiles implements FileSystem {
  private readonly disk: SimDisk;
  private readonly process: SimProcess | null;

  constructor(disk: SimDisk, process: SimProcess | null) {
    this.disk = disk;
    this.process = process;
  }

  async create(path: string, { exclusive }: { exclusive: boolean }): Promise<OpenFile> {
    const inode = await this.later('create', 0.05, () => this.disk.create(path, exclusive, this.process));
    return new SimFile(this.disk, this.process, inode);
  }

  createSync(path: string, { exclusive }: { exclusive: boolean }): OpenFile {
    this.disk.mayFail('create');
    checkAlive(this.process);
    return new SimFile(this.disk, this.process, this.disk.create(path, exclusive, this.process));
  }

  async open(path: string): Promise<OpenFile> {
    const inode = await this.later('open', 0.02, () => this.disk.existing(path));
    return new SimFile(this.disk, this.process, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    return this.later('rename', 0.05, () => this.disk.rename(from, to, this.process));
  }

  async link(from: string, to: string): Promise<void> {
    return this.later('link', 0.05, () => this.disk.link(from, to, this.process));
  }

  async remove(path: string): Promise<void> {
    return this.later('remove', 0.05, () => this.disk.leave(path, this.process));
  }

  async makeDirectory(path: string): Promise<void> {
    const parents = await this.later('makeDirectory', 0.05, () => this.disk.makeDirectory(path));
    for (const parent of parents) await this.syncDirectory(parent);
  }

  makeDirectorySync(path: string): void {
    checkAlive(this.process);
    for (const parent of this.disk.makeDirectory(path)) this.disk.syncDirectory(parent);
  }

  async removeDirectory(path: string): Promise<void> {
    return this.later('removeDirectory', 0.05, () => this.disk.removeDirectory(path));
  }

  async list(path: string): Promise<string[]> {
    return this.later('list', 0.03, () => this.disk.list(path));
  }

  async size(path: string): Promise<number | null> {
    return this.later('size', 0.02, () => this.disk.inode(path)?.length ?? null);
  }

  async syncDirectory(path: string): Promise<void> {
    return this.later('syncDirectory', 0.5, () => this.disk.syncDirectory(path));
  }

  private async later<T>(label: string, cost: number, effect: () => T): Promise<T> {
    return this.disk.perform(this.process, label, cost, effect);
  }
}

class SimFile implements OpenFile {
  private readonly disk: SimDisk;
  private readonly process: SimProcess | null;
  private readonly inode: Inode;
  private closed = false;

  constructor(disk: SimDisk, process: SimProcess | null, inode: Inode) {
    this.disk = disk;
    this.process = process;
    this.inode = inode;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.check();
    if (this.process === null) this.disk.append(this.inode, bytes, null);
    else await this.disk.appendLater(this.inode, bytes.slice(), this.process);
  }

  appendSync(bytes: Uint8Array): void {
    this.check();
    if (this.process === null) throw new Error('only processes write');
    checkAlive(this.process);
    this.disk.mayFail('append');
    this.disk.appendChecked(this.inode, bytes, this.process);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.check();
    return this.disk.perform(this.process, 'read', 0.02, () =>
      this.inode.bytes.slice(offset, Math.min(offset + length, this.inode.length)),
    );
  }

  async sync(): Promise<void> {
    this.check();
    return this.disk.perform(this.process, 'sync', 0.5, () => this.disk.sync(this.inode));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private check(): void {
    if (this.closed) throw failure('EBADF', 'the file is closed');
  }
}

/** One that was killed in the middle of an event does nothing more in what is left of it. */
function checkAlive(process: SimProcess | null): void {
  if (process?.alive === false) throw failure('EINTR', process.name);
}

/** Without a stack, which takes longer than all else that the disk does. */
function failure(code: string, what: string): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return Object.assign(new Error(`${code}: ${what}`), { code });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
