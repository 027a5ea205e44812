// What counts as a failed checkpoint, when it makes the job restart, and what is kept.
import type { CheckpointView } from '../../rest/gateway.ts';
import type { CheckpointRetention, CoordinatorOptions } from './messages.ts';
import { committable, split, testOptions, testPlan, World } from './testing.ts';

const TRIGGER = 'f'.repeat(32);

function running(checkpointing: Partial<CoordinatorOptions['checkpointing']> = {}): World {
  const options = testOptions(testPlan('STREAMING', 2));
  const world = new World({ ...options, checkpointing: { ...options.checkpointing, ...checkpointing } });
  world.register('tm-0', 2);
  world.run();
  return world;
}

const newest = (world: World): number => world.sent('trigger').at(-1)!.barrier.checkpointId;

function decline(world: World): void {
  const execution = world.execution('sink', 0);
  world.tell({
    type: 'task',
    message: { type: 'checkpointDeclined', execution, checkpointId: newest(world), reason: 'disk', committables: [] },
  });
}

function complete(world: World): void {
  world.acknowledgeAll(newest(world));
  world.publish();
}

function endInput(world: World): void {
  for (const { execution } of world.deployments())
    world.tell({ type: 'task', message: { type: 'inputEnded', execution, metrics: {} } });
}

/** A task fails, all leave, and all run again. */
function restart(world: World): void {
  world.report(world.execution('sink', 0), 'FAILED');
  world.wait(100);
  world.obeyCancels();
  world.run();
}

test('time-outs, declines and manifests that cannot be published count, one after the other', () => {
  const world = running({ tolerableFailed: 2, timeout: 500 });
  world.wait(1000);
  world.wait(500);
  world.wait(1000);
  decline(world);
  expect(world.coordinator.status).toBe('RUNNING');
  world.wait(1000);
  world.acknowledgeAll(newest(world));
  world.tell({ type: 'publishFailed', checkpointId: newest(world), message: 'ENOSPC' });
  expect(world.coordinator.status).toBe('RESTARTING');
  expect(world.coordinator.view().exceptions[0]!.stacktrace).toContain('ENOSPC');
  const { counts, history } = world.coordinator.view().checkpoints;
  expect(counts).toEqual({ restored: 0, total: 3, inProgress: 0, completed: 0, failed: 3 });
  expect(history.map(({ failureMessage }) => failureMessage?.split(':')[0])).toEqual([
    'the manifest could not be published',
    'Checkpoint was declined',
    'Checkpoint expired before completing',
  ]);
});

test('a completed checkpoint ends the row, a restart for another reason does not and does not count either', () => {
  const world = running({ tolerableFailed: 1 });
  for (let round = 0; round < 3; round++) {
    world.wait(1000);
    decline(world);
    world.wait(1000);
    complete(world);
  }
  expect(world.coordinator.status).toBe('RUNNING');
  world.wait(1000);
  decline(world);
  world.wait(1000);
  restart(world);
  expect(world.coordinator.view().numRestarts).toBe(1);
  expect(world.coordinator.status).toBe('RUNNING');
  world.wait(1000);
  decline(world);
  expect(world.coordinator.status).toBe('RESTARTING');
});

test('a savepoint that fails harms nobody but who asked for it', () => {
  const world = running();
  world.tell({ type: 'savepoint', triggerId: TRIGGER, directory: '/nowhere', stop: null, existing: false });
  decline(world);
  expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')).toMatchObject({ state: 'FAILED' });
  expect(world.coordinator.status).toBe('RUNNING');
});

test('a savepoint with files is backed later when the first checkpoint behind it fails, also where none are periodic', () => {
  const world = running({ interval: 0, tolerableFailed: 3 });
  world.tell({ type: 'savepoint', triggerId: TRIGGER, directory: 'sp', stop: null, existing: false });
  world.acknowledgeAll(1, [committable('a')]);
  world.publish();
  decline(world);
  expect(world.coordinator.nextTimer()).toBe(1000);
  world.wait(1000);
  expect(newest(world)).toBe(3);
  complete(world);
  expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')?.state).toBe('COMPLETED');
});

test('who asked for a checkpoint is told that it is complete, also when its files cannot be made visible at once', () => {
  const world = running({ interval: 0 });
  world.tell({ type: 'triggerCheckpoint', triggerId: TRIGGER });
  world.acknowledgeAll(1, [committable('a')]);
  world.publish();
  expect(world.coordinator.operation(TRIGGER, 'CHECKPOINT')).toEqual({ state: 'IN_PROGRESS' });
  world.tell({ type: 'commitFailed', commit: world.of('commit').at(-1)!.commit, message: 'EIO' });
  expect(world.coordinator.status).toBe('RESTARTING');
  expect(world.coordinator.operation(TRIGGER, 'CHECKPOINT')).toEqual({ state: 'COMPLETED', location: '1' });
});

test('what comes late for a checkpoint that was given up is removed without a sweep each, until none can come any more', () => {
  const world = running({ tolerableFailed: 2 });
  const late = (): number => {
    const discards = world.of('discard').length;
    world.acknowledge(1, world.execution('sink', 1));
    return world.of('discard').length - discards;
  };
  world.wait(1000);
  decline(world);
  const sweeps = world.of('sweepPages').length;
  expect([late(), late()]).toEqual([1, 1]);
  expect(world.of('sweepPages')).toHaveLength(sweeps);
  world.wait(1000);
  complete(world);
  expect(world.of('sweepPages').slice(sweeps)).toEqual([{ type: 'sweepPages', through: 2 }]);
  expect(late()).toBe(0);
});

