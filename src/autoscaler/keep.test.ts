// What of it is worth being written down, and what counts after it was read again.
import { emptyKept } from './defaults.ts';
import { keepWithin, LATER_MS, resumed, SOON_MS } from './keep.ts';
import type { Kept, Time } from './model.ts';
import { STEP_MS } from './recent.ts';
import { config, HOUR, MINUTE, MONDAY, SteadyJob } from './steady-job.fixture.ts';

/** A quarter of an hour of steady load, then as `then` has it. */
function after(then: (job: SteadyJob) => void): { kept: Kept; written: Kept } {
  const job = new SteadyJob({ parallelism: 4 }).run(800, 15 * MINUTE);
  const written = job.history.kept;
  then(job);
  return { kept: job.history.kept, written };
}

it('finds nothing new in a job at rest, look for look, once it has seen a week', () => {
  const job = new SteadyJob({ parallelism: 3 }).run(800, 7 * HOUR);
  job.history.kept.profile!.slots.fill(800);
  const written = job.history.kept;
  for (const end = job.now + 6 * HOUR; job.now < end;) {
    job.run(800, 10_000);
    expect(keepWithin(job.history.kept, written)).toBeNull();
  }
  expect(job.history.kept.recent).not.toEqual(written.recent);
  expect(job.history.kept.profile).not.toEqual(written.profile);
});

it('takes a half hour of a week that was not seen before, or was another, for news that can wait', () => {
  const job = new SteadyJob({ parallelism: 3 }).run(800, 2 * HOUR);
  const { kept } = job.history;
  job.run(800, HOUR);
  expect(keepWithin(job.history.kept, kept)).toBe(LATER_MS);
  const [written, profile] = [job.history.kept, job.history.kept.profile!];
  const slots = (load: number): Kept => ({ ...written, profile: { ...profile, slots: profile.slots.with(0, load) } });
  expect(keepWithin(slots(820), slots(800))).toBeNull();
  expect(keepWithin(slots(900), slots(800))).toBe(LATER_MS);
});

it('takes the first measurements for news that can wait', () => {
  const { kept } = after(() => undefined);
  expect(keepWithin(kept, emptyKept())).toBe(LATER_MS);
});

it('takes what was decided and what came of it for news', () => {
  const { kept, written } = after((job) => job.run(4_000, 2 * MINUTE));
  expect(kept.actions).toHaveLength(1);
  expect(keepWithin(kept, written)).toBe(SOON_MS);
  // That an action is a day old and does not count any more is none.
  expect(keepWithin({ ...kept, actions: [] }, kept)).toBeNull();
  expect(keepWithin({ ...kept, unproven: null }, { ...kept, unproven: { at: 0, vertices: {} } })).toBe(SOON_MS);
});

const bill = { since: 0, total: 1, currency: 'EUR', perHour: 2, until: 0 };
it.each<[string, Partial<Kept>, number | null]>([
  ['a ceiling', { vertices: vertex({ ceiling: { parallelism: 2, capacity: 9, until: 9, tries: 1 } }) }, SOON_MS],
  ['a stop', { stopped: { at: 1, cause: 'Idle' } }, SOON_MS],
  ['a notice that began', { notices: [{ kind: 'AtMaximum', subject: 'job', seenAt: 1 }] }, SOON_MS],
  ['another cost per hour', { cost: bill }, SOON_MS],
  ['more memory after a kill', { memory: { ...emptyKept().memory, bumpedBytes: 9, killsSeen: 1 } }, SOON_MS],
  ['another rate', { vertices: vertex({ ratePerSubtask: 112 }) }, LATER_MS],
  ['about the same rate', { vertices: vertex({ ratePerSubtask: 109 }) }, null],
  ['another pause', { pauseMs: 3_000 }, LATER_MS],
  ['a higher use of memory', { memory: { ...emptyKept().memory, peakBytes: 2 ** 30 } }, LATER_MS],
  ['the same use of memory a day later', { memory: { ...emptyKept().memory, peakAt: 25 * HOUR } }, LATER_MS],
  ['a load that goes up and down', { overSince: 1, warmSince: 1, idleSince: 1 }, null],
  ['a rescale that is under way', { asked: { at: 1, run: 'r', rescales: 1 } }, null],
  ['the load of the last minutes', { recent: { steps: [1, 2], start: 3 * STEP_MS, sum: 1, count: 1 } }, null],
])('%s', (_what, more, within) => {
  const written = { ...emptyKept(), vertices: vertex({}) };
  expect(keepWithin({ ...written, ...more }, written)).toBe(within);
});

function vertex(more: Partial<Kept['vertices'][string]>): Kept['vertices'] {
  return { v: { parallelism: 1, ratePerSubtask: 100, ratio: 1, tellsPending: true, ceiling: null, ...more } };
}

it('of the bill finds nothing new while the same runs, and of a notice while it lasts', () => {
  const written: Kept = { ...emptyKept(), cost: bill, notices: [{ kind: 'AtMaximum', subject: 'job', seenAt: 1 }] };
  const kept: Kept = { ...written, notices: [{ kind: 'AtMaximum', subject: 'job', seenAt: HOUR }] };
  expect(keepWithin(kept, written)).toBeNull();
});

describe('what was written', () => {
  const kept: Kept = {
    ...emptyKept(),
    ...{ overSince: MONDAY, warmSince: MONDAY, idleSince: MONDAY },
    notices: [{ kind: 'AtMaximum', subject: 'job', seenAt: MONDAY }],
  };
  const since = ({ overSince, warmSince, idleSince }: Kept): (Time | null)[] => [overSince, warmSince, idleSince];

  it('goes on where it was when another takes over at once', () => {
    expect(since(resumed(kept, MONDAY, MONDAY + 15_000))).toEqual([MONDAY, MONDAY, MONDAY]);
  });

  it('says nothing of how long something lasts when nobody watched in between', () => {
    expect(since(resumed(kept, MONDAY, MONDAY + HOUR))).toEqual([null, null, null]);
  });

  it('is not told anew', () => {
    const now = MONDAY + HOUR;
    expect(resumed(kept, MONDAY, now).notices).toEqual([{ kind: 'AtMaximum', subject: 'job', seenAt: now }]);
  });
});

it('tells a notice once while it lasts or comes and goes, and again after it was over', () => {
  const job = new SteadyJob({ parallelism: 1, config: config({ maxParallelism: 2 }) });
  const told = (): string[] => job.begun.splice(0).map(({ kind }) => kind);
  job.run(3_000, HOUR);
  expect(told()).toEqual(['AtMaximum']);
  job.run(500, 10 * MINUTE).run(3_000, HOUR);
  expect(told()).toEqual([]);
  expect(job.history.kept.notices).toMatchObject([{ kind: 'AtMaximum', subject: 'job' }]);
  job.run(500, HOUR);
  expect(job.history.kept.notices).toEqual([]);
  job.run(3_000, HOUR);
  expect(told()).toEqual(['AtMaximum']);
});
