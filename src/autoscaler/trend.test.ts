import fc from 'fast-check';
import type { RecentLoad } from './model.ts';
import { STEP_MS } from './recent.ts';
import { config, HOUR, MINUTE, MONDAY, SteadyJob } from './steady-job.fixture.ts';
import { headroomOf } from './trend.ts';

/** Five minutes each, the newest last. */
const recent = (...steps: (number | null)[]): RecentLoad => ({ steps, start: MONDAY, sum: 0, count: 0 });
const times = (count: number, of: (i: number) => number | null): (number | null)[] =>
  Array.from({ length: count }, (_, i) => of(i));

describe('a load that keeps rising', () => {
  it('is met an hour and a half ahead, up to twice of it', () => {
    // By 20 in five minutes: 18 of those are 360.
    expect(headroomOf(recent(...times(12, (i) => 780 + 20 * i)), 1_000)).toBeCloseTo(1.36);
    expect(headroomOf(recent(...times(30, (i) => 100 + 80 * i)), 500)).toBe(2);
  });

  it('is one although some of it is not known, and some is noise', () => {
    const steps = times(12, (i) => (i % 5 === 2 ? null : 1_000 + 40 * i + (i % 2) * 30));
    expect(headroomOf(recent(...steps), 1_500)).toBeGreaterThan(1.3);
  });

  it('is no such thing before it has risen for an hour', () => {
    expect(headroomOf(recent(...times(11, (i) => 100 + 50 * i)), 650)).toBe(1);
    expect(headroomOf(recent(...times(4, () => null), ...times(8, (i) => 100 + 50 * i)), 500)).toBe(1);
  });
});

describe('a load that does not rise is never said to', () => {
  const share = fc.double({ min: -1, max: 1, noNaN: true });
  const noise = (within: number) =>
    fc.array(
      share.map((of) => 1 + within * of),
      { minLength: 80, maxLength: 80 },
    );
  const level = fc.integer({ min: 1, max: 100_000 });

  it('constant but for whatever noise within 5 %, after any start, with gaps', () => {
    // A start: less than a whole step was seen, or what waited was worked off.
    const start = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { maxLength: 3 });
    const gap = fc.array(fc.nat(79), { maxLength: 20 });
    fc.assert(
      fc.property(
        level,
        start,
        noise(0.05),
        gap,
        fc.integer({ min: 1, max: 80 }),
        share,
        (load, before, wobble, missing, age, now) => {
          const steps = [...before, ...wobble].map((of, i) => (missing.includes(i) ? null : load * of)).slice(0, age);
          expect(headroomOf(recent(...steps.slice(-72)), load * (1 + 0.5 * now))).toBe(1);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('that has stepped up or down at any time within the hour', () => {
    fc.assert(
      fc.property(
        level,
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.integer({ min: 0, max: 24 }),
        (load, by, when) => {
          const steps = times(24, (i) => (i < when ? load : load * by));
          expect(headroomOf(recent(...steps), load * by)).toBe(1);
        },
      ),
    );
  });

  it.each([
    ['a start within a step', (at: number) => (at < MONDAY + 40_000 ? 20 : 600)],
    ['a ramp of ten minutes', (at: number) => 600 * Math.min(1, (at - MONDAY) / (10 * MINUTE))],
  ])('by a job that begins with %s', (_, load) => {
    // A subtask is nine tenths busy: it is always about to be given more.
    const job = new SteadyJob({ parallelism: 2, config: config({ maxParallelism: 2 }) });
    const told: string[] = [];
    while (job.now < MONDAY + 3 * HOUR) {
      job.run(load, STEP_MS / 5);
      told.push(...job.last.terms.map(({ formula }) => formula).filter((formula) => formula.includes('rising')));
    }
    expect(told).toEqual([]);
  });
});
