// What the job's view says of tasks: what they told last, and what they cannot know themselves.
import type { SourceBacklog } from '../../connectors/connector.ts';
import type { Metrics } from '../../rpc/protocol.ts';
import { split, testOptions, testPlan, World } from './testing.ts';

const PENDING = 'Source__events[1].pendingRecords';
const told: Metrics = { numRecordsIn: 5, numRecordsInPerSecond: 2, busyTimeMsPerSecond: 3 };
const backlog = (rows: number): SourceBacklog => ({
  unread: { rows, bytes: 0 },
  due: null,
  read: { rows: 0, bytes: 0 },
});

function running(): World {
  const source = { operatorId: 'source', maxReaders: 128, splits: [0, 1, 2, 3].map((n) => split(n)) };
  const world = new World(
    testOptions(testPlan('STREAMING', 2), { sources: [{ ...source, sizeOf: () => ({ rows: 100 }) }] }),
  );
  world.register('tm-0', 2);
  world.run();
  return world;
}

function heartbeat(world: World, subtask: number, rows: number | null): void {
  const execution = world.execution('source', subtask);
  const report = { execution, metrics: told, backlog: rows === null ? null : backlog(rows) };
  world.tell({ type: 'heartbeat', taskManagerId: 'tm-0', metrics: {}, tasks: [report] });
}

const metrics = (world: World): Metrics[] =>
  world.coordinator.view().vertices[0]!.subtasks.map((subtask) => subtask.metrics);

test('splits that no subtask has been given are pending with all, and less so with each that is handed out', () => {
  const world = running();
  heartbeat(world, 0, 10);
  heartbeat(world, 1, 0);
  expect(metrics(world).map((one) => one[PENDING])).toEqual([210, 200]);
  const execution = world.execution('source', 1);
  world.tell({ type: 'task', message: { type: 'requestSplit', execution, operatorId: 'source' } });
  expect(metrics(world).map((one) => one[PENDING])).toEqual([160, 150]);
});

test('a subtask that has not reported has no pending records', () => {
  const world = running();
  expect(metrics(world).map((one) => one[PENDING])).toEqual([undefined, undefined]);
  heartbeat(world, 1, 7);
  expect(metrics(world).map((one) => one[PENDING])).toEqual([undefined, 407]);
});

test('what a task said long ago is no rate of now; its totals stay', () => {
  const world = running();
  heartbeat(world, 0, 10);
  world.now += 10_000;
  expect(metrics(world)[0]).toEqual({ ...told, [PENDING]: 410 });
  world.now += 1;
  world.tell({ type: 'timer' });
  expect(metrics(world)[0]).toEqual({ numRecordsIn: 5 });
});

test('operators have the names in metrics that they have in the plan', () => {
  expect(
    running()
      .deployments()
      .map(({ metricScopes }) => metricScopes),
  ).toContainEqual({ sink: 'events[3]__Writer' });
});
