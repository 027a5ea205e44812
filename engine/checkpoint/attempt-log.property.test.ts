// Several attempts at once, one operation of the object store after the other in any order, some paused for long, some dead: whatever the order, no two
// attempts both publish behind the later one's start, and nothing that was decided is lost.
import fc from 'fast-check';
import { EngineError } from '../errors.ts';
import { MemoryObjectStore } from '../storage/memory-object-store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { compareAttempts, type AcquiredAttempt } from './attempt.ts';
import { ObjectCheckpointStorage } from './object-checkpoint-storage.ts';
import { StateFolder } from './state-folder.ts';
import type { Manifest } from './storage.ts';

const JOB = 'ab'.repeat(16);

/** What happened, in the order in which the store carried it out. */
type Event =
  | { kind: 'attempt' | 'manifest'; attempt: AcquiredAttempt; seq: number; checkpointId: number }
  | { kind: 'named'; path: string };

/** Holds every operation until it is let through: one at a time. */
class Steps {
  private readonly waiting: { actor: number; go: () => void }[] = [];

  /** Before an operation is carried out, and again before its answer arrives. */
  async wait(actor: number): Promise<void> {
    return new Promise((go) => this.waiting.push({ actor, go }));
  }

  /** Lets operations through until none waits, `frozen` only when nobody else can go on. `pick` chooses. */
  async run(pick: (choices: number) => number, frozen: () => number | null): Promise<void> {
    for (;;) {
      // What follows from the last answer happens in microtasks.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.waiting.length === 0) return;
      const awake = this.waiting.filter(({ actor }) => actor !== frozen());
      const from = awake.length > 0 ? awake : this.waiting;
      const next = from[pick(from.length)]!;
      this.waiting.splice(this.waiting.indexOf(next), 1);
      next.go();
    }
  }
}

/** One process's view of the store. After `dies` operations nothing of it happens any more. */
function view(shared: MemoryObjectStore, steps: Steps, actor: number, dies: number, events: Event[]): ObjectStore {
  let operations = 0;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    await steps.wait(actor);
    if (++operations > dies) return new Promise<T>(() => undefined);
    const result = await work();
    await steps.wait(actor);
    return result;
  };
  return {
    put: (key, parts, options) =>
      step(async () => {
        const highest = (await shared.list('log/')).at(-1) ?? '';
        const result = await shared.put(key, parts, options);
        if (result === 'written' && key > highest && key.startsWith('log/')) {
          const entry = JSON.parse(
            Buffer.from((await shared.get(key))!)
              .toString()
              .slice(9),
          ) as Event & { kind: string };
          if (entry.kind === 'attempt' || entry.kind === 'manifest') events.push(entry);
        }
        if (key.endsWith('/_metadata')) events.push({ kind: 'named', path: key });
        return result;
      }),
    get: (key) => step(() => shared.get(key)),
    getRange: (key, offset, length) => step(() => shared.getRange(key, offset, length)),
    size: (key) => step(() => shared.size(key)),
    list: (prefix) => step(() => shared.list(prefix)),
    delete: (key) => step(() => shared.delete(key)),
    removeUnfinished: (prefix) => step(() => shared.removeUnfinished(prefix)),
  };
}

function storageOn(store: ObjectStore, writer: string): ObjectCheckpointStorage {
  return new ObjectCheckpointStorage({
    store,
    writer,
    pathOf: (key) => key,
    savepointPath: (parent, name) => `${parent}/${name}`,
    open: (directory) => new StateFolder(store, `${directory}/`, directory),
  });
}

function manifest(attempt: AcquiredAttempt, checkpointId: number): Manifest {
  return {
    formatVersion: 2,
    kind: 'CHECKPOINT',
    jobId: JOB,
    jobName: 'job',
    checkpointId,
    epoch: attempt.epoch,
    restart: attempt.restart,
    triggerTimestamp: 0,
    maxParallelism: 128,
    operators: [],
    files: [],
    sources: [],
    committables: [],
    endOfInput: false,
  };
}

interface Life {
  epoch: number;
  /** Checkpoints that it takes. */
  checkpoints: number;
  /** Operations after which it dies. */
  dies: number;
}

interface Outcome {
  attempt: AcquiredAttempt | null;
  /** Newest checkpoint when it began; 0: none. */
  restored: number;
  published: number[];
  refused: number[];
}

