// Going back to the version before an upgrade: when, from where, what is told of it, and what comes after.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { runningWorld, World } from './simulated-world.fixture.ts';

const rollback = { enabled: true, deadline: '5m' };
const spec = (more: Partial<FlowJobSpec> = {}): FlowJobSpec =>
  newSpec('Streaming', { upgrade: { rollback }, taskManager: { replicas: 2, slots: 1, resources }, ...more });

/** Passes until the new version is on its way, its first checkpoint not complete. */
function upgrading(world: World, change: (spec: FlowJobSpec) => void = (s) => void (s.job.sql!.inline = 'version 1')) {
  world.edit(change);
  const { generation } = world.job.metadata;
  const isNew = (): boolean => world.job.status?.accepted?.generation === generation;
  until(world, () => isNew() && world.job.status?.state === 'Starting');
  return world;
}

function until(world: World, holds: () => boolean): void {
  for (let round = 0; round < 50 && !holds(); round++) {
    world.progress();
    world.pass();
  }
  expect(holds()).toBe(true);
}

const conditions = (world: World): Record<string, string> =>
  Object.fromEntries(world.job.status!.conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
const message = (world: World): string => world.job.status!.conditions[0]!.message;
const sql = (world: World): string | undefined => world.job.status?.accepted?.spec.job.sql!.inline;

const rolledBack = { Ready: 'False RolledBack', Stalled: 'True RolledBack' };

/** A job whose second version failed, and whose first runs again. */
function back(world = runningWorld(spec())): World {
  upgrading(world).end('FAILED', null);
  until(world, () => world.job.status?.state === 'Running');
  expect(world.violations).toEqual([]);
  return world;
}

test('a version that fails before its first checkpoint is rolled back at once, to the savepoint of the upgrade', () => {
  const world = upgrading(runningWorld(spec()));
  const savepoint = world.job.status!.lastSavepoint!.path;
  expect(world.job.status?.attempt?.restoreFrom).toBe(savepoint);
  world.end('FAILED', null);
  const given = world.pass()!;
  expect(given.status).toMatchObject({ state: 'RollingBack', rolledBack: { generation: 2 } });
  expect(given.actions).toEqual([{ kind: 'StopProcesses', epoch: 2, graceful: false }]);
  expect(given.events).toMatchObject([{ type: 'Warning', reason: 'RollingBack' }]);
  expect(given.events[0]!.message).toContain('It failed before its first checkpoint: it broke');
  world.progress();
  const started = world.pass()!;
  expect(started.events).toEqual([
    expect.objectContaining({
      type: 'Normal',
      reason: 'RolledBack',
      message: `The version of generation 1 starts again. It goes on from ${savepoint}.`,
    }),
  ]);
  expect(started.status).toMatchObject({
    state: 'Starting',
    accepted: { generation: 1 },
    attempt: { epoch: 3, restoreFrom: savepoint },
  });
  expect(sql(world)).toBe('version 0');
  expect(world.settle()).toBe(true);
  expect(conditions(world)).toEqual(rolledBack);
  expect(message(world)).toBe(
    'The version of generation 2 was given up, and the one of generation 1 is run from the state that it had left: correct the spec, or change spec.restartNonce to try the same version again. It failed before its first checkpoint: it broke',
  );
  expect(world.job.status?.previous).toBeUndefined();
  expect(world.violations).toEqual([]);
});

test('an operator that dies after any of the steps goes on with the same step', () => {
  const world = upgrading(runningWorld(spec()));
  world.end('FAILED', null);
  for (let i = 0; i < 3; i++) world.pass('after write');
  expect(world.job.status?.state).toBe('RollingBack');
  world.pass();
  world.progress();
  world.pass('before write');
  world.pass('after write');
  expect(world.job.status).toMatchObject({ state: 'Starting', attempt: { epoch: 3 } });
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 3 }, rolledBack: { generation: 2 } });
  expect(world.violations).toEqual([]);
});

test('a version that has come to no checkpoint by the deadline is rolled back, with what kept it', () => {
  const world = runningWorld(spec());
  world.hopeless.add('version 1');
  upgrading(world);
  for (let i = 0; i < 4; i++) {
    world.progress();
    world.pass();
  }
  expect(world.job.status?.pending).toMatchObject({ kind: 'Checkpoint', failure: 'declined' });
  world.now += 4 * 60_000;
  expect(world.pass()?.status.state).toBe('Starting');
  world.now += 60_000;
  const given = world.pass()!;
  expect(given.status.state).toBe('RollingBack');
  expect(given.status.rolledBack?.failure).toBe(
    'It was not at its first checkpoint within spec.upgrade.rollback.deadline (5m): declined',
  );
});

