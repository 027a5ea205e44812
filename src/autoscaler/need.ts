// How many subtasks each vertex needs now, and whether what it has is too little.
import { partsOf, worth } from './alignment.ts';
import { reachableShare } from './effect.ts';
import { fixed, term, type Evaluation } from './evaluate.ts';
import type { AutoscalingConfig, Kept, PastAction, Term, Time } from './model.ts';
import { clamp } from './pauses.ts';

/** Half way from the target to full: above it a vertex is given more. Between the two nothing is done. */
export const upperUtilization = (target: number): number => target + (1 - target) / 2;

export interface Need {
  /** By vertex id, evenly loaded subtasks; a vertex whose load or rate is not known is missing. */
  subtasks: Map<string, number>;
  /** The highest load / capacity of all vertices; 0 where none is known. */
  utilization: number;
  /** The name of that vertex. */
  bottleneck: string;
  /** Records wait for longer than the target, and would still after the catch-up time with what there is. */
  lagging: boolean;
  /** Part of the load cannot be handled by any number of subtasks. */
  outOfReach: boolean;
}

export interface NeedInput {
  evaluation: Evaluation;
  config: AutoscalingConfig;
  kept: Kept;
  pauseMs: number;
  now: Time;
  terms: Term[];
}

export function needNow({ evaluation, config, kept, pauseMs, now, terms }: NeedInput): Need {
  const share = reachableShare(evaluation, kept, now);
  const late = evaluation.lagMs !== null && evaluation.lagMs > config.lagTargetMs;
  const catchUp = config.catchUpTimeMs / 1_000;
  const headroom = headroomOf(kept.actions, now);
  const subtasks = new Map<string, number>();
  let [utilization, bottleneck, lagging] = [0, 'job', false];
  for (const { vertex, load: all, backlog, rate, capacity } of evaluation.vertices) {
    if (all === null) continue;
    const load = all * share;
    if (load === 0 && backlog === 0) subtasks.set(vertex.id, 0);
    if (rate === null || capacity === null || rate <= 0) continue;
    const used = load / capacity;
    if (used > utilization) [utilization, bottleneck] = [used, vertex.name];
    // What comes in during the pause of a rescale waits, too.
    const waiting = late ? backlog * share + (load * pauseMs) / 1_000 : 0;
    const steady =
      (load / config.targetUtilization) * (used > upperUtilization(config.targetUtilization) ? headroom : 1);
    const records = Math.max(steady, load + waiting / catchUp);
    if (late && load + backlog / catchUp / LATE_TOLERANCE > capacity) lagging = true;
    subtasks.set(vertex.id, records / rate);
    const formula =
      records > steady
        ? `(${fixed(load)} + ${fixed(waiting)} that wait / ${catchUp} s) / ${fixed(rate)}`
        : `${fixed(load)} / ${config.targetUtilization}${headroom > 1 && used > upperUtilization(config.targetUtilization) ? ` × ${fixed(headroom)} as it keeps rising` : ''} / ${fixed(rate)}`;
    terms.push(
      term(vertex.name, 'utilisation', `${fixed(load)} / ${fixed(capacity)}`, used, ''),
      term(vertex.name, 'need', formula, records / rate, 'subtasks'),
      term(vertex.name, 'worth', `of ${vertex.parallelism}`, worth(vertex.parallelism, partsOf(vertex)), 'subtasks'),
    );
  }
  return { subtasks, utilization, bottleneck, lagging: lagging && share === 1, outOfReach: share < 1 };
}

/** A backlog that the present subtasks work off in this many catch-up times is left to them: adding some and taking them away again costs two pauses. */
const LATE_TOLERANCE = 1.5;

const RISING_MS = 8 * 3_600_000;

/** Who has been raised again and again takes larger steps: a load that climbs all morning is met with few rescales. */
export function headroomOf(actions: readonly PastAction[], now: Time): number {
  const lastDown = actions.findLastIndex(({ direction }) => direction === 'Down');
  const ups = actions.slice(lastDown + 1).filter(({ at }) => now - at < RISING_MS).length;
  return clamp(1 + 0.3 * ups, 1, 2);
}
