// What the coordinator decides, event by event, without any process.
import type { Committable } from '../../connectors/connector.ts';
import { committable, split, testOptions, testPlan, World } from './testing.ts';
import type { CoordinatorOptions } from './messages.ts';

const TRIGGER = 'c'.repeat(32);

function streaming(overrides: Partial<CoordinatorOptions> = {}): World {
  return new World(testOptions(testPlan('STREAMING', 2), overrides));
}

function running(overrides: Partial<CoordinatorOptions> = {}): World {
  const world = streaming(overrides);
  world.register('tm-0', 2);
  world.run();
  return world;
}

describe('a streaming job', () => {
  test('waits until there are slots for all of it, then starts at once', () => {
    const world = streaming();
    world.register('tm-0', 1);
    expect(world.sent('deploy')).toHaveLength(0);
    expect(world.coordinator.status).toBe('CREATED');
    world.register('tm-1', 1);
    expect(world.sent('deploy')).toHaveLength(4);
    expect(world.coordinator.status).toBe('RUNNING');
  });

  test('takes no checkpoint before every task runs', () => {
    const world = streaming();
    world.register('tm-0', 2);
    world.wait(10_000);
    expect(world.sent('trigger')).toHaveLength(0);
    world.run();
    world.wait(1000);
    expect(world.sent('trigger').map(({ barrier }) => barrier.checkpointId)).toEqual([1, 1]);
  });

  test('makes files visible only after the manifest that holds them is published', () => {
    const world = running();
    world.wait(1000);
    world.acknowledgeAll(1, [committable('a')]);
    expect(world.of('commit')).toHaveLength(0);
    expect(world.lastManifest().committables).toEqual([committable('a')]);
    world.publish();
    expect(world.of('commit').map(({ committables }) => committables)).toEqual([[committable('a')]]);
  });

  test('carries what sinks prepared for a checkpoint that expired into the next one', () => {
    const world = running({
      checkpointing: { ...testOptions(testPlan('STREAMING', 2)).checkpointing, timeout: 500, tolerableFailed: 5 },
    });
    world.wait(1000);
    world.acknowledge(1, world.execution('sink', 0), [committable('early')]);
    world.wait(500);
    expect(world.coordinator.view().checkpoints.history[0]!.status).toBe('FAILED');
    world.acknowledge(1, world.execution('sink', 1), [committable('late')]);
    world.wait(500);
    world.acknowledgeAll(2);
    expect(world.lastManifest().committables).toEqual([committable('early'), committable('late')]);
  });

  test('holds a split either as not handed out or as being read, never as both', () => {
    const world = running();
    const source = world.execution('source', 0);
    world.tell({ type: 'task', message: { type: 'requestSplit', execution: source, operatorId: 'source' } });
    world.wait(1000);
    world.tell({
      type: 'task',
      message: { type: 'requestSplit', execution: source, operatorId: 'source' },
    });
    world.acknowledge(1, source, [], [split(0)]);
    for (const { execution } of world.deployments()) world.acknowledge(1, execution);
    expect(world.lastManifest().sources[0]!.splits.map(({ ordinal }) => ordinal)).toEqual([0, 1]);
  });

  test('restarts everything from the newest checkpoint when a task fails, after all tasks have left', () => {
    const world = running();
    world.wait(1000);
    world.acknowledgeAll(1);
    world.publish();
    world.report(world.execution('sink', 0), 'FAILED');
    expect(world.coordinator.status).toBe('RESTARTING');
    world.wait(100);
    expect(world.sent('deploy')).toHaveLength(4);
    world.obeyCancels();
    expect(world.sent('deploy')).toHaveLength(8);
    expect(world.deployments().every((task) => task.restore === 'chk-1' && task.attempt === 1)).toBe(true);
    expect(world.coordinator.status).toBe('RUNNING');
  });

  test('restores from no other checkpoint while a manifest is being published', () => {
    const world = running();
    world.wait(1000);
    world.acknowledgeAll(1, [committable('a')]);
    world.report(world.execution('sink', 0), 'FAILED');
    world.obeyCancels();
    world.wait(1000);
    expect(world.sent('deploy')).toHaveLength(4);
    world.publish();
    world.commit();
    expect(world.deployments().every((task) => task.restore === 'chk-1')).toBe(true);
  });

  test('does not look again, however often it restarts, for files that it has made visible', () => {
    const world = running();
    world.wait(1000);
    world.acknowledgeAll(1, [committable('a')]);
    world.publish();
    world.commit();
    for (let restarts = 1; restarts <= 2; restarts++) {
      world.report(world.execution('sink', 0), 'FAILED');
      world.wait(100);
      world.obeyCancels();
      world.run();
      expect(world.coordinator.status).toBe('RUNNING');
      expect(world.deployments().every((task) => task.restore === 'chk-1' && task.attempt === restarts)).toBe(true);
    }
    expect(world.of('commit')).toHaveLength(1);
  });

  test('makes visible at a restart what it could not make visible before, once', () => {
    const world = running();
    const restart = (): void => {
      world.wait(100);
      world.obeyCancels();
    };
    world.wait(1000);
    world.acknowledgeAll(1, [committable('a')]);
    world.publish();
    world.tell({ type: 'commitFailed', commit: world.of('commit').at(-1)!.commit, message: 'EIO' });
    restart();
    expect(world.of('commit').map(({ committables }) => committables)).toEqual([
      [committable('a')],
      [committable('a')],
    ]);
    world.commit();
    world.run();
    world.report(world.execution('sink', 0), 'FAILED');
    restart();
    world.run();
    expect(world.coordinator.status).toBe('RUNNING');
    expect(world.of('commit')).toHaveLength(2);
  });

  test('hears nothing that an execution of an earlier attempt says', () => {
    const world = running();
    const stale = world.execution('source', 0);
    world.report(world.execution('sink', 0), 'FAILED');
    world.wait(100);
    world.obeyCancels();
    world.run();
    world.wait(1000);
    const { checkpointId } = world.sent('trigger').at(-1)!.barrier;
    world.acknowledge(checkpointId, stale);
    world.report(stale, 'FAILED');
    expect(world.coordinator.status).toBe('RUNNING');
    expect(world.coordinator.view().checkpoints.history[0]!.numAcknowledged).toBe(0);
  });

  test('restarts on other slots when a TaskManager is lost, and waits for them', () => {
    const world = streaming();
    world.register('tm-0', 1);
    world.register('tm-1', 1);
    world.run();
    world.tell({ type: 'taskManagerLost', taskManagerId: 'tm-1', reason: 'gone' });
    world.obeyCancels();
    world.wait(100);
    expect(world.sent('deploy')).toHaveLength(4);
    expect(world.coordinator.status).toBe('RESTARTING');
    world.register('tm-2', 1);
    expect(world.sent('deploy')).toHaveLength(8);
  });

  test('gives a TaskManager up that sends no heartbeat', () => {
    const world = running({ heartbeatTimeout: 2000 });
    expect(world.coordinator.nextTimer()).toBe(1000);
    world.wait(2000);
    expect(world.of('dropTaskManager')).toHaveLength(1);
    expect(world.coordinator.status).toBe('RESTARTING');
  });

  test('gives a TaskManager up whose task does not leave, and goes on elsewhere', () => {
    const world = streaming({ cancellationTimeout: 3000, heartbeatTimeout: 2000 });
    const heartbeats = (): void => {
      for (const taskManagerId of ['tm-0', 'tm-1'])
        world.tell({ type: 'heartbeat', taskManagerId, metrics: {}, tasks: [] });
    };
    world.register('tm-0', 1);
    world.register('tm-1', 1);
    world.run();
    const stuck = world.execution('source', 1);
    world.report(world.execution('sink', 0), 'FAILED');
    for (const { execution } of world.sent('cancel')) if (execution !== stuck) world.report(execution, 'CANCELED');
    for (let waited = 0; waited < 5000; waited += 1000) {
      heartbeats();
      expect(world.of('dropTaskManager')).toHaveLength(0);
      world.wait(1000);
    }
    expect(world.of('dropTaskManager').map(({ taskManagerId }) => taskManagerId)).toEqual(['tm-1']);
    world.register('tm-2', 1);
    expect(world.sent('deploy')).toHaveLength(8);
  });

  test('is CANCELED though a task does not leave', () => {
    const world = running({ cancellationTimeout: 3000, heartbeatTimeout: 2000 });
    world.tell({ type: 'cancel' });
    for (let waited = 0; waited < 5000; waited += 1000) {
      world.tell({ type: 'heartbeat', taskManagerId: 'tm-0', metrics: {}, tasks: [] });
      world.wait(1000);
    }
    expect(world.of('writeResult')).toHaveLength(1);
  });

  test('is FAILED when the restart strategy gives up, and says so only after its result is written', () => {
    const world = running({ restart: { type: 'none' } });
    world.report(world.execution('sink', 0), 'FAILED');
    expect(world.coordinator.status).toBe('FAILING');
    world.obeyCancels();
    expect(world.of('writeResult')[0]!.result).toMatchObject({ state: 'FAILED', failure: 'X: broken' });
    expect(world.coordinator.status).toBe('FAILING');
    world.tell({ type: 'resultWritten' });
    expect(world.coordinator.status).toBe('FAILED');
  });

  test('ends with a last checkpoint when all input has ended, commits, writes its result, and is FINISHED', () => {
    const world = running();
    for (const { execution } of world.deployments())
      world.tell({ type: 'task', message: { type: 'inputEnded', execution, metrics: { 'sink.out.rows': 2 } } });
    expect(world.sent('trigger')[0]!.barrier.after).toBe('FINAL');
    world.acknowledgeAll(1, [committable('last')]);
    expect(world.lastManifest().endOfInput).toBe(true);
    world.publish();
    expect(world.of('writeResult')).toHaveLength(0);
    world.commit();
    world.tell({ type: 'resultWritten' });
    expect(world.coordinator.status).toBe('FINISHED');
    expect(world.sent('finish')).toHaveLength(4);
  });

  test('only commits when the checkpoint that it restores was its last', () => {
    const world = running();
    world.wait(1000);
    world.acknowledgeAll(1, [committable('last')]);
    const manifest = { ...world.lastManifest(), endOfInput: true };
    const next = streaming({ restored: { path: 'chk-1', manifest, isSavepoint: false } });
    next.commit();
    expect(next.of('writeResult')[0]!.result.state).toBe('FINISHED');
    expect(next.sent('deploy')).toHaveLength(0);
  });

  test('keeps as many checkpoints as configured', () => {
    const world = running();
    for (let id = 1; id <= 3; id++) {
      world.wait(1000);
      world.acknowledgeAll(id);
      world.publish();
    }
    expect(world.of('dispose').map(({ directory }) => directory)).toEqual(['chk-1', 'chk-2']);
  });

  test('fails when more checkpoints in a row fail than are tolerated', () => {
    const world = running();
    world.wait(1000);
    const execution = world.execution('sink', 0);
    world.tell({
      type: 'task',
      message: { type: 'checkpointDeclined', execution, checkpointId: 1, reason: 'disk full', committables: [] },
    });
    expect(world.coordinator.status).toBe('RESTARTING');
    expect(world.coordinator.view().exceptions[0]!.stacktrace).toContain('disk full');
  });
});