test('time that pods wait for counts, and what they wait for is told', () => {
  const world = runningWorld(spec());
  world.refusal = 'exceeded quota';
  upgrading(world);
  const looks = world.pass()!;
  expect(looks.requeueAt).not.toBeNull();
  world.now += 299_000;
  expect(world.pass()?.status.state).toBe('Starting');
  world.now += 1_000;
  expect(world.pass()?.status.rolledBack?.failure).toContain('(5m): exceeded quota');
});

test('an attempt that is lost again and again is rolled back when the version has had its time', () => {
  const world = upgrading(runningWorld(spec()));
  for (let i = 0; i < 60 && world.job.status?.rolledBack === undefined; i++) {
    world.kill('JobManager');
    world.pass();
    world.progress();
    world.pass();
    world.now += 10_000;
  }
  expect(world.job.status?.rolledBack?.failure).toBe(
    'It was not at its first checkpoint within spec.upgrade.rollback.deadline (5m): killed',
  );
});

test('a version that was healthy once is never rolled back', () => {
  const world = upgrading(runningWorld(spec()));
  until(world, () => world.job.status?.state === 'Running');
  expect(world.job.status?.previous).toBeUndefined();
  world.end('FAILED', null);
  expect(world.settle()).toBe(true);
  expect(world.job.status?.state).toBe('Failed');
  expect(sql(world)).toBe('version 1');
});

test('a version whose first checkpoint nobody has seen fails as one that has proven itself', () => {
  const world = upgrading(runningWorld(spec()));
  world.checkpoint();
  world.end('FAILED', null);
  expect(world.pass()?.status.state).toBe('Failed');
  expect(world.violations).toEqual([]);
});

test('a version whose first checkpoint completes while it is given up goes on from there', () => {
  const world = upgrading(runningWorld(spec()));
  world.silent = true;
  world.silentFor = 10_000;
  world.now += 300_000;
  const run = world.job.status?.attempt?.jobId;
  expect(world.pass('none', () => world.checkpoint())?.status.state).toBe('RollingBack');
  world.silent = false;
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { jobId: run, healthy: true } });
  expect(world.job.status?.rolledBack).toBeUndefined();
  expect(conditions(world)).toEqual({ Ready: 'True Running' });
  expect(world.violations).toEqual([]);
});

test('an operator that was away past the deadline listens before it judges: a sound version stays', () => {
  const world = upgrading(runningWorld(spec()));
  world.progress();
  world.now += 600_000;
  world.silent = true;
  world.silentFor = 0;
  expect(world.pass()?.status.state).toBe('Starting');
  world.silent = false;
  expect(world.pass()?.status).toMatchObject({ state: 'Starting', pending: { kind: 'Checkpoint' } });
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2, healthy: true } });
  expect(world.job.status?.rolledBack).toBeUndefined();
});

test('one that is suspended while it is rolled back, and resumed with a third version that fails, goes back to the first', () => {
  const world = upgrading(runningWorld(spec()));
  world.end('FAILED', null);
  expect(world.pass()?.status.state).toBe('RollingBack');
  world.edit((s) => void (s.suspend = true));
  expect(world.settle()).toBe(true);
  expect(world.job.status?.state).toBe('Suspended');
  world.edit((s) => {
    s.suspend = false;
    s.job.sql = { inline: 'version 3' };
  });
  until(world, () => world.job.status?.state === 'Starting');
  world.progress();
  world.end('FAILED', null);
  expect(world.settle()).toBe(true);
  expect(conditions(world)).toEqual(rolledBack);
  expect(sql(world)).toBe('version 0');
  expect(world.violations).toEqual([]);
});

test('a standstill of the version that runs instead is told under its own reason, as the same one in each pass', () => {
  const world = upgrading(runningWorld(spec()));
  world.end('FAILED', null);
  expect(world.settle()).toBe(true);
  expect(conditions(world)).toEqual(rolledBack);
  world.sqlError = null;
  world.edit((s) => void (s.state.savepoints = { schedule: '0 0 30 2 *', retain: { count: 1 } }));
  expect(world.settle()).toBe(true);
  expect(conditions(world)).toMatchObject({ Stalled: 'True InvalidSchedule' });
  expect(message(world)).toContain('was given up');
  const { writes } = world;
  for (let pass = 0; pass < 3; pass++) world.pass();
  expect(world.writes).toBe(writes);
});

