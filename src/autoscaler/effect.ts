// Whether a scale-up helped. One that did not is undone and not tried again for a while: a key that takes most records, or a system outside that is at its
// limit, does not get faster by more subtasks.
import { partsOf, subtasksFor, worth } from './alignment.ts';
import { rangeOf, type Bounds } from './bounds.ts';
import type { Evaluation, VertexLoad } from './evaluate.ts';
import type { Kept, KeptVertex, Notice, Time, UnprovenScaleUp } from './model.ts';
import { counted } from './words.ts';

/** Of the expected gain, less than this is none. */
const WORTH_IT = 0.2;
/** How long the new configuration runs before it is judged. */
const JUDGE_AFTER_MS = 45_000;
/** After this without a verdict (the load has gone), none is passed. */
const FORGET_AFTER_MS = 15 * 60_000;
const FIRST_CEILING_MS = 2 * 3_600_000;
const LONGEST_CEILING_MS = 24 * 3_600_000;
/** So busy that what it handles is what it can handle. */
const AT_ITS_LIMIT = 0.85;
const HOT_KEY = 1.5;
/** Of a subtask: so far a measured rate may be off. */
const ROUNDING = 0.05;

export interface Verdict {
  kept: Kept;
  /** The vertices whose additional subtasks brought nothing. */
  ineffective: VertexLoad[];
  notices: Notice[];
}

/** `runningSince`: of the configuration that `evaluation` is of. */
export function judgeLastScaleUp(evaluation: Evaluation, kept: Kept, runningSince: Time, now: Time): Verdict {
  const { unproven } = kept;
  const none = { kept, ineffective: [], notices: [] };
  if (unproven === null || runningSince < unproven.at || now - runningSince < JUDGE_AFTER_MS) return none;
  const vertices = { ...kept.vertices };
  const ineffective: VertexLoad[] = [];
  const open: UnprovenScaleUp['vertices'] = {};
  for (const one of evaluation.vertices) {
    const raised = unproven.vertices[one.vertex.id];
    if (raised?.to !== one.vertex.parallelism) continue;
    const gain = one.capacity === null ? null : (one.capacity - raised.capacity) / (raised.expected - raised.capacity);
    if (gain === null || !one.fresh || (one.measured.hottest ?? 0) < AT_ITS_LIMIT) open[one.vertex.id] = raised;
    else if (gain < WORTH_IT) {
      ineffective.push(one);
      vertices[one.vertex.id] = lowered(vertices[one.vertex.id]!, one, raised, now);
    } else vertices[one.vertex.id] = { ...vertices[one.vertex.id]!, ceiling: null };
  }
  const settled = Object.keys(open).length === 0 || ineffective.length > 0 || now - unproven.at > FORGET_AFTER_MS;
  const notices = ineffective.map((one) => noticeOf(one, unproven.vertices[one.vertex.id]!));
  return {
    kept: { ...kept, vertices, unproven: settled ? null : { ...unproven, vertices: open } },
    ineffective,
    notices,
  };
}

/** Back to the fewest subtasks that do what all of them do. */
function lowered(
  known: KeptVertex,
  one: VertexLoad,
  raised: { from: number; capacity: number },
  now: Time,
): KeptVertex {
  const tries = (known.ceiling?.tries ?? 0) + 1;
  const ms = Math.min(LONGEST_CEILING_MS, FIRST_CEILING_MS * 4 ** (tries - 1));
  const parts = partsOf(one.vertex);
  const before = raised.capacity / worth(raised.from, parts);
  const capacity = Math.max(raised.capacity, one.capacity ?? 0);
  const parallelism = Math.max(raised.from, subtasksFor(capacity / before - ROUNDING, parts, one.vertex.parallelism));
  return { ...known, ceiling: { parallelism, capacity, until: now + ms, tries } };
}

function noticeOf({ vertex, skew }: VertexLoad, { from, to }: { from: number; to: number }): Notice {
  const subject = vertex.name;
  return skew >= HOT_KEY
    ? {
        kind: 'HotKey',
        subject,
        message: `${counted(to, 'subtask')} of ${subject} do no more than ${from}: one has ${skew.toFixed(1)} times its share of the work. Spread the key that is so frequent.`,
      }
    : {
        kind: 'Ineffective',
        subject,
        message: `${counted(to, 'subtask')} of ${subject} do no more than ${from}: something else is the limit. Look at what it calls or writes to.`,
      };
}

/** What handles more than its ceiling has no such ceiling any more. */
export function liftCeilings(evaluation: Evaluation, kept: Kept): Kept {
  const vertices = { ...kept.vertices };
  for (const { vertex, measured } of evaluation.vertices) {
    const known = vertices[vertex.id];
    if (
      known?.ceiling !== undefined &&
      known.ceiling !== null &&
      (measured.rateIn ?? 0) > 1.15 * known.ceiling.capacity
    )
      vertices[vertex.id] = { ...known, ceiling: null };
  }
  return { ...kept, vertices };
}

/**
 * How much of the load can be handled at all where a vertex has all that it may have, as a share of it; more than 1: all, and so much to spare. What is
 * before and behind such a vertex needs no more than that.
 */
export function reachableShare(evaluation: Evaluation, bounds: Bounds, kept: Kept, now: Time): number {
  let share = Infinity;
  for (const { vertex, load, rate } of evaluation.vertices) {
    if (load === null || load <= 0 || rate === null) continue;
    const ceiling = kept.vertices[vertex.id]?.ceiling ?? null;
    const { high } = rangeOf(vertex, bounds, kept, now);
    const most = ceiling !== null && now < ceiling.until ? ceiling.capacity : rate * worth(high, partsOf(vertex));
    share = Math.min(share, most / load);
  }
  return share;
}

/** What is to be compared later with what the raised vertices can do then. */
export function expectation(
  evaluation: Evaluation,
  { unproven }: Kept,
  parallelism: Record<string, number>,
  now: Time,
): UnprovenScaleUp | null {
  const vertices = Object.fromEntries(
    evaluation.vertices.flatMap((one): [string, UnprovenScaleUp['vertices'][string]][] => {
      const to = parallelism[one.vertex.id] ?? one.vertex.parallelism;
      const open = unproven?.vertices[one.vertex.id];
      if (open?.to === to) return [[one.vertex.id, open]];
      if (to <= one.vertex.parallelism || one.rate === null || one.capacity === null) return [];
      // Only of those that are at their limit it will be known whether more of them helped.
      if ((one.measured.hottest ?? 0) < AT_ITS_LIMIT) return [];
      const expected = one.rate * worth(to, partsOf(one.vertex));
      // Moved along with another vertex, by so few that the fullest subtask has as much as before: no gain is to be seen.
      if (expected <= one.capacity) return [];
      return [[one.vertex.id, { from: one.vertex.parallelism, to, capacity: one.capacity, expected }]];
    }),
  );
  return Object.keys(vertices).length === 0 ? null : { at: now, vertices };
}