describe('a savepoint', () => {
  const request = { type: 'savepoint', triggerId: TRIGGER, directory: 'sp', stop: null, existing: false } as const;

  test('is taken once however often it is asked for', () => {
    const world = running();
    world.tell(request);
    world.tell(request);
    expect(world.sent('trigger')).toHaveLength(2);
    world.acknowledgeAll(1);
    world.publish();
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')).toEqual({ state: 'COMPLETED', location: 'sp' });
    world.tell(request);
    expect(world.sent('trigger')).toHaveLength(2);
  });

  test('that an earlier attempt completed is not taken again', () => {
    const world = running();
    world.tell({ ...request, existing: true });
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')).toEqual({ state: 'COMPLETED', location: 'sp' });
    expect(world.sent('trigger')).toHaveLength(0);
  });

  test('leaves its files to the checkpoint that follows at once, and is told of when that one is published', () => {
    const world = running();
    world.tell(request);
    world.acknowledgeAll(1, [committable('a')]);
    world.publish();
    expect(world.of('commit')).toHaveLength(0);
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')?.state).toBe('IN_PROGRESS');
    expect(world.sent('trigger').at(-1)!.barrier.checkpointId).toBe(2);
    world.acknowledgeAll(2);
    expect(world.lastManifest().committables).toEqual([committable('a')]);
    world.publish();
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')).toEqual({ state: 'COMPLETED', location: 'sp' });
  });

  test('is followed by a checkpoint even where none are taken by themselves', () => {
    const { checkpointing } = testOptions(testPlan('STREAMING', 2));
    const world = running({ checkpointing: { ...checkpointing, interval: 0 } });
    world.tell(request);
    world.acknowledgeAll(1, [committable('a')]);
    world.publish();
    expect(world.sent('trigger').at(-1)!.barrier).toMatchObject({ checkpointId: 2, directory: 'chk-2' });
  });

  test.each(['before', 'after'])('is given up when the job falls back behind it, %s it is published', (when) => {
    const world = running();
    world.tell(request);
    world.acknowledgeAll(1, [committable('a')]);
    if (when === 'after') world.publish();
    world.report(world.execution('sink', 0), 'FAILED');
    if (when === 'before') world.publish();
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')?.state).toBe('FAILED');
    expect(world.of('dispose').map(({ directory }) => directory)).toContain('sp');
  });

  test('of an earlier attempt counts when its files are in the checkpoint that the job began with', () => {
    const world = running();
    world.tell(request);
    world.acknowledgeAll(1, [committable('a')]);
    const savepoint = world.lastManifest();
    world.publish();
    world.acknowledgeAll(2);
    const manifest = world.lastManifest();
    const later = streaming({ restored: { path: 'chk-2', manifest, isSavepoint: false } });
    expect(later.coordinator.backs(savepoint)).toBe(true);
    expect(streaming().coordinator.backs(savepoint)).toBe(false);
  });

  test('that stops the job is its result before its files are made visible', () => {
    const world = running();
    world.tell({ ...request, stop: 'STOP' });
    expect(world.sent('trigger')[0]!.barrier.after).toBe('STOP');
    world.acknowledgeAll(1, [committable('a')]);
    world.publish();
    expect(world.of('writeResult')[0]!.result).toMatchObject({ state: 'FINISHED', savepointPath: 'sp' });
    expect(world.of('commit')).toHaveLength(0);
    world.tell({ type: 'resultWritten' });
    expect(world.coordinator.status).toBe('RUNNING');
    world.commit();
    expect(world.coordinator.status).toBe('FINISHED');
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')).toEqual({ state: 'COMPLETED', location: 'sp' });
  });

  test('that expires lets a job go on that was to stop with it', () => {
    const world = running();
    world.tell({ ...request, stop: 'STOP' });
    world.wait(5000);
    expect(world.sent('checkpointAborted')).toHaveLength(4);
    expect(world.coordinator.status).toBe('RUNNING');
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')?.state).toBe('FAILED');
  });

  test('fails when the job fails before it is complete', () => {
    const world = running();
    world.tell(request);
    world.report(world.execution('sink', 0), 'FAILED');
    expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')?.state).toBe('FAILED');
  });
});

