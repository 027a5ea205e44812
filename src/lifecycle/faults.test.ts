// Faults that come at one particular moment, each by name; the property test meets them only by chance.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { SILENCE_LIMIT, START_LIMIT } from './back-off.ts';
import { decide } from './decide.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { runningWorld, World } from './simulated-world.fixture.ts';

const running = (mode: 'Streaming' | 'Batch', more: Partial<FlowJobSpec> = {}): World =>
  runningWorld(newSpec(mode, more));

const passes = (world: World, count: number): void => {
  for (let i = 0; i < count; i++) world.pass();
};
const condition = (world: World, type: string) => world.job.status?.conditions.find((x) => x.type === type);
const kindsOf = (world: World): string[] => world.pass()?.actions.map((action) => action.kind) ?? [];

test('a stop that a silent JobManager completes after it was given up is where the next version goes on', () => {
  const world = running('Streaming');
  world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  passes(world, 2);
  const triggerId = world.job.status!.pending!.triggerId;
  world.silent = true;
  world.pass();
  expect(world.job.status?.attempt?.ended).toBe('Abandoned');
  world.engine!.position++;
  world.halfStop(triggerId, true);
  world.silent = false;
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: triggerId } });
  expect(world.violations).toEqual([]);
});

test('a batch that comes to its end after its cancellation was given up is finished, and does not run again', () => {
  const world = running('Batch');
  world.edit((s) => void (s.taskManager.resources.limits.memory = '1Gi'));
  passes(world, 2);
  expect(world.job.status?.pending?.kind).toBe('Cancel');
  world.now += 60_000;
  world.pass();
  expect(world.job.status?.attempt?.ended).toBe('Cancelled');
  world.end('FINISHED', null);
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Finished', attempt: { ended: 'Finished' } });
  expect(world.violations).toEqual([]);
});

test('a TaskManager that ends again and again before the job ever ran is told in status', () => {
  const world = new World(newSpec('Streaming'));
  passes(world, 2);
  world.engine!.status = 'CREATED';
  world.kill('TaskManager');
  world.pass();
  expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'ProcessLost' });
  expect(condition(world, 'Ready')?.message).toContain('killed');
});

test('status counts the TaskManagers that run, not those that are asked for', () => {
  const replicas = (world: World): number | undefined => world.job.status?.taskManager?.replicas;
  const world = new World(newSpec('Streaming'));
  world.edit((s) => void (s.taskManager.replicas = 3));
  world.pass();
  expect(replicas(world)).toBe(0);
  world.settle();
  expect(replicas(world)).toBe(3);
  world.kill('TaskManager');
  world.pass('after write');
  expect(replicas(world)).toBe(2);
  world.settle();
  expect(replicas(world)).toBe(3);
  world.edit((s) => void (s.suspend = true));
  world.pass();
  expect(replicas(world)).toBe(3);
  world.settle();
  expect(replicas(world)).toBe(0);
});

test('a lost job whose newest checkpoint cannot be read waits, says so once, and goes on when it was put back', () => {
  const world = running('Streaming');
  world.unreadable = 'chk-7/_metadata does not match its checksum';
  world.kill('JobManager');
  const told: string[] = [];
  for (let i = 0; i < 5; i++) {
    told.push(...(world.pass()?.events.map(({ reason }) => reason) ?? []));
    world.progress();
    world.now += 20_000;
  }
  expect(world.job.status).toMatchObject({ state: 'Recovering', attempt: { epoch: 1 } });
  expect(condition(world, 'Ready')?.status).toBe('False');
  expect(condition(world, 'Stalled')?.reason).toBe('StateUnreadable');
  expect(condition(world, 'Stalled')?.message).toContain('chk-7/_metadata');
  expect(told).toEqual(['ProcessLost', 'StateUnreadable']);
  const { writes } = world;
  passes(world, 3);
  expect(world.writes).toBe(writes);
  world.unreadable = null;
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
  expect(condition(world, 'Stalled')).toBeUndefined();
  expect(world.violations).toEqual([]);
});

