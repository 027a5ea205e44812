// A stream takes another size while it runs; where it cannot, it is replaced with a savepoint, and told why.
import fc from 'fast-check';
import type { FlowJobSpec } from '../api/flowjob.ts';
import { firstTaskManagers } from '../api/task-managers.ts';
import { versionOf } from './change.ts';
import type { Decision } from './model.ts';
import { DRAIN_LIMIT, RESCALE_LIMIT } from './rescale.ts';
import { revisionName } from './revisions.ts';
import type { Crash } from './simulated-model.fixture.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { runningWorld, World } from './simulated-world.fixture.ts';

const spec = (more: Partial<FlowJobSpec> = {}): FlowJobSpec =>
  newSpec('Streaming', { taskManager: { replicas: 2, slots: 2, resources }, ...more });

const running = (more: Partial<FlowJobSpec> = {}): World => runningWorld(spec(more));

const scale = (world: World, replicas: number): void => world.edit((s) => void (s.taskManager.replicas = replicas));
const indexes = (world: World): number[] =>
  world.processes
    .filter((p) => p.role === 'TaskManager' && p.state === 'Running' && !p.stopping)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
const condition = (world: World, type: string) => world.job.status?.conditions.find((x) => x.type === type);
const kinds = (decision: Decision | null): string[] => decision?.actions.map(({ kind }) => kind) ?? [];

/** Passes, the engine going on between them, until `holds`; what was decided. */
function until(world: World, holds: () => boolean): Decision[] {
  const decisions: Decision[] = [];
  for (let i = 0; !holds(); i++) {
    if (i === 50) throw new Error(`in vain: ${JSON.stringify(world.job.status, null, 1)}`);
    world.progress();
    decisions.push(world.pass()!);
  }
  return decisions;
}
const settled = (world: World) => (): boolean => {
  const { status, spec: wanted } = world.job;
  return status?.state === 'Running' && status.accepted?.spec.taskManager.replicas === wanted.taskManager.replicas;
};

test('what is on record of a TaskManager that somebody deleted, and that the job does without since, is nothing to be stopped', () => {
  const world = running();
  scale(world, 1);
  until(world, settled(world));
  expect(world.settle()).toBe(true);
  const [left] = world.processes.filter(({ role, state }) => role === 'TaskManager' && state === 'Running');
  world.processes.push({ ...left!, index: 1, state: 'Exited', exit: { at: 0, asked: true, reason: 'was deleted' } });
  for (let pass = 0; pass < 3; pass++) expect(kinds(world.pass())).toEqual([]);
});

test('up: TaskManagers come first, the engine is asked once they have registered, and the attempt stays', () => {
  const world = running();
  scale(world, 3);
  expect(kinds(world.pass())).toEqual([]);
  expect(world.job.status).toMatchObject({
    scaling: { replicas: 3, parallelism: 6, step: 'Starting' },
    attempt: { epoch: 1, taskManagers: [0, 1, 2] },
    accepted: { spec: { taskManager: { replicas: 2 } } },
  });
  expect(kinds(world.pass())).toEqual(['EnsureProcesses']);
  expect(kinds(world.pass())).toEqual(['Rescale']);
  expect(world.engine?.upperBound).toBe(6);
  until(world, settled(world));
  expect(world.engine?.parallelism).toBe(6);
  expect(world.job.status).toMatchObject({
    attempt: { epoch: 1 },
    accepted: { generation: 2, spec: { taskManager: { replicas: 3 }, job: { parallelism: 6 } } },
    parallelism: 6,
    taskManager: { replicas: 3 },
  });
  expect(world.snapshots.filter(({ kind }) => kind === 'Savepoint')).toEqual([]);
  expect(world.violations).toEqual([]);
});

test('down: the engine is asked first, then those go that it has left without work', () => {
  const world = running({ taskManager: { replicas: 4, slots: 2, resources } });
  scale(world, 1);
  const order = until(world, settled(world)).flatMap(kinds);
  expect([...new Set(order)]).toEqual(['Rescale', 'StopTaskManagers']);
  world.settle();
  expect(indexes(world)).toEqual([0]);
  expect(world.job.status).toMatchObject({ attempt: { epoch: 1, taskManagers: [0] }, taskManager: { replicas: 1 } });
  expect(world.violations).toEqual([]);
});

