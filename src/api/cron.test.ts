import { CRON_PATTERN } from '../api/cron-pattern.ts';
import { lastTime, nextTime, scheduleError } from './cron.ts';

const utc = (schedule: string) => ({ schedule, timeZone: 'UTC' });
const at = (text: string): number => Date.parse(text);
const text = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());

test('the next time is after the given one, the last time is up to it', () => {
  const noon = utc('0 12 * * *');
  expect(text(nextTime(noon, at('2026-03-29T12:00:00Z')))).toBe('2026-03-30T12:00:00.000Z');
  expect(text(lastTime(noon, at('2026-03-29T12:00:00Z')))).toBe('2026-03-29T12:00:00.000Z');
  expect(text(lastTime(noon, at('2026-03-29T11:59:59.999Z')))).toBe('2026-03-28T12:00:00.000Z');
  expect(text(lastTime(noon, at('2026-03-29T12:00:00.001Z')))).toBe('2026-03-29T12:00:00.000Z');
});

test('a time zone goes with its summer time', () => {
  const night = { schedule: '0 6 * * *', timeZone: 'Europe/Berlin' };
  expect(text(nextTime(night, at('2026-03-28T00:00:00Z')))).toBe('2026-03-28T05:00:00.000Z');
  expect(text(nextTime(night, at('2026-03-29T00:00:00Z')))).toBe('2026-03-29T04:00:00.000Z');
});

test.each([
  ['0 0 30 2 *', 'UTC', /names a date that never comes/],
  ['0 0 * * *', 'Mars/Phobos', /timeZone: "Mars\/Phobos" is no time zone that the IANA knows/],
])('%s in %s is told as wrong', (schedule, timeZone, message) => {
  expect(scheduleError({ schedule, timeZone })).toMatch(message);
});

test('what the rule of the resource takes can be followed, and what it refuses cannot', () => {
  for (const schedule of ['0 */6 * * *', '@daily', '*/5 0-6,22 1 JAN-DEC MON-FRI/2', '0 0 29 2 *', '59 23 31 12 7']) {
    expect(schedule).toMatch(new RegExp(CRON_PATTERN));
    expect(scheduleError(utc(schedule))).toBeNull();
  }
  for (const schedule of [
    '* * * *',
    '60 * * * *',
    '0 24 * * *',
    '0 0 32 * *',
    '0 0 * 13 *',
    '0 0 * * 8',
    '@often',
    '0 0 * * * *',
    '',
    '0 */0 * * *',
  ])
    expect(schedule).not.toMatch(new RegExp(CRON_PATTERN));
});
