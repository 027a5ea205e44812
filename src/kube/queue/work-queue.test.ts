// What a controller relies on: nothing that was added is forgotten, and nothing is worked on twice at once.
import fc from 'fast-check';
import { seeded } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

const setUp = (options: Partial<WorkQueueOptions> = {}): { clock: VirtualClock; queue: WorkQueue } => {
  const clock = new VirtualClock();
  return { clock, queue: new WorkQueue({ clock, random: () => 0, name: 'test', ...options }) };
};

test('a key that is added twice is taken once, and keys are taken in the order of their first add', () => {
  const { queue } = setUp();
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(['a', 'b', 'c', undefined]);
});

test('a key that is added while it is worked on is handed out again afterwards, and not before', () => {
  const { queue } = setUp();
  queue.add('a');
  expect(queue.take()).toBe('a');
  queue.add('a');
  queue.add('a');
  expect(queue.take()).toBeUndefined();
  queue.done('a');
  expect(queue.take()).toBe('a');
  queue.done('a');
  expect(queue.take()).toBeUndefined();
  expect(queue.idle).toBe(true);
});

test('of several delayed adds the soonest counts', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 500);
  queue.addAfter('a', 100);
  queue.addAfter('a', 900);
  await clock.advance(99);
  expect(queue.take()).toBeUndefined();
  await clock.advance(1);
  expect(queue.take()).toBe('a');
  queue.done('a');
  await clock.advance(10_000);
  expect(queue.take()).toBeUndefined();
});

test('an immediate add takes the place of a delayed one, also when the key is worked on meanwhile', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 100);
  queue.add('a');
  expect(queue.take()).toBe('a');
  queue.addAfter('a', 100);
  queue.add('a');
  queue.done('a');
  expect(queue.take()).toBe('a');
  queue.done('a');
  await clock.advance(1_000);
  expect(queue.take()).toBeUndefined();
});

test('a delay that is over while the key is worked on hands it out again afterwards', async () => {
  const { clock, queue } = setUp();
  queue.add('a');
  queue.take();
  queue.addAfter('a', 100);
  await clock.advance(200);
  expect(queue.take()).toBeUndefined();
  queue.done('a');
  expect(queue.take()).toBe('a');
});

test('a delay may be longer than a timer can hold', async () => {
  const { clock, queue } = setUp();
  const days = 86_400_000;
  queue.addAfter('a', 40 * days);
  await clock.advance(39 * days);
  expect(queue.take()).toBeUndefined();
  await clock.advance(days);
  expect(queue.take()).toBe('a');
});

test('the back-off of a key doubles up to its cap, is its own, and starts anew when the key is forgotten', async () => {
  const { clock, queue } = setUp({ backOff: { baseMs: 100, capMs: 1_000, jitter: 0 } });
  const waits: number[] = [];
  const wait = async (key: string): Promise<number> => {
    queue.addRateLimited(key);
    const begun = clock.monotonic();
    while (queue.take() === undefined) await clock.advance(10);
    queue.done(key);
    return clock.monotonic() - begun;
  };
  for (let i = 0; i < 6; i++) waits.push(await wait('a'));
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(await wait('b')).toBe(100);
  queue.forget('a');
  expect(await wait('a')).toBe(100);
});

test('jitter takes away a part of the delay and adds nothing', async () => {
  const { clock, queue } = setUp({ backOff: { baseMs: 100, capMs: 1_000, jitter: 0.5 }, random: () => 0.999 });
  queue.addRateLimited('a');
  await clock.advance(60);
  expect(queue.take()).toBe('a');
});

test('what is added in one turn is announced once', async () => {
  const { clock, queue } = setUp();
  let calls = 0;
  queue.onReady(() => calls++);
  queue.add('a');
  queue.add('b');
  await clock.advance(0);
  expect(calls).toBe(1);
});

test('close drops what waits and resolves when what is under way is done; drain hands out first what can be taken', async () => {
  const { queue } = setUp();
  queue.add('a');
  queue.take();
  queue.add('b');
  let closed = false;
  const closing = queue.close().then(() => (closed = true));
  expect(queue.take()).toBeUndefined();
  await Promise.resolve();
  expect(closed).toBe(false);
  queue.done('a');
  await closing;
  queue.add('c');
  expect(queue.take()).toBeUndefined();

  const other = setUp().queue;
  other.add('a');
  other.addAfter('later', 10);
  const drained = other.close({ drain: true });
  expect(other.take()).toBe('a');
  other.done('a');
  await drained;
  expect(other.idle).toBe(true);
});

test('whoever is done with a key that was not taken is told so', () => {
  expect(() => setUp().queue.done('a')).toThrow('"a" was not taken from queue "test"');
});

/** What a queue is to do, in the plainest words: for each key, whether a look is owed. */
test('no key is worked on twice at once and no wake-up is lost, whatever is added, delayed, done or failed in whatever order', async () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const command = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), key }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('after' as const), key, ms: fc.integer({ min: 1, max: 300 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), key }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('done' as const), nth: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400 }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 120 }), fc.nat(), async (commands, seed) => {
      const clock = new VirtualClock();
      const queue = new WorkQueue({ clock, random: seeded(seed), name: 'test' });
      const working = new Set<string>();
      /** Key -> the latest moment by which it has to be possible to take it. */
      const owed = new Map<string, number>();
      const owe = (of: string, ms: number): void =>
        void owed.set(of, Math.min(owed.get(of) ?? Infinity, clock.monotonic() + ms));
      const take = (): void => {
        const taken = queue.take();
        if (taken === undefined) {
          const due = [...owed].filter(([of, at]) => at <= clock.monotonic() && !working.has(of));
          expect(due).toEqual([]);
          return;
        }
        expect(working.has(taken)).toBe(false);
        expect(owed.has(taken)).toBe(true);
        owed.delete(taken);
        working.add(taken);
      };
      for (const command of commands)
        switch (command.do) {
          case 'add':
            queue.add(command.key);
            owe(command.key, 0);
            break;
          case 'after':
            queue.addAfter(command.key, command.ms);
            owe(command.key, command.ms);
            break;
          case 'fail': {
            queue.addRateLimited(command.key);
            owe(command.key, 1_000_000);
            break;
          }
          case 'take':
            take();
            break;
          case 'done': {
            const one = [...working][command.nth];
            if (one === undefined) break;
            working.delete(one);
            queue.done(one);
            break;
          }
          case 'wait':
            await clock.advance(command.ms);
            break;
        }
      for (const one of working) queue.done(one);
      working.clear();
      await clock.advance(2_000_000);
      while (queue.depth > 0) {
        take();
        for (const one of working) queue.done(one);
        working.clear();
      }
      expect([...owed]).toEqual([]);
      expect(queue.idle).toBe(true);
    }),
    { numRuns: 500 },
  );
}, 60_000);

test('it tells for how long the keys have been worked on that are not done yet', async () => {
  const { clock, queue } = setUp();
  expect(queue.unfinishedWork).toEqual({ seconds: 0, longest: 0 });
  queue.add('a');
  queue.take();
  await clock.advance(3_000);
  queue.add('b');
  queue.take();
  await clock.advance(1_000);
  expect(queue.unfinishedWork).toEqual({ seconds: 5, longest: 4 });
  queue.done('a');
  expect(queue.unfinishedWork).toEqual({ seconds: 1, longest: 1 });
});