test('a job that waits for its state can be deleted, and can be told to start without it', () => {
  const waiting = (): World => {
    const world = running('Streaming');
    world.unreadable = 'chk-7/_metadata does not match its checksum';
    world.kill('JobManager');
    world.settle();
    expect(condition(world, 'Stalled')?.reason).toBe('StateUnreadable');
    return world;
  };
  const deleted = waiting();
  deleted.job = { ...deleted.job, metadata: { ...deleted.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
  deleted.settle();
  expect(deleted.gone).toBe(true);

  const upgraded = waiting();
  upgraded.edit((s) => void s.restartNonce++);
  upgraded.settle();
  expect(upgraded.job.status?.state).toBe('Failed');
  expect(condition(upgraded, 'Failed')?.reason).toBe('StateUnreadable');
  upgraded.allowedEmpty = true;
  upgraded.edit((s) => {
    s.restartNonce++;
    s.upgrade.strategy = 'Stateless';
  });
  upgraded.settle();
  expect(upgraded.job.status?.state).toBe('Running');
  expect(upgraded.job.status?.attempt?.restoreFrom).toBeUndefined();
  expect(upgraded.violations).toEqual([]);
});

test('a job that the engine restarts before it ever ran says why', () => {
  const world = new World(newSpec('Streaming'));
  passes(world, 2);
  world.engine!.status = 'RESTARTING';
  world.engine!.rootCause = 'row 3 is no number';
  world.pass();
  expect(condition(world, 'Ready')).toMatchObject({ reason: 'Recovering', message: 'row 3 is no number' });
});

test.each(['before its first checkpoint', 'while it runs'])(
  'a job whose tasks cannot read their state %s is stalled, is told once, and goes on when it was put back',
  (when) => {
    const world = when === 'while it runs' ? running('Streaming') : new World(newSpec('Streaming'));
    if (when !== 'while it runs') passes(world, 2);
    const why = 'SAVEPOINT_CORRUPT: shared/1.pages cannot be restored from\nHint: copy it again';
    world.unreadableByTasks = why;
    const told: string[] = [];
    // The engine tries again and again, and counts as running in between.
    for (const status of ['RESTARTING', 'RUNNING', 'RESTARTING', 'CREATED', 'RUNNING'] as const) {
      world.engine!.status = status;
      told.push(...(world.pass()?.events.map(({ reason }) => reason) ?? []));
      expect(condition(world, 'Ready')).toMatchObject({ status: 'False', reason: 'StateUnreadable' });
      expect(condition(world, 'Stalled')?.message).toContain(why);
      expect(condition(world, 'Reconciling')).toBeUndefined();
    }
    expect(told).toEqual(['StateUnreadable']);
    world.now += 60_000;
    expect(world.pass()?.requeueAt).toBeLessThan(world.now + 10_000);
    world.unreadableByTasks = null;
    expect(world.settle()).toBe(true);
    expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
    expect(condition(world, 'Stalled')).toBeUndefined();
  },
);

test.each(['Savepoint', 'Stateless'] as const)(
  'a job whose savepoint is gone when it is resumed says so under strategy %s, and starts from it by itself once it is back',
  (strategy) => {
    const world = running('Streaming', { upgrade: { strategy } });
    world.edit((s) => void (s.suspend = true));
    world.settle();
    const { path } = world.job.status!.lastSavepoint!;
    world.away = path;
    world.edit((s) => void (s.suspend = false));
    const told: string[] = [];
    for (let i = 0; i < 4; i++) told.push(...(world.pass()?.events.map(({ reason }) => reason) ?? []));
    expect(told).toEqual(['StateUnreadable']);
    expect(condition(world, 'Stalled')).toMatchObject({ reason: 'StateUnreadable' });
    expect(condition(world, 'Stalled')?.message).toContain(path);
    expect(world.pass()?.requeueAt).toBeLessThan(world.now + 10_000);
    world.away = null;
    world.settle();
    expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: path } });
    expect(world.violations).toEqual([]);
  },
);

