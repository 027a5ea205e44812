// Windows that would keep a job stopped for good, and what is told of schedules that cannot be followed.
import { lastTime, nextTime } from './cron.ts';
import { neverCloses } from './windows.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const closes = (schedule: string, ms: number): boolean => !neverCloses({ schedule, suspend: true }, ms);

test.each([
  ['0 22 * * *', DAY],
  ['* * * * *', 60_000],
  ['@hourly', HOUR],
  // From Friday at 20:00 to Monday at 6:00.
  ['0 6,20 * * MON-FRI', 58 * HOUR],
  ['@monthly', 31 * DAY],
  // From Saturday to Tuesday.
  ['30 12 * * TUE-SAT', 3 * DAY],
  // Either of the two: the 13th is between two Fridays.
  ['0 0 13 * FRI', 7 * DAY],
  ['@yearly', 365 * DAY],
])('%s closes for a time where it is open for less than %d ms, and never where it is not', (schedule, longest) => {
  expect([closes(schedule, longest - 1), closes(schedule, longest)]).toEqual([true, false]);
});

test.each(['*/7 1-23/5 * * *', '15 3 1,15 * *', '0 */6 * JAN-MAR WED', '5 0 31 * *'])(
  'the longest time between two openings of %s is one that comes within some years',
  (schedule) => {
    const at = { schedule, timeZone: 'UTC' };
    let longest = 0;
    for (let last = nextTime(at, 0)!; last < 3 * 365 * DAY;) {
      const next = nextTime(at, last)!;
      [longest, last] = [Math.max(longest, next - last), next];
    }
    expect(lastTime(at, nextTime(at, 0)!)).toBe(nextTime(at, 0));
    expect([closes(schedule, longest - 1), closes(schedule, longest)]).toEqual([true, false]);
  },
);

test('a window with bounds alone may be open for good', () => {
  expect(neverCloses({ schedule: '* * * * *', suspend: false }, DAY)).toBe(false);
});
