// Temporary files of simulated machines, in memory, behind the engine's port: results between the stages of a batch job, state that spills. They outlive
// their process as long as their machine does, nothing of them is ever synced, and a process can be killed in the middle of a write: what is there
// then is a part of it. The weather is that of the other disk.
import type { TemporaryFile, TemporaryFiles } from '../../engine/storage/temporary-files.ts';
import type { SimDisk } from './disk.ts';
import { Random } from './random.ts';
import type { SimProcess, World } from './world.ts';

interface Content {
  bytes: Uint8Array;
  length: number;
  writer: SimProcess;
}

interface Machine {
  files: Map<string, Content>;
  folders: Set<string>;
}

/** Events of a process that a fault may be put at: it strikes in the middle. */
export type TemporaryEvent = 'spillCreate' | 'spillAppend' | 'spillIndex' | 'spillRead';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class TemporaryDisks {
  readonly world: World;
  readonly random: Random;
  /** Bytes, by all processes. */
  written = 0;
  private readonly disk: SimDisk;
  private readonly machines = new Map<string, Machine>();
  private readonly oneMachine: boolean;

  /** `oneMachine`: all processes see the same files. */
  constructor(world: World, disk: SimDisk, seed: number, oneMachine: boolean) {
    this.world = world;
    this.disk = disk;
    this.random = new Random(seed, 'temporary');
    this.oneMachine = oneMachine;
  }

  get weather(): SimDisk['weather'] {
    return this.disk.weather;
  }

  /** Those of the machine on which `process` runs, which has this name. A process whose machine is gone takes them with it. */
  of(process: SimProcess, machineName: string): SimTemporaryFiles {
    const name = this.oneMachine ? 'the machine' : machineName;
    let machine = this.machines.get(name);
    if (machine === undefined) this.machines.set(name, (machine = { files: new Map(), folders: new Set() }));
    if (!this.oneMachine)
      process.onDeath.push(() => {
        if (process.vanished) this.machines.delete(name);
      });
    return new SimTemporaryFiles(this, process, machine);
  }

  /** All machines at once: of each file a part is left, or its length with zeros. */
  losePower(): void {
    for (const { files } of this.machines.values())
      for (const content of files.values()) {
        const whole = this.random.below(content.length + 1);
        if (this.random.chance(0.3)) content.bytes.fill(0, whole, content.length);
        else content.length = whole;
      }
  }
}

export class SimTemporaryFiles implements TemporaryFiles {
  private readonly disks: TemporaryDisks;
  private readonly process: SimProcess;
  private readonly machine: Machine;
  /** The disk has refused to remove something. */
  private refused = false;
  /** Milliseconds that the process has waited for the disk and has not yet lived through. */
  private waited = 0;

  constructor(disks: TemporaryDisks, process: SimProcess, machine: Machine) {
    this.disks = disks;
    this.process = process;
    this.machine = machine;
  }

  makeFolder(path: string): void {
    this.perform('spillCreate', 'makeFolder');
    this.checkSpace(path);
    for (let at = path; at !== '/' && at !== ''; at = parentOf(at)) this.machine.folders.add(at);
  }

  create(path: string, { exclusive }: { exclusive: boolean }): TemporaryFile {
    this.perform('spillCreate', path);
    this.checkSpace(path);
    return new SimTemporaryFile(this, path, this.enter(path, exclusive));
  }

  open(path: string): TemporaryFile {
    this.perform('spillRead', path);
    return new SimTemporaryFile(this, path, this.existing(path));
  }

  writeText(path: string, text: string): void {
    this.checkAlive(path);
    const content = this.enter(path, false);
    this.append('spillIndex', path, content, encoder.encode(text));
  }

  readText(path: string): string {
    this.perform('spillRead', path);
    const { bytes, length } = this.existing(path);
    return decoder.decode(bytes.subarray(0, length));
  }

  /** A disk that answers with an error does not say that there is a file. */
  exists(path: string): boolean {
    const { weather, random } = this.disks;
    return this.machine.files.has(path) && !random.chance(weather.errors);
  }

