// A job whose SQL text stands in a ConfigMap: it comes late, goes, comes back changed.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { World } from './simulated-world.fixture.ts';

const resources = { limits: { memory: '512Mi' } };
const spec = (): FlowJobSpec => ({
  engine: { type: 'Embedded' },
  mode: 'Streaming',
  suspend: false,
  restartNonce: 0,
  job: { sql: { configMapKeyRef: { name: 'orders-sql', key: 'job.sql' } } },
  state: { checkpoint: { interval: '10s' } },
  upgrade: {},
  jobManager: { resources },
  taskManager: { replicas: 1, slots: 1, resources },
});
const missing = { missing: 'there is no ConfigMap "orders-sql". Create it.' };

function started(text: string): World {
  const world = new World(spec());
  world.referencedSql = { text };
  world.settle();
  expect(world.job.status?.state).toBe('Running');
  return world;
}
const condition = (world: World, type: string) => world.job.status?.conditions.find((x) => x.type === type);
const text = (world: World) => world.job.status?.accepted?.spec.job.sql?.inline;

test('a job waits for its ConfigMap, says so once, and starts by itself when it comes', () => {
  const world = new World(spec());
  world.referencedSql = missing;
  const events = Array.from({ length: 4 }, () => world.pass()?.events ?? []).flat();
  expect(events.map(({ reason }) => reason)).toEqual(['SqlNotFound']);
  expect(world.job.status?.state).toBe('Pending');
  expect(condition(world, 'Stalled')).toMatchObject({
    reason: 'SqlNotFound',
    message: 'The job is not started: there is no ConfigMap "orders-sql". Create it.',
  });
  expect(world.processes).toEqual([]);
  world.referencedSql = { text: 'version 1' };
  world.settle();
  expect(world.job.status?.state).toBe('Running');
  expect(text(world)).toBe('version 1');
});

test('an edited text replaces the running version from a savepoint, and the event says where the text stands', () => {
  const world = started('version 1');
  world.referencedSql = { text: 'version 2' };
  const events = world.pass()?.events ?? [];
  expect(events[0]?.message).toContain('spec.job.sql (ConfigMap "orders-sql", key "job.sql") changed');
  world.settle();
  expect(text(world)).toBe('version 2');
  expect(world.job.status?.attempt?.restoreFrom).toBe(world.job.status?.lastSavepoint?.path);
  expect(world.violations).toEqual([]);
});

test('another ConfigMap with the same text restarts nothing', () => {
  const world = started('version 1');
  world.edit((s) => void (s.job.sql = { configMapKeyRef: { name: 'another', key: 'job.sql' } }));
  world.settle();
  expect(world.job.status?.attempt?.epoch).toBe(1);
  world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  world.referencedSql = null;
  world.settle();
  expect(world.job.status?.attempt?.epoch).toBe(1);
});

test('a running version goes on when its ConfigMap goes, and no other change replaces it until the text is back', () => {
  const world = started('version 1');
  world.referencedSql = missing;
  world.edit((s) => void (s.taskManager.slots = 2));
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  expect(condition(world, 'Stalled')).toMatchObject({
    reason: 'SqlNotFound',
    message: 'there is no ConfigMap "orders-sql". Create it. The accepted version goes on.',
  });
  world.referencedSql = { text: 'version 1' };
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
});

test('an attempt that is lost is followed by one with the text that ran, whatever stands in the ConfigMap by then', () => {
  const world = started('version 1');
  world.kill('JobManager');
  world.referencedSql = missing;
  world.settle();
  expect(world.job.status?.attempt?.epoch).toBe(2);
  expect(text(world)).toBe('version 1');
});

test('a job that was stopped for its new version waits in between when the text goes just then', () => {
  const world = started('version 1');
  world.referencedSql = { text: 'version 2' };
  for (let i = 0; i < 3; i++) {
    world.progress();
    world.pass();
  }
  expect(world.job.status?.state).toBe('Upgrading');
  world.referencedSql = missing;
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Upgrading' });
  expect(condition(world, 'Stalled')?.reason).toBe('SqlNotFound');
  world.referencedSql = { text: 'version 2' };
  world.settle();
  expect(world.job.status?.state).toBe('Running');
  expect(text(world)).toBe('version 2');
  expect(world.violations).toEqual([]);
});

test('a failed job tells that its next text is missing, keeps why it failed, and runs again once the text has changed', () => {
  const world = started('version 1');
  world.end('FAILED', null);
  world.settle();
  world.referencedSql = missing;
  world.settle();
  expect(condition(world, 'Failed')).toMatchObject({
    reason: 'JobFailed',
    message: 'it broke\nThe SQL text that the spec names for its next version is missing: ' + missing.missing,
  });
  world.referencedSql = { text: 'version 1' };
  world.settle();
  expect(condition(world, 'Failed')).toMatchObject({ reason: 'JobFailed', message: 'it broke' });
  world.referencedSql = { text: 'version 2' };
  world.settle();
  expect(world.job.status?.state).toBe('Running');
});

test('a finished job is not run again for its ConfigMap', () => {
  const world = started('version 1');
  world.end('FINISHED', null);
  world.settle();
  world.referencedSql = { text: 'version 2' };
  world.settle();
  expect(world.job.status?.state).toBe('Finished');
  expect(condition(world, 'Complete')?.message).toContain('spec.job.sql (ConfigMap "orders-sql", key "job.sql")');
  world.edit((s) => void s.restartNonce++);
  world.referencedSql = missing;
  world.settle();
  expect(condition(world, 'Stalled')?.reason).toBe('SqlNotFound');
  world.referencedSql = { text: 'version 2' };
  world.settle();
  expect(text(world)).toBe('version 2');
  expect(world.violations).toEqual([]);
});
