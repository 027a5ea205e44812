import fc from 'fast-check';
import { fewestWorth, subtasksFor, worth } from './alignment.ts';

it('reckons with the fullest subtask: 7 partitions on 5 subtasks are worth three and a half', () => {
  expect(worth(5, 7)).toBe(3.5);
  expect(worth(7, 7)).toBe(7);
  expect(worth(5, null)).toBe(5);
});

it('goes on to the next parallelism that is worth what is needed, and is never stopped by a prime number', () => {
  expect(subtasksFor(4, 7, 16)).toBe(7);
  expect(subtasksFor(3, 7, 16)).toBe(4);
  expect(subtasksFor(23, 128, 64)).toBe(26);
  expect(subtasksFor(9, 7, 16)).toBe(7);
});

const parts = fc.option(fc.integer({ min: 1, max: 200 }));

it('answers with the fewest subtasks that are worth the need, if any are', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 80, noNaN: true }),
      parts,
      fc.integer({ min: 1, max: 100 }),
      (need, of, most) => {
        const found = subtasksFor(need, of, most);
        expect(found).toBeGreaterThanOrEqual(1);
        expect(found).toBeLessThanOrEqual(most);
        if (worth(most, of) >= need) expect(worth(found, of)).toBeGreaterThanOrEqual(need - 1e-5);
        for (let fewer = 1; fewer < found; fewer++)
          expect(worth(fewer, of)).toBeLessThan(Math.max(need, worth(most, of)));
      },
    ),
  );
});

it('never answers with fewer for a higher need', () => {
  const need = fc.double({ min: 0, max: 80, noNaN: true });
  fc.assert(
    fc.property(need, need, parts, fc.integer({ min: 1, max: 100 }), (a, b, of, most) => {
      expect(subtasksFor(Math.max(a, b), of, most)).toBeGreaterThanOrEqual(subtasksFor(Math.min(a, b), of, most));
    }),
  );
});

it('knows the fewest that do as much', () => {
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 200 }), (of, parallelism) => {
      const fewest = fewestWorth(parallelism, of);
      expect(fewest).toBeLessThanOrEqual(parallelism);
      expect(worth(fewest, of)).toBe(worth(parallelism, of));
    }),
  );
});