test('a savepoint that was removed because newer checkpoints are there is missed by nobody', () => {
  const world = running('Streaming');
  world.edit((s) => void s.restartNonce++);
  world.settle();
  const { attempt, lastSavepoint } = world.job.status!;
  expect(attempt?.restoreFrom).toBe(lastSavepoint!.path);
  world.away = lastSavepoint!.path;
  world.kill('JobManager');
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: attempt!.epoch + 1 } });
});

test('a JobManager that does not answer is told as that, to the job and to its savepoints, before it is taken for lost', () => {
  const world = running('Streaming');
  world.createSavepoint('nightly');
  world.silent = true;
  world.silentFor = 2_000;
  world.pass();
  expect(condition(world, 'Ready')?.status).toBe('True');
  world.silentFor = 12_000;
  world.pass();
  expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'JobManagerSilent' });
  expect(condition(world, 'Ready')?.message).toContain('The JobManager does not answer');
  expect(world.savepoints[0]!.status).toMatchObject({ state: 'Pending' });
  expect(world.savepoints[0]!.status?.conditions[0]?.reason).toBe('JobManagerSilent');
  world.silent = false;
  world.settle();
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Running' });
  expect(world.savepoints[0]!.status?.state).toBe('Completed');
  expect(world.job.status?.attempt?.epoch).toBe(1);
});

test('a batch job that failed for good because its JobManager went silent is not left to work on', () => {
  const world = running('Batch', { batch: { backoffLimit: 0, ttlAfterFinished: { succeeded: '0s', failed: '1h' } } });
  world.silent = true;
  expect(kindsOf(world)).toEqual(['StopProcesses']);
  expect(world.job.status).toMatchObject({ state: 'Failed', attempt: { ended: 'Abandoned' } });
  world.progress();
  expect(world.processes.filter((p) => p.state === 'Running')).toEqual([]);
  // A pass that was cut off before it acted does no harm.
  const again = running('Batch', { batch: { backoffLimit: 0, ttlAfterFinished: { succeeded: '0s', failed: '1h' } } });
  again.silent = true;
  again.pass('after write');
  expect(kindsOf(again)).toEqual(['StopProcesses']);
});

test('a deletion that gave its savepoint up cancels the job, and does not begin anew with savepoints', () => {
  const world = running('Streaming');
  world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
  for (let tries = 0; tries < 3; tries++) {
    passes(world, 2);
    world.failOperations();
    world.pass();
    world.now += 5_000;
  }
  world.pass('after write');
  expect(world.job.status?.pending?.kind).toBe('Cancel');
  expect(kindsOf(world)).toEqual(['CancelJob']);
  world.settle();
  expect(world.gone).toBe(true);
});

test('checkpoints from which another job is to start hold their deletion up, which is told once and goes on by itself', () => {
  const world = running('Streaming', { deletionPolicy: 'Delete' });
  world.restorer = { job: 'next', path: '/state/orders/checkpoints/a/chk-1' };
  world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
  expect(world.settle()).toBe(true);
  expect(world.gone).toBe(false);
  const message = 'FlowJob next is to start from one of them (/state/orders/checkpoints/a/chk-1)';
  expect(condition(world, 'Stalled')).toMatchObject({
    reason: 'StateInUse',
    message: expect.stringContaining(message),
  });
  expect(world.processes.filter((p) => p.state === 'Running')).toEqual([]);
  const { writes } = world;
  const held = world.pass();
  expect(held).toMatchObject({ actions: [], events: [], finalizer: 'keep', inMotion: false });
  expect(world.writes).toBe(writes);
  world.restorer = undefined;
  expect(world.pass()?.actions).toContainEqual({ kind: 'RemoveState' });
  world.settle();
  expect(world.gone).toBe(true);
});

test('under another policy nothing goes, and nothing is held up', () => {
  const world = running('Streaming', { deletionPolicy: 'Savepoint' });
  world.restorer = { job: 'next', path: '/state/orders/checkpoints/a/chk-1' };
  world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
  world.settle();
  expect(world.gone).toBe(true);
});

