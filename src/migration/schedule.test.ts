import fc from 'fast-check';
import { nextTime } from '../api/cron.ts';
import { durationText } from './flink-values.ts';
import { scheduleOf } from './schedule.ts';

test.each([
  ['6h', '0 */6 * * *'],
  ['360 min', '0 */6 * * *'],
  ['15 min', '*/15 * * * *'],
  ['1 min', '* * * * *'],
  ['1h', '0 * * * *'],
  ['1d', '0 0 * * *'],
  ['7 days', '0 0 * * 0'],
  ['0 0 3 * * ?', '0 3 * * *'],
  ['0 0/15 * * * ?', '*/15 * * * *'],
  ['0 30 2 ? * MON-FRI', '30 2 * * MON-FRI'],
  ['0 30 2 ? * 2-6', '30 2 * * 1-5'],
  ['0 0 0 ? * 1,7', '0 0 * * 0,6'],
  ['0 0 12 1 * ? *', '0 12 1 * *'],
])('a savepoint every %j is the schedule %j', (interval, schedule) =>
  expect(scheduleOf(interval)).toEqual({ schedule }),
);

test.each([
  ['90 min', /no schedule of times comes every "90 min"/],
  ['5h', /no schedule of times/],
  ['30 s', /no schedule of times/],
  ['*/30 * * * * ?', /more than one time in a minute/],
  ['0 0 0 L * ?', /five fields has not/],
  ['0 0 0 ? * 6#3', /five fields has not/],
  ['0 5/20 * * * ?', /five fields has not/],
  ['0 0 0 1 1 ? 2030', /names a year/],
  ['0 0 0 1 * MON', /days of the month and of the week/],
  ['now and then', /neither a duration nor a Quartz expression/],
])('%j is no schedule, and what to do is said', (interval, problem) =>
  expect(scheduleOf(interval)).toEqual({ problem: expect.stringMatching(problem) }),
);

test('an interval of zero switches it off', () => expect(scheduleOf('0')).toEqual({ off: true }));

/** Minutes that divide an hour, hours that divide a day, a day, a week. */
const FIT = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, ...[1, 2, 3, 4, 6, 8, 12, 24, 168].map((hours) => hours * 60)];

test('a schedule comes as often as the duration that it was made of', () => {
  fc.assert(
    fc.property(fc.constantFrom(...FIT), fc.integer({ min: 0, max: 2 ** 40 }), (minutes, since) => {
      const result = scheduleOf(durationText(minutes * 60_000)) as { schedule: string };
      const at = { schedule: result.schedule, timeZone: 'UTC' };
      const first = nextTime(at, since)!;
      expect(nextTime(at, first)! - first).toBe(minutes * 60_000);
    }),
  );
});
