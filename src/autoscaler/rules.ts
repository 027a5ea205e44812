// The rules for a job that runs and was measured, in their order: the first that has something to say decides.
import { riseAhead, type Plan } from './ahead.ts';
import { fewestWorth, partsOf } from './alignment.ts';
import { highest, RECENT_MS, STEP_MS } from './recent.ts';
import { fixed } from './evaluate.ts';
import type { AutoscalingConfig, PastAction, Time } from './model.ts';
import { upperUtilization, type Need } from './need.ts';
import { hold, rescale, type MeasuredLook, type Outcome } from './outcome.ts';
import { clamp, patienceFor, type Patience } from './pauses.ts';
import { isShort, needFor, sizeFor, together, type Sized } from './size.ts';
import { counted } from './words.ts';

const percent = (share: number): string => `${Math.round(share * 100)} %`;
const taskManagers = (count: number): string => counted(count, 'TaskManager');

/** What was raised in vain is taken back, whatever is known and however often the job was rescaled today. */
export function undoIneffective(look: MeasuredLook, need: Need, ineffective: readonly string[]): Outcome | null {
  if (ineffective.length === 0) return null;
  const sized = lowerTo(look, need.subtasks, sizeFor(need.subtasks, look.room).taskManagers);
  const message = `The last scale-up brought nothing (${ineffective.join(', ')}) and is undone: ${change(look.current, sized)}.`;
  return differs(look.current, sized)
    ? rescale(look, look.current, sized, look.sample, 'Ineffective', message, null)
    : null;
}

/** More than the job can do: at once where it falls behind, later where it is merely busy. */
export function overloaded(look: MeasuredLook, need: Need, planOf: () => Plan | null): Outcome | null {
  const { kept, now, patience, evaluation, current } = look;
  const since = (at: Time | null): number => (at === null ? 0 : now - at);
  // A load that was only guessed at is followed step by step.
  const over = since(kept.overSince) >= (evaluation.atLeast ? patience.warmMs : patience.overMs);
  const warm = since(kept.warmSince) >= patience.warmMs;
  if (!over && !warm) return null;
  const { reason, why } = tooLittle(look, need);
  if (!differs(current, raise(look, need.subtasks))) return null;
  // As something is done anyway, it is done for the hours to come.
  const plan = planOf();
  const raised = raise(look, plan === null ? need.subtasks : most(need.subtasks, needFor(plan.load, look.room)));
  if (differs(current, raised))
    return rescale(look, current, raised, look.sample, reason, `${why}: ${change(current, raised)}.`, evaluation);
  return null;
}

function tooLittle(
  { config, evaluation }: MeasuredLook,
  need: Need,
): { reason: 'Lagging' | 'Overloaded'; why: string } {
  const target = config.targetUtilization;
  return need.lagging && need.utilization <= upperUtilization(target)
    ? {
        reason: 'Lagging',
        why: `Records wait for ${fixed((evaluation.lagMs ?? 0) / 1_000)} s and would not be worked off in ${config.catchUpTimeMs / 1_000} s`,
      }
    : {
        reason: 'Overloaded',
        why: `${need.bottleneck} needs ${percent(need.utilization)} of what it can do; the target is ${percent(target)}`,
      };
}

/** More will be given if it goes on like this. */
export function notForLong(look: MeasuredLook, need: Need): Outcome | null {
  const { kept, patience, current, evaluation } = look;
  if (kept.overSince === null && kept.warmSince === null) return null;
  const raised = raise(look, need.subtasks);
  if (!differs(current, raised)) return null;
  const wait = kept.overSince === null || evaluation.atLeast ? patience.warmMs : patience.overMs;
  const message = `${tooLittle(look, need).why}: ${change(current, raised)} once that has lasted for ${Math.round(wait / 1_000)} s.`;
  return hold(look, current, 'Patient', message);
}

/** A vertex has all that it may have, or all that helps, and it is not enough. */
export function outOfReach(look: MeasuredLook, need: Need): Outcome | null {
  if (!need.outOfReach || differs(look.current, raise(look, need.subtasks))) return null;
  const { bounds, current, evaluation, notices } = look;
  const because = bounds.because === '' ? '' : ` (${bounds.because})`;
  const message = `The load, ${fixed(evaluation.load ?? 0)} records/s, is more than can be handled within the bounds${because}; more subtasks are not allowed or did not help.`;
  const kind = bounds.because.startsWith('budget') ? 'OverBudget' : 'AtMaximum';
  notices.push({ kind, subject: 'job', message });
  return hold(look, current, 'AtMaximum', message);
}

