// Work that takes long keeps none other waiting, and is not begun twice.
import type { Clock } from '../../kube/time.ts';
import { AT_ONCE, Lanes } from './lanes.ts';

let timers: Set<() => void>;
let lanes: Lanes;
let begun: string[];
/** Ends the work of that name. */
let ends: Map<string, () => void>;

beforeEach(() => {
  timers = new Set();
  const after: Clock['after'] = (_, act) => {
    timers.add(act);
    return () => void timers.delete(act);
  };
  lanes = new Lanes({ now: () => 0, monotonic: () => 0, soon: () => undefined, after });
  [begun, ends] = [[], new Map()];
});

const start = (name: string): void =>
  lanes.start(name, () => {
    begun.push(name);
    return new Promise((resolve) => ends.set(name, resolve));
  });
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `job-${i}`);
const timePasses = (): void => {
  for (const act of timers) {
    timers.delete(act);
    act();
  }
};
const microtasks = (): Promise<void> => new Promise(setImmediate);
const end = async (name: string): Promise<void> => {
  ends.get(name)!();
  await microtasks();
};

test('so many begin at once, and another one when one ends or takes long', async () => {
  const all = names(2 * AT_ONCE + 1);
  all.forEach(start);
  expect(begun).toEqual(all.slice(0, AT_ONCE));
  await end(all[3]!);
  expect(begun).toHaveLength(AT_ONCE + 1);
  timePasses();
  expect(begun).toEqual(all);
  expect(all.filter((name) => lanes.has(name))).toHaveLength(all.length - 1);
});

test('who took long the last time waits among those alone, until it does not', async () => {
  const slow = names(AT_ONCE);
  slow.forEach(start);
  timePasses();
  for (const name of slow) await end(name);
  begun = [];
  slow.forEach(start);
  start('quick');
  expect(begun).toEqual([...slow, 'quick']);
  start('next');
  expect(begun).toContain('next');
  // What takes long is not waited for.
  await end('quick');
  await end('next');
  await lanes.quickOnesDone();
  await end(slow[0]!);
  start(slow[0]!);
  let isDone = false;
  void lanes.quickOnesDone().then(() => (isDone = true));
  await microtasks();
  expect(isDone).toBe(false);
  await end(slow[0]!);
  expect(isDone).toBe(true);
});

test('all are done once the slow ones are, too', async () => {
  start('slow');
  timePasses();
  let isDone = false;
  const done = lanes.allDone().then(() => (isDone = true));
  await lanes.quickOnesDone();
  expect(isDone).toBe(false);
  ends.get('slow')!();
  await done;
  expect(lanes.has('slow')).toBe(false);
});
