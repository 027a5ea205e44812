// How many subtasks each vertex needs now, and whether what it has is too little.
import { partsOf, worth } from './alignment.ts';
import { rangeOf, type Bounds } from './bounds.ts';
import { reachableShare } from './effect.ts';
import { fixed, term, type Evaluation } from './evaluate.ts';
import type { AutoscalingConfig, Kept, Term, Time } from './model.ts';

/** Half way from the target to full: above it a vertex is given more. Between the two nothing is done. */
export const upperUtilization = (target: number): number => target + (1 - target) / 2;

export interface Need {
  /** By vertex id, evenly loaded subtasks; a vertex whose load or rate is not known is missing. */
  subtasks: Map<string, number>;
  /** The highest load / capacity of the vertices that may have more; 0 where none is known. */
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
  bounds: Bounds;
  kept: Kept;
  pauseMs: number;
  /** What a steady rise is met with (`headroomOf`); 1: nothing, or a plan knows better. */
  headroom: number;
  now: Time;
  terms: Term[];
}

export function needNow({ evaluation, config, bounds, kept, pauseMs, headroom, now, terms }: NeedInput): Need {
  const reach = reachableShare(evaluation, bounds, kept, now);
  const share = Math.min(1, reach);
  const late = evaluation.lagMs !== null && evaluation.lagMs > config.lagTargetMs;
  const catchUp = config.catchUpTimeMs / 1_000;
  const subtasks = new Map<string, number>();
  let [utilization, bottleneck, lagging] = [0, 'job', false];
  for (const { vertex, load: all, backlog, rate, capacity } of evaluation.vertices) {
    if (all === null) continue;
    const load = all * share;
    if (load === 0 && backlog === 0) subtasks.set(vertex.id, 0);
    if (rate === null || capacity === null || rate <= 0) continue;
    const used = load / capacity;
    if (used > utilization && vertex.parallelism < rangeOf(vertex, bounds, kept, now).high)
      [utilization, bottleneck] = [used, vertex.name];
    // What comes in during the pause of a rescale waits, too.
    const waiting = late ? backlog * share + (load * pauseMs) / 1_000 : 0;
    const steady = (load / config.targetUtilization) * headroom;
    const records = Math.min(
      Math.max(steady, load + waiting / catchUp),
      reach === Infinity ? Infinity : Math.max(steady, all * reach),
    );
    if (late && load + backlog / catchUp / LATE_TOLERANCE > capacity) lagging = true;
    subtasks.set(vertex.id, records / rate);
    const formula =
      records > steady
        ? `(${fixed(load)} + ${fixed(waiting)} that wait / ${catchUp} s) / ${fixed(rate)}`
        : `${fixed(load)} / ${config.targetUtilization}${headroom > 1 ? ` × ${fixed(headroom)} as it keeps rising` : ''} / ${fixed(rate)}`;
    terms.push(
      term(vertex.name, 'utilisation', `${fixed(load)} / ${fixed(capacity)}`, used, ''),
      term(vertex.name, 'need', formula, records / rate, 'subtasks'),
      term(vertex.name, 'worth', `of ${vertex.parallelism}`, worth(vertex.parallelism, partsOf(vertex)), 'subtasks'),
    );
  }
  return { subtasks, utilization, bottleneck, lagging, outOfReach: share < 1 };
}

/** A backlog that the present subtasks work off in this many catch-up times is left to them: adding some and taking them away again costs two pauses. */
const LATE_TOLERANCE = 1.5;
