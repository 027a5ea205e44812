// Savepoints by schedule: when they are made, what is made up for, and which are kept.
import fc from 'fast-check';
import { PAUSE_ANNOTATION } from '../api/group.ts';
import type { FlowJobSpec } from '../api/flowjob.ts';
import { retained, type Retainable } from './savepoint-schedule.ts';
import { World } from './simulated-world.fixture.ts';

const resources = { limits: { memory: '512Mi' } };
const HOUR = 3_600_000;
const spec = (savepoints: FlowJobSpec['state']['savepoints']): FlowJobSpec => ({
  engine: { type: 'Embedded' },
  mode: 'Streaming',
  suspend: false,
  restartNonce: 0,
  job: { sql: { inline: 'version 0' } },
  state: { checkpoint: { interval: '10s' }, ...(savepoints === undefined ? {} : { savepoints }) },
  upgrade: {},
  jobManager: { resources },
  taskManager: { replicas: 1, slots: 1, resources },
});
const hourly = { schedule: '0 * * * *', retain: { count: 3 } };

/** Runs since a quarter past midnight. */
function running(savepoints: FlowJobSpec['state']['savepoints'] | null = hourly): World {
  const world = new World(spec(savepoints ?? undefined));
  world.now = Date.parse('2026-01-01T00:15:00Z');
  rest(world);
  expect(world.job.status?.state).toBe('Running');
  return world;
}
/** Lets the work be done that is there, while time stands still. */
function rest(world: World, rounds = 12): void {
  for (let i = 0; i < rounds; i++) {
    world.progress();
    world.pass();
  }
}
const until = (world: World, time: string): void => {
  world.now = Date.parse(`2026-01-01T${time}:00Z`);
  rest(world);
};
const times = (world: World): string[] =>
  world.savepoints.map(({ metadata: { name } }) =>
    new Date(Number(name.replace('orders-', '')) * 60_000).toISOString().slice(11, 16),
  );

test('a savepoint is made for each time of the schedule, complete and the newest of the job', () => {
  const world = running();
  expect(times(world)).toEqual([]);
  expect(world.pass()?.requeueAt).toBe(Date.parse('2026-01-01T01:00:00Z'));
  until(world, '01:00');
  expect(times(world)).toEqual(['01:00']);
  expect(world.savepoints[0]).toMatchObject({ spec: { disposalPolicy: 'Delete' }, status: { state: 'Completed' } });
  expect(world.job.status?.lastSavepoint?.path).toBe(world.savepoints[0]?.status?.path);
  until(world, '01:59');
  expect(times(world)).toEqual(['01:00']);
  until(world, '02:03');
  expect(times(world)).toEqual(['01:00', '02:00']);
});

test('of times that were missed the last one is made up for, once', () => {
  const world = running();
  until(world, '05:30');
  expect(times(world)).toEqual(['05:00']);
  rest(world);
  expect(times(world)).toEqual(['05:00']);
});

test('a time that is not served by a crash in between is served once, under its name', () => {
  const world = running();
  world.now = Date.parse('2026-01-01T01:00:00Z');
  world.pass('after write');
  expect(world.savepoints).toEqual([]);
  expect(world.job.status?.savepointSchedule?.pending).toMatch(/^orders-\d+$/);
  rest(world);
  expect(times(world)).toEqual(['01:00']);
});

test('one that somebody deletes does not come back', () => {
  const world = running();
  until(world, '01:00');
  world.savepoints = [];
  rest(world);
  expect(times(world)).toEqual([]);
});

test('a suspended job takes none, and none for the time that it was suspended', () => {
  const world = running();
  world.edit((s) => void (s.suspend = true));
  until(world, '00:30');
  expect(world.job.status?.state).toBe('Suspended');
  until(world, '03:30');
  expect(times(world)).toEqual([]);
  world.edit((s) => void (s.suspend = false));
  rest(world);
  expect(world.job.status?.state).toBe('Running');
  expect(times(world)).toEqual([]);
  until(world, '04:00');
  expect(times(world)).toEqual(['04:00']);
});

test('a paused job takes none; afterwards the last one is made up for', () => {
  const world = running();
  world.job.metadata.annotations = { [PAUSE_ANNOTATION]: 'true' };
  until(world, '02:30');
  expect(times(world)).toEqual([]);
  world.job.metadata.annotations = {};
  rest(world);
  expect(times(world)).toEqual(['02:00']);
});

test('a schedule that is new or was changed says nothing of the time before', () => {
  const world = running(null);
  until(world, '02:30');
  world.edit((s) => void (s.state.savepoints = hourly));
  rest(world);
  expect(times(world)).toEqual([]);
  world.edit((s) => void (s.state.savepoints = { ...hourly, schedule: '*/10 * * * *' }));
  rest(world);
  expect(times(world)).toEqual([]);
  until(world, '02:40');
  expect(times(world)).toEqual(['02:40']);
  expect(world.job.status?.attempt?.epoch).toBe(1);
});

test('one that cannot be taken does not lead to a heap of them', () => {
  const world = running();
  for (const hour of ['01', '02', '03']) {
    world.now = Date.parse(`2026-01-01T${hour}:00:00Z`);
    for (let i = 0; i < 3; i++) world.pass();
  }
  expect(times(world)).toEqual(['01:00']);
});

