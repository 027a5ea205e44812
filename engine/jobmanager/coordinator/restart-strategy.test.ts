// How long a job waits before it is tried again, and when it is not.
import { RestartStrategy } from './restart-strategy.ts';

test('exponential delay doubles up to its limit, and begins anew after a quiet time', () => {
  const strategy = new RestartStrategy({
    type: 'exponential-delay',
    initialBackoff: 100,
    maxBackoff: 300,
    multiplier: 2,
    resetThreshold: 1000,
    attempts: 0,
  });
  expect([0, 10, 20, 30].map((now) => strategy.delayAfterFailure(now))).toEqual([100, 200, 300, 300]);
  expect(strategy.delayAfterFailure(2000)).toBe(100);
});

test('exponential delay gives up after so many failures in a row', () => {
  const options = { initialBackoff: 1, maxBackoff: 1, multiplier: 1, resetThreshold: 1000, attempts: 2 };
  const strategy = new RestartStrategy({ type: 'exponential-delay', ...options });
  expect([0, 1, 2].map((now) => strategy.delayAfterFailure(now))).toEqual([1, 1, null]);
});

test('fixed delay counts all failures', () => {
  const strategy = new RestartStrategy({ type: 'fixed-delay', attempts: 2, delay: 5 });
  expect([0, 1e6, 2e6].map((now) => strategy.delayAfterFailure(now))).toEqual([5, 5, null]);
});

test('failure rate forgets failures that are older than its interval', () => {
  const strategy = new RestartStrategy({ type: 'failure-rate', maxFailures: 1, interval: 100, delay: 5 });
  expect([0, 200, 250].map((now) => strategy.delayAfterFailure(now))).toEqual([5, 5, null]);
});

test('none gives up at once', () => {
  expect(new RestartStrategy({ type: 'none' }).delayAfterFailure(0)).toBeNull();
});