describe('there is nothing to go back to', () => {
  test('for a first start', () => {
    const world = new World(spec());
    until(world, () => world.engine !== null);
    world.end('FAILED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Failed');
  });

  test('for a job of which no version has ever come to a checkpoint', () => {
    const world = new World(spec());
    until(world, () => world.engine !== null);
    upgrading(world).end('FAILED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Failed');
  });

  test('for strategy Stateless: the version before would have to begin anew as well', () => {
    const world = runningWorld(spec({ upgrade: { strategy: 'Stateless', rollback } }));
    world.allowedEmpty = true;
    upgrading(world).end('FAILED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Failed');
  });

  test('where it is switched off', () => {
    const world = runningWorld(spec({ upgrade: { rollback: { ...rollback, enabled: false } } }));
    upgrading(world).end('FAILED', null);
    expect(world.job.status?.previous).toBeUndefined();
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Failed');
  });

  test('for a restart of the same version', () => {
    const world = runningWorld(spec());
    upgrading(world, (s) => void s.restartNonce++).end('FAILED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Failed');
  });

  test('for a job that was cancelled from outside', () => {
    const world = upgrading(runningWorld(spec()));
    world.end('CANCELED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Failed');
  });

  test('where the version before had failed for good itself', () => {
    const world = runningWorld(spec());
    world.end('FAILED', null);
    expect(world.settle()).toBe(true);
    upgrading(world).end('FAILED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Failed');
    expect(sql(world)).toBe('version 1');
  });
});

test('with LastState the version before goes on from its newest checkpoint', () => {
  const world = runningWorld(spec({ upgrade: { strategy: 'LastState', rollback } }));
  world.checkpoint();
  const newest = world.snapshots.at(-1)!;
  back(world);
  expect(world.job.status?.attempt?.restoreFrom).toBe(newest.path);
  expect(newest.kind).toBe('Checkpoint');
});

test('on Apache Flink the savepoint of the upgrade is not taken for state of the new version', () => {
  const world = back(runningWorld(spec({ engine: { type: 'Flink', version: '2.3' } })));
  expect(world.job.status).toMatchObject({ rolledBack: { generation: 2 }, attempt: { checkpointed: true } });
  expect(world.job.status?.attempt?.restoreFrom).toBe(world.job.status?.lastSavepoint?.path);
});

test('rollback is on for a stream whose spec does not say', () => {
  back(runningWorld(spec({ upgrade: {} })));
});

