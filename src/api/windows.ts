// What is wrong with the schedules of a job, so far as a calendar tells: what the CRD's rules cannot. Asked when an object is admitted where there is no API
// server, and again by the operator, for what comes through all the same.
import { Cron } from 'croner';
import type { AutoscalingSpec, AutoscalingWindow } from './autoscaling.ts';
import { faultText, scheduleFault, type ScheduleFault } from './cron.ts';
import type { FlowJobSpec } from './flowjob.ts';
import { durationMs, durationText } from './schema-kit.ts';

const DAY_MS = 24 * 3_600_000;
/** Days that recur do so within a year, but for the 29th of February. */
const LOOKED_AT_MS = 400 * DAY_MS;

const NAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** By schedule: they do not change. */
const longest = new Map<string, number>();
const LONGEST_KEPT = 4_096;

/** A window that suspends a job and opens again before it closes, each time: the job would never run. `schedule` can be followed. */
export function neverCloses({ suspend, schedule }: { suspend: boolean; schedule: string }, openMs: number): boolean {
  return suspend && openMs >= longestBetween(schedule);
}

/** The longest time from one opening to the next, milliseconds, by the days of UTC: an hour that a change to winter time adds is no time to run in. */
function longestBetween(schedule: string): number {
  const known = longest.get(schedule);
  if (known !== undefined) return known;
  const [minute, hour, ...days] = (NAMES[schedule] ?? schedule).split(/ +/);
  const inDay = timesOf(`${minute} ${hour} * * *`, DAY_MS, 1);
  const first = inDay[0]!;
  const overNight = DAY_MS + first - inDay.at(-1)!;
  const result = Math.max(overNight + longestStep(daysOf(days)) - DAY_MS, longestStep(inDay));
  if (longest.size >= LONGEST_KEPT) longest.clear();
  longest.set(schedule, result);
  return result;
}

/** Days on which it opens. */
const daysOf = (fields: readonly string[]): number[] =>
  fields.every((field) => field === '*') ? [0, DAY_MS] : timesOf(`0 0 ${fields.join(' ')}`, LOOKED_AT_MS, 2);

/** Times of 1970 up to `until`, and if need be some after it, so that there are so many. */
function timesOf(schedule: string, until: number, atLeast: number): number[] {
  const cron = new Cron(schedule, { timezone: 'UTC', paused: true, mode: '5-part' });
  const times: number[] = [];
  for (let next = cron.nextRun(new Date(-1_000)); next !== null; next = cron.nextRun(next)) {
    if (next.getTime() >= until && times.length >= atLeast) break;
    times.push(next.getTime());
  }
  return times;
}

const longestStep = (times: readonly number[]): number =>
  Math.max(0, ...times.slice(1).map((time, i) => time - times[i]!));

function windowFault(window: AutoscalingWindow, field: string): ScheduleFault | null {
  const fault = scheduleFault(window, field);
  if (fault !== null || !neverCloses(window, durationMs(window.duration))) return fault;
  const between = durationText(longestBetween(window.schedule));
  return {
    field: `${field}.duration`,
    value: window.duration,
    what: `is not shorter than the longest time between two openings of "${window.schedule}", ${between}, so that the job would never run`,
    remedy: 'shorten it, or set spec.suspend to stop the job for good',
  };
}

const windowFaults = ({ schedules = [] }: AutoscalingSpec): ScheduleFault[] =>
  schedules.flatMap((window, index) => windowFault(window, `spec.autoscaling.schedules[${index}]`) ?? []);

/** Of the windows of an autoscaled job, for people; null: nothing is wrong. */
export function windowTrouble(autoscaling: AutoscalingSpec | undefined): string | null {
  const faults = autoscaling?.enabled === true ? windowFaults(autoscaling) : [];
  return faults.length === 0 ? null : faults.map(faultText).join(' ');
}

/** Of all schedules of a spec that has passed the rules of the resource. */
export function scheduleFaults({ autoscaling, state }: FlowJobSpec): ScheduleFault[] {
  const { savepoints } = state;
  const ofSavepoints =
    savepoints === undefined ? null : scheduleFault({ timeZone: 'UTC', ...savepoints }, 'spec.state.savepoints');
  return [
    ...(ofSavepoints === null ? [] : [ofSavepoints]),
    ...(autoscaling === undefined ? [] : windowFaults(autoscaling)),
  ];
}
