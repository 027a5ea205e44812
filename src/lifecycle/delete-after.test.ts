import type { FlowJobSpec } from '../api/flowjob.ts';
import { World } from './simulated-world.fixture.ts';

const resources = { limits: { memory: '512Mi' } };
const spec = (deleteAfterFinished?: string): FlowJobSpec => ({
  engine: { type: 'Embedded' },
  mode: 'Batch',
  suspend: false,
  restartNonce: 0,
  job: { sql: { inline: 'version 0' } },
  state: { checkpoint: { interval: '10s' } },
  upgrade: {},
  batch: {
    backoffLimit: 0,
    ttlAfterFinished: { succeeded: '0s', failed: '1h' },
    ...(deleteAfterFinished === undefined ? {} : { deleteAfterFinished }),
  },
  jobManager: { resources },
  taskManager: { replicas: 1, slots: 1, resources },
});

function ended(as: 'FINISHED' | 'FAILED', after?: string): World {
  const world = new World(spec(after));
  world.settle();
  world.end(as, null);
  for (let i = 0; i < 6; i++) {
    world.progress();
    world.pass();
  }
  expect(world.job.status?.state).toBe(as === 'FINISHED' ? 'Finished' : 'Failed');
  return world;
}
const pass = (world: World, later: number) => {
  world.now += later;
  return world.pass()!;
};

test.each(['FINISHED', 'FAILED'] as const)('a job that has %s goes when the time has passed, with its state', (as) => {
  const world = ended(as, '2h');
  const end = world.now;
  expect(pass(world, 0).requeueAt).toBeLessThanOrEqual(end + 2 * 3_600_000);
  const early = pass(world, 2 * 3_600_000 - 1);
  expect(early.actions.filter(({ kind }) => kind === 'DeleteJob')).toEqual([]);
  const events = [1, 0, 0].flatMap((later) => {
    world.progress();
    world.now += later;
    return world.pass()?.events ?? [];
  });
  expect(events.map(({ reason }) => reason)).toEqual(['Deleting']);
  world.settle();
  expect(world.gone).toBe(true);
});

test('without the field it stays for ever', () => {
  const world = ended('FINISHED');
  world.now += 1_000 * 86_400_000;
  world.settle();
  expect(world.gone).toBe(false);
});

test('a run that is asked for in time keeps it, and its end counts', () => {
  const world = ended('FINISHED', '2h');
  world.now += 3_600_000;
  world.edit((s) => void s.restartNonce++);
  for (let i = 0; i < 8; i++) pass(world, 0);
  world.now += 3 * 3_600_000;
  for (let i = 0; i < 4; i++) pass(world, 0);
  expect(world.gone).toBe(false);
  expect(world.job.status?.state).toBe('Running');
  world.end('FINISHED', null);
  for (let i = 0; i < 6; i++) {
    world.progress();
    world.pass();
  }
  expect(world.gone).toBe(false);
});
