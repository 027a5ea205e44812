// What has finished stays finished, whatever is edited, until spec.restartNonce asks for another run.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { newSpec } from './simulated-objects.fixture.ts';
import { runningWorld, World } from './simulated-world.fixture.ts';

type Edit = (spec: FlowJobSpec) => void;
const newSql: Edit = (s) => void (s.job.sql = { inline: 'version 1' });
const raise: Edit = (s) => void s.restartNonce++;

const running = (mode: FlowJobSpec['mode'], more: Partial<FlowJobSpec> = {}): World =>
  runningWorld(newSpec(mode, more));

function finished(mode: FlowJobSpec['mode']): World {
  const world = running(mode);
  world.end('FINISHED', null);
  return settled(world);
}

/** The first run, however much came after it. */
const RUN_ONE = { state: 'Finished', attempt: { epoch: 1, ended: 'Finished' } };

function settled(world: World): World {
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
  return world;
}

function edited(world: World, ...edits: Edit[]): World {
  world.edit((s) => edits.forEach((edit) => edit(s)));
  return settled(world);
}

const conditions = (world: World): string[] => world.job.status!.conditions.map((c) => `${c.type} ${c.status}`);
const message = (world: World, type = 'Complete'): string | undefined =>
  world.job.status?.conditions.find((c) => c.type === type)?.message;

describe.each(['Streaming', 'Batch', 'Automatic'] as const)('%s', (mode) => {
  const ended = mode === 'Batch' ? 'The batch job came to its end.' : 'The job came to the end of its input.';

  test('a finished job whose SQL is edited runs nothing, stays complete, and says what runs the present spec', () => {
    const world = edited(finished(mode), newSql);
    expect(world.job.status).toMatchObject({ ...RUN_ONE, observedGeneration: 2 });
    expect(conditions(world)).toEqual(['Ready True', 'Complete True']);
    expect(message(world)).toBe(
      `${ended} The spec has changed since the run that finished (spec.job.sql.inline), for which nothing is run: raise spec.restartNonce to run the present one.`,
    );
    expect(message(world, 'Ready')).toBe(message(world));
  });

  test('taking the edit back takes the note away, and an edit of the means makes none', () => {
    const world = edited(finished(mode), newSql);
    edited(world, (s) => void (s.job.sql = { inline: 'version 0' }));
    expect(message(world)).toBe(ended);
    edited(world, (s) => void (s.taskManager.replicas = 3));
    expect(message(world)).toBe(ended);
    expect(world.job.status).toMatchObject({ ...RUN_ONE, observedGeneration: 4 });
  });

  test('an edit of the mode alone runs nothing', () => {
    const other = mode === 'Batch' ? 'Streaming' : 'Batch';
    const world = edited(finished(mode), (s) => void (s.mode = other));
    expect(world.job.status).toMatchObject(RUN_ONE);
    expect(message(world)).toContain(`${ended} The spec has changed since the run that finished (spec.mode)`);
  });

  test('a raised restartNonce runs the version that the spec holds by then, from the start', () => {
    const together = edited(finished(mode), newSql, raise);
    const later = edited(edited(finished(mode), newSql), raise);
    for (const world of [together, later]) {
      expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
      expect(world.job.status?.accepted?.spec.job.sql?.inline).toBe('version 1');
      expect(world.job.status?.attempt?.restoreFrom).toBeUndefined();
      expect(message(world)).toBeUndefined();
      world.end('FINISHED', null);
      expect(message(settled(world))).toBe(ended);
    }
  });

  test('a finished job that is suspended holds the run back that is asked for, and says so', () => {
    const world = edited(finished(mode), raise, (s) => void (s.suspend = true));
    expect(world.job.status).toMatchObject(RUN_ONE);
    expect(message(world)).toBe(`${ended} It is run again, as spec.restartNonce asks, once spec.suspend is false.`);
    edited(world, (s) => void (s.suspend = false));
    expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
  });

  test('SQL that cannot run is told of in a finished job, which stalls only when that is to be run', () => {
    const world = finished(mode);
    world.sqlError = 'SQL_SYNTAX: no';
    edited(world, newSql);
    expect(conditions(world)).toEqual(['Ready True', 'Complete True']);
    expect(message(world)).toContain('(spec.job.sql.inline) and cannot be run as it is: SQL_SYNTAX: no');
    edited(world, raise);
    expect(conditions(world)).toEqual(['Ready False', 'Stalled True']);
    expect(message(world, 'Stalled')).toContain('SQL_SYNTAX: no');
    expect(world.job.status).toMatchObject(RUN_ONE);
    world.sqlError = null;
    edited(world, (s) => {
      s.restartNonce = 0;
      s.job.sql = { inline: 'version 0' };
    });
    expect(conditions(world)).toEqual(['Ready True', 'Complete True']);
    expect(message(world)).toBe(ended);
  });

  test('another run that waits for the processes of the last one is not taken for the end', () => {
    const world = finished(mode);
    world.processes[0]!.state = 'Running';
    world.edit(raise);
    world.pass();
    expect(conditions(world)).toEqual(['Ready Unknown', 'Reconciling True']);
    expect(settled(world).job.status?.state).toBe('Running');
  });
});