  list(folder: string): string[] {
    const names = new Set<string>();
    for (const path of [...this.machine.files.keys(), ...this.machine.folders])
      if (path.startsWith(`${folder}/`)) names.add(path.slice(folder.length + 1).split('/')[0]!);
    return [...names].sort();
  }

  remove(path: string): void {
    if (!this.process.alive) return;
    const { weather, random } = this.disks;
    if (weather.errors > 0 && random.chance(weather.errors)) {
      this.refused = true;
      return;
    }
    const { files, folders } = this.machine;
    for (const set of [files, folders])
      for (const one of [...set.keys()]) if (one === path || one.startsWith(`${path}/`)) set.delete(one);
  }

  /** What the process has written and not removed, unless the disk has kept it from it. */
  left(): string[] {
    if (this.refused) return [];
    return [...this.machine.files].filter(([, { writer }]) => writer === this.process).map(([path]) => path);
  }

  /** How long the process has waited since it was asked last. */
  takeWaited(): number {
    const { waited } = this;
    this.waited = 0;
    return waited;
  }

  append(label: TemporaryEvent, path: string, content: Content, bytes: Uint8Array): void {
    try {
      this.perform(label, path);
      this.checkSpace(path);
    } catch (error) {
      const { random } = this.disks;
      if (random.chance(0.7)) add(content, bytes.subarray(0, random.below(bytes.length + 1)));
      throw error;
    }
    add(content, bytes);
    this.disks.written += bytes.length;
  }

  /** A fault may be waiting for just this. Throws for a process that is not alive any more, and what the disk answers in bad weather. */
  perform(label: TemporaryEvent, path: string): void {
    this.checkAlive(path);
    const { world, random, weather } = this.disks;
    world.reach(this.process, label);
    this.checkAlive(path);
    this.waited += 0.02 * random.spread(0.2, 5) * weather.slowness;
    if (weather.errors > 0 && random.chance(weather.errors)) throw failure('EIO', path);
  }

  /** The code of a process that was killed in the middle of a call goes on to the end of the event: nothing comes of it. */
  private checkAlive(path: string): void {
    if (!this.process.alive) throw failure('EINTR', path);
  }

  private checkSpace(path: string): void {
    const { weather, random } = this.disks;
    if (weather.full && !random.chance(0.1)) throw failure('ENOSPC', path);
  }

  private enter(path: string, exclusive: boolean): Content {
    const { files, folders } = this.machine;
    if (!folders.has(parentOf(path))) throw failure('ENOENT', path);
    if (exclusive && files.has(path)) throw failure('EEXIST', path);
    const content: Content = { bytes: new Uint8Array(64), length: 0, writer: this.process };
    // A file that is opened to be written anew is the same one for those that read it.
    const before = files.get(path);
    if (before !== undefined) return Object.assign(before, content);
    files.set(path, content);
    return content;
  }

  private existing(path: string): Content {
    const content = this.machine.files.get(path);
    if (content === undefined) throw failure('ENOENT', path);
    return content;
  }
}

class SimTemporaryFile implements TemporaryFile {
  private readonly files: SimTemporaryFiles;
  private readonly path: string;
  private content: Content | null;

  constructor(files: SimTemporaryFiles, path: string, content: Content) {
    this.files = files;
    this.path = path;
    this.content = content;
  }

  append(bytes: Uint8Array): void {
    this.files.append('spillAppend', this.path, this.opened(), bytes);
  }

  read(offset: number, into: Uint8Array): number {
    const { bytes, length } = this.opened();
    this.files.perform('spillRead', this.path);
    const part = bytes.subarray(offset, Math.min(length, offset + into.length));
    into.set(part);
    return part.length;
  }

  close(): void {
    this.content = null;
  }

  private opened(): Content {
    if (this.content === null) throw failure('EBADF', `${this.path} is closed`);
    return this.content;
  }
}

function add(content: Content, bytes: Uint8Array): void {
  const length = content.length + bytes.length;
  if (length > content.bytes.length) {
    const larger = new Uint8Array(2 * length);
    larger.set(content.bytes.subarray(0, content.length));
    content.bytes = larger;
  }
  content.bytes.set(bytes, content.length);
  content.length = length;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