test('those that are left need not be the first ones, and one that comes later takes an index that is free', () => {
  const world = running({ taskManager: { replicas: 3, slots: 1, resources } });
  scale(world, 2);
  // The lowest is away just when those without work are chosen.
  for (let i = 0; i < 3; i++) world.pass();
  for (let i = 0; i < 2; i++) world.progress();
  expect(world.engine?.parallelism).toBe(2);
  const victim = world.processes.find(({ role, index }) => role === 'TaskManager' && index === 0)!;
  world.processes = world.processes.filter((p) => p !== victim);
  world.settle();
  expect(indexes(world)).toEqual([1, 2]);
  expect(world.job.status?.attempt).toMatchObject({ epoch: 1, taskManagers: [1, 2] });
  scale(world, 4);
  world.settle();
  expect(indexes(world)).toEqual([0, 1, 2, 3]);
  world.kill('JobManager');
  world.settle();
  expect(world.job.status?.attempt).toMatchObject({ epoch: 2, taskManagers: [0, 1, 2, 3] });
  expect(world.violations).toEqual([]);
});

test('the engine is asked for more once those have gone that it was to be left without, or it would give them work', () => {
  const world = running({ taskManager: { replicas: 3, slots: 1, resources } });
  scale(world, 1);
  until(world, settled(world));
  expect(world.processes.filter(({ stopping }) => stopping)).toHaveLength(2);
  scale(world, 2);
  const asked = Array.from({ length: 4 }, () => kinds(world.pass())).flat();
  expect(asked).not.toContain('Rescale');
  world.settle();
  expect(world.engine).toMatchObject({ upperBound: 2, parallelism: 2 });
  expect(indexes(world)).toHaveLength(2);
  expect(world.violations).toEqual([]);
});

test('Ready stays True from the first step to the last, and says what is waited for', () => {
  for (const replicas of [5, 1]) {
    const world = running();
    scale(world, replicas);
    const messages = new Set<string>();
    for (let i = 0; i < 12; i++) {
      world.pass();
      const { status, message } = condition(world, 'Ready')!;
      expect(status).toBe('True');
      messages.add(message);
      if (i > 3) world.progress();
    }
    expect([...messages]).toContain(
      `The job runs, and takes parallelism ${replicas * 2} on ${replicas} TaskManager${replicas === 1 ? '' : 's'} while it does.`,
    );
    expect(condition(world, 'Ready')?.reason).toBe('Running');
  }
});

test('pods that cannot start are told, and the job runs on as it is until they do', () => {
  const world = running();
  world.refusal = 'pods "orders-1-taskmanager-2" is forbidden: exceeded quota';
  scale(world, 3);
  for (let i = 0; i < 5; i++) world.pass();
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Rescaling' });
  expect(condition(world, 'Ready')?.message).toContain('exceeded quota');
  expect(world.engine).toMatchObject({ upperBound: 4, parallelism: 4 });
  world.refusal = null;
  world.now += 10_000;
  world.settle();
  expect(world.engine?.parallelism).toBe(6);
  expect(world.job.status?.attempt?.epoch).toBe(1);
});

test('a change that is taken back while TaskManagers come up leaves the job as it was', () => {
  const world = running();
  scale(world, 5);
  for (let i = 0; i < 2; i++) world.pass();
  scale(world, 2);
  world.settle();
  expect(indexes(world)).toEqual([0, 1]);
  expect(world.engine).toMatchObject({ upperBound: 4, parallelism: 4 });
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  expect(world.violations).toEqual([]);
});

test('an engine that refuses gets the job with a savepoint, and the event says what it answered', () => {
  const world = running();
  world.noRescale = 'PUT /jobs/x/resource-requirements: not with this scheduler';
  scale(world, 3);
  const decisions = until(world, () => world.job.status?.state === 'Upgrading');
  expect(decisions.at(-1)?.events).toMatchObject([
    {
      reason: 'Upgrading',
      message:
        'spec.job.parallelism, spec.taskManager.replicas changed: the running version is replaced with a savepoint, not rescaled in place: the engine does not take it: PUT /jobs/x/resource-requirements: not with this scheduler.',
    },
  ]);
  world.settle();
  expect(world.job.status).toMatchObject({
    state: 'Running',
    attempt: { epoch: 2, restoreFrom: world.job.status!.lastSavepoint!.path },
  });
  expect(world.job.status?.scaling).toBeUndefined();
  expect(world.engine?.parallelism).toBe(6);
});

