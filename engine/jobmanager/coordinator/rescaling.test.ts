// Another parallelism while a job runs: when, from which state, and what does not change.
import type { CoordinatorOptions } from './messages.ts';
import type { ResourceRequirements } from './resource-requirements.ts';
import { committable, split, testOptions, testPlan, World } from './testing.ts';

const TRIGGER = 'd'.repeat(32);
const between = (lowerBound: number, upperBound: number): ResourceRequirements => ({
  source: { lowerBound, upperBound },
  sink: { lowerBound, upperBound },
});

interface Waits extends Partial<Omit<CoordinatorOptions, 'rescale'>> {
  rescale?: Partial<CoordinatorOptions['rescale']>;
}

/** A job with parallelism 2 on as many slots as given, all tasks running. */
function running(slots: number, { rescale, ...overrides }: Waits = {}): World {
  const options = testOptions(testPlan('STREAMING', 2), overrides);
  const world = new World({ ...options, rescale: { ...options.rescale, ...rescale } });
  world.register('tm-0', slots);
  world.run();
  return world;
}

const ask = (world: World, requirements: ResourceRequirements): void => {
  world.tell({ type: 'updateRequirements', requirements });
};

/** The last checkpoint triggered is acknowledged by all, published and committed. */
function complete(world: World): void {
  world.acknowledgeAll(world.sent('trigger').at(-1)!.barrier.checkpointId);
  world.publish();
}

const parallelism = (world: World): number[] =>
  world.coordinator.view().plan.vertices.map((vertex) => vertex.parallelism);
const triggers = (world: World): string[] => world.sent('trigger').map(({ barrier }) => barrier.after);

test('more is asked for and there are slots: a checkpoint behind which the sources rest, then more tasks from it', () => {
  const world = running(4);
  ask(world, between(1, 4));
  expect(triggers(world)).toEqual(['STOP', 'STOP']);
  expect(world.sent('cancel')).toHaveLength(0);
  complete(world);
  expect(world.sent('cancel')).toHaveLength(4);
  expect(world.coordinator.status).toBe('RESTARTING');
  world.obeyCancels();
  const tasks = world.sent('deploy').slice(4);
  expect(tasks.map(({ task }) => [task.vertex.id, task.subtask, task.vertex.parallelism, task.restore])).toEqual(
    ['source', 'sink'].flatMap((id) => [0, 1, 2, 3].map((subtask) => [id, subtask, 4, 'chk-1'])),
  );
  expect(world.coordinator.status).toBe('RUNNING');
  expect(world.coordinator.view()).toMatchObject({ numRescales: 1, numRestarts: 0 });
});

test('less is asked for: the same, with fewer tasks', () => {
  const world = running(2);
  ask(world, between(1, 1));
  complete(world);
  world.obeyCancels();
  expect(parallelism(world)).toEqual([1, 1]);
  expect(world.coordinator.view().vertices.map(({ subtasks }) => subtasks.length)).toEqual([1, 1]);
});

test('less is asked for on several TaskManagers: the fewest keep the tasks, those that came first, and the others are left without any', () => {
  const world = new World(testOptions(testPlan('STREAMING', 6)));
  for (const id of ['tm-2', 'tm-10', 'tm-1']) world.register(id, 2);
  world.run();
  for (const [upper, free] of [
    [4, { 'tm-1': 0, 'tm-2': 0, 'tm-10': 2 }],
    [1, { 'tm-1': 1, 'tm-2': 2, 'tm-10': 2 }],
    [6, { 'tm-1': 0, 'tm-2': 0, 'tm-10': 0 }],
    [3, { 'tm-1': 0, 'tm-2': 1, 'tm-10': 2 }],
  ] as const) {
    ask(world, between(1, upper));
    complete(world);
    world.obeyCancels();
    world.run();
    const seen = world.coordinator.taskManagers().map(({ id, freeSlots }) => [id, freeSlots]);
    expect(Object.fromEntries(seen)).toEqual(free);
  }
});

