// The engine keeps its promises in histories that nobody has thought of, and in those that once broke one.
import { keepsPromises, testHistories } from './histories.ts';
import { REGRESSIONS } from './regressions.ts';
import { simulate } from './simulate.ts';
import { makeSchedule } from './schedule.ts';

testHistories(0);

test.each(REGRESSIONS)('seed %i is kept: %s', async (seed) => {
  await keepsPromises(seed);
});

test('a seed is a history: the same one each time', async () => {
  for (const seed of [1, 2, 5]) {
    const [once, again] = [await simulate(seed), await simulate(seed)];
    expect(again.hash).toBe(once.hash);
    expect(again.events).toBe(once.events);
    expect((await simulate(seed + 100)).hash).not.toBe(once.hash);
  }
});

test('some of the histories are batches, in some of the streams state spills, and the others write no temporary files', async () => {
  const written = async (seed: number): Promise<number> => (await simulate(seed)).temporaryBytes;
  expect(makeSchedule(1005)).toMatchObject({ batch: true, requests: [] });
  expect(await written(1005)).toBeGreaterThan(0);
  expect(makeSchedule(1006).batch).toBe(false);
  expect(await written(1006)).toBeGreaterThan(0);
  expect(await written(1007)).toBe(0);
});
