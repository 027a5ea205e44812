import { systemClock } from '../clock.ts';
import { TaskLoop, type Runnable } from './task-loop.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A task that works `steps` times, holding rows back all the while. */
function lingerer(loop: TaskLoop, steps: number, log: string[]): Runnable {
  let left = steps;
  const task: Runnable = {
    step: () => {
      log.push('step');
      loop.linger(task);
      return --left > 0;
    },
    flush: () => void log.push('flush'),
  };
  return task;
}

test('rows that a task holds back go out as soon as its thread has nothing else to do', async () => {
  const loop = new TaskLoop({ ...systemClock, monotonic: () => 0 });
  const log: string[] = [];
  loop.schedule(lingerer(loop, 3, log));
  await settled();
  expect(log).toEqual(['step', 'step', 'step', 'flush']);
});

test('a thread that is always busy still lets them go after a while', async () => {
  let clock = 0;
  const loop = new TaskLoop({ ...systemClock, monotonic: () => (clock += 1) });
  const log: string[] = [];
  loop.schedule(lingerer(loop, 2000, log));
  while (log.filter((entry) => entry === 'step').length < 2000) await settled();
  await settled();
  const flushes = log.filter((entry) => entry === 'flush').length;
  expect(flushes).toBeGreaterThan(3);
  expect(flushes).toBeLessThan(200);
  expect(log.at(-1)).toBe('flush');
});