test('nothing is awaited from tasks that are gone for a checkpoint that was given up', () => {
  const world = running({ tolerableFailed: 2 });
  world.wait(1000);
  decline(world);
  restart(world);
  world.acknowledge(1, world.execution('sink', 1));
  expect(world.of('discard')).toHaveLength(1);
});

describe('the checkpoint at the end of all input', () => {
  test('is tried again when it fails, with all rows in it, and the job finishes without a restart', () => {
    const world = running();
    endInput(world);
    world.acknowledge(1, world.execution('sink', 0), [committable('early')]);
    world.tell({
      type: 'task',
      message: {
        type: 'checkpointDeclined',
        execution: world.execution('sink', 1),
        checkpointId: 1,
        reason: 'disk',
        committables: [committable('late')],
      },
    });
    expect(world.coordinator.status).toBe('RUNNING');
    world.wait(world.coordinator.nextTimer()! - world.now);
    expect(world.sent('trigger').at(-1)!.barrier).toMatchObject({ checkpointId: 2, after: 'FINAL' });
    complete(world);
    expect(world.of('commit').at(-1)!.committables).toEqual([committable('early'), committable('late')]);
    world.commit();
    expect(world.of('writeResult')[0]!.result.state).toBe('FINISHED');
    expect(world.coordinator.view().numRestarts).toBe(0);
  });

  test('makes the job fall back after some tries', () => {
    const world = running();
    endInput(world);
    for (let tries = 0; tries < 3; tries++) {
      decline(world);
      world.wait(1000);
    }
    expect(world.coordinator.status).toBe('RUNNING');
    decline(world);
    expect(world.coordinator.status).toBe('RESTARTING');
  });

  test('waits for the last subtask; until then the others, which have ended, take part in checkpoints', () => {
    const world = running();
    const message = { type: 'inputEnded', execution: world.execution('source', 0), metrics: {} } as const;
    world.tell({ type: 'task', message });
    world.wait(1000);
    expect(world.sent('trigger').map(({ barrier }) => barrier.after)).toEqual(['CONTINUE', 'CONTINUE']);
    complete(world);
    expect(world.coordinator.view().checkpoints.counts.completed).toBe(1);
  });
});

test('the pause between two checkpoints is kept after one that was slow, and after one that failed', () => {
  const world = running({ minPause: 700, tolerableFailed: 9 });
  world.wait(1000);
  world.wait(900);
  complete(world);
  expect(world.coordinator.nextTimer()).toBe(1900 + 700);
  world.wait(700);
  world.wait(900);
  decline(world);
  expect(world.coordinator.nextTimer()).toBe(3500 + 700);
});

test('the size of a checkpoint counts what tasks have in its manifest: positions of sources, and files that wait for it', () => {
  const world = running();
  world.wait(1000);
  const [reader, ...others] = world.deployments().map(({ execution }) => execution);
  const position = { ...split(0), position: { row: 5 } };
  const waiting = committable('é');
  world.acknowledge(newest(world), reader!, [waiting], [position]);
  for (const execution of others) world.acknowledge(newest(world), execution);
  world.publish();
  world.commit();
  const bytes = Buffer.byteLength(JSON.stringify(position)) + Buffer.byteLength(JSON.stringify(waiting));
  expect(world.coordinator.view().checkpoints.latest.completed).toMatchObject({
    checkpointedSize: bytes,
    stateSize: bytes,
  });
});

test('of each vertex is told which subtasks have acknowledged a checkpoint, and with how much', () => {
  const world = running();
  world.wait(1000);
  const position = { ...split(0), position: { row: 5 } };
  const [reader] = world.deployments();
  world.acknowledge(newest(world), reader!.execution, [], [position]);
  const bytes = Buffer.byteLength(JSON.stringify(position));
  const [{ tasks }] = world.coordinator.view().checkpoints.history as [CheckpointView];
  const plan = world.coordinator.view().plan.vertices;
  expect(tasks.map(({ vertexId }) => vertexId)).toEqual(plan.map(({ id }) => id));
  const parts = tasks.flatMap(({ subtasks }) => subtasks);
  expect(parts.filter(({ ackTimestamp }) => ackTimestamp !== null)).toEqual([
    { subtask: 0, ackTimestamp: expect.any(Number) as number, stateSize: bytes, checkpointedSize: bytes },
  ]);
  expect(tasks.map(({ subtasks }) => subtasks.map(({ subtask }) => subtask))).toEqual(
    plan.map(({ parallelism }) => Array.from({ length: parallelism }, (_, i) => i)),
  );
});

test.each<[CheckpointRetention, boolean, boolean]>([
  ['RETAIN_ON_CANCELLATION', true, true],
  ['DELETE_ON_CANCELLATION', false, true],
  ['NO_EXTERNALIZED_CHECKPOINTS', false, false],
])('with %s checkpoints are kept when canceled: %s, when failed: %s', (retention, canceled, failed) => {
  for (const [as, kept] of [
    ['CANCELED', canceled],
    ['FAILED', failed],
  ] as const) {
    const options = testOptions(testPlan('STREAMING', 2));
    const world = new World({
      ...options,
      restart: { type: 'none' },
      checkpointing: { ...options.checkpointing, retention },
    });
    world.register('tm-0', 2);
    world.run();
    world.wait(1000);
    complete(world);
    if (as === 'CANCELED') world.tell({ type: 'cancel' });
    else world.report(world.execution('sink', 0), 'FAILED');
    world.obeyCancels();
    expect(world.of('removeCheckpoints')).toEqual([]);
    world.tell({ type: 'resultWritten' });
    expect(world.coordinator.status).toBe(as);
    expect(world.of('removeCheckpoints')).toHaveLength(kept ? 0 : 1);
  }
});