test('a subtask that comes back after there were fewer has an id that no execution had before', () => {
  const world = running(2);
  for (const upper of [1, 2]) {
    ask(world, between(1, upper));
    complete(world);
    world.obeyCancels();
    world.report(world.execution('source', 0), 'RUNNING');
    world.run();
  }
  const ids = world.sent('deploy').map(({ task }) => task.execution);
  expect(ids).toHaveLength(4 + 2 + 4);
  expect(new Set(ids).size).toBe(ids.length);
  const attempts = world.sent('deploy').map(({ task }) => `${task.vertex.id} ${task.subtask} ${task.attempt}`);
  expect(new Set(attempts).size).toBe(attempts.length);
});

test('splits that were being read and those that nobody had are handed out anew', () => {
  const world = running(2);
  const request = (): number | undefined => {
    const execution = world.execution('source', 0);
    world.tell({ type: 'task', message: { type: 'requestSplit', execution, operatorId: 'source' } });
    return world.sent('split').at(-1)!.split?.ordinal;
  };
  expect(request()).toBe(0);
  ask(world, between(1, 1));
  world.acknowledge(1, world.execution('source', 0), [], [split(0)]);
  complete(world);
  world.obeyCancels();
  expect([request(), request(), request()]).toEqual([0, 1, undefined]);
});

test('rows that sinks had prepared become visible before the job goes on', () => {
  const world = running(4);
  ask(world, between(1, 4));
  world.acknowledgeAll(1, [committable('a')]);
  world.publish();
  expect(world.sent('cancel')).toHaveLength(0);
  world.obeyCancels();
  expect(world.sent('deploy')).toHaveLength(4);
  world.commit();
  world.obeyCancels();
  expect(world.sent('deploy')).toHaveLength(12);
  // Once: their readers may have taken them away since.
  expect(world.of('commit')).toHaveLength(1);
});

test('what is asked for is never exceeded, and slots that are missing are not waited for when the rest is enough', () => {
  const world = running(3, { rescale: { executingResourceStabilization: 500 } });
  ask(world, between(1, 4));
  expect(triggers(world)).toEqual([]);
  world.wait(499);
  expect(triggers(world)).toEqual([]);
  expect(world.coordinator.nextTimer()).toBe(500);
  world.wait(1);
  expect(triggers(world)).toEqual(['STOP', 'STOP']);
  complete(world);
  world.obeyCancels();
  expect(parallelism(world)).toEqual([3, 3]);
});

test('a TaskManager that joins lets the job have all that it asks for', () => {
  const world = running(2);
  ask(world, between(1, 4));
  expect(triggers(world)).toEqual([]);
  world.register('tm-1', 3);
  expect(triggers(world)).toEqual(['STOP', 'STOP']);
  complete(world);
  world.obeyCancels();
  expect(parallelism(world)).toEqual([4, 4]);
  world.run();
  expect(world.coordinator.view().rescales!.latest.completed!.triggerCause).toBe('NEW_RESOURCE_AVAILABLE');
});

test('bounds that the slots cannot meet leave the job as it is', () => {
  const world = running(2);
  ask(world, between(3, 4));
  world.wait(100);
  expect(triggers(world)).toEqual([]);
  expect(world.coordinator.status).toBe('RUNNING');
  expect(world.coordinator.view().requirements).toEqual({
    source: { parallelism: { lowerBound: 3, upperBound: 4 } },
    sink: { parallelism: { lowerBound: 3, upperBound: 4 } },
  });
});

test('between two rescalings there is a pause', () => {
  const world = running(4, { rescale: { cooldown: 300 } });
  ask(world, between(1, 4));
  complete(world);
  world.obeyCancels();
  world.run();
  ask(world, between(1, 1));
  expect(triggers(world)).toHaveLength(2);
  expect(world.coordinator.nextTimer()).toBe(300);
  world.wait(300);
  expect(triggers(world)).toHaveLength(2 + 4);
});

