// Savepoints by schedule: which FlowSavepoint is made when, and which of those that were made go again.
import { SCHEDULED_LABEL } from '../api/group.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { durationMs } from '../api/schema-kit.ts';
import type { JobState, SavepointScheduleStatus } from '../api/status.ts';
import { lastTime, nextTime, scheduleError } from '../api/cron.ts';
import { isDeleting, timestamp } from './facts.ts';
import type { Action, Context } from './model.ts';
import { isRestoredFrom } from './savepoints.ts';

export interface ScheduleOutcome {
  /** Undefined: no schedule, or none that can be followed. */
  status: SavepointScheduleStatus | undefined;
  actions: Action[];
  requeueAt: number | null;
}

/** Null when there is none. */
export function scheduleOf(c: Context): { schedule: string; timeZone: string } | null {
  const { savepoints } = c.desired.state;
  return savepoints === undefined ? null : { schedule: savepoints.schedule, timeZone: savepoints.timeZone ?? 'UTC' };
}

/** `next`: the state that the job is going to be in. */
export function decideSchedule(c: Context, next: JobState): ScheduleOutcome {
  const at = scheduleOf(c);
  if (at === null || isDeleting(c)) return { status: undefined, actions: [], requeueAt: null };
  const { remove, nextAt } = retention(c);
  const removals = remove.map((name): Action => ({ kind: 'DeleteSavepoint', name }));
  if (scheduleError(at) !== null) return { status: undefined, actions: removals, requeueAt: nextAt };
  const { status, due } = advance(c, at, next);
  const dueAt = next === 'Running' ? nextTime(at, Date.parse(status.since)) : null;
  return { status, actions: [...due, ...removals], requeueAt: soonest(dueAt, nextAt) };
}

function advance(
  c: Context,
  at: { schedule: string; timeZone: string },
  next: JobState,
): { status: SavepointScheduleStatus; due: Action[] } {
  const known = c.status.savepointSchedule;
  // A schedule that is new says nothing of the time before it.
  if (known?.schedule !== at.schedule || known.timeZone !== at.timeZone)
    return { status: { ...at, since: timestamp(c.now) }, due: [] };
  const { pending, ...settled } = known;
  const mine = c.savepoints.filter(isScheduled);
  // Seen, so it is made; until then it is made again and again under the one name.
  if (pending !== undefined)
    return mine.some(({ metadata }) => metadata.name === pending)
      ? { status: settled, due: [] }
      : { status: known, due: [make(pending, known.since)] };
  if (next !== 'Running' || c.desired.suspend) return { status: known, due: [] };
  // What was due before this run started, it started from a savepoint or a checkpoint for.
  const begun = Date.parse(c.status.attempt?.runStartedAt ?? '');
  const since = Math.max(Date.parse(known.since), Number.isNaN(begun) ? c.now : begun);
  const first = nextTime(at, since);
  if (first === null || first > c.now) return { status: known, due: [] };
  const time = timestamp(lastTime(at, c.now) ?? first);
  // One at a time: where taking them fails or takes long, they do not pile up.
  if (mine.some(({ status }) => status?.state !== 'Completed' && status?.state !== 'Failed'))
    return { status: { ...known, since: time }, due: [] };
  const name = `${c.job.metadata.name}-${Math.floor(Date.parse(time) / 60_000)}`;
  return { status: { ...known, since: time, pending: name }, due: [make(name, time)] };
}

const make = (name: string, scheduledAt: string): Action => ({ kind: 'CreateSavepoint', name, scheduledAt });

export const isScheduled = ({ metadata }: FlowSavepoint): boolean => metadata.labels?.[SCHEDULED_LABEL] === 'true';

/** Which go now, and when the next one is too old. Those that failed are kept as long, to be looked at. */
function retention(c: Context): { remove: string[]; nextAt: number | null } {
  const { count = 10, age } = c.desired.state.savepoints?.retain ?? {};
  const limits = { count, age: age === undefined ? Infinity : durationMs(age), now: c.now };
  const scheduled = c.savepoints.filter((s) => isScheduled(s) && s.metadata.deletionTimestamp === undefined);
  const complete = retained(
    scheduled.flatMap(({ metadata: { name }, status }) =>
      status?.state !== 'Completed'
        ? []
        : [{ name, at: Date.parse(status.completedAt ?? ''), needed: isRestoredFrom(c, status.path ?? '') }],
    ),
    limits,
  );
  const failed = retained(
    scheduled.flatMap(({ metadata: { name, creationTimestamp }, status }) =>
      status?.state !== 'Failed' ? [] : [{ name, at: Date.parse(creationTimestamp), needed: false }],
    ),
    limits,
  );
  return { remove: [...complete.remove, ...failed.remove], nextAt: soonest(complete.nextAt, failed.nextAt) };
}

export interface Retainable {
  name: string;
  /** When it was complete, milliseconds since the epoch. */
  at: number;
  /** A job would start from it. */
  needed: boolean;
}

/** The `count` newest stay unless they are older than `age`; the newest stays in any case, and what is needed. */
export function retained(
  all: readonly Retainable[],
  { count, age, now }: { count: number; age: number; now: number },
): { remove: string[]; nextAt: number | null } {
  const [newest, ...older] = [...all].sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
  if (newest === undefined) return { remove: [], nextAt: null };
  const free = older.filter(({ needed }) => !needed);
  const beyond = new Set(older.slice(Math.max(0, count - 1)).map(({ name }) => name));
  const goes = ({ name, at }: Retainable): boolean => beyond.has(name) || now - at >= age;
  const staying = free.filter((one) => !goes(one)).map(({ at }) => at + age);
  return {
    remove: free.filter(goes).map(({ name }) => name),
    nextAt: age === Infinity || staying.length === 0 ? null : Math.min(...staying),
  };
}

export const soonest = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);
