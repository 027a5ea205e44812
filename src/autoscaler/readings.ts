// The readings of the present configuration, and what they say of each vertex: rates from counters, shares of time from gauges. What is missing, stale,
// incomplete or contradicts itself is null, with a word why.
import type { Reading, Sample, SubtaskTimes, Time, Unknown, VertexSample } from './model.ts';

/** Readings older than this are not looked at: long enough to even out single seconds, short enough to see a step of the load soon. */
export const WINDOW_MS = 30_000;
/** After a start, caches fill and what waited is worked off: not measured. */
const SETTLE_MS = 5_000;
/** A rate is taken over at least this long. */
const MIN_SPAN_MS = 15_000;
/** How long a metric may be missing from the readings until it counts as unknown. */
const STALE_MS = 25_000;
/** A source that keeps up has records waiting, too: those of so long are on their way. */
const BEHIND_MS = 1_000;
/** It may have a few seconds of them all the time, such as what it fetches at once: only what moves by this share of what it reads tells that it is at its limit. */
const BEHIND_GROWTH = 0.05;
/** Unless it is so much, which no fetching explains. */
const FAR_BEHIND_MS = 30_000;
const FAR_BEHIND_RECORDS = 100;
/** How old the newest reading may be: metrics come late, but those of minutes ago say nothing of now. */
const OLD_MS = 90_000;

export interface Measured {
  vertex: VertexSample;
  /** Records per second. */
  rateIn: number | null;
  rateOut: number | null;
  /** Shares of time, 0 to 1: the mean over subtasks, and the busiest subtask. */
  busy: number | null;
  hottest: number | null;
  backPressured: number | null;
  /** Sources: records that wait, and by how many per second they grow. Null: not a source, or not known. */
  pending: number | null;
  pendingGrowth: number | null;
  /** Sources: what waited when it was read last. `pending` is the least of the window. */
  pendingNow: number | null;
  /** Sources: in every reading more waited than what comes on its way, and it grew or was worked off, so that whatever kept it from reading was its own limit. */
  alwaysBehind: boolean;
}

/** Adds a reading. Those of another configuration are dropped, and one that was taken already is not taken again. */
export function withReading(readings: readonly Reading[], sample: Sample): Reading[] {
  const last = readings.at(-1);
  if (last === undefined || !sameConfiguration(last, sample)) return [{ ...sample, countersTrusted: true }];
  // The clock was set back: what was read before would pass for new until it has caught up.
  if (sample.at < last.at) return [{ ...sample, countersTrusted: true }];
  if (sample.at === last.at) return [...readings];
  const young = readings.filter(({ at }) => at >= sample.at - WINDOW_MS - STALE_MS);
  // Busy, and not a record further: the counters stand still, and did when they were read before; what they jump to later is no rate.
  const stands = young.some((one) => one.vertices.some((vertex, i) => standsStill(vertex, sample.vertices[i]!)));
  if (stands)
    return [
      ...young.map((one) => (sameCounters(one, sample) ? { ...one, countersTrusted: false } : one)),
      { ...sample, countersTrusted: false },
    ];
  const trusted = young.filter(({ countersTrusted }) => countersTrusted);
  return [...young, { ...sample, countersTrusted: !trusted.some((one) => wentBack(one, sample)) }];
}

const standsStill = (before: VertexSample, now: VertexSample): boolean =>
  now.inputs.length === 0 &&
  now.recordsIn !== null &&
  now.recordsIn === before.recordsIn &&
  [before, now].every(({ subtasks }) => subtasks.some(({ busy }) => (busy ?? 0) > 100));

const sameCounters = (a: Sample, b: Sample): boolean =>
  a.vertices.every(({ recordsIn }, i) => recordsIn === b.vertices[i]!.recordsIn);

const wentBack = (a: Sample, b: Sample): boolean =>
  a.vertices.some(({ recordsIn }, i) => (b.vertices[i]!.recordsIn ?? Infinity) < (recordsIn ?? 0));

function sameConfiguration(a: Sample, b: Sample): boolean {
  return (
    a.run === b.run &&
    a.rescales === b.rescales &&
    a.runningSince === b.runningSince &&
    a.vertices.length === b.vertices.length &&
    a.vertices.every(({ id, parallelism }, i) => b.vertices[i]!.id === id && b.vertices[i]!.parallelism === parallelism)
  );
}

/** Null: too few readings yet. */
export function measure(
  readings: readonly Reading[],
  now: Time,
): { vertices: Measured[]; unknown: Unknown[]; spanMs: number } | null {
  const last = readings.at(-1);
  if (last === undefined || last.runningSince === null) return null;
  // By a clock that was set back since, it runs since a time to come.
  const since = last.runningSince > last.at ? readings[0]!.at : last.runningSince;
  const begin = Math.max(since + SETTLE_MS, last.at - WINDOW_MS);
  const window = readings.filter(({ at }) => at >= begin);
  if (window.length < 2 || last.at - window[0]!.at < MIN_SPAN_MS) return null;
  const unknown: Unknown[] = [];
  if (now - last.at > OLD_MS)
    unknown.push({
      subject: 'job',
      metric: 'all metrics',
      why: `the newest are ${Math.round((now - last.at) / 1_000)} s old`,
    });
  const vertices = last.vertices.map((vertex, i) => {
    const say = (metric: string, why: string): null => {
      unknown.push({ subject: vertex.name, metric, why });
      return null;
    };
    const of = window.map(({ at, countersTrusted, vertices: all }) => ({ at, countersTrusted, ...all[i]! }));
    return measureVertex(vertex, of, last.at, say);
  });
  return { vertices, unknown, spanMs: last.at - window[0]!.at };
}