test('what is asked for while the last files are made visible has an answer when the job has ended', () => {
  const world = running();
  const inputEnded = (execution: string): void => {
    const metrics = { 'source.events.rows': 5 };
    world.tell({ type: 'task', message: { type: 'inputEnded', execution, metrics } });
  };
  for (const { execution } of world.deployments()) inputEnded(execution);
  world.acknowledgeAll(1, [committable('a')]);
  world.publish();
  world.tell({ type: 'savepoint', triggerId: TRIGGER, directory: 'sp', stop: null, existing: false });
  world.commit();
  world.tell({ type: 'resultWritten' });
  expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')).toMatchObject({ state: 'FAILED' });
});

test('an attempt that only has to commit the last checkpoint of an earlier one tells its totals', () => {
  const world = running();
  for (const { execution } of world.deployments())
    world.tell({ type: 'task', message: { type: 'inputEnded', execution, metrics: {} } });
  for (const { execution } of world.deployments()) {
    const metrics = { 'source.events.rows': 5, numRecordsIn: 7 };
    world.tell({
      type: 'task',
      message: {
        type: 'checkpointAck',
        execution,
        checkpointId: 1,
        handle: null,
        sources: [],
        committables: [],
        metrics,
      },
    });
  }
  const manifest = world.lastManifest();
  const later = streaming({ restored: { path: 'chk-1', manifest, isSavepoint: false } });
  expect(later.of('writeResult').at(-1)!.result.summary).toMatchObject({ sources: { events: { rows: 20 } } });
});