test('what was refused of one size is not held against another', () => {
  const world = running();
  world.noRescale = 'no';
  scale(world, 3);
  until(world, () => world.job.status?.scaling?.failure !== undefined);
  world.noRescale = null;
  scale(world, 4);
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  expect(world.engine?.parallelism).toBe(8);
});

test('an engine that does not come to it is given up after a while', () => {
  const world = running();
  scale(world, 3);
  for (let i = 0; i < 4; i++) world.pass();
  world.now += RESCALE_LIMIT;
  world.pass();
  expect(world.job.status?.scaling?.failure).toContain('within 5 minutes');
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
});

test('an engine that goes on behind a checkpoint is asked for one, once in a second and when none is in progress', () => {
  const world = running();
  world.manner.behindCheckpoints = true;
  scale(world, 3);
  for (let i = 0; i < 3; i++) world.pass();
  const asked = Array.from({ length: 3 }, () => world.pass()!.actions).flat();
  expect(asked).toEqual(asked.map(() => ({ ...asked[0], kind: 'TriggerCheckpoint' })));
  expect(new Set(asked.map((action) => JSON.stringify(action))).size).toBe(1);
  world.now += 1_000;
  expect(world.pass()!.actions).not.toContainEqual(asked[0]);
  until(world, settled(world));
  expect(world.engine?.parallelism).toBe(6);
  expect(world.job.status).toMatchObject({ attempt: { epoch: 1 } });
});

test('it is given its cool-down before it is given up', () => {
  const world = running();
  world.manner.behindCheckpoints = true;
  scale(world, 3);
  for (let i = 0; i < 4; i++) world.pass();
  world.now += RESCALE_LIMIT + 1_000;
  world.pass();
  expect(world.job.status?.scaling?.failure).toBeUndefined();
  world.now += 5_000;
  world.pass();
  expect(world.job.status?.scaling?.failure).toContain('has not taken it within 6 minutes');
});

test('an engine that leaves none without work in time keeps none waiting: the job is replaced, and told why', () => {
  const world = running({ taskManager: { replicas: 3, slots: 2, resources } });
  world.manner.spreads = true;
  scale(world, 1);
  until(world, () => world.job.status?.scaling?.step === 'Draining');
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Rescaling' });
  world.now += DRAIN_LIMIT - 1_000;
  world.pass();
  expect(world.job.status?.scaling?.failure).toBeUndefined();
  world.now += 1_000;
  const event = until(world, () => world.job.status?.state === 'Upgrading')
    .flatMap(({ events }) => events)
    .find(({ reason }) => reason === 'Upgrading');
  expect(event?.message).toMatch(/with a savepoint, not rescaled in place: the engine keeps work on 3 TaskManagers/);
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 }, taskManager: { replicas: 1 } });
  expect(world.violations).toEqual([]);
});

test('one that leaves them without work a moment later loses nothing', () => {
  const world = running({ taskManager: { replicas: 3, slots: 2, resources } });
  world.manner.spreads = true;
  scale(world, 1);
  until(world, () => world.job.status?.scaling?.step === 'Draining');
  world.manner.spreads = false;
  world.settle();
  expect(indexes(world)).toEqual([0]);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  expect(world.violations).toEqual([]);
});

test.each([
  ['a batch', { mode: 'Batch' as const }, 3, /by a new run, not rescaled in place: a batch/],
  ['a parallelism of its own', { job: { sql: { inline: 'x' }, parallelism: 2 } }, 3, /the parallelism stays 2/],
  [
    'TaskManagers that the parallelism does not need',
    { job: { sql: { inline: 'x' }, parallelism: 4 } },
    5,
    /the parallelism stays 4/,
  ],
])('%s is replaced, and told why', (_, more, replicas, why) => {
  const world = running(more);
  scale(world, replicas);
  const event = until(world, () => world.job.status?.state === 'Upgrading')
    .flatMap(({ events }) => events)
    .find(({ reason }) => reason === 'Upgrading');
  expect(event?.message).toMatch(why);
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
});

test('a size that changes with the text is part of the new version, and no rescaling is begun', () => {
  const world = running();
  world.edit((s) => {
    s.taskManager.replicas = 3;
    s.job.sql = { inline: 'version 1' };
  });
  world.settle();
  expect(world.job.status).toMatchObject({ attempt: { epoch: 2 }, parallelism: 6 });
  expect(world.job.status?.attempt?.taskManagers).toBeUndefined();
});

