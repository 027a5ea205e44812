// Jobs that are not to run: while a schedule says so, and while there is no work. They are stopped with a savepoint and go on from it.
import { closedForGood } from './bounds.ts';
import type { AutoscalingConfig, DecisionReason, Kept, Sample, Time } from './model.ts';
import { decisionOf, hold, LOOK_MS, type Look, type MeasuredLook, type Outcome } from './outcome.ts';
import type { Sized } from './size.ts';
import { span } from './words.ts';

/** A job that was started to see whether there is work is given so long to find some. */
const PEEK_MS = 2 * 60_000;
/** A job that runs so long after it was stopped was started by somebody else: it is left running. */
const STOPPING_MS = 3 * 60_000;

const timeOf = (at: Time): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');

/** A window that says suspend stops the job, whatever is known of it. */
export function scheduledStop(look: Look, current: Sized | null): Outcome | null {
  const { suspendedUntil, because } = look.bounds;
  if (suspendedUntil === null) return null;
  const message = `The ${because} keeps the job stopped until ${timeOf(suspendedUntil)} UTC.`;
  return stop(look, current, 'Schedule', 'Scheduled', message, suspendedUntil);
}

/** No record has come and none has waited for long enough; until then nothing else is done about it. */
export function idle(look: MeasuredLook): Outcome | null {
  const { scaleToZero } = look.config;
  const { idleSince } = look.kept;
  if (scaleToZero === null || idleSince === null) return null;
  if (look.now - idleSince < scaleToZero.idleAfterMs)
    return hold(look, look.current, 'Patient', 'No record comes: the job is about to be stopped until there is work.');
  const message = `No record came for ${span(scaleToZero.idleAfterMs)}: the job is stopped, and started every ${span(scaleToZero.lookEveryMs)} to look for work.`;
  return stop(look, look.current, 'Idle', 'Idle', message, look.now + scaleToZero.lookEveryMs);
}

/** Since when nothing has come and nothing waits; null where that is not known for sure. */
export function idleSinceOf({ evaluation, kept, now }: MeasuredLook): Time | null {
  const nothing =
    evaluation.unknown.length === 0 &&
    evaluation.load === 0 &&
    evaluation.vertices.every(({ measured }) => (measured.pending ?? 0) === 0 && (measured.busy ?? 1) < 0.05);
  return nothing ? (kept.idleSince ?? now) : null;
}

function stop(
  look: Look,
  current: Sized | null,
  cause: 'Idle' | 'Schedule',
  reason: DecisionReason,
  message: string,
  until: Time,
): Outcome {
  const none = { parallelism: current?.parallelism ?? {}, taskManagers: 0 };
  const decision = { ...decisionOf(look, 'Suspend', none, 'Down', reason, message), lookAgainAt: until };
  if (!decision.act) return { decision: { ...decision, lookAgainAt: look.now + LOOK_MS }, kept: look.kept };
  return { decision, kept: { ...look.kept, stopped: { at: look.now, cause }, idleSince: null, asked: null } };
}

/** The job was stopped by a decision: stay, or wake it. Null: it runs all the same, and is to be looked at as any other. */
export function whileStopped(look: Look, sample: Sample | null, current: Sized | null): Outcome | null {
  const { stopped } = look.kept;
  const { scaleToZero } = look.config;
  if (stopped === null) return null;
  if (sample !== null && sample.runningSince !== null && look.now - stopped.at > STOPPING_MS) return null;
  const scheduled = look.bounds.suspendedUntil;
  if (scheduled !== null) return stay(look, current, 'Scheduled', `The ${look.bounds.because} is open.`, scheduled);
  const forGood = stopped.cause === 'Schedule' ? closedForGood(look.config) : undefined;
  if (forGood !== undefined) {
    const message = `The schedule ${forGood.name} never closes: the job stays stopped until it is corrected.`;
    return stay(look, current, 'Scheduled', message, look.now + LOOK_MS);
  }
  if (stopped.cause === 'Schedule')
    return wake(look, {}, 'WindowOver', 'The window in which the job was stopped is over.', null);
  if (scaleToZero === null) return wake(look, {}, 'WindowOver', 'The job is not scaled to zero any more.', null);
  const due = stopped.at + scaleToZero.lookEveryMs;
  if (look.now < due) return stay(look, current, 'Idle', 'The job is stopped for want of work.', due);
  // As small as it may be: if there is work, it grows within a minute.
  const parallelism = Object.fromEntries(Object.keys(look.kept.vertices).map((id) => [id, look.bounds.min]));
  return wake(look, parallelism, 'LookForWork', 'The job is started to see whether there is work.', scaleToZero);
}

function stay(look: Look, current: Sized | null, reason: DecisionReason, message: string, until: Time): Outcome {
  const { decision, kept } = hold(look, current, reason, message);
  return { decision: { ...decision, taskManagers: 0, lookAgainAt: until }, kept };
}

function wake(
  look: Look,
  parallelism: Record<string, number>,
  reason: DecisionReason,
  message: string,
  peek: AutoscalingConfig['scaleToZero'],
): Outcome {
  const { kept, now } = look;
  const taskManagers = Math.ceil(look.bounds.min / look.config.slotsPerTaskManager);
  const known = Object.keys(parallelism).length > 0;
  const decision = decisionOf(look, 'Wake', { parallelism, taskManagers }, 'Up', reason, message);
  // Counted as if it had been idle until now, but for the time that it is given to find work.
  const idleSince: Kept['idleSince'] = peek === null ? null : now - Math.max(0, peek.idleAfterMs - PEEK_MS);
  return {
    decision: known ? decision : { ...decision, taskManagers: null },
    kept: decision.act ? { ...kept, stopped: null, idleSince } : kept,
  };
}