test('older ones than the count go with their files; those of people stay', () => {
  const world = running();
  world.savepoints.push({
    ...structuredClone({
      apiVersion: 'flowjob.dev/v1alpha1' as const,
      kind: 'FlowSavepoint' as const,
      spec: { jobRef: { name: 'orders' }, disposalPolicy: 'Retain' as const },
    }),
    metadata: {
      name: 'orders-by-hand',
      namespace: 'default',
      uid: 'by-hand',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:20:00Z',
    },
  });
  rest(world);
  for (const hour of ['01', '02', '03', '04', '05', '06']) until(world, `${hour}:00`);
  expect(world.savepoints.map(({ metadata }) => metadata.name)).toContain('orders-by-hand');
  world.savepoints = world.savepoints.filter(({ metadata }) => metadata.name !== 'orders-by-hand');
  expect(times(world)).toEqual(['04:00', '05:00', '06:00']);
  const paths = world.savepoints.map(({ status }) => status?.path);
  expect(world.snapshots.filter(({ kind, path }) => kind === 'Savepoint' && paths.includes(path))).toHaveLength(3);
  expect(world.snapshots.filter(({ kind }) => kind === 'Savepoint')).toHaveLength(4);
});

test('what is older than the age goes, but not the newest', () => {
  const world = running({ schedule: '0 0-3 * * *', retain: { count: 10, age: '2h' } });
  for (const hour of ['01', '02', '03']) until(world, `${hour}:00`);
  expect(times(world)).toEqual(['02:00', '03:00']);
  expect(world.pass()?.requeueAt).toBe(Date.parse('2026-01-01T04:00:00Z'));
  until(world, '20:00');
  expect(times(world)).toEqual(['03:00']);
  expect(world.snapshots.filter(({ kind }) => kind === 'Savepoint')).toHaveLength(1);
});

test('a schedule that cannot be followed is told while the job runs on, and followed once it is corrected', () => {
  const world = running({ schedule: '0 * * * *', timeZone: 'Mars/Phobos', retain: { count: 3 } });
  const stalled = () => world.job.status?.conditions.find(({ type }) => type === 'Stalled');
  expect(stalled()).toMatchObject({ reason: 'InvalidSchedule' });
  expect(stalled()?.message).toMatch(/timeZone: "Mars\/Phobos".*The job runs on\./);
  until(world, '01:00');
  expect(times(world)).toEqual([]);
  world.edit((s) => void (s.state.savepoints!.timeZone = 'Europe/Berlin'));
  until(world, '02:00');
  expect(stalled()).toBeUndefined();
  until(world, '03:00');
  expect(times(world)).toEqual(['03:00']);
});

test('at rest nothing is written between two times', () => {
  const world = running();
  until(world, '01:00');
  const { writes } = world;
  for (let i = 0; i < 5; i++) {
    world.now += 60_000;
    world.pass();
  }
  expect(world.writes).toBe(writes);
});

describe('retention', () => {
  const one = fc.record({
    at: fc.integer({ min: 0, max: 100 }).map((hours) => hours * HOUR),
    needed: fc.boolean(),
  });
  const all = fc.array(one, { maxLength: 30 }).map((list) => list.map((x, i): Retainable => ({ ...x, name: `s${i}` })));
  const count = fc.integer({ min: 1, max: 12 });
  const age = fc.oneof(
    fc.constant(Infinity),
    fc.integer({ min: 1, max: 120 }).map((hours) => hours * HOUR),
  );
  const now = 100 * HOUR;

  test('never takes the newest, nor what a job would start from', () => {
    fc.assert(
      fc.property(all, count, age, (list, most, oldest) => {
        const { remove } = retained(list, { count: most, age: oldest, now });
        const newest = Math.max(...list.map(({ at }) => at));
        const kept = list.filter(({ name }) => !remove.includes(name));
        if (list.length > 0) expect(kept.some(({ at }) => at === newest)).toBe(true);
        for (const { needed, name } of list) if (needed) expect(remove).not.toContain(name);
      }),
    );
  });

  test('without an age never goes below the count, and above it only for what is needed', () => {
    fc.assert(
      fc.property(all, count, (list, most) => {
        const { remove, nextAt } = retained(list, { count: most, age: Infinity, now });
        const kept = list.filter(({ name }) => !remove.includes(name));
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(most, list.length));
        expect(kept.filter(({ needed }) => !needed).length).toBeLessThanOrEqual(most);
        expect(nextAt).toBeNull();
        // Nothing that is kept for its rank is older than what goes.
        const oldestGone = Math.max(...list.filter(({ name }) => remove.includes(name)).map(({ at }) => at));
        for (const { at, needed } of kept.filter((x) => !x.needed)) {
          expect(needed).toBe(false);
          expect(at).toBeGreaterThanOrEqual(remove.length === 0 ? at : oldestGone);
        }
      }),
    );
  });

  test('with an age nothing older stays but the newest and what is needed, and it is looked at again just when one is too old', () => {
    fc.assert(
      fc.property(all, count, age, (list, most, oldest) => {
        const { remove, nextAt } = retained(list, { count: most, age: oldest, now });
        const tooOld = list.filter(({ at, needed, name }) => !needed && now - at >= oldest && !remove.includes(name));
        expect(tooOld.length).toBeLessThanOrEqual(1);
        if (nextAt === null) return;
        const kept = list.filter(({ name }) => !remove.includes(name));
        const limits = { count: most, age: oldest };
        expect(nextAt).toBeGreaterThan(now);
        expect(retained(kept, { ...limits, now: nextAt - 1 }).remove).toEqual([]);
        expect(retained(kept, { ...limits, now: nextAt }).remove.length).toBeGreaterThan(0);
      }),
    );
  });
});