/** Each brings a job to the point at which a change of its SQL, or of its nonce, is under way, and not yet carried out. */
const underWay: Record<string, (world: World, change: Edit) => void> = {
  Starting: (world, change) => {
    world.pass();
    world.edit(change);
  },
  Running: (world, change) => {
    world.settle();
    world.edit(change);
  },
  Upgrading: (world, change) => {
    world.settle();
    world.edit(change);
    world.pass();
    world.pass();
  },
  Suspending: (world, change) => {
    world.settle();
    world.edit((s) => {
      change(s);
      s.suspend = true;
    });
    world.pass();
    world.pass();
  },
  Recovering: (world, change) => {
    world.settle();
    world.silent = true;
    world.pass();
    world.edit(change);
  },
};

describe.each(Object.entries(underWay))('%s', (state, begin) => {
  test.each([
    ['Streaming', 'SQL', newSql],
    ['Streaming', 'restartNonce', raise],
    ['Batch', 'SQL', newSql],
    ['Batch', 'restartNonce', raise],
  ] as const)(
    'a %s job that ends while a change of its %s waits to take over has finished, once',
    (mode, _, change) => {
      const world = new World(newSpec(mode));
      begin(world, change);
      expect(world.job.status?.state).toBe(state);
      world.end('FINISHED', null);
      world.silent = false;
      settled(world);
      expect(world.job.status).toMatchObject(RUN_ONE);
      expect(conditions(world)).toEqual(['Ready True', 'Complete True']);
      expect(message(world)).toContain('raise');
      edited(world, (s) => Object.assign(s, newSpec(mode)));
      expect(world.job.status).toMatchObject(RUN_ONE);
      expect(message(world)).not.toContain('raise');
      edited(world, (s) => void (s.restartNonce = 2));
      expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
    },
  );
});

test('a stream that ends behind a savepoint whose stop came to nothing has finished, and does not go on from it', () => {
  const world = running('Streaming');
  world.edit(newSql);
  world.pass();
  world.pass();
  const { triggerId } = world.job.status!.pending!;
  world.snapshots.push({
    path: triggerId,
    jobId: world.engine!.jobId,
    epoch: 1,
    id: 9,
    position: 1,
    kind: 'Savepoint',
  });
  world.failOperations();
  world.pass();
  world.engine!.position++;
  world.end('FINISHED', null);
  expect(settled(world).job.status).toMatchObject(RUN_ONE);
});

test('a batch that ends although its deadline has passed has finished, and no edit runs it again', () => {
  const batch = { backoffLimit: 3, activeDeadline: '1h', ttlAfterFinished: { succeeded: '0s', failed: '1h' } };
  const world = running('Batch', { batch });
  world.now += 3_600_000;
  world.pass();
  expect(world.job.status).toMatchObject({ state: 'Failed', attempt: { ended: 'Cancelled' } });
  world.end('FINISHED', null);
  world.edit(newSql);
  expect(settled(world).job.status).toMatchObject(RUN_ONE);
  expect(conditions(world)).toEqual(['Ready True', 'Complete True']);
});

describe('a stream that has failed', () => {
  function failed(): World {
    const world = running('Streaming');
    world.progress();
    world.checkpoint();
    world.end('FAILED', null);
    expect(settled(world).job.status?.state).toBe('Failed');
    return world;
  }

  test('is run again by any edit of the version, from its newest checkpoint', () => {
    const world = failed();
    const newest = world.snapshots.at(-1)!.path;
    edited(world, newSql);
    expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: newest } });
  });

  test('goes on from its newest checkpoint after an edit that could not be run, whatever that said of mode and storage', () => {
    const world = failed();
    const newest = world.snapshots.at(-1)!.path;
    world.sqlError = 'SQL_SYNTAX: no';
    edited(world, newSql, (s) => {
      s.mode = 'Batch';
      s.state.storage = { uri: 'file:///elsewhere' };
    });
    expect(world.job.status).toMatchObject({ state: 'Failed', refused: { generation: 2 } });
    expect(message(world, 'Failed')).toBe('SQL_SYNTAX: no');
    // Where the state of the last run is looked for.
    expect(world.job.status?.accepted?.spec.state.storage).toBeUndefined();
    world.sqlError = null;
    edited(world, (s) => void (s.mode = 'Streaming'));
    expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: newest } });
    expect(world.job.status?.refused).toBeUndefined();
  });

  test('tells once of an edit that could not be run, and runs again when that is taken back', () => {
    const world = failed();
    world.sqlError = 'SQL_SYNTAX: no';
    world.edit(newSql);
    expect(world.pass()?.events.map(({ reason }) => reason)).toEqual(['InvalidSpec']);
    expect(world.pass()?.events).toEqual([]);
    world.sqlError = null;
    edited(world, (s) => void (s.job.sql = { inline: 'version 0' }));
    expect(world.job.status?.state).toBe('Running');
  });
});
