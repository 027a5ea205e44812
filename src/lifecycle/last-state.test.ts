// upgrade.strategy LastState: from the newest checkpoint, without a savepoint, and never from nothing.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { World } from './simulated-world.fixture.ts';

const resources = { limits: { memory: '512Mi' } };
const spec: FlowJobSpec = {
  engine: { type: 'Embedded' },
  mode: 'Streaming',
  suspend: false,
  restartNonce: 0,
  job: { sql: { inline: 'version 0' } },
  state: { checkpoint: { interval: '10s' } },
  upgrade: { strategy: 'LastState' },
  jobManager: { resources },
  taskManager: { replicas: 1, slots: 1, resources },
};

function running(): World {
  const world = new World(structuredClone(spec));
  world.settle();
  expect(world.job.status?.state).toBe('Running');
  world.progress();
  world.checkpoint();
  return world;
}
const newest = (world: World) => world.snapshots.at(-1)!.path;

test('the new version goes on from the newest checkpoint, and no savepoint is taken', () => {
  const world = running();
  const checkpoint = newest(world);
  world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  const events = world.pass()?.events ?? [];
  expect(events[0]?.message).toBe(
    'spec.job.sql.inline changed: the running version is replaced from its newest checkpoint.',
  );
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: checkpoint, epoch: 2 } });
  expect(world.job.status?.lastSavepoint).toBeUndefined();
  expect(world.snapshots.filter(({ kind }) => kind === 'Savepoint')).toEqual([]);
  expect(world.violations).toEqual([]);
});

test('a stop with a savepoint that is under way when the strategy changes is seen through', () => {
  const world = running();
  world.edit((s) => {
    s.job.sql = { inline: 'version 1' };
    s.upgrade.strategy = 'Savepoint';
  });
  for (let i = 0; i < 2; i++) world.pass();
  const triggerId = world.job.status?.pending?.triggerId;
  world.edit((s) => void (s.upgrade.strategy = 'LastState'));
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: triggerId } });
  expect(world.violations).toEqual([]);
});

test('where the checkpoints of the version before are gone, the new one does not start empty', () => {
  const world = running();
  world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  for (let i = 0; i < 2; i++) world.pass();
  world.progress();
  world.snapshots = [];
  world.settle();
  expect(world.job.status?.state).toBe('Failed');
  expect(world.job.status?.conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
    reason: 'StateUnreadable',
    message: expect.stringContaining(
      'With upgrade.strategy Stateless and another spec.restartNonce it starts without state',
    ),
  });
});
