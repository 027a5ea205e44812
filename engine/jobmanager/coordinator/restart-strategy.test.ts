// How long a job waits before it is tried again, and when it is not.
import fc from 'fast-check';
import { RestartStrategy, type RestartStrategyOptions } from './restart-strategy.ts';

type Exponential = Extract<RestartStrategyOptions, { type: 'exponential-delay' }>;

const exponential = (overrides: Partial<Exponential> = {}): RestartStrategyOptions => ({
  type: 'exponential-delay',
  initialBackoff: 100,
  maxBackoff: 300,
  multiplier: 2,
  resetThreshold: 1000,
  jitterFactor: 0,
  attempts: 0,
  ...overrides,
});

const delays = (options: RestartStrategyOptions, times: number[], seed = 'job'): (number | null)[] => {
  const strategy = new RestartStrategy(options, seed);
  return times.map((now) => strategy.delayAfterFailure(now));
};

test('exponential delay doubles up to its limit, and begins anew after a quiet time', () => {
  expect(delays(exponential(), [0, 101, 302, 603, 1903, 1905])).toEqual([100, 200, 300, 300, 100, 98]);
});

test('failures before a restart is due are one', () => {
  expect(delays(exponential({ attempts: 1 }), [0, 10, 100, 101])).toEqual([100, 90, 0, null]);
});

test('exponential delay gives up after so many restarts in a row', () => {
  expect(delays(exponential({ attempts: 2 }), [0, 101, 302])).toEqual([100, 200, null]);
});

test('jitter differs between jobs, is the same for the same job, and stays within its part and the limits', () => {
  fc.assert(
    fc.property(fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, jitterFactor) => {
      const options = exponential({ maxBackoff: 100_000, resetThreshold: 1e9, jitterFactor });
      const times = [0, 1e6, 2e6, 3e6, 4e6];
      const found = delays(options, times, seed) as number[];
      expect(delays(options, times, seed)).toEqual(found);
      found.forEach((delay, restarts) => {
        const plain = 100 * 2 ** restarts;
        expect(delay).toBeGreaterThanOrEqual(Math.max(100, Math.floor(plain * (1 - jitterFactor))));
        expect(delay).toBeLessThanOrEqual(Math.ceil(plain * (1 + jitterFactor)));
      });
    }),
  );
  const options = exponential({ maxBackoff: 100_000, jitterFactor: 0.5 });
  expect(delays(options, [0, 500], 'one job')).not.toEqual(delays(options, [0, 500], 'another job'));
});

test('every delay of a job that fails thousands of times in a row is finite and within the limits', () => {
  for (const jitterFactor of [0, 0.1, 1]) {
    const strategy = new RestartStrategy(exponential({ maxBackoff: 30_000, resetThreshold: 1e9, jitterFactor }), 'job');
    let now = 0;
    for (let failure = 0; failure < 5000; failure++) {
      const delay = strategy.delayAfterFailure(now)!;
      if (!(delay >= 100 && delay <= 30_000)) throw new Error(`failure ${failure} is followed by a delay of ${delay}`);
      now += delay + 1;
    }
  }
});

test('fixed delay counts all failures', () => {
  expect(delays({ type: 'fixed-delay', attempts: 2, delay: 5 }, [0, 1e6, 2e6])).toEqual([5, 5, null]);
});

test('failure rate gives up at more failures within an interval than are tolerated, whatever was before', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 20 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 4 }), (steps, maxFailures) => {
      let now = 0;
      const times = steps.map((gap) => (now += gap));
      const found = delays({ type: 'failure-rate', maxFailures, interval: 100, delay: 5 }, times);
      const expected = times.map((at, i) => {
        const within = times.slice(0, i + 1).filter((earlier) => at - earlier <= 100);
        return within.length > maxFailures ? null : 5;
      });
      expect(found).toEqual(expected);
    }),
  );
});

test('none gives up at once', () => {
  expect(delays({ type: 'none' }, [0])).toEqual([null]);
});
