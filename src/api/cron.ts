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

/** What is wrong with a schedule that has passed the rules of the resource; null when nothing is. `field`: where it stands, for the message. */
export function scheduleError(at: Schedule, field = 'spec.state.savepoints'): string | null {
  try {
    new Intl.DateTimeFormat('en', { timeZone: at.timeZone });
  } catch {
    return `${field}.timeZone: "${at.timeZone}" is no time zone that the IANA knows. Write for example Europe/Berlin.`;
  }
  try {
    // From a fixed day: what is wrong with a schedule is so on every day, and the answer is kept.
    if (nextTime(at, 0) !== null) return null;
    return `${field}.schedule: "${at.schedule}" names a date that never comes. Correct the day or the month.`;
  } catch (error) {
    return `${field}.schedule: "${at.schedule}": ${(error as Error).message}. Write five fields, for example 0 */6 * * *.`;
  }
}
