// What the learned profile adds: how far to go when something is done anyway, and what to do before the load is there.
import { partsOf, worth } from './alignment.ts';
import { upperUtilization } from './need.ts';
import type { MeasuredLook } from './outcome.ts';
import { planDay } from './plan.ts';
import { forecast, nextDay } from './profile.ts';
import { highest } from './recent.ts';
import { needFor, sizeFor } from './size.ts';

/** A rise is met so long before it comes: pods are started, and the profile is in half hours. */
const LEAD_MS = 10 * 60_000;

/** More changes than these a day are not planned for, whatever is allowed. */
const MOST_CHANGES = 12;

export interface Plan {
  /** TaskManagers in each half hour of the next day, this one first. */
  taskManagers: number[];
  /** The highest load until the plan changes for the first time, records/s. */
  load: number;
}

/** Null: the profile does not know the whole of a day. Reckoned when it is asked for the first time: most looks need no plan. */
export function planOf(look: MeasuredLook): () => Plan | null {
  let plan: Plan | null | undefined;
  return () => (plan ??= reckon(look));
}

function reckon(look: MeasuredLook): Plan | null {
  const { kept, config, evaluation, now, room, current } = look;
  const loads = config.learnProfile ? nextDay(kept.profile, kept.recent, now) : null;
  if (loads === null) return null;
  const soon = forecast(kept.profile!, kept.recent, now, now + LEAD_MS) ?? 0;
  loads[0] = Math.max(loads[0]!, soon, evaluation.load ?? 0, highest(kept.recent, 2) ?? 0);
  const needs = loads.map((load) => sizeFor(needFor(load, room), room).taskManagers);
  const taskManagers = planDay(needs, current.taskManagers, Math.min(config.rescalesPerDay, MOST_CHANGES));
  const same = taskManagers.findIndex((count) => count !== taskManagers[0]);
  return { taskManagers, load: Math.max(...loads.slice(0, same === -1 ? loads.length : same)) };
}

/** The load that is expected shortly, where it is above what the present subtasks should be given; null: it is not, or nothing is known. */
export function riseAhead(look: MeasuredLook): number | null {
  const { kept, config, evaluation, now, room } = look;
  if (!config.learnProfile || kept.profile === null) return null;
  const soon = forecast(kept.profile, kept.recent, now, now + LEAD_MS);
  if (soon === null || soon <= (evaluation.load ?? Infinity)) return null;
  const need = needFor(soon, room);
  const limit = upperUtilization(config.targetUtilization) / config.targetUtilization;
  const over = room.vertices.some(
    (vertex) => (need.get(vertex.id) ?? 0) > worth(vertex.parallelism, partsOf(vertex)) * limit,
  );
  return over ? soon : null;
}
