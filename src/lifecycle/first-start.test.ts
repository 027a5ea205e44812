// Where a job starts that has never run, what it waits for, and that it never goes back there.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { wouldStartFrom } from './first-start.ts';
import { World } from './simulated-world.fixture.ts';

const resources = { limits: { memory: '512Mi' } };
type Restore = Omit<NonNullable<FlowJobSpec['state']['restore']>, 'allowNonRestoredState'>;

function worldOf(restore: Restore | undefined, more: Partial<FlowJobSpec> = {}): World {
  const world = new World({
    engine: { type: 'Embedded' },
    mode: 'Streaming',
    suspend: false,
    restartNonce: 0,
    job: { sql: { inline: 'version 0' } },
    state: {
      checkpoint: { interval: '10s' },
      ...(restore === undefined ? {} : { restore: { allowNonRestoredState: false, ...restore } }),
    },
    upgrade: {},
    jobManager: { resources },
    taskManager: { replicas: 1, slots: 1, resources },
    ...more,
  });
  world.foreign('/savepoints/legacy', 1_000);
  return world;
}

const legacy = (
  state: 'Completed' | 'InProgress' | 'Failed',
  more: { beingRemoved?: boolean; claimName?: string } = {},
) => ({
  state,
  path: state === 'Completed' ? '/savepoints/legacy' : undefined,
  claimName: more.claimName,
  failure: state === 'Failed' ? 'declined' : '',
  engine: 'Embedded' as const,
  beingRemoved: more.beingRemoved ?? false,
});

function rebuilt(world: World): World {
  world.foreign('/state/chk-7', 500);
  world.earlier = '/state/chk-7';
  return world;
}

const settled = (world: World): World => {
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
  return world;
};
const stalled = (world: World) => world.job.status?.conditions.find(({ type }) => type === 'Stalled');
const restoreIs = (world: World, restore: Restore): void =>
  world.edit((spec) => void (spec.state.restore = { allowNonRestoredState: false, ...restore }));

test('a job without state.restore, and without state of an earlier one, starts empty', () => {
  const { status } = settled(worldOf(undefined)).job;
  expect(status).toMatchObject({ state: 'Running' });
  expect(status?.attempt?.restoreFrom).toBeUndefined();
  expect(status?.restored).toBeUndefined();
});

test('a job whose storage holds state of an earlier one of its name waits, Stalled, and says what is there and what to do', () => {
  const world = settled(rebuilt(worldOf(undefined)));
  expect(world.job.status).toMatchObject({ state: 'Pending' });
  expect(world.job.status?.attempt).toBeUndefined();
  expect(world.processes).toEqual([]);
  expect(stalled(world)).toMatchObject({ status: 'True', reason: 'StateFound' });
  for (const part of ['/state/chk-7', 'policy: Newest', 'savepointRef', 'uri', 'policy: Empty'])
    expect(stalled(world)?.message).toContain(part);
});

test.each([
  ['Newest', { policy: 'Newest' }, '/state/chk-7', 'Newest'],
  ['a uri', { uri: '/savepoints/legacy' }, '/savepoints/legacy', 'Uri'],
  ['Newest beside a uri', { uri: '/savepoints/legacy', policy: 'Newest' }, '/state/chk-7', 'Newest'],
  ['Empty', { policy: 'Empty' }, undefined, 'Empty'],
] as const)('beside state of an earlier job %s decides, also when it comes later', (_, restore, from, origin) => {
  const later = settled(rebuilt(worldOf(undefined)));
  restoreIs(later, restore);
  for (const world of [rebuilt(worldOf(restore)), later]) {
    const { status } = settled(world).job;
    expect(status?.state).toBe('Running');
    expect(status?.attempt?.restoreFrom).toBe(from);
    expect(status?.restored).toMatchObject({ origin, complete: true });
  }
});

test('policy Newest without any state starts empty, or from what else is named', () => {
  expect(settled(worldOf({ policy: 'Newest' })).job.status?.attempt?.restoreFrom).toBeUndefined();
  const named = settled(worldOf({ policy: 'Newest', uri: '/savepoints/legacy' }));
  expect(named.job.status?.attempt?.restoreFrom).toBe('/savepoints/legacy');
});

test('a job born suspended waits just so when it is resumed', () => {
  const world = settled(rebuilt(worldOf(undefined, { suspend: true })));
  expect(world.job.status?.state).toBe('Suspended');
  world.edit((spec) => void (spec.suspend = false));
  expect(stalled(settled(world))?.reason).toBe('StateFound');
});

