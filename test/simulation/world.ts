// Simulated time. Everything that happens is an event of some process at some virtual moment; one runs at a time, and all that it has set off
// in promises has come to rest before the next one does. The order comes from the seed alone, so a seed is a history.
import type { Clock } from '../../engine/clock.ts';
import { hashText, Random } from './random.ts';

interface Event {
  at: number;
  order: number;
  process: SimProcess;
  label: string;
  run: () => void;
  canceled: boolean;
}

/** When the simulated world begins, milliseconds since the epoch: any time will do. */
const BIRTH = 1_700_000_000_000;

/** A process: it runs while it is alive and not paused. What it was waiting for when it died never comes. */
export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  alive = true;
  paused = false;
  /** It went with its machine: nobody tells the others. */
  vanished = false;
  /** By how much its wall clock is wrong, milliseconds. */
  wallAhead = 0;
  /** Called when it dies, in whatever way: its connections close, its files are left behind. */
  readonly onDeath: (() => void)[] = [];
  /** What would have happened while it was paused, in order. */
  held: Event[] = [];

  constructor(world: World, name: string) {
    this.name = name;
    this.clock = {
      now: () => BIRTH + Math.floor(world.time) + this.wallAhead,
      monotonic: () => world.time,
      after: (ms, run) => world.after(this, ms, 'timer', run),
      // The order of threads within a process is not given: two that are ready may run in either order.
      soon: (run) => void world.after(this, world.scheduling.between(0.001, 0.05), 'turn', run),
    };
  }
}

export class World {
  /** Virtual milliseconds since the beginning. */
  time = 0;
  events = 0;
  /** Over all events: two runs with the same hash are the same history. */
  hash = 0x811c9dc5;
  readonly scheduling: Random;
  /** Lines of what happened, when asked for. */
  readonly trace: string[] | null;
  private readonly heap: Event[] = [];
  private readonly labels = new Map<string, number>();
  private readonly armed: { process: SimProcess; label: string; left: number; run: () => void }[] = [];
  private created = 0;
  private stopped = false;
  /** The hand of the simulation itself: never dies, never pauses. */
  readonly fate: SimProcess;

  constructor(seed: number, traced: boolean) {
    this.scheduling = new Random(seed, 'scheduling');
    this.trace = traced ? [] : null;
    this.fate = new SimProcess(this, 'fate');
  }

  /** An event of `process` in `ms`. Returns how to call it off. */
  after(process: SimProcess, ms: number, label: string, run: () => void): () => void {
    return this.at(process, this.time + Math.max(0, ms), label, run);
  }

  at(process: SimProcess, at: number, label: string, run: () => void): () => void {
    const event = { at, order: this.created++, process, label, run, canceled: false };
    push(this.heap, event);
    return () => {
      event.canceled = true;
    };
  }

  /** Calls `run` right behind the process's next event of that label, or behind the one after so many more. */
  behind(process: SimProcess, label: string, count: number, run: () => void): void {
    this.armed.push({ process, label, left: count, run });
  }

  /** For the trace only. */
  note(process: SimProcess, text: () => string): void {
    this.trace?.push(`${this.time.toFixed(3).padStart(12)} ${process.name}: ${text()}`);
  }

  pause(process: SimProcess): void {
    process.paused = true;
    this.note(process, () => 'PAUSED');
  }

  resume(process: SimProcess): void {
    if (!process.paused) return;
    process.paused = false;
    this.note(process, () => 'RESUMED');
    const { held } = process;
    process.held = [];
    for (const event of held) {
      event.at = this.time;
      push(this.heap, event);
    }
  }

  kill(process: SimProcess, reason: string): void {
    if (!process.alive) return;
    process.alive = false;
    process.held = [];
    this.note(process, () => `DEAD: ${reason}`);
    for (const death of process.onDeath) death();
  }

  stop(): void {
    this.stopped = true;
  }

  /** Runs until `stop`, or until the virtual time `until` (or so many events) is reached: false. */
  async run(until: number, maxEvents: number): Promise<boolean> {
    this.stopped = false;
    while (!this.stopped) {
      const event = pop(this.heap);
      if (event === undefined || event.at > until || this.events >= maxEvents) return false;
      const { process } = event;
      if (event.canceled || !process.alive) continue;
      if (process.paused) {
        process.held.push(event);
        continue;
      }
      this.time = event.at;
      this.events++;
      this.digest(event);
      if (this.trace !== null && event.label !== 'turn') this.note(process, () => event.label);
      event.run();
      await settled();
      this.reach(process, event.label);
    }
    return true;
  }

  /** What was armed for this moment of the process happens now: behind an event, or in the middle of a call that cannot be an event. */
  reach(process: SimProcess, label: string): void {
    if (this.armed.length === 0) return;
    for (const [index, one] of this.armed.entries()) {
      if (one.process !== process || one.label !== label || one.left-- > 0) continue;
      this.armed.splice(index, 1);
      one.run();
      return;
    }
  }

  private digest({ at, process, label }: Event): void {
    let code = this.labels.get(label);
    if (code === undefined) this.labels.set(label, (code = hashText(label)));
    let hash = this.hash;
    hash = Math.imul(hash ^ code, 0x01000193);
    hash = Math.imul(hash ^ (at * 1024), 0x01000193);
    hash = Math.imul(hash ^ process.name.length, 0x01000193);
    this.hash = hash >>> 0;
  }
}

/** Comes back when all promises that could be settled are: Node runs the next tick when no microtask is left. */
async function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A binary heap, earliest first. */
function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(event, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
