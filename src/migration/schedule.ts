// The interval of periodic savepoints, a duration or a Quartz expression, as the five fields of a CronJob.
import { CRON_PATTERN } from '../api/cron-pattern.ts';
import { flinkDurationMs } from './flink-values.ts';

export type ScheduleResult = { schedule: string } | { off: true } | { problem: string };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What `kubernetes.operator.periodic.savepoint.interval` means as a schedule. A duration fits that divides an hour, a day or is a week. */
export function scheduleOf(text: string): ScheduleResult {
  const ms = flinkDurationMs(text);
  if (ms === 0) return { off: true };
  return ms !== null ? fromDuration(text, ms) : fromQuartz(text.trim());
}

function fromDuration(text: string, ms: number): ScheduleResult {
  if (ms === MINUTE) return { schedule: '* * * * *' };
  if (ms < HOUR && ms % MINUTE === 0 && HOUR % ms === 0) return { schedule: `*/${ms / MINUTE} * * * *` };
  if (ms === HOUR) return { schedule: '0 * * * *' };
  if (ms < DAY && ms % HOUR === 0 && DAY % ms === 0) return { schedule: `0 */${ms / HOUR} * * *` };
  if (ms === DAY) return { schedule: '0 0 * * *' };
  if (ms === 7 * DAY) return { schedule: '0 0 * * 0' };
  return {
    problem: `no schedule of times comes every ${JSON.stringify(text)}: write one that comes near, such as 0 */6 * * *`,
  };
}

/** Quartz: second, minute, hour, day of the month, month, day of the week (1 is Sunday), year if any. */
function fromQuartz(text: string): ScheduleResult {
  const fields = text.toUpperCase().split(/\s+/);
  const [second, minute, hour, dayOfMonth, month, dayOfWeek, year] = fields;
  if (fields.length < 6 || fields.length > 7)
    return { problem: `${JSON.stringify(text)} is neither a duration nor a Quartz expression` };
  if (!/^[0-5]?[0-9]$/.test(second!))
    return {
      problem: `${JSON.stringify(text)} asks for more than one time in a minute: write state.savepoints.schedule`,
    };
  if (year !== undefined && year !== '*') return { problem: `${JSON.stringify(text)} names a year, a schedule cannot` };
  if (dayOfMonth !== '?' && dayOfMonth !== '*' && dayOfWeek !== '?' && dayOfWeek !== '*')
    return {
      problem: `${JSON.stringify(text)} names days of the month and of the week: in a schedule either of them counts`,
    };
  const any = (field: string): string => (field === '?' ? '*' : field);
  const schedule = [minute!, hour!, any(dayOfMonth!), month!, daysOfWeek(any(dayOfWeek!))].map(everyFrom).join(' ');
  const stepFromANumber = /(^|[ ,])[0-9]+\//.test(schedule);
  return new RegExp(CRON_PATTERN).test(schedule) && !stepFromANumber
    ? { schedule }
    : {
        problem: `${JSON.stringify(text)} has what a schedule of five fields has not: write state.savepoints.schedule`,
      };
}

/** Numbers of days from 1 for Sunday to 0 for Sunday; what stands after a slash is a step. */
function daysOfWeek(field: string): string {
  return field.replace(
    /(^|[,-])([1-7])(?![0-9])/g,
    (_all, before: string, day: string) => `${before}${Number(day) - 1}`,
  );
}

// Quartz' `0/15`, from 0 on every 15, is `*/15`; from another number on there is no such word.
function everyFrom(field: string): string {
  return field.replace(/(^|,)0\/([1-9][0-9]?)(?=,|$)/g, '$1*/$2');
}