type VertexReading = VertexSample & Pick<Reading, 'at' | 'countersTrusted'>;
type Say = (metric: string, why: string) => null;

function measureVertex(vertex: VertexSample, of: readonly VertexReading[], now: Time, say: Say): Measured {
  const source = vertex.inputs.length === 0;
  const rateIn = rate(of, 'recordsIn', now, (why) => say('numRecordsIn', why));
  // A gauge tells of the time before it was read: that of the first reading is before the window.
  const times = shares(of.slice(1), vertex.parallelism, now, (why) => say('busyTimeMsPerSecond', why));
  const known = source ? knownOf(of, 'pendingRecords') : [];
  const pending = waiting(known, now);
  const pendingGrowth = pending === null ? null : slope(of, 'pendingRecords', now);
  const measured: Measured = {
    vertex,
    rateIn,
    rateOut: rate(of, 'recordsOut', now, () => null),
    ...(times ?? { busy: null, hottest: null, backPressured: null }),
    pending,
    pendingGrowth,
    pendingNow: pending === null ? null : known.at(-1)!.value,
    alwaysBehind: pending !== null && isBehind(pending, pendingGrowth ?? 0, rateIn ?? 0),
  };
  if (rateIn === 0 && (measured.busy ?? 0) > 0.1) {
    say('numRecordsIn', `no record is counted although its subtasks are ${percent(measured.busy!)} busy`);
    measured.rateIn = null;
  }
  return measured;
}

function isBehind(pending: number, growth: number, rateIn: number): boolean {
  if (pending <= (rateIn * BEHIND_MS) / 1_000) return false;
  const far = pending >= FAR_BEHIND_RECORDS && pending > (rateIn * FAR_BEHIND_MS) / 1_000;
  return far || Math.abs(growth) > BEHIND_GROWTH * rateIn;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const usable = (value: number | null): value is number => value !== null && Number.isFinite(value) && value >= 0;

type Counter = 'recordsIn' | 'recordsOut' | 'pendingRecords';

function knownOf(of: readonly VertexReading[], name: Counter): { at: Time; value: number }[] {
  return of.flatMap((reading) => {
    const value = reading[name];
    return usable(value) && (name === 'pendingRecords' || reading.countersTrusted) ? [{ at: reading.at, value }] : [];
  });
}

/** The lowest of the window: a single reading that is far off moves nothing. */
function waiting(known: readonly { at: Time; value: number }[], now: Time): number | null {
  const last = known.at(-1);
  return last === undefined || now - last.at > STALE_MS ? null : Math.min(...known.map(({ value }) => value));
}

/** By how much a value moves per second; of what is missing in the middle the rest is used. Of waiting records the middle slope: they may be told wrong once. */
function slope(of: readonly VertexReading[], name: Counter, now: Time): number | null {
  const known = knownOf(of, name);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || now - last.at > STALE_MS || last.at - first.at < MIN_SPAN_MS)
    return null;
  if (name !== 'pendingRecords') return ((last.value - first.value) * 1_000) / (last.at - first.at);
  const slopes = known.slice(1).map(({ at, value }, i) => ((value - known[i]!.value) * 1_000) / (at - known[i]!.at));
  return median(slopes);
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function rate(of: readonly VertexReading[], name: Counter, now: Time, say: (why: string) => null): number | null {
  const known = knownOf(of, name);
  if (known.some(({ value }, i) => i > 0 && value < known[i - 1]!.value)) return say('the counter went back');
  const contradicts = of.some(({ countersTrusted }) => !countersTrusted);
  const why = contradicts
    ? 'the counters stand still or went back while records are handled'
    : 'missing or incomplete for too long';
  return slope(of, name, now) ?? say(why);
}

interface Shares {
  busy: number;
  hottest: number;
  backPressured: number;
}

/** Of the readings in which every subtask told all three times, and they make up about a second. */
function shares(
  of: readonly VertexReading[],
  parallelism: number,
  now: Time,
  say: (why: string) => null,
): Shares | null {
  const whole = of.filter(({ subtasks }) => subtasks.length === parallelism && subtasks.every(isWhole));
  const last = whole.at(-1);
  if (last === undefined || now - last.at > STALE_MS || whole.length * 2 < of.length)
    return say('missing, or busy, back-pressured and idle time do not add up to a second');
  const meanOf = (subtask: number, name: keyof SubtaskTimes): number =>
    whole.reduce((sum, { subtasks }) => sum + subtasks[subtask]![name]!, 0) / (whole.length * 1_000);
  const all = Array.from({ length: parallelism }, (_, i) => ({
    busy: Math.min(1, meanOf(i, 'busy')),
    backPressured: Math.min(1, meanOf(i, 'backPressured')),
  }));
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const busy = all.map((one) => one.busy);
  return { busy: mean(busy), hottest: Math.max(...busy), backPressured: mean(all.map((one) => one.backPressured)) };
}

function isWhole({ busy, backPressured, idle }: SubtaskTimes): boolean {
  if (!usable(busy) || !usable(backPressured) || !usable(idle)) return false;
  const sum = busy + backPressured + idle;
  return sum >= 800 && sum <= 1_200;
}
