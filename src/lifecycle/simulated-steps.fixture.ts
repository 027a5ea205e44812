// Steps of the random histories that upgrades are put through: named, so that a history that fails can be read.
import fc from 'fast-check';
import type { Crash } from './simulated-model.fixture.ts';
import type { World } from './simulated-world.fixture.ts';

export type Step = (world: World) => void;

export const named = (name: string, step: Step): Step => Object.assign(step, { [fc.toStringMethod]: () => name });
export const one = (name: string, step: Step): fc.Arbitrary<Step> => fc.constant(named(name, step));

/** Where a pass is cut off. */
const crash = fc.constantFrom<Crash[]>('none', 'none', 'none', 'before write', 'after write', 0, 1);

export const passes: fc.Arbitrary<Step> = crash.map((how) => named(`pass ${how}`, (w) => void w.pass(how)));

export const toVersion = (world: World, n: number): void =>
  world.edit((s) => void (s.job.sql!.inline = `version ${n}`));
export const toReplicas = (world: World, n: number): void => world.edit((s) => void (s.taskManager.replicas = n));

/**
 * Runs a property until its histories have been wherever `wanted` says: the rarest come once in some hundred. `seen`: where they have been, over all runs. A
 * property that reaches nothing shows nothing.
 */
export function untilSeen(check: () => void, seen: ReadonlySet<string>, wanted: readonly string[]): void {
  const missed = (): string[] => wanted.filter((place) => !seen.has(place));
  check();
  for (let again = 0; again < 10 && missed().length > 0; again++) check();
  expect(missed()).toEqual([]);
}