test('processes that are refused are told with the reason, tried again when it is time, and made once they are let', () => {
  const world = new World(newSpec('Streaming'));
  world.refusal = 'exceeded quota: raise it';
  passes(world, 3);
  expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'PodNotStarting' });
  expect(condition(world, 'Ready')?.message).toBe('exceeded quota: raise it');
  const { writes } = world;
  expect(kindsOf(world)).toEqual([]);
  world.now += 5_000;
  expect(kindsOf(world)).toEqual(['EnsureProcesses']);
  expect(world.writes).toBe(writes);
  world.refusal = null;
  expect(world.settle()).toBe(true);
  expect(world.job.status?.state).toBe('Running');
});

test('what keeps pods from starting is one event for each cause, not for each pod, pass or wording', () => {
  const world = new World(newSpec('Streaming', { taskManager: { replicas: 2, slots: 1, resources } }));
  world.pass();
  const told = (): string[] =>
    world.pass()?.events.map(({ type, reason, message }) => `${type} ${reason} ${message}`) ?? [];
  const waitFor = (...troubles: (string | null)[]): void => {
    world.processes = world.processes.map((process, i) => ({ ...process, pending: { trouble: troubles[i] ?? null } }));
  };
  const pull = 'does not start: ErrImagePull: not found -> correct spec.engine.image';
  waitFor(null, `orders-1-taskmanager-0 ${pull}`, `orders-1-taskmanager-1 ${pull}`);
  expect(told()).toEqual([`Warning PodNotStarting orders-1-taskmanager-0 ${pull}`]);
  expect(told()).toEqual([]);
  const waits = 'orders-1-taskmanager-0 does not start: ImagePullBackOff: Back-off -> correct spec.engine.image';
  const unscheduled = 'orders-1-taskmanager-1 cannot be scheduled: 0/1 nodes -> add nodes';
  waitFor(null, waits, unscheduled);
  expect(told()).toEqual([`Warning PodNotStarting ${unscheduled}`]);
  expect(told()).toEqual([]);
  waitFor();
  expect(told()).toEqual([]);
  waitFor(null, waits);
  expect(told()).toEqual([`Warning PodNotStarting ${waits}`]);
});

test('of hundreds of pods that cannot start no cause is left out, nor told twice', () => {
  const replicas = 300;
  const world = new World(newSpec('Streaming', { taskManager: { replicas, slots: 1, resources } }));
  world.pass();
  world.processes = world.processes.map((process, i) => ({
    ...process,
    pending: {
      trouble: i < replicas ? `pod-${i} cannot be scheduled: 0/9 nodes -> add nodes` : 'z: no image -> correct it',
    },
  }));
  const events = Array.from({ length: 3 }, () => world.pass()?.events ?? []).flat();
  expect(events.map(({ message }) => message)).toEqual([
    'pod-0 cannot be scheduled: 0/9 nodes -> add nodes',
    'z: no image -> correct it',
  ]);
  expect(condition(world, 'Ready')?.message).toContain('z: no image');
});

test('why a TaskManager was lost stands until the job runs again, and is one event', () => {
  const world = running('Streaming');
  world.engine!.status = 'RESTARTING';
  world.kill('TaskManager');
  const events = Array.from({ length: 4 }, () => world.pass()?.events.map(({ reason }) => reason) ?? []).flat();
  expect(events).toEqual(['ProcessLost']);
  expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'ProcessLost' });
  world.engine!.status = 'RUNNING';
  world.pass();
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Running' });
});

test('why an attempt was lost stays in sight while the next one comes up, and no longer', () => {
  const world = running('Streaming');
  world.kill('JobManager');
  for (let i = 0; i < 20 && world.job.status?.state !== 'Starting'; i++) {
    world.pass();
    world.progress();
    world.now += 1_000;
  }
  world.silent = true;
  world.silentFor = 1_000;
  const coming: string[] = [];
  for (let i = 0; i < 5; i++) {
    world.pass();
    coming.push(condition(world, 'Ready')!.message);
  }
  const told = 'JobManager and TaskManagers are being started. The attempt before: killed';
  expect(coming).toEqual([told, told, told, told, told]);
  world.silent = false;
  world.settle();
  expect(condition(world, 'Ready')?.message).toBe('The job runs.');
});