test('no timer is wanted while restored tasks start, even if a commit of the attempt before has ended late', () => {
  const world = running();
  world.wait(1000);
  world.acknowledgeAll(1, [committable('a')]);
  world.publish();
  world.report(world.execution('sink', 0), 'FAILED');
  world.obeyCancels();
  world.commit();
  world.wait(100);
  world.commit();
  expect(world.sent('deploy')).toHaveLength(8);
  world.wait(2000);
  expect(world.coordinator.nextTimer()).toBeGreaterThan(world.now);
});

test('a canceled job is CANCELED when its tasks have left and its result is written', () => {
  const world = running();
  world.tell({ type: 'cancel' });
  expect(world.coordinator.status).toBe('CANCELLING');
  world.obeyCancels();
  world.tell({ type: 'resultWritten' });
  expect(world.coordinator.status).toBe('CANCELED');
});

describe('a batch job', () => {
  const produced = (path: string) => ({
    committables: [],
    partitions: [{ edgeId: 'source->sink', path, bytes: [1, 1] }],
  });

  function batch(slots: number, overrides: Partial<CoordinatorOptions> = {}): World {
    const world = new World(testOptions(testPlan('BATCH', 2), overrides));
    world.register('tm-0', slots);
    return world;
  }

  test('runs on a single slot, one task after the other', () => {
    const world = batch(1);
    expect(world.sent('deploy')).toHaveLength(1);
    world.report(world.execution('source', 0), 'FINISHED', produced('s0'));
    expect(world.sent('deploy')).toHaveLength(2);
  });

  test('starts a stage when the results that it reads are complete', () => {
    const world = batch(2);
    world.report(world.execution('source', 0), 'FINISHED', produced('s0'));
    expect(world.sent('deploy')).toHaveLength(2);
    world.report(world.execution('source', 1), 'FINISHED', produced('s1'));
    const sink = world.deployments().find((task) => task.vertex.id === 'sink' && task.subtask === 1)!;
    expect(sink.inputs[0]!.channels.map(({ spill }) => spill)).toEqual([
      { path: 's0', partition: 1 },
      { path: 's1', partition: 1 },
    ]);
  });

  test('runs only the task again that failed', () => {
    const world = batch(2);
    world.report(world.execution('source', 0), 'FINISHED', produced('s0'));
    world.report(world.execution('source', 1), 'FINISHED', produced('s1'));
    world.report(world.execution('sink', 0), 'FAILED');
    expect(world.sent('deploy')).toHaveLength(4);
    world.wait(100);
    expect(world.sent('deploy')).toHaveLength(5);
    expect(world.deployments().find((task) => task.vertex.id === 'sink' && task.subtask === 0)!.attempt).toBe(1);
  });

  test('fails at once when the data is to blame: the same rows would fail again', () => {
    const world = batch(2);
    const execution = world.execution('source', 0);
    const error = { code: 'CSV_BAD_ROW', message: 'row 3', stack: 'row 3', lostProducer: null };
    const message = { type: 'taskState', execution, state: 'FAILED', error, metrics: {}, result: null } as const;
    world.tell({ type: 'task', message });
    world.obeyCancels();
    expect(world.of('writeResult')[0]!.result).toMatchObject({ state: 'FAILED', failure: 'CSV_BAD_ROW: row 3' });
    expect(world.coordinator.view().numRestarts).toBe(0);
  });

  test('gives the splits of a lost task to whoever asks next', () => {
    const world = batch(2);
    const ask = (execution: string): number | undefined => {
      world.tell({ type: 'task', message: { type: 'requestSplit', execution, operatorId: 'source' } });
      return world.sent('split').at(-1)!.split?.ordinal;
    };
    expect(ask(world.execution('source', 0))).toBe(0);
    world.report(world.execution('source', 0), 'FAILED');
    expect([ask(world.execution('source', 1)), ask(world.execution('source', 1))]).toEqual([0, 1]);
  });

  test('runs a producer again whose files went with its TaskManager, and leaves those that can be read', () => {
    const world = batch(1);
    world.register('tm-1', 1);
    world.report(world.execution('source', 0), 'FINISHED', produced('s0'));
    world.report(world.execution('source', 1), 'FINISHED', produced('s1'));
    world.tell({ type: 'taskManagerLost', taskManagerId: 'tm-0', reason: 'gone' });
    expect(world.of('checkFiles')).toHaveLength(1);
    const { paths } = world.of('checkFiles')[0]!;
    world.tell({ type: 'filesMissing', paths });
    world.register('tm-2', 1);
    world.wait(100);
    const again = world.deployments().filter((task) => task.vertex.id === 'source' && task.attempt === 1);
    expect(again).toHaveLength(1);
  });

  test('publishes one manifest for all sinks, commits, and is FINISHED', () => {
    const world = batch(2);
    world.report(world.execution('source', 0), 'FINISHED', produced('s0'));
    world.report(world.execution('source', 1), 'FINISHED', produced('s1'));
    for (const subtask of [0, 1])
      world.report(world.execution('sink', subtask), 'FINISHED', {
        committables: [committable(`out-${subtask}`)],
        partitions: [],
      });
    expect(world.lastManifest()).toMatchObject({
      endOfInput: true,
      committables: [committable('out-0'), committable('out-1')],
    });
    world.publish();
    world.commit();
    world.tell({ type: 'resultWritten' });
    expect(world.coordinator.status).toBe('FINISHED');
  });

  test('tries again to publish and to commit what is durable, and fails only when the strategy gives up', () => {
    const finish = (world: World): void => {
      const report = (id: string, committables: Committable[]): void => {
        for (const subtask of [0, 1])
          world.report(world.execution(id, subtask), 'FINISHED', { committables, partitions: [] });
      };
      report('source', []);
      report('sink', [committable('out')]);
    };
    const world = batch(2);
    finish(world);
    world.tell({ type: 'publishFailed', checkpointId: 1, message: 'ENOSPC' });
    world.wait(100);
    expect(world.of('publishManifest')).toHaveLength(2);
    world.publish();
    world.tell({ type: 'commitFailed', commit: world.of('commit').at(-1)!.commit, message: 'EIO' });
    expect(world.coordinator.nextTimer()).toBe(world.now + 100);
    world.wait(100);
    expect(world.of('commit')).toHaveLength(2);
    world.commit();
    expect(world.of('writeResult').at(-1)!.result.state).toBe('FINISHED');

    const hopeless = batch(2, { restart: { type: 'none' } });
    finish(hopeless);
    hopeless.tell({ type: 'publishFailed', checkpointId: 1, message: 'ENOSPC' });
    expect(hopeless.of('writeResult').at(-1)!.result).toMatchObject({
      state: 'FAILED',
      failure: expect.stringContaining('ENOSPC') as string,
    });
  });

  test.each(['REBALANCE', 'HASH'] as const)('runs who has read a lost result again where rows go %s', (kind) => {
    const plan = testPlan('BATCH', 2);
    plan.edges[0]!.exchange = kind === 'HASH' ? { kind, keys: [0] } : { kind };
    const world = new World(testOptions(plan));
    world.register('tm-0', 2);
    world.register('tm-1', 2);
    for (const subtask of [0, 1]) world.report(world.execution('source', subtask), 'FINISHED', produced(`s${subtask}`));
    world.report(world.execution('sink', 0), 'FINISHED', { committables: [committable('old')], partitions: [] });
    const reading = world.execution('sink', 1);
    world.tell({ type: 'filesMissing', paths: ['s0'] });
    // Rows of a key always come to the same place; by turns they may not.
    const affected = kind === 'REBALANCE';
    expect(world.sent('cancel').map(({ execution }) => execution)).toEqual(affected ? [reading] : []);
    world.obeyCancels();
    world.report(world.execution('source', 0), 'FINISHED', produced('s0-again'));
    const attempts = world.deployments().map(({ vertex, subtask, attempt }) => [vertex.id, subtask, attempt]);
    expect(attempts).toEqual([
      ['source', 0, 1],
      ['source', 1, 0],
      ['sink', 0, affected ? 1 : 0],
      ['sink', 1, affected ? 1 : 0],
    ]);
  });
});
