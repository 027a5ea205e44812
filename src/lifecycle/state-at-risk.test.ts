// What a change puts at risk of the state is told before the running version is stopped for it.
import { newSpec } from './simulated-objects.fixture.ts';
import { runningWorld } from './simulated-world.fixture.ts';

test('an event and the condition say it in the pass before the stop, and the condition until the version is gone', () => {
  const world = runningWorld(newSpec('Streaming'));
  world.stateAtRisk = 'INSERT INTO b (line 3): set spec.upgrade.strategy to Stateless.';
  world.edit((spec) => void (spec.job.sql = { inline: 'version 1' }));
  const first = world.pass();
  expect(first?.events?.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
    `Upgrading: spec.job.sql.inline changed: the running version is replaced with a savepoint. ${world.stateAtRisk}`,
  ]);
  // Nothing of the stop has been asked of the engine.
  expect(first?.actions).toEqual([]);
  const message = (): string | undefined =>
    world.job.status?.conditions.find(({ type }) => type === 'Reconciling')?.message;
  expect(message()).toBe(
    `The running version is being stopped; the new one starts when it is gone. ${world.stateAtRisk}`,
  );
  world.pass();
  expect(message()).toContain(world.stateAtRisk);
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
});
