// A stream whose text Flink is to compile once from now on, or no more: its state would not be found.
import { newSpec } from './simulated-objects.fixture.ts';
import { runningWorld } from './simulated-world.fixture.ts';

test('the change is refused while there is state to lose, and carried out without it where that is said', () => {
  const world = runningWorld(newSpec('Streaming'));
  world.edit((spec) => void (spec.job.sql = { inline: 'version 0', plan: 'Compiled' }));
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  const stalled = world.job.status!.conditions.find(({ type }) => type === 'Stalled');
  expect(stalled).toMatchObject({ reason: 'ChangeRefused' });
  expect(stalled?.message).toMatch(
    /^spec\.job\.sql\.plan \(AtEachStart to Compiled\) .*Set spec\.upgrade\.strategy to Stateless/,
  );
  expect(world.violations).toEqual([]);

  world.edit((spec) => void (spec.upgrade.strategy = 'Stateless'));
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
  expect(world.job.status?.attempt?.restoreFrom).toBeUndefined();
});

test('nor is it slipped in while the job is suspended', () => {
  const world = runningWorld(newSpec('Streaming'));
  world.edit((spec) => void (spec.suspend = true));
  world.settle();
  world.edit((spec) =>
    Object.assign(spec, { suspend: false, job: { ...spec.job, sql: { inline: 'version 0', plan: 'Compiled' } } }),
  );
  world.settle();
  const { state, conditions, lastSavepoint } = world.job.status!;
  expect([state, lastSavepoint?.path]).toEqual(['Failed', expect.any(String)]);
  expect(conditions.find(({ type }) => type === 'Stalled')?.message).toMatch(
    /^The job is not started: spec\.job\.sql\.plan/,
  );
  world.edit((spec) => void (spec.job.sql = { inline: 'version 0' }));
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: lastSavepoint?.path } });
});
