import fc from 'fast-check';
import { planDay } from './plan.ts';

const needs = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 7 });
const changesOf = (plan: readonly number[], current: number): number =>
  plan.filter((count, i) => count !== (i === 0 ? current : plan[i - 1])).length;

it('goes up for the day and down for the night, and not for an hour between, where only two changes are allowed', () => {
  const day = [2, 2, 2, 8, 8, 7, 8, 8, 2, 2];
  expect(planDay(day, 2, 2)).toEqual([2, 2, 2, 8, 8, 8, 8, 8, 2, 2]);
});

it('takes one step where only one is allowed', () => {
  expect(planDay([1, 3, 6, 9], 1, 1)).toEqual([9, 9, 9, 9].map((count, i) => (i === 0 ? 1 : count)));
});

it('always has enough where it may change at all, and never changes oftener than it may', () => {
  fc.assert(
    fc.property(needs, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 4 }), (of, current, changes) => {
      const plan = planDay(of, current, changes);
      expect(plan).toHaveLength(of.length);
      expect(changesOf(plan, current)).toBeLessThanOrEqual(changes);
      of.forEach((need, i) => expect(plan[i]).toBeGreaterThanOrEqual(need));
    }),
  );
});

it('is as cheap as the cheapest of all plans, found by trying them all', () => {
  const cost = (plan: readonly number[], of: readonly number[], current: number): number =>
    plan.reduce((a, b) => a + b, 0) + changesOf(plan, current) * 0.01 * of.reduce((a, b) => a + b, 0);
  const all = (of: readonly number[], levels: readonly number[]): number[][] =>
    of.length === 0
      ? [[]]
      : levels
          .filter((level) => level >= of[0]!)
          .flatMap((level) => all(of.slice(1), levels).map((rest) => [level, ...rest]));
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      (of, current, changes) => {
        const levels = [...new Set([...of, current])];
        const best = Math.min(
          ...all(of, levels)
            .filter((plan) => changesOf(plan, current) <= changes)
            .map((plan) => cost(plan, of, current)),
        );
        expect(cost(planDay(of, current, changes), of, current)).toBeCloseTo(best, 6);
      },
    ),
    { numRuns: 60 },
  );
});
