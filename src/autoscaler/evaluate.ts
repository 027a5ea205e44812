// From what was measured to what must be known: how many records arrive at each vertex, how many it could handle, what waits, and what is not known.
import { partsOf, worth } from './alignment.ts';
import type { Kept, KeptVertex, Term, Unknown, VertexSample } from './model.ts';
import type { Measured } from './readings.ts';

/** Below this busy share a measured rate is mostly rounding: the remembered one is used, and raised a little with each look where it cannot be true. */
const MIN_BUSY = 0.005;
const RAISE = 1.01;
/** Of an older measurement in the same configuration, what a new one replaces. */
const RATE_WEIGHT = 0.3;
const RATIO_WEIGHT = 0.1;
/** A source that is never idle and does not tell what waits may have more to read than it reads: it is given half more subtasks, and looked at again. */
const SATURATED = 0.95;
const UNSEEN_SUBTASKS = 1.5;

export interface VertexLoad {
  vertex: VertexSample;
  measured: Measured;
  /** Records per second that arrive, whether they are handled or not. Null: not known. */
  load: number | null;
  /** Of those that wait at the sources, how many will arrive here. */
  backlog: number;
  /** Records per second that the present subtasks can handle (the true processing rate). Null: never measured. */
  capacity: number | null;
  /** Records per second of one busy subtask among evenly loaded ones. */
  rate: number | null;
  /** `rate` was measured just now, not remembered. */
  fresh: boolean;
  /** How much busier its busiest subtask is than key groups and partitions explain; 1: not at all. */
  skew: number;
}

export interface Evaluation {
  vertices: VertexLoad[];
  /** Records per second that arrive at all sources. Null: not known. */
  load: number | null;
  /** The age of the oldest waiting record, milliseconds: the least that waited within the window, by what arrives. Null: no source tells. */
  lagMs: number | null;
  /** The load may be higher than what was seen: no source tells what waits, and one is at its limit. */
  atLeast: boolean;
  unknown: Unknown[];
  terms: Term[];
}

export function evaluate(
  measured: readonly Measured[],
  unknownMetrics: readonly Unknown[],
  kept: Kept,
  target: number,
): Evaluation {
  const unknown = [...unknownMetrics];
  const terms: Term[] = [];
  const loads = new Map<string, VertexLoad>();
  const byId = new Map(measured.map((one) => [one.vertex.id, one]));
  for (const one of measured) {
    const { vertex } = one;
    const source = vertex.inputs.length === 0;
    const known = kept.vertices[vertex.id];
    if (source && one.pending === null && known?.tellsPending === true)
      unknown.push({ subject: vertex.name, metric: 'pendingRecords', why: 'missing for too long' });
    const arriving = source ? sourceLoad(one, target, terms) : inputLoad(one, byId, loads, terms);
    const rates = trueRate(one, known, unknown, terms);
    loads.set(vertex.id, { vertex, measured: one, ...arriving, ...rates });
  }
  const vertices = [...loads.values()];
  const sources = vertices.filter(({ vertex }) => vertex.inputs.length === 0);
  const load = sources.some((source) => source.load === null) ? null : sum(sources.map((source) => source.load!));
  const lagMs = lagOf(sources, ({ pending }) => pending);
  const lagNowMs = lagOf(sources, ({ pendingNow }) => pendingNow);
  if (load !== null) terms.push(term('job', 'load', 'sum over its sources', load, 'records/s'));
  if (lagNowMs !== null) terms.push(term('job', 'lag', 'records that wait / load', lagNowMs / 1_000, 's'));
  // A single reading moves no decision; people ask how it is now.
  if (lagMs !== null && lagMs !== lagNowMs)
    terms.push(term('job', 'lasting lag', 'fewest that waited in the last 30 s / load', lagMs / 1_000, 's'));
  return { vertices, load, lagMs, atLeast: sources.some(({ measured: one }) => isSaturated(one)), unknown, terms };
}

