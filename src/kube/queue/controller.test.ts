// The loop around a reconcile function: what each result leads to, and how it ends.
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { seeded } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { sleep } from '../time.ts';
import { Controller, done, requeueAfter, terminal, type ControllerOptions, type Result } from './controller.ts';

let clock: VirtualClock;
let passes: { key: string; at: number }[];
let errors: { key: string; error: unknown; failures: number }[];
let stop: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  passes = [];
  errors = [];
  stop = new AbortController();
});

function controllerOf(
  reconcile: (key: string, signal: AbortSignal) => Promise<Result>,
  options: Partial<ControllerOptions> = {},
): Controller {
  return new Controller({
    name: 'test',
    reconcile: (key, signal) => {
      passes.push({ key, at: clock.monotonic() });
      return reconcile(key, signal);
    },
    workers: 2,
    clock,
    random: () => 0,
    backOff: { baseMs: 100, capMs: 1_000, jitter: 0 },
    onError: (key, error, failures) => errors.push({ key, error, failures }),
    ...options,
  });
}

test('done waits for the next change; requeueAfter looks again by itself', async () => {
  const answers: Record<string, Result[]> = { a: [done], b: [requeueAfter(300), requeueAfter(0), done] };
  const controller = controllerOf(async (key) => answers[key]!.shift()!);
  void controller.run({ stop: stop.signal });
  controller.queue.add('a');
  controller.queue.add('b');
  await clock.advance(10_000);
  expect(passes).toEqual([
    { key: 'a', at: 0 },
    { key: 'b', at: 0 },
    { key: 'b', at: 300 },
    { key: 'b', at: 300 },
  ]);
});

test('an error is tried again after a delay that grows, and a success makes it small again', async () => {
  let pass = 0;
  const controller = controllerOf(async () => {
    if (++pass <= 3) throw new Error('not yet');
    return pass === 4 ? requeueAfter(50) : Promise.reject(new Error('again'));
  });
  void controller.run({ stop: stop.signal });
  controller.queue.add('a');
  await clock.advance(800);
  expect(passes.map(({ at }) => at)).toEqual([0, 100, 300, 700, 750]);
  expect(errors.map(({ failures }) => failures)).toEqual([1, 2, 3, 1]);
});

test('a server that asks for more time gets it', async () => {
  const busy = new ApiError('GET /x', 429, { reason: 'TooManyRequests', details: { retryAfterSeconds: 7 } });
  let pass = 0;
  const controller = controllerOf(async () => (++pass === 1 ? Promise.reject(busy) : done));
  void controller.run({ stop: stop.signal });
  controller.queue.add('a');
  await clock.advance(60_000);
  expect(passes.map(({ at }) => at)).toEqual([0, 7_000]);
});

test('a terminal error is told and not tried again until something changes', async () => {
  const controller = controllerOf(async () => terminal(new Error('for good')));
  void controller.run({ stop: stop.signal });
  controller.queue.add('a');
  await clock.advance(3_600_000);
  expect(passes).toHaveLength(1);
  expect(errors).toHaveLength(1);
  controller.queue.add('a');
  await clock.advance(0);
  expect(passes).toHaveLength(2);
});

test('a pass that takes too long is told to end, counts as failed, and holds its key until it has ended', async () => {
  const controller = controllerOf(
    async (_, signal) => {
      await sleep(clock, 3_000);
      signal.throwIfAborted();
      return done;
    },
    { timeoutMs: 1_000 },
  );
  void controller.run({ stop: stop.signal });
  controller.queue.add('a');
  await clock.advance(2_000);
  controller.queue.add('a');
  await clock.advance(999);
  expect(passes).toHaveLength(1);
  await clock.advance(1);
  expect(passes).toHaveLength(2);
  expect(String(errors[0]?.error)).toContain('test: a pass over a took longer than 1 s');
});

test('keys that are added before run wait for it', async () => {
  const controller = controllerOf(async () => done);
  controller.queue.add('a');
  await clock.advance(1_000);
  expect(passes).toEqual([]);
  void controller.run({ stop: stop.signal });
  await clock.advance(0);
  expect(passes).toHaveLength(1);
});

test('stop lets the passes under way end and begins none; lost leadership aborts them', async () => {
  const signals: AbortSignal[] = [];
  const reconcile = async (_: string, signal: AbortSignal): Promise<Result> => {
    signals.push(signal);
    await sleep(clock, 500, signal);
    return done;
  };
  const controller = controllerOf(reconcile, { workers: 1 });
  const running = controller.run({ stop: stop.signal });
  controller.queue.add('a');
  controller.queue.add('b');
  await clock.advance(100);
  stop.abort();
  await clock.until(running);
  expect(clock.monotonic()).toBe(500);
  expect(passes.map(({ key }) => key)).toEqual(['a']);
  expect(signals[0]?.aborted).toBe(false);

  const other = controllerOf(reconcile);
  const lost = new AbortController();
  const ending = other.run({ stop: new AbortController().signal, lost: lost.signal });
  other.queue.add('c');
  await clock.advance(100);
  lost.abort(new Error('the lease is gone'));
  await clock.until(ending);
  expect(clock.monotonic()).toBe(600);
  expect(String(errors.at(-1)?.error)).toContain('the lease is gone');
});

test('with any number of workers no key is passed over twice at once, never more keys than workers are under way, and every change is seen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.nat(), async (workers, seed) => {
      const world = new VirtualClock();
      const random = seeded(seed);
      /** What stands in the world, and what the last finished pass saw of it. */
      const versions = new Map<string, number>();
      const seen = new Map<string, number>();
      const underWay = new Set<string>();
      /** Kept apart: what a pass throws counts as its failure. */
      const violations: string[] = [];
      const controller = new Controller({
        name: 'test',
        workers,
        clock: world,
        random,
        onError: () => undefined,
        reconcile: async (key) => {
          if (underWay.has(key)) violations.push(`${key} twice at once`);
          underWay.add(key);
          if (underWay.size > workers) violations.push(`${underWay.size} passes at once`);
          const version = versions.get(key)!;
          await sleep(world, random() * 20);
          underWay.delete(key);
          if (random() < 0.2) throw new Error('by chance');
          seen.set(key, version);
          return random() < 0.2 ? requeueAfter(random() * 50) : done;
        },
      });
      const ending = new AbortController();
      const running = controller.run({ stop: ending.signal });
      for (let i = 0; i < 60; i++) {
        const key = `k${Math.floor(random() * 6)}`;
        versions.set(key, (versions.get(key) ?? 0) + 1);
        controller.queue.add(key);
        if (random() < 0.5) await world.advance(random() * 10);
      }
      await world.advance(60_000);
      expect(violations).toEqual([]);
      expect(seen).toEqual(versions);
      ending.abort();
      await world.until(running);
      expect(underWay.size).toBe(0);
    }),
    { numRuns: 60 },
  );
}, 60_000);