test('a JobManager that is lost in the middle is followed by an attempt of the same run, in the size that is wanted', () => {
  for (const [replicas, steps] of [
    [3, 1],
    [3, 3],
    [3, 6],
    [1, 2],
    [1, 6],
  ] as const) {
    const world = running();
    const { jobId } = world.job.status!.attempt!;
    scale(world, replicas);
    for (let i = 0; i < steps; i++) {
      world.pass();
      if (i > 3) world.progress();
    }
    world.kill('JobManager');
    world.settle();
    expect(world.job.status).toMatchObject({
      state: 'Running',
      attempt: { epoch: 2, jobId },
      parallelism: replicas * 2,
    });
    expect(world.engine).toMatchObject({ parallelism: replicas * 2, upperBound: replicas * 2 });
    expect(world.job.status?.scaling).toBeUndefined();
    expect(world.violations).toEqual([]);
  }
});

test('a job without state of its own to keep keeps it when it is suspended and resumed in another size', () => {
  const world = running({ upgrade: { strategy: 'Stateless' } });
  world.edit((s) => void (s.suspend = true));
  world.settle();
  world.edit((s) => {
    s.suspend = false;
    s.taskManager.replicas = 3;
  });
  world.settle();
  expect(world.job.status?.attempt?.restoreFrom).toBe(world.job.status?.lastSavepoint?.path);
});

test('another size is no other version', () => {
  const world = running();
  const before = world.job.status!.accepted!;
  scale(world, 3);
  world.settle();
  const after = world.job.status!.accepted!;
  expect(after.specHash).toBe(before.specHash);
  expect(versionOf(after.spec)).toEqual(versionOf(before.spec));
  expect(revisionName('orders', after.spec)).toBe(revisionName('orders', before.spec));
  world.edit((s) => void (s.taskManager.slots = 4));
  world.settle();
  expect(world.job.status!.accepted!.specHash).not.toBe(before.specHash);
});

/** The size is decided, TaskManager 1 is to go for want of work, and the operator has died before it was stopped. */
function chosenAndNotStopped(): World {
  const world = running();
  scale(world, 1);
  for (let i = 0; i < 2; i++) world.pass();
  for (let i = 0; i < 2; i++) world.progress();
  expect(world.engine).toMatchObject({ status: 'RUNNING', parallelism: 2 });
  expect(kinds(world.pass('after write'))).toContain('StopTaskManagers');
  expect(world.job.status?.attempt?.taskManagers).toEqual([0]);
  expect(indexes(world)).toEqual([0, 1]);
  return world;
}

test('one that was to go for want of work, and was given some before it was stopped, stays; the other goes', () => {
  const world = chosenAndNotStopped();
  world.kill('TaskManager');
  world.progress();
  expect(world.engine).toMatchObject({ status: 'RUNNING', at: [1] });
  expect(kinds(world.pass())).not.toContain('StopTaskManagers');
  expect(world.job.status).toMatchObject({ attempt: { taskManagers: [0, 1] }, scaling: { step: 'Rescaling' } });
  world.settle();
  expect(indexes(world)).toEqual([1]);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1, taskManagers: [1] } });
  expect(world.job.status?.scaling).toBeUndefined();
  expect(world.violations).toEqual([]);
});

test('none is stopped while the tasks are between two starts, or the engine does not answer', () => {
  const world = chosenAndNotStopped();
  world.kill('TaskManager');
  expect(kinds(world.pass())).not.toContain('StopTaskManagers');
  world.silent = true;
  world.silentFor = 0;
  expect(kinds(world.pass())).not.toContain('StopTaskManagers');
  world.silent = false;
  world.settle();
  expect(indexes(world)).toHaveLength(1);
  expect(world.violations).toEqual([]);
});

test('the rescaling is over when the engine does not have them any more', () => {
  const world = chosenAndNotStopped();
  expect(kinds(world.pass())).toEqual(['StopTaskManagers']);
  expect(world.job.status?.scaling).toMatchObject({ step: 'Draining' });
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Rescaling' });
  world.progress();
  world.pass();
  expect(world.job.status?.scaling).toBeUndefined();
  world.pass();
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Running' });
});

test('a job that made do with less while a TaskManager was away has its size again after the next checkpoint', () => {
  const world = running();
  world.manner.behindCheckpoints = true;
  world.kill('TaskManager');
  world.now += 10_000;
  world.progress();
  expect(world.engine).toMatchObject({ status: 'RUNNING', parallelism: 2 });
  world.checkpoint();
  world.pass();
  for (let i = 0; i < 3; i++) world.progress();
  expect(world.engine?.parallelism).toBe(2);
  expect(world.settle()).toBe(true);
  expect(world.engine).toMatchObject({ status: 'RUNNING', parallelism: 4 });
  expect(world.job.status?.attempt?.epoch).toBe(1);
});

