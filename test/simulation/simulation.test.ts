// The engine keeps its promises in histories that nobody has thought of, and in those that once broke one.
import { keepsPromises, testHistories } from './histories.ts';
import { REGRESSIONS } from './regressions.ts';
import { simulate } from './simulate.ts';

testHistories(0);

test.each(REGRESSIONS)('seed %i is kept: %s', async (seed) => {
  await keepsPromises(seed);
});

test('a seed is a history: the same one each time', async () => {
  for (const seed of [1, 2, 3]) {
    const [once, again] = [await simulate(seed), await simulate(seed)];
    expect(again.hash).toBe(once.hash);
    expect(again.events).toBe(once.events);
    expect((await simulate(seed + 100)).hash).not.toBe(once.hash);
  }
});
