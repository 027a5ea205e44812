// Times of a schedule. The library reckons; the clock is the caller's.
import { Cron } from 'croner';

export interface Schedule {
  schedule: string;
  timeZone: string;
}

/** Answers that are asked for again in every pass: times of a schedule do not change. */
const answers = new Map<string, number | null>();
const ANSWERS_KEPT = 4_096;

const cronOf = ({ schedule, timeZone }: Schedule): Cron =>
  new Cron(schedule, { timezone: timeZone, paused: true, mode: '5-part' });

/** The first time after `since`, milliseconds since the epoch; null when there is none any more. Throws like scheduleError. */
export function nextTime(at: Schedule, since: number): number | null {
  const question = JSON.stringify([at.schedule, at.timeZone, since]);
  const known = answers.get(question);
  if (known !== undefined) return known;
  const next = cronOf(at).nextRun(new Date(since))?.getTime() ?? null;
  if (answers.size >= ANSWERS_KEPT) answers.clear();
  answers.set(question, next);
  return next;
}

/** The last time up to `now`, itself included. Null when there was none. */
export function lastTime(at: Schedule, now: number): number | null {
  // The library leaves its reference out, and reckons in whole seconds.
  const times = cronOf(at).previousRuns(2, new Date(now + 1_000));
  return times.map((time) => time.getTime()).find((time) => time <= now) ?? null;
}

/** One thing wrong with a schedule: in which field, what it is, and what to do. */
export interface ScheduleFault {
  field: string;
  value: string;
  /** After the value: `is no time zone that the IANA knows`. */
  what: string;
  remedy: string;
}

export const faultText = ({ field, value, what, remedy }: ScheduleFault): string =>
  `${field}: "${value}" ${what}. ${remedy[0]!.toUpperCase()}${remedy.slice(1)}.`;

/** Each pass asks, and to make a format takes long. */
const timeZones = new Map<string, boolean>();

function isTimeZone(name: string): boolean {
  const known = timeZones.get(name);
  if (known !== undefined) return known;
  let is = true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    is = false;
  }
  if (timeZones.size >= ANSWERS_KEPT) timeZones.clear();
  timeZones.set(name, is);
  return is;
}

/** What is wrong with a schedule that has passed the rules of the resource; null when nothing is. `field`: where it stands. */
export function scheduleFault({ schedule, timeZone }: Schedule, field: string): ScheduleFault | null {
  if (!isTimeZone(timeZone)) {
    const what = 'is no time zone that the IANA knows';
    return { field: `${field}.timeZone`, value: timeZone, what, remedy: 'write for example Europe/Berlin' };
  }
  const wrong = (what: string, remedy: string): ScheduleFault => ({
    field: `${field}.schedule`,
    value: schedule,
    what,
    remedy,
  });
  try {
    // From a fixed day: what is wrong with a schedule is so on every day, and the answer is kept.
    if (nextTime({ schedule, timeZone }, 0) !== null) return null;
    return wrong('names a date that never comes', 'correct the day or the month');
  } catch (error) {
    return wrong(`cannot be read: ${(error as Error).message}`, 'write five fields, for example 0 */6 * * *');
  }
}

/** The same as a sentence. */
export function scheduleError(at: Schedule, field = 'spec.state.savepoints'): string | null {
  const fault = scheduleFault(at, field);
  return fault === null ? null : faultText(fault);
}
