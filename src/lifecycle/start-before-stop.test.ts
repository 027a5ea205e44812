// The next version's processes are up before the running one is stopped; where they cannot be had, it is stopped first.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { PREPARE_LIMIT, TROUBLE_LIMIT } from './prepared.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { runningWorld, type World } from './simulated-world.fixture.ts';

const onFlink = (upgrade: FlowJobSpec['upgrade'] = {}): World =>
  runningWorld(
    newSpec('Streaming', {
      engine: { type: 'Flink', version: '2.3' },
      upgrade,
      taskManager: { replicas: 2, slots: 1, resources },
    }),
  );

const toVersion = (world: World, n: number): void => world.edit((s) => void (s.job.sql!.inline = `version ${n}`));

const alive = (world: World, epoch: number): string[] =>
  world.processes
    .filter((p) => p.epoch === epoch && p.state === 'Running')
    .map(({ role, index }) => `${role} ${index}`);

const ALL = ['JobManager 0', 'TaskManager 0', 'TaskManager 1'];

const messageOf = (world: World, type: string): string | undefined =>
  world.job.status?.conditions.find((x) => x.type === type)?.message;

/** Passes in which nothing goes on outside of the operator. */
function passes(world: World, count: number): void {
  for (let i = 0; i < count; i++) world.pass();
}

test('the attempt stands in status before its processes are made, and the running version goes on until they are up', () => {
  const world = onFlink();
  world.ahead.deaf = true;
  toVersion(world, 1);
  const decision = world.pass('after write');
  expect(decision?.status).toMatchObject({ state: 'Running', prepared: { epoch: 2 }, attempt: { epoch: 1 } });
  expect(alive(world, 2)).toEqual([]);
  passes(world, 3);
  expect(alive(world, 2)).toEqual(ALL);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 }, taskManager: { replicas: 2 } });
  expect(messageOf(world, 'Reconciling')).toMatch(/the running version goes on until they are up/);
  expect(alive(world, 1)).toEqual(ALL);
  expect(world.engine?.asked).toEqual([]);

  world.ahead.deaf = false;
  expect(world.pass()?.status.state).toBe('Upgrading');
  expect(world.settle()).toBe(true);
  const { attempt, prepared, accepted, lastSavepoint } = world.job.status!;
  expect(attempt).toMatchObject({ epoch: 2, session: true, healthy: true, restoreFrom: lastSavepoint?.path });
  expect(prepared).toBeUndefined();
  expect(accepted?.spec.job.sql?.inline).toBe('version 1');
  expect([alive(world, 1), alive(world, 2)]).toEqual([[], ALL]);
  expect(world.engine).toMatchObject({ epoch: 2, jobId: attempt?.jobId });
  expect(world.violations).toEqual([]);
});

test('a JobManager without the slots that the job needs is not up, however well it answers', () => {
  const world = onFlink();
  world.ahead.alone = true;
  toVersion(world, 1);
  passes(world, 5);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 }, prepared: { epoch: 2 } });
  world.ahead.alone = false;
  expect(world.pass()?.status.state).toBe('Upgrading');
});

test('one that came up is not too late, however long nobody has looked', () => {
  const world = onFlink();
  toVersion(world, 1);
  world.pass();
  expect(world.job.status).toMatchObject({ state: 'Running', prepared: { epoch: 2 } });
  world.now += 2 * PREPARE_LIMIT;
  world.pass();
  expect(world.job.status).toMatchObject({ state: 'Upgrading', prepared: { epoch: 2 } });
  expect(world.job.status?.prepared?.failure).toBeUndefined();
});

test('SQL that is not planned in time is told as that', () => {
  const world = onFlink();
  world.ahead.plan = 'Unknown';
  toVersion(world, 1);
  passes(world, 2);
  world.progress();
  world.now += PREPARE_LIMIT;
  world.pass();
  expect(world.job.status).toMatchObject({
    state: 'Upgrading',
    prepared: { failure: expect.stringMatching(/SQL was not planned within 180 s/) },
  });
});