describe('a job that was rolled back', () => {
  test('is at rest: nothing tries the version again, and nothing is written', () => {
    const world = back();
    expect(world.settle()).toBe(true);
    const { writes } = world;
    for (let i = 0; i < 5; i++) {
      world.now += 60_000;
      expect(world.pass()?.actions).toEqual([]);
    }
    expect(world.writes).toBe(writes);
  });

  test('recovers as itself, and tells what it recovers from beside what was rolled back', () => {
    const world = back();
    world.kill('JobManager');
    world.pass();
    expect(conditions(world)).toEqual({ Ready: 'Unknown Recovering', Reconciling: 'True Recovering' });
    expect(message(world)).toContain('killed\nThe version of generation 2 was given up');
    expect(world.settle()).toBe(true);
    expect(sql(world)).toBe('version 0');
    expect(conditions(world)).toEqual(rolledBack);
    world.kill('TaskManager');
    world.pass();
    expect(conditions(world)).toEqual(rolledBack);
    expect(message(world)).toMatch(/^The version of generation 2 was given up.*\nkilled/s);
  });

  test('takes savepoints', () => {
    const world = back();
    world.createSavepoint('backup');
    expect(world.settle()).toBe(true);
    expect(world.savepoints[0]?.status?.state).toBe('Completed');
  });

  test('keeps the size that it had, and takes another that is asked for, in place', () => {
    const world = runningWorld(spec());
    upgrading(world, (s) => {
      s.job.sql!.inline = 'version 1';
      s.taskManager.replicas = 5;
    }).end('FAILED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status).toMatchObject({ parallelism: 2, taskManager: { replicas: 2 }, attempt: { epoch: 3 } });
    world.edit((s) => void (s.taskManager.replicas = 3));
    expect(world.settle()).toBe(true);
    expect(world.job.status).toMatchObject({ parallelism: 3, taskManager: { replicas: 3 }, attempt: { epoch: 3 } });
    world.edit((s) => void (s.taskManager.replicas = 5));
    expect(world.settle()).toBe(true);
    expect(world.job.status).toMatchObject({ parallelism: 5, attempt: { epoch: 3 } });
    expect(conditions(world)).toEqual(rolledBack);
  });

  test('is suspended as asked, and resumed as the version that ran', () => {
    const world = back();
    world.edit((s) => void (s.suspend = true));
    expect(world.settle()).toBe(true);
    expect(conditions(world)).toEqual({ Ready: 'True Suspended', Suspended: 'True Suspended' });
    expect(message(world)).toContain('The version of generation 2 was given up');
    world.edit((s) => void (s.suspend = false));
    expect(world.settle()).toBe(true);
    expect(sql(world)).toBe('version 0');
    expect(conditions(world)).toEqual(rolledBack);
    expect(world.violations).toEqual([]);
  });

  test('runs a corrected version from where it is', () => {
    const world = back();
    world.edit((s) => void (s.job.sql!.inline = 'version 2'));
    expect(world.settle()).toBe(true);
    expect(sql(world)).toBe('version 2');
    expect(world.job.status?.attempt?.restoreFrom).toBe(world.job.status?.lastSavepoint?.path);
    expect(world.job.status?.rolledBack).toBeUndefined();
    expect(conditions(world)).toEqual({ Ready: 'True Running' });
    expect(world.violations).toEqual([]);
  });

  test('tries the same version again when spec.restartNonce asks for it', () => {
    const world = back();
    world.edit((s) => void s.restartNonce++);
    expect(world.settle()).toBe(true);
    expect(sql(world)).toBe('version 1');
    expect(conditions(world)).toEqual({ Ready: 'True Running' });
  });

  test('is as the spec asks once the change is taken back', () => {
    const world = back();
    const { attempt } = world.job.status!;
    world.edit((s) => void (s.job.sql!.inline = 'version 0'));
    expect(world.settle()).toBe(true);
    expect(world.job.status?.attempt).toEqual(attempt);
    expect(world.job.status?.rolledBack).toBeUndefined();
    expect(conditions(world)).toEqual({ Ready: 'True Running' });
  });

  test('that comes to its end is complete, and not run again for a nonce of the version that was given up', () => {
    const world = runningWorld(spec());
    upgrading(world, (s) => {
      s.job.sql!.inline = 'version 1';
      s.restartNonce++;
    }).end('FAILED', null);
    expect(world.settle()).toBe(true);
    world.end('FINISHED', null);
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Finished');
    expect(world.violations).toEqual([]);
  });

  test('is deleted with a last savepoint', () => {
    const world = back();
    world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
    world.settle();
    expect(world.gone).toBe(true);
    expect(world.snapshots.at(-1)?.kind).toBe('Savepoint');
  });
});

describe('while a version is given up', () => {
  const givingUp = (): World => {
    const world = upgrading(runningWorld(spec()));
    world.end('FAILED', null);
    expect(world.pass()?.status.state).toBe('RollingBack');
    return world;
  };

  test('a suspend leaves the version before, with its state', () => {
    const world = givingUp();
    const savepoint = world.job.status!.lastSavepoint!.path;
    world.edit((s) => void (s.suspend = true));
    expect(world.settle()).toBe(true);
    expect(world.job.status?.state).toBe('Suspended');
    expect(sql(world)).toBe('version 0');
    world.edit((s) => void (s.suspend = false));
    until(world, () => world.job.status?.state === 'Starting');
    expect(world.job.status?.attempt?.restoreFrom).toBe(savepoint);
    expect(world.settle()).toBe(true);
    expect(conditions(world)).toEqual(rolledBack);
  });

  test('a corrected version starts in its place, and may be rolled back in turn', () => {
    const world = givingUp();
    world.edit((s) => void (s.job.sql!.inline = 'version 2'));
    until(world, () => world.job.status?.state === 'Starting');
    expect(sql(world)).toBe('version 2');
    world.end('FAILED', null);
    expect(world.settle()).toBe(true);
    expect(sql(world)).toBe('version 0');
    expect(conditions(world)).toEqual(rolledBack);
    expect(message(world)).toContain('The version of generation 3 was given up, and the one of generation 1 is run');
  });

  test('a version that cannot be planned keeps the version before from nothing', () => {
    const world = givingUp();
    world.edit((s) => void (s.job.sql!.inline = 'bad'));
    world.sqlError = 'SQL_SYNTAX: no';
    expect(world.settle()).toBe(true);
    expect(sql(world)).toBe('version 0');
    expect(conditions(world)).toEqual({ Ready: 'False InvalidSpec', Stalled: 'True InvalidSpec' });
  });
});
