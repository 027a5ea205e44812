// A job with the restart strategy that everybody gets outlives an outage, however long it is.
import { makeSchedule } from './schedule.ts';
import { simulate } from './simulate.ts';

test.each([
  [2, 1],
  [3, 3],
  [4, 10],
  [7, 10],
])('the job of seed %i goes on after a disk was full for %i minutes', async (seed, minutes) => {
  const made = makeSchedule(seed);
  const restarts = Object.keys(made.config).filter((key) => key.startsWith('restart-strategy.'));
  const config = Object.fromEntries(Object.entries(made.config).filter(([key]) => !restarts.includes(key)));
  const ms = minutes * 60_000;
  const fault = { at: 300, type: 'fullDisk', ms } as const;
  const schedule = { ...made, config, requests: [], faults: [fault], faultsEnd: fault.at + ms };
  const { violations, time, faults } = await simulate(seed, { schedule });
  expect(violations).toEqual([]);
  expect(faults).toEqual({ fullDisk: 1 });
  expect(time).toBeGreaterThan(ms);
});