test('TaskManagers that were started in vain are not counted while they end', () => {
  const world = onFlink();
  world.ahead.deaf = true;
  world.edit((s) => {
    s.job.sql!.inline = 'version 1';
    s.taskManager.replicas = 3;
  });
  passes(world, 2);
  expect(world.job.status?.taskManager?.replicas).toBe(2);
  world.edit((s) => {
    s.job.sql!.inline = 'version 0';
    s.taskManager.replicas = 2;
  });
  expect(world.pass()?.status.taskManager?.replicas).toBe(2);
  expect(alive(world, 2)).toHaveLength(4);
});

test('an answer to the submission that was lost is followed by the same submission', () => {
  const world = onFlink();
  toVersion(world, 1);
  while (world.pass('before write')?.status.state !== 'Starting') {
    world.pass();
    world.progress();
  }
  world.pass('after write');
  expect(world.engine?.epoch).not.toBe(2);
  expect(world.pass()?.actions).toContainEqual({
    kind: 'SubmitJob',
    epoch: 2,
    jobId: world.job.status?.attempt?.jobId,
  });
  expect(world.engine?.epoch).toBe(2);
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
});

test.each([
  ['a quota is used up', (w: World) => void (w.ahead.noRoom = 'exceeded quota -> raise it'), 0, /exceeded quota/],
  [
    'pods find no node',
    (w: World) => void (w.ahead.trouble = 'pods do not fit -> add nodes'),
    TROUBLE_LIMIT,
    /do not fit/,
  ],
  ['nobody answers', (w: World) => void (w.ahead.deaf = true), PREPARE_LIMIT, /not up within 180 s/],
])('where %s, the running version is stopped first, and the condition says so', (_, fault, after, why) => {
  const world = onFlink();
  fault(world);
  toVersion(world, 1);
  passes(world, 2);
  if (after > 0) expect(world.job.status?.state).toBe('Running');
  world.now += after;
  const decision = world.pass()!;
  const told = after > 0 ? decision : { status: world.job.status! };
  expect(told.status).toMatchObject({
    state: 'Upgrading',
    prepared: { epoch: 2, failure: expect.stringMatching(why) },
  });
  world.pass();
  expect(messageOf(world, 'Reconciling')).toMatch(
    /^The running version is stopped first, as processes of the new one could/,
  );
  expect(messageOf(world, 'Reconciling')).toMatch(why);
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 3 } });
  expect(world.job.status?.attempt?.session).toBeUndefined();
  expect([alive(world, 2), alive(world, 3)]).toEqual([[], ALL]);
  expect(world.violations).toEqual([]);
});

test('what comes to keep a pod from starting late has its time like what did from the beginning', () => {
  const world = onFlink();
  world.ahead.deaf = true;
  toVersion(world, 1);
  passes(world, 2);
  world.now += 2 * TROUBLE_LIMIT;
  for (const process of world.processes) if (process.epoch === 2) process.pending = { trouble: 'no image -> see' };
  expect(world.pass()?.status.state).toBe('Running');
  world.now += TROUBLE_LIMIT - 1;
  expect(world.pass()?.status.state).toBe('Running');
  world.now += 1;
  expect(world.pass()?.status).toMatchObject({ state: 'Upgrading', prepared: { failure: 'no image -> see' } });
});

test.each([
  ['with another nonce', (w: World) => w.edit((s) => void s.restartNonce++)],
  [
    'when it was taken back in between',
    (w: World) => {
      toVersion(w, 0);
      expect(w.settle()).toBe(true);
      expect(messageOf(w, 'Ready')).toBe('The job runs.');
      toVersion(w, 1);
    },
  ],
])('a version that the engine cannot run does not stop the one that runs; it is tried anew %s', (_, anew) => {
  const world = onFlink();
  world.ahead.plan = { invalid: "Object 'nowhere' not found" };
  toVersion(world, 1);
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 }, accepted: { generation: 1 } });
  expect(messageOf(world, 'Stalled')).toMatch(/so the accepted one goes on. Apache Flink says: Object 'nowhere'/);
  expect([alive(world, 1), alive(world, 2)]).toEqual([ALL, []]);

  world.ahead.plan = 'Good';
  expect(world.settle()).toBe(true);
  expect(world.job.status?.attempt?.epoch).toBe(1);
  anew(world);
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 3, session: true } });
  expect(world.violations).toEqual([]);
});

