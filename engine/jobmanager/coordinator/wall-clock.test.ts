// The wall clock may be set at any time: what takes its time goes by another, and what is recorded goes by this one.
import type { CoordinatorOptions } from './messages.ts';
import { testOptions, testPlan, World } from './testing.ts';

const HOUR = 3_600_000;

function running(overrides: Partial<CoordinatorOptions> = {}): World {
  const world = new World(testOptions(testPlan('STREAMING', 2), overrides));
  world.register('tm-0', 2);
  world.run();
  return world;
}

describe.each([
  ['back', -HOUR],
  ['forward', HOUR],
])('when the wall clock jumps %s', (_direction, jump) => {
  test('checkpoints are taken at their interval, and told of with what it shows', () => {
    const world = running();
    world.wallAhead = jump;
    expect(world.coordinator.nextTimer()).toBe(1000);
    world.wait(1000);
    expect(world.sent('trigger').at(-1)!.barrier).toMatchObject({ checkpointId: 1, timestamp: jump + 1000 });
    expect(world.coordinator.view().checkpoints.history[0]!.triggerTimestamp).toBe(jump + 1000);
  });

  test('a checkpoint has as long as ever', () => {
    const world = running();
    world.wait(1000);
    world.wallAhead = jump;
    world.wait(4999);
    expect(world.coordinator.view().checkpoints.history[0]!.status).toBe('IN_PROGRESS');
    world.wait(1);
    const failed = { status: 'FAILED', triggerTimestamp: 1000, failureTimestamp: jump + 6000 };
    expect(world.coordinator.view().checkpoints.history[0]).toMatchObject(failed);
  });

  test('a TaskManager may be silent as long as ever', () => {
    const world = running({ heartbeatTimeout: 2000 });
    world.wait(1000);
    world.tell({ type: 'heartbeat', taskManagerId: 'tm-0', metrics: {}, tasks: [] });
    world.wallAhead = jump;
    world.wait(1999);
    expect(world.of('dropTaskManager')).toHaveLength(0);
    expect(world.coordinator.taskManagers()[0]!.lastHeartbeat).toBe(jump + 1000);
    world.wait(1);
    expect(world.of('dropTaskManager')).toHaveLength(1);
    expect(world.coordinator.view().timestamps.RESTARTING).toBe(jump + 3000);
  });

  test('a task has as long as ever to leave', () => {
    const world = running({ cancellationTimeout: 3000, heartbeatTimeout: 2000 });
    world.report(world.execution('sink', 0), 'FAILED');
    world.wallAhead = jump;
    for (let waited = 0; waited < 5000; waited += 1000) {
      expect(world.of('dropTaskManager')).toHaveLength(0);
      world.tell({ type: 'heartbeat', taskManagerId: 'tm-0', metrics: {}, tasks: [] });
      world.wait(1000);
    }
    expect(world.of('dropTaskManager')[0]!.reason).toContain('does not leave');
  });
});
