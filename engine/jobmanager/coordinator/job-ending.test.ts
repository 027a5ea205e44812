// The last steps of a job when storage refuses them: tried again at growing intervals, told of, never given up.
import { Operations } from './operations.ts';
import { committable, testOptions, testPlan, World } from './testing.ts';

const TRIGGER = 'e'.repeat(32);

/** A stream that has stopped with a savepoint, whose result is to be written. */
function stopped(): World {
  const world = new World(testOptions(testPlan('STREAMING', 2)));
  world.register('tm-0', 2);
  world.run();
  world.tell({ type: 'savepoint', triggerId: TRIGGER, directory: 'sp', stop: 'STOP', existing: false });
  world.acknowledgeAll(1, [committable('a')]);
  world.publish();
  return world;
}

const failCommit = (world: World, message: string): void => {
  world.tell({ type: 'commitFailed', commit: world.of('commit').at(-1)!.commit, message });
};

test('a commit that fails is tried at growing intervals, up to half a minute apart, for as long as it takes', () => {
  const world = stopped();
  world.tell({ type: 'resultWritten' });
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    failCommit(world, 'EIO');
    pauses.push(world.coordinator.nextTimer()! - world.now);
    world.wait(pauses.at(-1)!);
  }
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  expect(world.of('commit')).toHaveLength(9);
  world.commit();
  expect(world.coordinator.status).toBe('FINISHED');
});

test('why it fails stands among the exceptions, once as long as the reason is the same', () => {
  const world = stopped();
  world.tell({ type: 'resultFailed', message: 'ENOSPC' });
  world.wait(1000);
  world.tell({ type: 'resultWritten' });
  for (const message of ['EIO', 'EIO', 'EACCES']) {
    failCommit(world, message);
    world.wait(60_000);
  }
  const exceptions = world.coordinator
    .view()
    .exceptions.map(({ exceptionName, stacktrace }) => [exceptionName, stacktrace.split(': ').at(-1)]);
  expect(exceptions).toEqual([
    ['COMMIT_FAILED', 'EACCES'],
    ['COMMIT_FAILED', 'EIO'],
    ['RESULT_UNWRITTEN', 'ENOSPC'],
  ]);
  expect(world.coordinator.status).toBe('RUNNING');
});

test('of operations that have ended the newest are remembered, and all that are in progress', () => {
  const operations = new Operations();
  operations.begin('first', 'SAVEPOINT');
  for (let i = 0; i < 1000; i++) {
    operations.begin(`checkpoint-${i}`, 'CHECKPOINT');
    operations.complete(`checkpoint-${i}`, String(i));
  }
  expect(operations.status('first', 'SAVEPOINT')).toEqual({ state: 'IN_PROGRESS' });
  const known = Array.from({ length: 1000 }, (_, i) => operations.status(`checkpoint-${i}`, 'CHECKPOINT')).filter(
    (status) => status !== null,
  );
  expect(known).toHaveLength(256);
  expect(known.at(-1)).toEqual({ state: 'COMPLETED', location: '999' });
});
