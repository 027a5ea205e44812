import type { Reading, Sample } from './model.ts';
import { measure, withReading } from './readings.ts';
import { MINUTE, MONDAY, SteadyJob } from './steady-job.fixture.ts';

const base = new SteadyJob({ parallelism: 2 }).run(600, MINUTE).sample();

/** A reading `seconds` after the start, of which the source has read `recordsIn`. */
const at = (seconds: number, recordsIn: number | null, more: Partial<Sample> = {}): Sample => ({
  ...base,
  at: MONDAY + seconds * 1_000,
  runningSince: MONDAY,
  vertices: base.vertices.map((vertex) => ({ ...vertex, recordsIn, pendingRecords: 0 })),
  ...more,
});

const rateOf = (readings: readonly Reading[]): number | null | undefined =>
  measure(readings, readings.at(-1)!.at)?.vertices[0]!.rateIn;

const all = (samples: readonly Sample[]): Reading[] => samples.reduce<Reading[]>(withReading, []);

it('takes rates between the first and the last reading of the window', () => {
  expect(rateOf(all([at(10, 0), at(20, 5_000), at(30, 10_000), at(40, 15_000)]))).toBe(500);
});

it('answers with nothing before it has settled for 5 s and run on for 15 s', () => {
  expect(measure(all([at(6, 0), at(16, 5_000)]), MONDAY + 16_000)).toBeNull();
});

it('does not reckon across a rescale', () => {
  const readings = all([at(10, 0), at(20, 5_000), at(30, 100, { rescales: base.rescales + 1 })]);
  expect(readings).toHaveLength(1);
});

it('goes on over a reading that lacks the metric, and not over half a minute of them', () => {
  expect(rateOf(all([at(10, 0), at(20, null), at(30, 10_000)]))).toBe(500);
  const silent = all([at(10, 0), at(20, 5_000), at(30, null), at(40, null), at(50, null)]);
  const measured = measure(silent, MONDAY + 50_000)!;
  expect(measured.vertices[0]!.rateIn).toBeNull();
  expect(measured.unknown.map(({ metric }) => metric)).toContain('numRecordsIn');
});

it('takes a counter that stood still while subtasks were busy for no counter, and what it jumps to for no rate', () => {
  const readings = all([at(10, 0), at(20, 0), at(30, 0), at(40, 20_000)]);
  expect(rateOf(readings)).toBeNull();
  expect(rateOf(all([...readings, at(50, 25_000), at(60, 30_000)]))).toBe(500);
});

it('takes a counter that went back for none', () => {
  expect(rateOf(all([at(10, 90_000), at(20, 95_000), at(30, 100)]))).not.toBe(500);
  expect(rateOf(all([at(10, 90_000), at(20, 95_000), at(30, 100), at(40, 105_000)]))).toBe(500);
});

it('begins anew when the clock was set back, also by more than the job has run', () => {
  const before = all([at(3_610, 0), at(3_620, 5_000), at(3_630, 10_000)]);
  const runningSince = MONDAY + 3_600_000;
  const back = [at(10, 20_000, { runningSince }), at(20, 21_000, { runningSince }), at(40, 23_000, { runningSince })];
  expect(rateOf([...before, ...back].reduce<Reading[]>(withReading, []))).toBe(100);
});

it('tells readings of minutes ago for unknown', () => {
  const readings = all([at(10, 0), at(20, 5_000), at(30, 10_000)]);
  expect(measure(readings, MONDAY + 30_000)!.unknown).toEqual([]);
  expect(measure(readings, MONDAY + 180_000)!.unknown[0]!.why).toContain('150 s old');
});

it('takes a source for one that lags when more waits than comes on its way in a second, and it grows or is worked off, or is very much', () => {
  const lags = (waiting: number, growth: number): boolean => {
    const reading = (seconds: number): Sample => {
      const { vertices } = at(seconds, seconds * 500);
      const pendingRecords = waiting + growth * seconds;
      return at(seconds, null, { vertices: vertices.map((vertex) => ({ ...vertex, pendingRecords })) });
    };
    return measure(all([reading(10), reading(20), reading(30)]), MONDAY + 30_000)!.vertices[0]!.alwaysBehind;
  };
  expect(lags(100, 10)).toBe(false);
  expect(lags(600, 0)).toBe(false);
  expect(lags(600, 50)).toBe(true);
  expect(lags(3_000, -50)).toBe(true);
  expect(lags(16_000, 0)).toBe(true);
});

it('does not let one reading of the waiting records move it', () => {
  const pending = [0, 0, 1_000_000, 0].map((pendingRecords, i) => {
    const sample = at(10 + 10 * i, 5_000 * i);
    return { ...sample, vertices: sample.vertices.map((vertex) => ({ ...vertex, pendingRecords })) };
  });
  const [source] = measure(all(pending), MONDAY + 40_000)!.vertices;
  expect(source).toMatchObject({ pending: 0, pendingGrowth: 0, pendingNow: 0 });
});