/** A JobManager as far as storage goes: takes the state, goes on from the newest checkpoint, publishes some and removes the one before. */
async function live(storage: ObjectCheckpointStorage, life: Life, outcome: Outcome): Promise<void> {
  try {
    const attempt = await storage.acquireAttempt(life.epoch, 'process');
    outcome.attempt = attempt;
    let newest = (await storage.listCheckpoints(JOB))[0]?.checkpointId ?? 0;
    outcome.restored = newest;
    for (let n = 0; n < life.checkpoints; n++) {
      const id = newest + 1;
      try {
        await storage.publishManifest(attempt, storage.checkpointPath(JOB, id), manifest(attempt, id));
      } catch (error) {
        outcome.refused.push(id);
        throw error;
      }
      outcome.published.push(id);
      if (newest > 0) await storage.dispose(storage.checkpointPath(JOB, newest));
      newest = id;
    }
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'FENCED') throw error;
  }
}

const lives = fc.array(
  fc.record({
    epoch: fc.integer({ min: 1, max: 3 }),
    checkpoints: fc.integer({ min: 0, max: 30 }),
    dies: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 60 })),
  }),
  { minLength: 2, maxLength: 4 },
);

test('in any order of their operations, attempts decide one after the other and lose nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      lives,
      fc.infiniteStream(fc.nat({ max: 0xffff })),
      // Who is paused, and from which operation to which one.
      fc.record({ actor: fc.nat({ max: 3 }), from: fc.nat({ max: 80 }), to: fc.nat({ max: 600 }) }),
      async (all, choices, pause) => {
        const shared = new MemoryObjectStore();
        const steps = new Steps();
        const events: Event[] = [];
        const outcomes = all.map((): Outcome => ({ attempt: null, restored: 0, published: [], refused: [] }));
        const failures: unknown[] = [];
        all.forEach((life, actor) => {
          const storage = storageOn(view(shared, steps, actor, life.dies, events), `writer-${actor}`);
          live(storage, life, outcomes[actor]!).catch((error: unknown) => failures.push(error));
        });
        let step = 0;
        await steps.run(
          (count) => {
            step++;
            return choices.next().value % count;
          },
          () => (step >= pause.from && step < pause.to ? pause.actor : null),
        );
        expect(failures).toEqual([]);

        const decided = events.filter((event) => event.kind !== 'named');
        let owner: AcquiredAttempt | null = null;
        let newest = 0;
        for (const event of decided) {
          if (event.kind === 'attempt') {
            if (owner !== null) expect(compareAttempts(event.attempt, owner)).toBeGreaterThan(0);
            owner = event.attempt;
          } else {
            // No decision of an attempt behind the start of a later one, and each goes on from the one before.
            expect(event.attempt.seq).toBe(owner?.seq);
            expect(event.checkpointId).toBeGreaterThan(newest);
            newest = event.checkpointId;
          }
        }
        const ids = new Set(decided.flatMap((event) => (event.kind === 'manifest' ? [event.checkpointId] : [])));
        // Nothing is ever visible that was not decided, nor told to be complete.
        for (const event of events)
          if (event.kind === 'named') expect(ids).toContain(Number(/chk-(\d+)\//.exec(event.path)![1]));
        for (const { attempt, published, restored } of outcomes) {
          for (const id of published) expect(ids).toContain(id);
          if (attempt === null) continue;
          const before = decided.filter(({ seq, kind }) => kind === 'manifest' && seq < attempt.seq).at(-1);
          if (published.length > 0) expect(restored).toBe(before?.kind === 'manifest' ? before.checkpointId : 0);
        }
        // Whoever comes next finds what was decided last.
        const next = storageOn(shared, 'next');
        expect((await next.listCheckpoints(JOB))[0]?.checkpointId ?? 0).toBe(newest);
        const after = await next.acquireAttempt(3, 'next');
        expect((await next.listCheckpoints(JOB))[0]?.checkpointId ?? 0).toBe(newest);
        await next.removeOrphans(after, JOB);
        expect((await shared.list('')).filter((key) => key.endsWith('.pending'))).toEqual([]);
        expect((await next.listCheckpoints(JOB))[0]?.checkpointId ?? 0).toBe(newest);
        await next.publishManifest(after, next.checkpointPath(JOB, newest + 1), manifest(after, newest + 1));
        expect((await next.listCheckpoints(JOB))[0]?.checkpointId).toBe(newest + 1);
        expect((await shared.list('log/')).length).toBeLessThanOrEqual(17);
      },
    ),
    { numRuns: 150 },
  );
}, 120_000);
