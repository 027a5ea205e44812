// What REST says of checkpoints after there were more of them than it lists one by one.
import { checkpointsJson } from '../../rest/checkpoint-json.ts';
import { testOptions, testPlan, World } from './testing.ts';

function complete(world: World, milliseconds: number): void {
  world.now += milliseconds;
  world.acknowledgeAll(world.sent('trigger').at(-1)!.barrier.checkpointId);
  world.publish();
}

/** A savepoint that took 500 ms, one that failed, then so many checkpoints of 20 ms each. */
function later(checkpoints: number): World {
  const options = testOptions(testPlan('STREAMING', 2));
  const world = new World({ ...options, checkpointing: { ...options.checkpointing, interval: 1000 } });
  world.register('tm-0', 2);
  world.run();
  for (const [triggerId, directory] of [
    ['a'.repeat(32), '/savepoints/a'],
    ['b'.repeat(32), '/savepoints/b'],
  ] as const) {
    world.tell({ type: 'savepoint', triggerId, directory, stop: null, existing: false });
    if (directory === '/savepoints/a') complete(world, 500);
  }
  const execution = world.execution('sink', 0);
  world.tell({
    type: 'task',
    message: { type: 'checkpointDeclined', execution, checkpointId: 2, reason: 'disk', committables: [] },
  });
  for (let i = 0; i < checkpoints; i++) {
    world.wait(world.coordinator.nextTimer()! - world.now);
    complete(world, 20);
  }
  return world;
}

test('the newest savepoint and the newest failure are told of after they have left the history', () => {
  const { latest, history, counts } = checkpointsJson(later(12).coordinator.view());
  expect(history.map(({ id }) => id)).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5]);
  expect(counts).toEqual({ restored: 0, total: 14, in_progress: 0, completed: 13, failed: 1 });
  expect(latest.savepoint).toMatchObject({ id: 1, external_path: 'file:/savepoints/a', discarded: false });
  expect(latest.failed).toMatchObject({ id: 2, failure_message: 'Checkpoint was declined: disk' });
  expect(latest.completed).toMatchObject({ id: 14 });
});

test('the summary covers all that are complete, not only those of the history', () => {
  const { summary } = checkpointsJson(later(24).coordinator.view());
  expect(summary.end_to_end_duration).toMatchObject({ min: 20, max: 500, avg: Math.floor((500 + 24 * 20) / 25) });
});