test('a FlowSavepoint that is not there, then is being taken, then is complete: the job waits, and goes on by itself', () => {
  const world = settled(worldOf({ savepointRef: { name: 'legacy' } }));
  expect(stalled(world)).toMatchObject({ reason: 'SavepointNotFound' });
  expect(stalled(world)?.message).toMatch(/There is no FlowSavepoint legacy in namespace default/);
  world.named['legacy'] = legacy('InProgress');
  settled(world);
  expect(world.job.status?.conditions.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
    'Ready WaitingForSavepoint',
    'Reconciling WaitingForSavepoint',
  ]);
  world.named['legacy'] = legacy('Completed', { claimName: 'other-state' });
  settled(world);
  expect(world.job.status).toMatchObject({
    state: 'Running',
    attempt: { restoreFrom: '/savepoints/legacy', restoreClaim: 'other-state' },
    restored: { origin: 'SavepointRef', savepointName: 'legacy', complete: true },
  });
});

test('a FlowSavepoint that failed, or is being deleted with its files, is not started from', () => {
  const world = worldOf({ savepointRef: { name: 'legacy' } });
  world.named['legacy'] = legacy('Failed');
  expect(stalled(settled(world))).toMatchObject({ reason: 'SavepointUnusable' });
  world.named['legacy'] = legacy('Completed', { beingRemoved: true });
  expect(stalled(settled(world))).toMatchObject({ reason: 'SavepointNotFound' });
});

test('a uri without a savepoint is told with field, value and cause; the job starts when one appears', () => {
  const world = settled(worldOf({ uri: '/savepoints/later' }));
  expect(stalled(world)).toMatchObject({ reason: 'SavepointNotFound' });
  expect(stalled(world)?.message).toMatch(/spec\.state\.restore\.uri \(\/savepoints\/later\).*there is no savepoint/);
  world.foreign('/savepoints/later', 3_000);
  expect(settled(world).job.status?.attempt?.restoreFrom).toBe('/savepoints/later');
});

test('an upgrade, a suspension, a failure and a change of state.restore never bring the job back to where it came from', () => {
  const world = settled(worldOf({ uri: '/savepoints/legacy' }));
  const started = world.job.status?.attempt;
  restoreIs(world, { uri: '/savepoints/another' });
  settled(world);
  expect(world.job.status?.attempt).toEqual(started);
  expect(world.job.status?.conditions[0]).toMatchObject({ type: 'Ready', status: 'True' });
  expect(world.job.status?.conditions[0]?.message).toContain('spec.state.restore has no effect');
  world.edit((spec) => void (spec.job.sql = { inline: 'version 1' }));
  settled(world);
  world.edit((spec) => void (spec.suspend = true));
  settled(world);
  world.edit((spec) => void (spec.suspend = false));
  settled(world);
  world.kill('JobManager');
  settled(world);
  world.end('FAILED', null);
  world.edit((spec) => void spec.restartNonce++);
  settled(world);
  expect(world.job.status?.state).toBe('Running');
  expect(world.job.status?.attempt?.restoreFrom).not.toMatch(/^\/savepoints/);
});

test('a job that fails before its first checkpoint, as with a savepoint that its plan cannot restore, may start from another one', () => {
  const world = worldOf({ uri: '/savepoints/legacy' });
  world.pass();
  world.pass();
  world.end('FAILED', null);
  expect(settled(world).job.status?.state).toBe('Failed');
  world.edit((spec) => void (spec.state.restore!.allowNonRestoredState = true));
  settled(world);
  expect(world.job.status).toMatchObject({
    state: 'Running',
    attempt: { restoreFrom: '/savepoints/legacy', allowNonRestoredState: true },
  });
  world.edit((spec) => void (spec.job.sql = { inline: 'version 1' }));
  expect(settled(world).job.status?.attempt?.allowNonRestoredState).toBeUndefined();
});

test('a savepoint is held for a job that names it, by name or by path, until the first checkpoint of that job is complete', () => {
  const savepoint = { name: 'legacy', path: '/savepoints/legacy' };
  for (const restore of [
    { savepointRef: { name: 'legacy' } },
    { uri: '/savepoints/legacy' },
    { uri: 'file:///savepoints/legacy/' },
  ]) {
    const world = worldOf(restore);
    world.named['legacy'] = legacy('Completed');
    expect(wouldStartFrom(world.job, savepoint)).toBe(true);
    world.foreign('file:///savepoints/legacy/', 1_000);
    world.pass();
    expect(wouldStartFrom(world.job, savepoint)).toBe(true);
    settled(world);
    expect(wouldStartFrom(world.job, savepoint)).toBe(false);
  }
  expect(wouldStartFrom(worldOf(undefined).job, savepoint)).toBe(false);
});