test('a lost TaskManager is waited for a while, then the job goes on with fewer tasks', () => {
  const options = testOptions(testPlan('STREAMING', 2));
  const world = new World({ ...options, rescale: { ...options.rescale, submissionResourceStabilization: 1000 } });
  world.register('tm-0', 1);
  world.register('tm-1', 1);
  world.run();
  world.wait(1000);
  complete(world);
  world.tell({ type: 'taskManagerLost', taskManagerId: 'tm-1', reason: 'gone' });
  world.obeyCancels();
  world.wait(100);
  expect(world.coordinator.status).toBe('RESTARTING');
  expect(world.coordinator.nextTimer()).toBe(world.now + 1000);
  world.wait(1000);
  expect(parallelism(world)).toEqual([1, 1]);
  expect(
    world
      .deployments()
      .filter(({ attempt }) => attempt === 1)
      .map(({ restore }) => restore),
  ).toEqual(['chk-1', 'chk-1']);
  world.report(world.execution('source', 0), 'RUNNING');
  world.report(world.execution('sink', 0), 'RUNNING');
  // It comes back: all slots are there again, and no time is lost.
  world.register('tm-1', 1);
  expect(triggers(world).slice(2)).toEqual(['STOP']);
});

test('a job that needs more slots than there are fails when it is told not to wait for ever', () => {
  const options = testOptions(testPlan('STREAMING', 2));
  const world = new World({ ...options, rescale: { ...options.rescale, submissionResourceWait: 5000 } });
  expect(world.coordinator.nextTimer()).toBe(5000);
  world.wait(5000);
  expect(world.of('writeResult')[0]!.result).toMatchObject({ state: 'FAILED' });
  expect(world.coordinator.view().exceptions[0]!.exceptionName).toBe('SLOTS_MISSING');
});

describe('when the checkpoint for it fails', () => {
  const tolerant = { ...testOptions(testPlan('STREAMING', 2)).checkpointing, interval: 0, tolerableFailed: 9 };
  const decline = (world: World): void => {
    const { checkpointId } = world.sent('trigger').at(-1)!.barrier;
    const execution = world.execution('sink', 0);
    world.tell({
      type: 'task',
      message: { type: 'checkpointDeclined', execution, checkpointId, reason: 'disk', committables: [] },
    });
  };

  test('the sources go on, it is tried again, and after some failures the job is rescaled from the last one that there is', () => {
    const world = running(4, { checkpointing: tolerant });
    ask(world, between(1, 4));
    decline(world);
    expect(world.sent('checkpointAborted').map(({ execution }) => execution)).toContain(world.execution('source', 0));
    expect(world.coordinator.nextTimer()).toBe(1000);
    world.wait(1000);
    expect(triggers(world)).toHaveLength(4);
    decline(world);
    expect(world.sent('cancel')).toHaveLength(4);
    world.obeyCancels();
    expect(parallelism(world)).toEqual([4, 4]);
    expect(world.deployments().every(({ restore }) => restore === null)).toBe(true);
  });

  test('one that takes too long is not waited for', () => {
    const world = running(4, { checkpointing: tolerant, rescale: { maxTriggerDelay: 2000 } });
    ask(world, between(1, 4));
    expect(world.coordinator.nextTimer()).toBe(2000);
    world.wait(2000);
    expect(world.coordinator.view().checkpoints.history[0]!.status).toBe('FAILED');
    expect(world.sent('cancel')).toHaveLength(4);
  });
});

test('when the request is taken back before the checkpoint is complete, the sources go on', () => {
  const world = running(4);
  ask(world, between(1, 4));
  ask(world, between(1, 2));
  complete(world);
  expect(world.sent('cancel')).toHaveLength(0);
  expect(world.sent('checkpointAborted')).toHaveLength(2);
  expect(world.coordinator.status).toBe('RUNNING');
});