type Step = (world: World) => void;
const named = (name: string, step: Step): Step => Object.assign(step, { [fc.toStringMethod]: () => name });
const crash: fc.Arbitrary<Crash> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Crash>('none') },
  { weight: 1, arbitrary: fc.constant<Crash>('before write') },
  { weight: 2, arbitrary: fc.constant<Crash>('after write') },
  { weight: 2, arbitrary: fc.nat(1) },
);
const steps = fc.oneof(
  { weight: 12, arbitrary: crash.map((how) => named(`pass ${how}`, (w) => void w.pass(how))) },
  { weight: 10, arbitrary: fc.constant(named('progress', (w) => w.progress())) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 }).map((n) => named(`scale ${n}`, (w) => scale(w, n))) },
  { weight: 1, arbitrary: fc.constant(named('kill TaskManager', (w) => w.kill('TaskManager'))) },
  { weight: 1, arbitrary: fc.constant(named('remove TaskManager', (w) => w.remove('TaskManager'))) },
  { weight: 1, arbitrary: fc.constant(named('checkpoint', (w) => w.checkpoint())) },
  { weight: 1, arbitrary: fc.constant(named('time passes', (w) => void (w.now += 5_000))) },
);

test.each([
  ['its JobManager lives', false, false],
  ['its JobManager dies now and then', true, false],
  ['its engine waits for checkpoints', false, true],
])(
  'whatever sizes are asked for while operators die and %s, the run stays, no savepoint is taken, none with work is stopped, and it ends in the last size',
  (_, dies, behindCheckpoints) => {
    const all = dies
      ? fc.oneof(
          { weight: 15, arbitrary: steps },
          { weight: 1, arbitrary: fc.constant(named('kill JobManager', (w) => w.kill('JobManager'))) },
        )
      : steps;
    fc.assert(
      fc.property(
        fc.array(all, { minLength: 10, maxLength: 120, size: 'max' }),
        fc.integer({ min: 1, max: 5 }),
        (sequence, last) => {
          const world = running();
          world.manner.behindCheckpoints = behindCheckpoints;
          const { jobId } = world.job.status!.attempt!;
          for (const step of sequence) {
            step(world);
            expect(world.violations).toEqual([]);
          }
          scale(world, last);
          expect(world.settle()).toBe(true);
          expect(world.violations).toEqual([]);
          const { status } = world.job;
          if (!dies) expect(status?.attempt).toMatchObject({ jobId, epoch: 1 });
          expect(world.snapshots.filter(({ kind }) => kind === 'Savepoint')).toEqual([]);
          expect(status).toMatchObject({ state: 'Running', parallelism: last * 2, taskManager: { replicas: last } });
          expect(status?.scaling).toBeUndefined();
          expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'Running' });
          expect(indexes(world)).toEqual(
            [...(status?.attempt?.taskManagers ?? firstTaskManagers(last))].sort((a, b) => a - b),
          );
          expect(world.engine?.parallelism).toBe(last * 2);
          const { writes } = world;
          for (let i = 0; i < 3; i++) expect(world.pass()?.actions).toEqual([]);
          expect(world.writes).toBe(writes);
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 200) },
    );
  },
);

test('a recovery in a size that its state has not, and that the engine does not take while it runs, is followed by another run', () => {
  const world = new World(newSpec('Streaming', { taskManager: { replicas: 2, slots: 1, resources } }));
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      world.pass();
      world.progress();
    }
  };
  world.pass();
  rounds(1);
  world.kill('JobManager');
  world.edit((spec) => void (spec.taskManager.replicas = 3));
  rounds(2);
  expect(world.job.status).toMatchObject({ state: 'Starting', attempt: { epoch: 2 }, scaling: { replicas: 3 } });
  world.noRescale = 'it is another scheduler';
  expect(world.settle()).toBe(true);
  const { status } = world.job;
  expect(status).toMatchObject({ state: 'Running', attempt: { epoch: 3 }, parallelism: 3 });
  expect(status?.scaling).toBeUndefined();
  expect(world.engine?.parallelism).toBe(3);
  expect(world.violations).toEqual([]);
});