const most = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> =>
  new Map([...a.keys(), ...b.keys()].map((id) => [id, Math.max(a.get(id) ?? 0, b.get(id) ?? 0)]));

/** The learned profile expects more than the present subtasks should be given. */
export function beforeRise(look: MeasuredLook, planOf: () => Plan | null): Outcome | null {
  const { kept, config, current, now, notices } = look;
  const soon = spent(kept.actions, now) < config.rescalesPerDay ? riseAhead(look) : null;
  const plan = soon === null ? null : planOf();
  if (soon === null || plan === null) return null;
  const raised = raise(look, needFor(Math.max(soon, plan.load), look.room));
  if (!differs(current, raised)) return null;
  const message = `In earlier days and weeks the load rose at this hour, to ${fixed(soon)} records/s within minutes: ${change(current, raised)} ahead of it.`;
  notices.push({ kind: 'AheadOfLoad', subject: 'job', message });
  return rescale(look, current, raised, look.sample, 'AheadOfLoad', message, null);
}

/** Each vertex that is short gets what it needs; the others stay as they are. */
function raise(look: MeasuredLook, need: ReadonlyMap<string, number>): Sized {
  const wanted = sizeFor(need, look.room);
  const parallelism = Object.fromEntries(
    look.sample.vertices.map((vertex) => {
      // What was raised a moment ago is not raised again before it is known whether it helped.
      const open = look.kept.unproven?.vertices[vertex.id] !== undefined;
      const short = !open && isShort(vertex, need.get(vertex.id));
      return [vertex.id, short ? Math.max(vertex.parallelism, wanted.parallelism[vertex.id]!) : vertex.parallelism];
    }),
  );
  return together(parallelism, look.room);
}

/** What is not known never leads to fewer. */
export function unknown(look: MeasuredLook): Outcome | null {
  const [first] = look.unknown;
  if (first === undefined) return null;
  return hold(
    look,
    look.current,
    'MetricsUnknown',
    `${first.metric} of ${first.subject}: ${first.why}. What is not known leads to no scale-down.`,
  );
}

/** Fewer TaskManagers have been enough for long enough. */
export function underused(look: MeasuredLook, need: Need, planOf: () => Plan | null): Outcome | null {
  const { evaluation, config, current, kept, now, patience } = look;
  const fewest = sizeFor(need.subtasks, look.room).taskManagers;
  if (fewest >= current.taskManagers) return null;
  if (evaluation.atLeast || (evaluation.lagMs ?? 0) > config.lagTargetMs)
    return hold(look, current, 'Patient', 'Records wait: fewer TaskManagers are considered once they are worked off.');
  const left = config.rescalesPerDay - spent(kept.actions, now);
  const target = (kept.recent?.count ?? 0) > 1 ? null : provenOrPlanned(look, left, planOf);
  if (target === null) {
    const why =
      left <= 0
        ? `the job was rescaled ${config.rescalesPerDay} times in a day: less than half is not taken away`
        : `that must last for ${minutesFor(Math.max(SAVES, 1 - fewest / current.taskManagers), patience, scarcity(config, left))} min, or the plan of the day has to agree`;
    return hold(look, current, 'Patient', `${taskManagers(fewest)} would do now; ${why}.`);
  }
  const lowered = lowerTo(look, target.need, target.taskManagers);
  const message = `${taskManagers(target.taskManagers)} would have been enough for the last ${target.minutes} min: ${change(current, lowered)}.`;
  return rescale(look, current, lowered, look.sample, 'Underused', message, null);
}

/** Looked at when a step of five minutes has ended: nothing that it rests on changes in between. */
function provenOrPlanned(look: MeasuredLook, left: number, planOf: () => Plan | null): Fewer | null {
  const plan = planOf();
  if (plan === null) return lowestProven(look, left);
  // Beyond the day's rescales both must agree.
  const byPlan = planned(look, plan);
  return left > 0 ? byPlan : byPlan && lowestProven(look, left);
}

interface Fewer {
  taskManagers: number;
  need: Map<string, number>;
  /** How long they would have been enough. */
  minutes: number;
}

/** What the plan of the day has for now, if the last ten minutes agree. */
function planned(look: MeasuredLook, plan: Plan): Fewer | null {
  const { kept, current, now, patience, evaluation } = look;
  const peak = highest(kept.recent, 2);
  const calm = now - (kept.actions.at(-1)?.at ?? -Infinity);
  if (peak === null || plan.taskManagers[0]! >= current.taskManagers || calm < patience.downMs) return null;
  const need = needFor(Math.max(peak, plan.load, evaluation.load ?? Infinity), look.room);
  const count = sizeFor(need, look.room).taskManagers;
  return count >= current.taskManagers ? null : { taskManagers: count, need, minutes: 10 };
}

