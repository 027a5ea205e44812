// What people are shown of an autoscaler: its last look in full, its last decisions, and a line of points for a picture. Pure; small enough to be kept whole.
import type { Decision, KeptCost, Sample, Time } from './model.ts';

/** One look, for a picture. What was not known is null. */
export interface Point {
  at: Time;
  /** Records per second of all sources, and how many the job could handle; as the arithmetic of the look says. */
  load: number | null;
  capacity: number | null;
  /** Records that wait at the sources. */
  pending: number | null;
  /** The age of the oldest waiting record, seconds. */
  lag: number | null;
  /** Subtasks of the widest vertex. */
  parallelism: number | null;
}

export interface PastDecision extends Pick<Decision, 'at' | 'action' | 'act' | 'reason' | 'message' | 'taskManagers'> {
  /** Subtasks of the widest vertex. */
  parallelism: number | null;
  withheld: string | null;
}

export interface Journal {
  version: 2;
  last: { sample: Sample | null; decision: Decision; withheld: string | null; cost: KeptCost | null } | null;
  /** Decisions that were to change something, and each other reason when it was new; newest first. */
  decisions: PastDecision[];
  /** Oldest first. */
  points: Point[];
}

export const emptyJournal = (): Journal => ({ version: 2, last: null, decisions: [], points: [] });

const DECISIONS_KEPT = 50;
/** An hour of looks. */
const POINTS_KEPT = 360;

/** The journal with one more look in it. */
export function withLook(journal: Journal, look: NonNullable<Journal['last']>): Journal {
  const { sample, decision, withheld } = look;
  const before = journal.decisions[0];
  const isNew = decision.action !== 'Hold' || before?.reason !== decision.reason || before.action !== 'Hold';
  const { at, action, act, reason, message, taskManagers } = decision;
  const widest = widestOf(decision.parallelism);
  const past = { at, action, act, reason, message, taskManagers, parallelism: widest, withheld };
  return {
    version: 2,
    last: look,
    decisions: isNew ? [past, ...journal.decisions].slice(0, DECISIONS_KEPT) : journal.decisions,
    points: [...journal.points, pointOf(sample, decision)].slice(-POINTS_KEPT),
  };
}

function pointOf(sample: Sample | null, { at, terms }: Decision): Point {
  const sources = sample?.vertices.filter(({ inputs }) => inputs.length === 0) ?? [];
  const of = (subject: string, quantity: string): number | null =>
    terms.findLast((term) => term.subject === subject && term.quantity === quantity)?.value ?? null;
  const load = of('job', 'load');
  // Of the vertex that would be the first to have all hands full.
  const shares = (sample?.vertices ?? []).flatMap(({ name }) => {
    const [asked, can] = [of(name, 'load'), of(name, 'capacity')];
    return asked === null || can === null || asked <= 0 ? [] : [can / asked];
  });
  const pending = sources.flatMap(({ pendingRecords }) => pendingRecords ?? []);
  return {
    at,
    load,
    capacity: load === null || shares.length === 0 ? null : load * Math.min(...shares),
    pending: pending.length === 0 || pending.length < sources.length ? null : pending.reduce((a, b) => a + b, 0),
    lag: of('job', 'lag'),
    parallelism: widestOf(Object.fromEntries((sample?.vertices ?? []).map(({ id, parallelism }) => [id, parallelism]))),
  };
}

function widestOf(parallelism: Readonly<Record<string, number>>): number | null {
  const all = Object.values(parallelism);
  return all.length === 0 ? null : Math.max(...all);
}
