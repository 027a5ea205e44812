// The engine keeps its promises in histories that nobody has thought of: seeds that are new each time, and printed when one fails. CI takes the same ones
// each time, so that what it says depends on the change alone; new ones are for everybody's own runs and for the soak.
import { REGRESSIONS } from './regressions.ts';
import { makeSchedule } from './schedule.ts';
import { shrink } from './shrink.ts';
import { simulate, type SimulationResult } from './simulate.ts';

const given = process.env['SIM_SEED'];
const schedules = Number(process.env['SIM_SCHEDULES'] ?? (given === undefined ? 300 : 1));
const first = Number(given ?? (process.env['CI'] === 'true' ? 20_000 : Math.floor(Math.random() * 1e12)));

/** What to read first: the violations, the faults that it takes, the last of what happened. */
async function report(failing: SimulationResult): Promise<string> {
  const smallest = given === undefined ? await shrink(failing) : failing;
  const { seed, schedule, violations } = smallest;
  const { trace } = await simulate(seed, { schedule, trace: true });
  return [
    `SIM_SEED=${failing.seed} replays it.`,
    ...violations,
    `Shrunk to: ${JSON.stringify([...schedule.faults, ...schedule.requests])}`,
    ...(given === undefined ? (trace ?? []).slice(-60) : (trace ?? [])),
  ].join('\n');
}

test(`promises are kept in ${schedules} simulated histories from seed ${first}`, async () => {
  for (let seed = first; seed < first + schedules; seed++) {
    const result = await simulate(seed);
    if (result.violations.length > 0) throw new Error(await report(result));
    // Lets the test's own timers be served.
    await new Promise((resolve) => setImmediate(resolve));
  }
}, 600_000);

test.each(REGRESSIONS)('seed %i is kept: %s', async (seed) => {
  const result = await simulate(seed);
  if (result.violations.length > 0) throw new Error(await report(result));
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