/** Less than this share of the TaskManagers is not worth a pause; the fewer rescales are left today, the more must be saved. */
const SAVES = 0.1;
/** Beyond the day's rescales: half of them, unused for an hour, and for twice as long with each rescale more, up to all that is looked back on. */
const SAVES_BEYOND = 0.5;
const BEYOND_MS = 3_600_000;

/** The fewer rescales are left today, the longer less must have been enough. */
const scarcity = ({ rescalesPerDay }: AutoscalingConfig, left: number): number =>
  left > 0 ? rescalesPerDay / left : Infinity;

/** In whole steps, as no other times are looked back on. */
const minutesFor = (saved: number, patience: Patience, scarce: number): number =>
  (Math.ceil((patienceFor(saved, patience) * scarce) / STEP_MS) * STEP_MS) / 60_000;

/** Of the times looked back on, the shortest that is long enough for what it would save. */
function lowestProven(look: MeasuredLook, left: number): Fewer | null {
  const { kept, current, patience, now, evaluation, config } = look;
  const calm = now - (kept.actions.at(-1)?.at ?? -Infinity);
  const scarce = scarcity(config, left);
  const saves = Math.min(SAVES_BEYOND, SAVES * scarce);
  for (let steps = 1; steps <= (kept.recent?.steps.length ?? 0); steps++) {
    const peak = highest(kept.recent, steps);
    if (peak === null) return null;
    const need = needFor(Math.max(peak, evaluation.load ?? Infinity), look.room);
    const sized = sizeFor(need, look.room);
    const saved = 1 - sized.taskManagers / current.taskManagers;
    if (saved < saves) return null;
    const beyond = Math.max(patience.downMs, Math.min(BEYOND_MS * 2 ** -left, RECENT_MS));
    const patient = left > 0 ? patienceFor(saved, patience) * scarce : beyond;
    if (steps * STEP_MS >= patient && calm >= patient)
      return { taskManagers: sized.taskManagers, need, minutes: (steps * STEP_MS) / 60_000 };
  }
  return null;
}

/** Only what stands in the way of fewer TaskManagers is lowered. */
function lowerTo(look: MeasuredLook, need: ReadonlyMap<string, number>, count: number): Sized {
  const wanted = sizeFor(need, look.room);
  const slots = count * look.config.slotsPerTaskManager;
  const parallelism = Object.fromEntries(
    look.sample.vertices.map((vertex) => {
      const { id, parallelism: has } = vertex;
      return [id, has > slots ? Math.max(wanted.parallelism[id]!, fewestWorth(slots, partsOf(vertex))) : has];
    }),
  );
  return together(parallelism, look.room);
}

/** Rescales that count against the day. A recurring rise never comes at the same minute: a day is two hours short. */
const DAY_MS = 22 * 3_600_000;
export const spent = (actions: readonly PastAction[], now: Time): number =>
  actions.filter(({ at }) => now - at < DAY_MS).length;

/** Bounds are the user's word: they hold whatever is known. */
export function outsideBounds(look: Omit<MeasuredLook, 'evaluation'>): Outcome | null {
  const { min, max, maxTaskManagers } = look.bounds;
  const most = Math.min(max, maxTaskManagers * look.config.slotsPerTaskManager);
  const within = Object.fromEntries(
    look.sample.vertices.map(({ id, parallelism, maxParallelism }) => [
      id,
      clamp(parallelism, Math.min(min, most, maxParallelism), Math.min(most, maxParallelism)),
    ]),
  );
  const sized = together(within, look.room);
  if (!differs(look.current, sized)) return null;
  const because = look.bounds.because === '' ? 'minParallelism and maxParallelism' : look.bounds.because;
  return rescale(
    look,
    look.current,
    sized,
    look.sample,
    'OutsideBounds',
    `Parallelism is outside its bounds (${because}): ${change(look.current, sized)}.`,
    null,
  );
}

export const differs = (a: Sized, b: Sized): boolean =>
  Object.entries(b.parallelism).some(([id, parallelism]) => a.parallelism[id] !== parallelism);

function change(from: Sized, to: Sized): string {
  return from.taskManagers === to.taskManagers
    ? `parallelism ${Math.max(...Object.values(to.parallelism))} on the same ${taskManagers(to.taskManagers)}`
    : `${from.taskManagers} → ${taskManagers(to.taskManagers)}`;
}
