// Mode Automatic is a stream to the lifecycle: what it keeps is kept.
import { newSpec } from './simulated-objects.fixture.ts';
import { runningWorld } from './simulated-world.fixture.ts';

test('a job with mode Automatic is upgraded with a savepoint, and proves itself by a checkpoint', () => {
  const world = runningWorld(newSpec('Automatic'));
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1, healthy: true } });
  world.edit((spec) => void (spec.job.sql = { inline: 'version 1' }));
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
  const { attempt, lastSavepoint } = world.job.status!;
  expect(attempt).toMatchObject({ epoch: 2, restoreFrom: lastSavepoint!.path });
  expect(world.job.status?.accepted?.spec).toMatchObject({
    deletionPolicy: 'Savepoint',
    upgrade: { strategy: 'Savepoint', rollback: { enabled: true } },
  });
});