test('a savepoint that was asked for meanwhile is taken by the new tasks', () => {
  const world = running(4);
  ask(world, between(1, 4));
  world.tell({ type: 'savepoint', triggerId: TRIGGER, directory: 'sp', stop: null, existing: false });
  complete(world);
  world.obeyCancels();
  expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')?.state).toBe('IN_PROGRESS');
  world.run();
  expect(world.sent('trigger').at(-1)!.barrier.directory).toBe('sp');
  complete(world);
  expect(world.coordinator.operation(TRIGGER, 'SAVEPOINT')).toEqual({ state: 'COMPLETED', location: 'sp' });
});

test('a job that is asked to stop meanwhile stops, and is not rescaled before', () => {
  const world = running(4);
  ask(world, between(1, 4));
  world.tell({ type: 'savepoint', triggerId: TRIGGER, directory: 'sp', stop: 'STOP', existing: false });
  complete(world);
  expect(world.sent('cancel')).toHaveLength(0);
  expect(world.sent('trigger').at(-1)!.barrier).toMatchObject({ directory: 'sp', after: 'STOP' });
  complete(world);
  expect(world.of('writeResult')[0]!.result).toMatchObject({ state: 'FINISHED', savepointPath: 'sp' });
});

test('what is asked for outlives a failure of the job, and a JobManager once a checkpoint is complete', () => {
  const world = running(4);
  ask(world, between(1, 4));
  complete(world);
  world.obeyCancels();
  world.run();
  world.report(world.execution('sink', 3), 'FAILED');
  world.wait(100);
  world.obeyCancels();
  expect(parallelism(world)).toEqual([4, 4]);

  const restored = { path: 'chk-1', manifest: world.lastManifest(), isSavepoint: false };
  const next = running(4, { restored, attempt: { epoch: 2, restart: 0 } });
  expect(parallelism(next)).toEqual([4, 4]);
  // Another job that starts from a savepoint has its own text, and its own parallelism.
  const other = running(4, { restored: { ...restored, isSavepoint: true }, jobId: 'cd'.repeat(16) });
  expect(parallelism(other)).toEqual([2, 2]);
});

test('the history tells what became of each change', () => {
  const world = running(4);
  ask(world, between(1, 4));
  ask(world, between(1, 3));
  complete(world);
  world.obeyCancels();
  world.wait(40);
  world.run();
  ask(world, between(2, 3));
  const { history, counts, latest } = world.coordinator.view().rescales!;
  expect(history.map(({ triggerCause, terminatedReason }) => [triggerCause, terminatedReason])).toEqual([
    ['UPDATE_REQUIREMENT', 'NO_RESOURCES_OR_PARALLELISMS_CHANGE'],
    ['UPDATE_REQUIREMENT', 'SUCCEEDED'],
    ['UPDATE_REQUIREMENT', 'RESOURCE_REQUIREMENTS_UPDATED'],
    ['INITIAL_SCHEDULE', 'SUCCEEDED'],
  ]);
  expect(counts).toEqual({ ignored: 2, inProgress: 0, completed: 2, failed: 0 });
  expect(latest.completed).toMatchObject({
    startTimestamp: 0,
    endTimestamp: 40,
    vertices: [
      { id: 'source', desired: 3, sufficient: 1, before: 2, after: 3 },
      { id: 'sink', desired: 3, sufficient: 1, before: 2, after: 3 },
    ],
    schedulerStates: [
      { state: 'Executing' },
      { state: 'Restarting' },
      { state: 'WaitingForResources' },
      { state: 'CreatingExecutionGraph' },
      { state: 'Executing', enter: 0, leave: 40 },
    ],
  });
  expect(new Set(history.map(({ rescaleUuid }) => rescaleUuid)).size).toBe(4);
  expect(history.every(({ rescaleUuid }) => /^[0-9a-f]{32}$/.test(rescaleUuid))).toBe(true);
});
