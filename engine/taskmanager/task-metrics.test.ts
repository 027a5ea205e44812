import fc from 'fast-check';
import { TaskMetrics, type Activity } from './task-metrics.ts';

const SHARES = ['busyTimeMsPerSecond', 'idleTimeMsPerSecond', 'backPressuredTimeMsPerSecond'];

test('a task is busy, idle or back-pressured for 1000 ms of each second, however it changes between them', () => {
  const change = fc.record({
    to: fc.constantFrom<Activity>('busy', 'idle', 'backPressured'),
    wait: fc.double({ min: 0, max: 900, noNaN: true }),
    sample: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 5, maxLength: 60 }), (changes) => {
      let now = 50;
      const metrics = new TaskMetrics(() => now);
      metrics.begin();
      for (const { to, wait, sample } of changes) {
        metrics.enter(to);
        now += wait;
        if (sample) metrics.sample();
        const read = metrics.read();
        if (read[SHARES[0]!] === undefined) continue;
        const shares = SHARES.map((name) => read[name]!);
        expect(shares.reduce((a, b) => a + b)).toBe(1000);
        for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

test('shares and rates are those of the last seconds, and none of a time that is too short', () => {
  let now = 0;
  const metrics = new TaskMetrics(() => now);
  let rows = 0;
  metrics.totals = () => ({ numRecordsOut: rows });
  // It restores for a minute.
  now = 60_000;
  metrics.begin();
  const second = (activity: Activity, rate: number): void => {
    metrics.enter(activity);
    now += 500;
    metrics.sample();
    now += 500;
    rows += rate;
    metrics.sample();
  };
  now += 500;
  metrics.sample();
  expect(metrics.read()).not.toHaveProperty('busyTimeMsPerSecond');
  expect(metrics.read()).not.toHaveProperty('numRecordsOutPerSecond');
  for (let i = 0; i < 20; i++) second('busy', 100);
  expect(metrics.read()).toMatchObject({ busyTimeMsPerSecond: 1000, numRecordsOutPerSecond: 100 });
  for (let i = 0; i < 2; i++) second('backPressured', 300);
  for (let i = 0; i < 2; i++) second('idle', 0);
  expect(metrics.read()).toMatchObject({
    busyTimeMsPerSecond: 200,
    backPressuredTimeMsPerSecond: 400,
    idleTimeMsPerSecond: 400,
    numRecordsOutPerSecond: 140,
    numRecordsOut: 2600,
    accumulateBusyTimeMs: 20_000,
    accumulateBackPressuredTimeMs: 2_000,
  });
});

test('a task that has ended has totals and no rates', () => {
  let now = 0;
  const metrics = new TaskMetrics(() => now);
  metrics.begin();
  metrics.enter('busy');
  now = 2_000;
  metrics.sample();
  expect(metrics.read()['busyTimeMsPerSecond']).toBe(1000);
  metrics.end();
  metrics.sample();
  expect(Object.keys(metrics.read()).filter((name) => name.endsWith('PerSecond'))).toEqual([]);
  expect(metrics.read()['accumulateBusyTimeMs']).toBe(2_000);
});
