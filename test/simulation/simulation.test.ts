// The engine keeps its promises in histories that nobody has thought of: seeds that are new each time, and printed when one fails.
import { simulate } from './simulate.ts';

const SCHEDULES = Number(process.env['SIM_SCHEDULES'] ?? 100);
const first = Number(process.env['SIM_SEED'] ?? Math.floor(Math.random() * 1e12));

test(`promises are kept in ${SCHEDULES} simulated histories from seed ${first}`, async () => {
  for (let seed = first; seed < first + SCHEDULES; seed++) {
    const { violations } = await simulate(seed);
    if (violations.length > 0) throw new Error(`SIM_SEED=${seed} replays it:\n${violations.join('\n')}`);
  }
}, 240_000);

test('a seed is a history: the same one each time', async () => {
  for (const seed of [1, 2, 3]) {
    const [once, again] = [await simulate(seed), await simulate(seed)];
    expect(again.hash).toBe(once.hash);
    expect(again.events).toBe(once.events);
    expect((await simulate(seed + 100)).hash).not.toBe(once.hash);
  }
});