const DISTURBANCES: readonly [string, (w: World) => void, object][] = [
  ['the change is taken back', (w) => toVersion(w, 0), { state: 'Running', attempt: { epoch: 1 } }],
  ['another version is asked for', (w) => toVersion(w, 2), { state: 'Running', attempt: { epoch: 3, session: true } }],
  [
    'another size is asked for',
    (w) => w.edit((s) => void (s.taskManager.replicas = 3)),
    { attempt: { epoch: 3, session: true } },
  ],
  [
    'the job is suspended',
    (w) => w.edit((s) => void (s.suspend = true)),
    { state: 'Suspended', attempt: { epoch: 1 } },
  ],
  [
    'the switch is turned off',
    (w) => w.edit((s) => void (s.upgrade.startBeforeStop = false)),
    { attempt: { epoch: 3 } },
  ],
];

test.each(DISTURBANCES)('when %s, what was prepared goes, and nothing of the running version', (_, disturb, end) => {
  const world = onFlink();
  world.ahead.deaf = true;
  toVersion(world, 1);
  passes(world, 2);
  expect(alive(world, 2)).toEqual(ALL);
  disturb(world);
  expect(world.pass()?.actions).toContainEqual({ kind: 'DropPrepared', epoch: 2 });
  expect(world.processes.filter((p) => p.epoch === 1).every(({ stopping }) => !stopping)).toBe(true);
  world.ahead.deaf = false;
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject(end);
  expect(alive(world, 2)).toEqual([]);
  expect(world.violations).toEqual([]);
});

test('a job that is deleted while another attempt is prepared leaves nothing', () => {
  const world = onFlink();
  world.ahead.deaf = true;
  toVersion(world, 1);
  passes(world, 2);
  world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
  world.settle();
  expect(world.gone).toBe(true);
  expect(world.processes.filter(({ state }) => state === 'Running')).toEqual([]);
  expect(world.violations).toEqual([]);
});

test('a prepared process that ends makes the running version be stopped first', () => {
  const world = onFlink();
  world.ahead.deaf = true;
  toVersion(world, 1);
  passes(world, 2);
  const victim = world.processes.find((p) => p.epoch === 2 && p.role === 'TaskManager')!;
  Object.assign(victim, { state: 'Exited', exit: { at: world.now, asked: false, reason: 'it ran out of memory.' } });
  expect(world.pass()?.status).toMatchObject({ state: 'Upgrading', prepared: { failure: 'it ran out of memory.' } });
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 3 } });
  expect(world.violations).toEqual([]);
});

test('the running version is lost meanwhile: the next one starts without what was prepared', () => {
  const world = onFlink();
  world.ahead.deaf = true;
  toVersion(world, 1);
  passes(world, 2);
  world.kill('JobManager');
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', accepted: { generation: 2 } });
  expect(world.job.status?.attempt?.session).toBeUndefined();
  expect(world.violations).toEqual([]);
});

test('a JobManager that is lost after it took over is followed by one that starts with the job', () => {
  const world = onFlink();
  toVersion(world, 1);
  expect(world.settle()).toBe(true);
  expect(world.job.status?.attempt?.session).toBe(true);
  world.kill('JobManager');
  expect(world.settle()).toBe(true);
  expect(world.job.status?.attempt).toMatchObject({ epoch: 3, healthy: true });
  expect(world.job.status?.attempt?.session).toBeUndefined();
  expect(world.violations).toEqual([]);
});

test.each([
  ['on the embedded engine', { engine: { type: 'Embedded' as const } }],
  ['with startBeforeStop false', { upgrade: { startBeforeStop: false } }],
])('nothing is prepared %s', (_, more) => {
  const world = runningWorld(newSpec('Streaming', { engine: { type: 'Flink', version: '2.3' }, ...more }));
  toVersion(world, 1);
  expect(world.pass()?.status).toMatchObject({ state: 'Upgrading' });
  expect(world.job.status?.prepared).toBeUndefined();
  expect(world.settle()).toBe(true);
  expect(world.job.status?.attempt?.epoch).toBe(2);
});
