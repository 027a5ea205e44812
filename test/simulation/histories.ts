// A run of histories in a test. CI takes the same ones each time, so that what it says depends on the change alone; new ones are for everybody's own
// runs and for the soak.
import { shrink } from './shrink.ts';
import { simulate, type SimulationResult } from './simulate.ts';

const given = process.env['SIM_SEED'];

/** Of all test files together; SIM_SCHEDULES asks for another number, SIM_SEED for one history. */
const SCHEDULES = Number(process.env['SIM_SCHEDULES'] ?? (given === undefined ? 2000 : 1));

/** Histories are spread over so many test files, which run side by side. */
const FILES = 2;

/** Defines the test of one of the files: its share of the histories. */
export function testHistories(file: number): void {
  const wanted = Math.floor((SCHEDULES * (file + 1)) / FILES) - Math.floor((SCHEDULES * file) / FILES);
  // A single history runs in each file: a test without one could not fail.
  const share = Math.max(1, wanted);
  const base = given ?? (process.env['CI'] === 'true' ? 20_000 : Math.floor(Math.random() * 1e12));
  const first = Number(base) + Math.floor((SCHEDULES * file) / FILES);
  test(`promises are kept in ${share} simulated histories from seed ${first}`, async () => {
    for (let seed = first; seed < first + share; seed++) {
      await keepsPromises(seed);
      // Lets the test's own timers be served.
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A slow machine that is busy besides has taken twenty minutes.
  }, 2_400_000);
}

/** Throws what to read first: the violations, the faults that it takes, the last of what happened. */
export async function keepsPromises(seed: number): Promise<void> {
  const result = await simulate(seed);
  if (result.violations.length > 0) throw new Error(await report(result));
}

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
