import fc from 'fast-check';
import { nextChange, parseSchedule, rateAt, rowsDue, shareOf, timeOfRow, type RateSchedule } from './rate-schedule.ts';

const schedules: fc.Arbitrary<RateSchedule> = fc
  .array(fc.record({ lasts: fc.integer({ min: 1, max: 100_000 }), rate: fc.integer({ min: 0, max: 10_000 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps) => {
    let from = 0;
    return steps.map(({ lasts, rate }) => {
      const step = { from, rate };
      from += lasts;
      return step;
    });
  });

test('a schedule says the rate, the rows that are due and when the next ones are', () => {
  const schedule = parseSchedule('0s:1000, 60s:5000, 2min:0, 150s : 0.5');
  expect([0, 59_999, 60_000, 130_000, 150_000].map((at) => rateAt(schedule, at))).toEqual([1000, 1000, 5000, 0, 0.5]);
  expect([0, 60_000, 120_000, 150_000, 152_000].map((at) => rowsDue(schedule, at))).toEqual([
    ...[0, 60_000, 360_000, 360_000, 360_001],
  ]);
  expect([1, 60_000, 60_005, 360_000, 360_001].map((row) => timeOfRow(schedule, row))).toEqual([
    ...[1, 60_000, 60_001, 120_000, 152_000],
  ]);
  expect([0, 60_000, 150_000].map((at) => nextChange(schedule, at))).toEqual([60_000, 120_000, Infinity]);
  expect(timeOfRow(parseSchedule('0s:10, 1s:0'), 11)).toBe(Infinity);
});

test('the time of a row is the first at which it is due', () => {
  fc.assert(
    fc.property(schedules, fc.integer({ min: 1, max: 1_000_000 }), (schedule, row) => {
      const at = timeOfRow(schedule, row);
      if (at === Infinity) expect(rowsDue(schedule, 1e9)).toBeLessThan(row);
      else {
        expect(rowsDue(schedule, at)).toBeCloseTo(row, 3);
        if (at > 1) expect(rowsDue(schedule, at - 1)).toBeLessThan(row);
      }
    }),
  );
});

test('readers that share a schedule make together what it says', () => {
  fc.assert(
    fc.property(schedules, fc.integer({ min: 1, max: 16 }), fc.integer({ min: 0, max: 700_000 }), (all, parts, at) => {
      expect(rowsDue(shareOf(all, parts), at) * parts).toBeCloseTo(rowsDue(all, at), 3);
    }),
  );
});

test.each([
  ['', /'' is not a time and a rate/],
  ['0s:1, 5s', /'5s' is not a time and a rate/],
  ['0s:fast', /'0s:fast' is not a time and a rate/],
  ['0s:-1', /'0s:-1' is not a time and a rate/],
  ['0s:1, soon:2', /the time of 'soon:2': "soon" is not a duration/],
  ['5s:1', /does not say at which rate it begins/],
  ['0s:1, 9s:2, 9s:3', /step 3 is not later/],
])('"%s" is no schedule', (text, message) => {
  expect(() => parseSchedule(text)).toThrow(message);
});