/** Of the source that is furthest behind. Null: none tells what waits. */
function lagOf(sources: readonly VertexLoad[], waitingAt: (measured: Measured) => number | null): number | null {
  const lags = sources.flatMap(({ measured, load }) => {
    const waiting = waitingAt(measured);
    return waiting === null || load === null ? [] : [waiting === 0 ? 0 : (waiting / Math.max(load, 1)) * 1_000];
  });
  return lags.length === 0 ? null : Math.max(...lags);
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

const isSaturated = ({ pending, busy, backPressured }: Measured): boolean =>
  pending === null && busy !== null && busy + (backPressured ?? 0) >= SATURATED;

/** What is read plus what is left lying. */
function sourceLoad(one: Measured, target: number, terms: Term[]): { load: number | null; backlog: number } {
  const { rateIn, pending, pendingGrowth, vertex } = one;
  if (rateIn === null) return { load: null, backlog: 0 };
  if (isSaturated(one)) {
    const unseen = Math.max(1.05, UNSEEN_SUBTASKS * target);
    const load = rateIn * unseen;
    terms.push(
      term(vertex.name, 'load', `at least ${fixed(rateIn)} read/s, at its limit × ${fixed(unseen)}`, load, 'records/s'),
    );
    return { load, backlog: 0 };
  }
  const load = Math.max(0, rateIn + (pendingGrowth ?? 0));
  const formula =
    pendingGrowth === null ? 'records read' : `${fixed(rateIn)} read/s + ${fixed(pendingGrowth)}/s more that wait`;
  terms.push(term(vertex.name, 'load', formula, load, 'records/s'));
  return { load, backlog: pending ?? 0 };
}

/** What its inputs would send if they handled all that arrives at them. */
function inputLoad(
  one: Measured,
  byId: ReadonlyMap<string, Measured>,
  loads: ReadonlyMap<string, VertexLoad>,
  terms: Term[],
): { load: number | null; backlog: number } {
  let load: number | null = 0;
  let backlog = 0;
  const parts: string[] = [];
  for (const { id } of one.vertex.inputs) {
    const input = loads.get(id);
    const ratio = input === undefined ? null : edgeRatio(input.measured, one, byId);
    if (input === undefined || ratio === null || input.load === null) {
      // Nothing arrives at the input, so nothing comes from it, whatever the ratio.
      if (input?.load === 0) continue;
      load = null;
      continue;
    }
    parts.push(`${fixed(input.load)} × ${fixed(ratio)}`);
    if (load !== null) load += input.load * ratio;
    backlog += input.backlog * ratio;
  }
  if (load !== null) terms.push(term(one.vertex.name, 'load', parts.join(' + '), load, 'records/s'));
  return { load, backlog };
}

/** Records that reach `to` for each one that `from` receives: measured on the edge where it is the only one of either side, as Flink's autoscaler does. */
function edgeRatio(from: Measured, to: Measured, byId: ReadonlyMap<string, Measured>): number | null {
  if (from.rateIn === null || from.rateIn <= 0) return null;
  const others = to.vertex.inputs.filter(({ id }) => id !== from.vertex.id);
  if (others.length === 0) return to.rateIn === null ? null : to.rateIn / from.rateIn;
  const outputs = [...byId.values()].filter(({ vertex }) => vertex.inputs.some(({ id }) => id === from.vertex.id));
  if (outputs.length === 1) return from.rateOut === null ? null : from.rateOut / from.rateIn;
  // A vertex that feeds several, into one that is fed by several: what the others did not send.
  const sent = others.map(({ id }) => byId.get(id)?.rateOut ?? null);
  if (to.rateIn === null || sent.includes(null)) return null;
  return Math.max(0, to.rateIn - sum(sent as number[])) / from.rateIn;
}

/** What it can handle: what it handles, by the share of time that its busiest subtask needs for it. */
function trueRate(
  one: Measured,
  known: KeptVertex | undefined,
  unknown: Unknown[],
  terms: Term[],
): Pick<VertexLoad, 'capacity' | 'rate' | 'fresh' | 'skew'> {
  const { vertex, rateIn, busy, hottest, backPressured, alwaysBehind } = one;
  const even = worth(vertex.parallelism, partsOf(vertex));
  const remembered = known?.ratePerSubtask ?? null;
  const fromMemory = {
    capacity: remembered === null ? null : remembered * even,
    rate: remembered,
    fresh: false,
    skew: 1,
  };
  if (rateIn === null || busy === null || hottest === null) return fromMemory;
  // A source with records waiting works all the time that it is not held up, whatever it says of itself.
  const used = alwaysBehind ? Math.max(hottest, 1 - (backPressured ?? 0)) : hottest;
  const expected = remembered === null ? 0 : rateIn / (remembered * even);
  if (used < MIN_BUSY) {
    // So little work: at least so fast.
    if (remembered === null && rateIn > 0)
      return { ...fromMemory, capacity: rateIn / MIN_BUSY, rate: rateIn / MIN_BUSY / even };
    if (expected <= 5 * MIN_BUSY) return fromMemory;
    unknown.push({ subject: vertex.name, metric: 'busyTimeMsPerSecond', why: 'told to be idle while records flow' });
    return { ...fromMemory, rate: remembered! * RAISE };
  }
  if (rateIn === 0) return fromMemory;
  const measured = rateIn / used / even;
  const smooth = known?.parallelism === vertex.parallelism && remembered !== null;
  const rate = smooth ? remembered + RATE_WEIGHT * (measured - remembered) : measured;
  const evenly = (busy * vertex.parallelism) / even;
  const skew = evenly > 0 ? Math.max(1, hottest / evenly) : 1;
  terms.push(
    term(vertex.name, 'true rate', `${fixed(rateIn)} records/s / ${fixed(used)} busy`, rateIn / used, 'records/s'),
    term(vertex.name, 'capacity', `${fixed(rate)} × ${fixed(even)} even subtasks`, rate * even, 'records/s'),
  );
  return { capacity: rate * even, rate, fresh: true, skew };
}

/** What to remember of the vertices for times in which they cannot be measured, and for plans. */
export function rememberVertices(evaluation: Evaluation, kept: Kept): Record<string, KeptVertex> {
  const total = sum(
    evaluation.vertices.flatMap(({ vertex, measured }) => (vertex.inputs.length === 0 ? [measured.rateIn ?? 0] : [])),
  );
  return Object.fromEntries(
    evaluation.vertices.map(({ vertex, measured, rate, fresh }) => {
      const known = kept.vertices[vertex.id];
      const now = total > 0 && measured.rateIn !== null ? measured.rateIn / total : null;
      const before = known?.ratio ?? null;
      const ratio = now === null ? before : before === null ? now : before + RATIO_WEIGHT * (now - before);
      const tellsPending = measured.pending !== null || known?.tellsPending === true;
      return [
        vertex.id,
        {
          parallelism: fresh ? vertex.parallelism : (known?.parallelism ?? 0),
          ratePerSubtask: rate,
          ratio,
          tellsPending,
          ceiling: known?.ceiling ?? null,
        },
      ];
    }),
  );
}

export const term = (subject: string, quantity: string, formula: string, value: number, unit: string): Term => ({
  subject,
  quantity,
  formula,
  value,
  unit,
});

/** For formulas: three significant figures, or whole. */
export function fixed(value: number): string {
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
