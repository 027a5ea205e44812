// A version whose image cannot be had, or has not been found yet: the running one is not stopped for it.
import type { World } from './simulated-world.fixture.ts';
import { newSpec } from './simulated-objects.fixture.ts';
import { runningWorld } from './simulated-world.fixture.ts';

const missing = 'orders-image-0 does not start: ErrImagePull: not found -> correct spec.engine.image';
const condition = (world: World, type: string) => world.job.status?.conditions.find((one) => one.type === type);
const alive = (world: World): number => world.processes.filter(({ state }) => state === 'Running').length;

/** A job that runs and is asked to become another version, of which `newImages` is known. */
function asked(newImages: World['newImages'], mode: 'Streaming' | 'Batch' = 'Streaming'): World {
  const world = runningWorld(newSpec(mode));
  world.newImages = newImages;
  world.edit((spec) => void (spec.engine = { type: 'Embedded', image: 'flowjob:next' }));
  return world;
}

test.each(['Streaming', 'Batch'] as const)(
  'a %s job runs on while the image of its new version cannot be had, says so once, and is upgraded when it can',
  (mode) => {
    const world = asked({ trouble: missing }, mode);
    const events = Array.from({ length: 5 }, () => {
      const { now } = world;
      world.progress();
      world.now = now + 20_000;
      return world.pass()?.events ?? [];
    }).flat();
    expect(events).toMatchObject([{ type: 'Warning', reason: 'PodNotStarting' }]);
    expect(events[0]?.message).toContain(missing);
    expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 }, observedGeneration: 2 });
    expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'PodNotStarting' });
    expect(condition(world, 'Ready')?.message).toBe(
      `The running version goes on, for the image of the new one cannot be had. ${missing}`,
    );
    expect(condition(world, 'Reconciling')?.status).toBe('True');
    expect(alive(world)).toBe(2);
    world.newImages = null;
    expect(world.settle()).toBe(true);
    expect(world.job.status).toMatchObject({
      state: 'Running',
      attempt: { epoch: 2 },
      accepted: { spec: { engine: { image: 'flowjob:next' } } },
    });
    expect(condition(world, 'Ready')?.status).toBe('True');
    expect(world.violations).toEqual([]);
  },
);

test('while the image is looked for the job runs on, and tells nobody but its conditions', () => {
  const world = asked({ trouble: null });
  expect(world.pass()?.events).toEqual([]);
  expect(world.job.status?.state).toBe('Running');
  expect(condition(world, 'Reconciling')).toMatchObject({ reason: 'Upgrading' });
  expect(condition(world, 'Reconciling')?.message).toMatch(/running version goes on/);
  world.newImages = null;
  world.pass();
  expect(world.job.status?.state).toBe('Upgrading');
});

test('an image that is missing makes nobody look at the job in haste, one that is looked for does', () => {
  expect(asked({ trouble: missing }).pass()?.inMotion).toBe(false);
  expect(asked({ trouble: null }).pass()?.inMotion).toBe(true);
});

test('a change that is taken back leaves nothing behind', () => {
  const world = asked({ trouble: missing });
  world.pass();
  world.edit((spec) => void (spec.engine = { type: 'Embedded' }));
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Running' });
});

test('a job whose new version has no image can be suspended', () => {
  const world = asked({ trouble: missing });
  world.pass();
  world.edit((spec) => void (spec.suspend = true));
  expect(world.settle()).toBe(true);
  expect(world.job.status?.state).toBe('Suspended');
  expect(world.violations).toEqual([]);
});

test('savepoints are taken of a job whose new version has no image', () => {
  const world = asked({ trouble: missing });
  world.pass();
  world.createSavepoint('meanwhile');
  expect(world.settle()).toBe(true);
  expect(world.savepoints[0]?.status?.state).toBe('Completed');
});

test('a job that is lost while its new version has no image comes back as the version that it was', () => {
  const world = asked({ trouble: missing });
  world.pass();
  world.kill('JobManager');
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
  expect(world.job.status?.accepted?.spec.engine.image).toBeUndefined();
  expect(condition(world, 'Reconciling')?.message).toContain(missing);
  world.newImages = null;
  expect(world.settle()).toBe(true);
  expect(world.job.status?.accepted?.spec.engine.image).toBe('flowjob:next');
  expect(world.violations).toEqual([]);
});

test('a version that never ran is replaced at once, whatever is known of the image of the next', () => {
  const world = asked(null);
  world.progress();
  for (let i = 0; i < 10 && world.job.status?.state !== 'Starting'; i++) {
    world.pass();
    world.progress();
  }
  world.newImages = { trouble: missing };
  world.edit((spec) => void (spec.engine = { type: 'Embedded', image: 'flowjob:third' }));
  world.pass();
  expect(world.job.status?.state).toBe('Upgrading');
});

test('a JobManager that does not answer for a moment is no news while the image is missing', () => {
  const world = asked({ trouble: missing });
  world.pass();
  const { conditions } = world.job.status!;
  world.silent = true;
  world.silentFor = 100;
  expect(world.pass()?.events).toEqual([]);
  expect(world.job.status?.conditions).toEqual(conditions);
});