test('a TaskManager that was lost and cannot be started again is told once, beside what keeps it', () => {
  const world = running('Streaming');
  world.kill('TaskManager');
  world.refusal = 'exceeded quota: raise it';
  const events = Array.from({ length: 4 }, () => world.pass()?.events.map(({ reason }) => reason) ?? []).flat();
  expect(events).toEqual(['ProcessLost', 'PodNotStarting']);
  expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'PodNotStarting' });
  expect(condition(world, 'Ready')?.message).toMatch(/^exceeded quota: raise it\nkilled/);
});

test.each(['Recovering', 'Upgrading', 'Suspending', 'Deleting'] as const)(
  'a job that is %s says which pod holds it up, for as long as it does',
  (state) => {
    const world = running('Streaming');
    world.checkpoint();
    const left = 'orders-1-jobmanager was to end and is still there -> see its node';
    if (state === 'Upgrading') world.edit((spec) => void (spec.job.sql = { inline: 'version 1' }));
    if (state === 'Suspending') world.edit((spec) => void (spec.suspend = true));
    if (state === 'Deleting')
      world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
    world.silent = true;
    world.processes = world.processes.map((process) => ({ ...process, left }));
    passes(world, 3);
    expect(world.job.status?.state).toBe(state);
    expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown' });
    expect(condition(world, 'Ready')?.message).toContain(`\n${left}`);
    world.processes = world.processes.map(({ left: _, ...process }) => process);
    world.pass();
    expect(condition(world, 'Ready')?.message).not.toContain(left);
  },
);

test('a TaskManager that was lost while a change is refused is told once, behind the refusal', () => {
  const world = running('Streaming');
  world.edit((spec) => void (spec.state.storage = { uri: 'file:///elsewhere' }));
  world.pass();
  world.refusal = 'exceeded quota: raise it';
  world.kill('TaskManager');
  const events = Array.from({ length: 4 }, () => world.pass()?.events.map(({ reason }) => reason) ?? []).flat();
  expect(events).toEqual(['ProcessLost', 'PodNotStarting']);
  expect(condition(world, 'Ready')).toMatchObject({ status: 'False', reason: 'ChangeRefused' });
  expect(condition(world, 'Ready')?.message).toMatch(/accepted version goes on\.\nexceeded quota: raise it\nkilled/);
});

test.each(['upgraded', 'suspended'])(
  'a job whose JobManager goes without a trace while it is %s waits for nobody',
  (how) => {
    const world = running('Streaming');
    world.checkpoint();
    world.edit((s) => void (how === 'upgraded' ? (s.job.sql = { inline: 'version 1' }) : (s.suspend = true)));
    passes(world, 2);
    world.remove('JobManager');
    const { now } = world;
    for (let i = 0; i < 10; i++) {
      world.pass();
      world.progress();
    }
    expect(world.now).toBe(now);
    expect(world.job.status?.state).toBe(how === 'upgraded' ? 'Running' : 'Suspended');
    expect(world.job.status?.attempt?.epoch).toBe(how === 'upgraded' ? 2 : 1);
    expect(world.violations).toEqual([]);
  },
);

test('a JobManager that takes long to start is not started anew, one that falls silent later is', () => {
  const world = new World(newSpec('Streaming'));
  const observed = (silentFor: number) =>
    decide({
      job: world.job,
      savepoints: [],
      now: world.now,
      observation: {
        processes: world.processes,
        refusal: null,
        engine: null,
        silentSince: world.now - silentFor,
        storage: {
          epoch: 1,
          newest: null,
          unreadable: { checkpoints: null, savepoint: null },
          pendingSavepoint: null,
          result: null,
          found: null,
          savepoint: null,
        },
        named: null,
        claimName: null,
        restorers: {},
        sqlError: null,
      },
    }).status.state;
  passes(world, 1);
  expect([SILENCE_LIMIT, START_LIMIT].map(observed)).toEqual(['Starting', 'Recovering']);
  world.settle();
  expect(observed(SILENCE_LIMIT)).toBe('Recovering');
});
