// The autoscaler's decision takes the place of the size in the spec, and never stands there.
import type { FlowJobSpec } from '../api/flowjob.ts';
import { toStructural, withDefaults } from '../api/structural.ts';
import { AutoscalingSchema, type AutoscalingSpec } from '../api/autoscaling.ts';
import type { AutoscalerView } from './observation.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { runningWorld, type World } from './simulated-world.fixture.ts';

const autoscaling = (more: Partial<AutoscalingSpec> = {}): AutoscalingSpec =>
  withDefaults(toStructural(AutoscalingSchema), { enabled: true, ...more }) as AutoscalingSpec;
const spec = (more: Partial<FlowJobSpec> = {}): FlowJobSpec =>
  newSpec('Streaming', { taskManager: { replicas: 1, slots: 2, resources }, autoscaling: autoscaling(), ...more });

const running = (more: Partial<FlowJobSpec> = {}): World => runningWorld(spec(more));

const up: NonNullable<AutoscalerView['decision']> = {
  replicas: 3,
  parallelism: 5,
  vertices: [{ id: 'wide', parallelism: 5 }],
  reason: 'Overloaded',
  message: 'wide handles 400 records/s, and 900 come.',
};
const decide = (world: World, decision: AutoscalerView['decision'], held: AutoscalerView['held'] = null): void => {
  const applies = world.job.spec.autoscaling?.mode === 'Apply';
  world.autoscaler = { decision, held, applies, measured: false };
};
const condition = (world: World, type: string) => world.job.status?.conditions.find((x) => x.type === type);

test('a decision is written first, then followed in place, and the spec stays as it is', () => {
  const world = running();
  const before = structuredClone(world.job.spec);
  decide(world, up);
  const first = world.pass()!;
  expect(first.actions).toEqual([]);
  expect(first.events).toMatchObject([{ reason: 'Autoscaled', message: `Overloaded: ${up.message}` }]);
  expect(world.job.status).toMatchObject({ autoscaling: { ...up, applies: true }, parallelism: 2 });
  expect(world.pass()?.events).toMatchObject([
    { reason: 'Rescaling', message: expect.stringContaining('The autoscaler decided so (Overloaded)') },
  ]);
  world.settle();
  expect(world.engine).toMatchObject({ parallelism: 5, upperBound: 5 });
  expect(world.job.status).toMatchObject({
    state: 'Running',
    parallelism: 5,
    taskManager: { replicas: 3 },
    attempt: { epoch: 1, vertices: up.vertices },
  });
  expect(world.job.spec).toEqual(before);
  const { writes } = world;
  for (let i = 0; i < 3; i++) world.pass();
  expect(world.writes).toBe(writes);
});

test('an operator that has just begun keeps to what stands in status', () => {
  const world = running();
  decide(world, up);
  world.settle();
  const { autoscaling: decided } = world.job.status!;
  world.autoscaler = undefined;
  expect(world.settle()).toBe(true);
  decide(world, null);
  world.settle();
  expect(world.job.status).toMatchObject({ autoscaling: decided, parallelism: 5, attempt: { epoch: 1 } });
});

test('another version starts in the size that was decided, and single vertices get theirs once it runs', () => {
  const world = running();
  decide(world, { ...up, vertices: [{ id: 'wide', parallelism: 3 }] });
  world.settle();
  expect(world.engine?.parallelism).toBe(3);
  world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  world.settle();
  expect(world.job.status).toMatchObject({ attempt: { epoch: 2 }, parallelism: 5, taskManager: { replicas: 3 } });
  expect(world.engine).toMatchObject({ upperBound: 3, parallelism: 3 });
});

test('a change of single vertices alone is made in place, too; an engine that refuses it goes on, and that is told', () => {
  const world = running();
  decide(world, up);
  world.settle();
  decide(world, { ...up, vertices: [{ id: 'wide', parallelism: 4 }] });
  world.settle();
  expect(world.engine?.parallelism).toBe(4);
  world.noRescale = 'no';
  decide(world, { ...up, vertices: [{ id: 'wide', parallelism: 3 }] });
  expect(world.settle()).toBe(true);
  expect(world.engine?.parallelism).toBe(4);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  expect(condition(world, 'Ready')?.message).toContain(
    'It could not take parallelism 5 on 3 TaskManagers: the engine does not take it: no.',
  );
});

test('a recommendation is told and not followed, and once the mode is Apply what is decided from then on is', () => {
  const world = running({ autoscaling: autoscaling({ mode: 'Recommend' }) });
  decide(world, up);
  const events = world.pass()?.events;
  expect(events).toMatchObject([{ reason: 'ScaleRecommended' }]);
  world.settle();
  expect(world.job.status).toMatchObject({ autoscaling: { applies: false, parallelism: 5 }, parallelism: 2 });
  world.edit((s) => void (s.autoscaling!.mode = 'Apply'));
  world.settle();
  expect(world.job.status?.autoscaling).toMatchObject({ applies: true, reason: 'Measuring' });
  expect(world.job.status).toMatchObject({ parallelism: 2 });
  decide(world, up);
  world.settle();
  expect(world.job.status).toMatchObject({ autoscaling: { applies: true }, parallelism: 5, attempt: { epoch: 1 } });
});

test.each(['looks at the job', 'has not looked at it yet'])(
  'a job for which a stop was recommended once runs on when the mode becomes Apply, while the operator %s',
  (operator) => {
    const world = running({ autoscaling: autoscaling({ mode: 'Recommend' }) });
    decide(world, { stopped: 'Idle', reason: 'Idle', message: 'No record came.' });
    world.settle();
    expect(world.job.status).toMatchObject({ state: 'Running', autoscaling: { applies: false, stopped: 'Idle' } });
    if (operator === 'has not looked at it yet') world.autoscaler = undefined;
    world.edit((s) => void (s.autoscaling!.mode = 'Apply'));
    world.settle();
    expect(world.job.status).toMatchObject({ state: 'Running', autoscaling: { applies: true } });
    expect(world.job.status?.autoscaling?.stopped).toBeUndefined();
  },
);

test('switched off, the job has the size of its spec again, in place, and nothing of it is left in status', () => {
  const world = running();
  decide(world, { ...up, vertices: [{ id: 'wide', parallelism: 4 }] });
  world.settle();
  world.edit((s) => void (s.autoscaling!.enabled = false));
  world.settle();
  expect(world.engine).toMatchObject({ upperBound: 2, parallelism: 2 });
  expect(world.job.status).toMatchObject({ parallelism: 2, taskManager: { replicas: 1 }, attempt: { epoch: 1 } });
  expect(world.job.status?.autoscaling).toBeUndefined();
  expect(world.job.status?.attempt?.vertices).toBeUndefined();
});

test('who scales the job beside the autoscaler is told that it has no effect, until it is set back', () => {
  const world = running();
  decide(world, up);
  world.settle();
  world.edit((s) => void (s.taskManager.replicas = 7));
  world.settle();
  expect(condition(world, 'ScaleConflict')).toMatchObject({ status: 'True', reason: 'TwoScalers' });
  expect(condition(world, 'ScaleConflict')?.message).toContain('spec.taskManager.replicas was set to 7 (from 1)');
  expect(condition(world, 'Ready')?.status).toBe('True');
  expect(world.engine?.parallelism).toBe(5);
  world.edit((s) => void (s.taskManager.replicas = 1));
  world.settle();
  expect(condition(world, 'ScaleConflict')).toBeUndefined();
});

test('who scales the job before anything is decided has no effect either, and is told so', () => {
  const world = running();
  decide(world, null);
  world.settle();
  world.edit((s) => void (s.taskManager.replicas = 7));
  world.settle();
  expect(world.engine?.parallelism).toBe(2);
  expect(condition(world, 'ScaleConflict')?.status).toBe('True');
  decide(world, up);
  world.settle();
  expect(world.engine?.parallelism).toBe(5);
});

test('while nothing is done but recommended people scale the job, and the autoscaler begins from that later', () => {
  const world = running({ autoscaling: autoscaling({ mode: 'Recommend' }) });
  decide(world, null);
  world.settle();
  world.edit((s) => void (s.taskManager.replicas = 3));
  world.settle();
  expect(world.engine?.parallelism).toBe(6);
  expect(condition(world, 'ScaleConflict')).toBeUndefined();
  world.edit((s) => void (s.autoscaling!.mode = 'Apply'));
  world.settle();
  expect(world.engine?.parallelism).toBe(6);
  expect(condition(world, 'ScaleConflict')).toBeUndefined();
});

test('what holds it is told once, and goes when it is over', () => {
  const world = running();
  const held = { reason: 'MetricsUnknown', message: 'busyTimeMsPerSecond of map is missing.' };
  decide(world, null, held);
  expect(world.pass()?.events).toMatchObject([{ type: 'Warning', reason: 'AutoscalingHeld' }]);
  expect(world.pass()?.events).toEqual([]);
  expect(world.job.status?.autoscaling).toMatchObject({ held, reason: 'Measuring' });
  decide(world, null);
  world.settle();
  expect(world.job.status?.autoscaling?.held).toBeUndefined();
});

test('that it was measured and nothing was decided stands in status, by one write, also where memory was decided on', () => {
  const world = running();
  decide(world, null);
  world.settle();
  expect(world.job.status?.autoscaling?.reason).toBe('Measuring');
  const { writes } = world;
  const measured = { decision: null, held: null, applies: true, measured: true };
  for (const view of [measured, { ...measured, measured: false }, undefined, measured]) {
    world.autoscaler = view;
    world.settle();
    expect(world.job.status?.autoscaling).toMatchObject({
      reason: 'Unchanged',
      message: 'The job is measured, and nothing has been decided: it keeps the size that it has.',
    });
  }
  expect(world.writes).toBe(writes + 1);
  world.autoscaler = { ...measured, decision: { reason: 'Measuring', message: '', memory: '640Mi' } };
  world.settle();
  expect(world.job.status?.autoscaling).toMatchObject({ reason: 'Unchanged', memory: '640Mi' });
  decide(world, up);
  world.settle();
  expect(world.job.status?.autoscaling?.reason).toBe('Overloaded');
});

test('a size is recommended once, whatever else changes of why and of which vertices', () => {
  const world = running({ autoscaling: autoscaling({ mode: 'Recommend' }) });
  const told = (decision: Partial<typeof up>): string[] => {
    decide(world, { ...up, ...decision });
    return (world.pass()?.events ?? []).map(({ reason }) => reason);
  };
  expect(told({})).toEqual(['ScaleRecommended']);
  expect(told({ reason: 'Lagging', message: 'Records wait for 40 s.' })).toEqual([]);
  expect(
    told({
      vertices: [
        { id: 'wide', parallelism: 5 },
        { id: 'other', parallelism: 4 },
      ],
    }),
  ).toEqual([]);
  expect(world.job.status?.autoscaling).toMatchObject({ reason: 'Overloaded', vertices: [{}, { parallelism: 4 }] });
  expect(told({ replicas: 4, parallelism: 7 })).toEqual(['ScaleRecommended']);
});

test('that a bound is reached stands in status, and is told by the autoscaler alone', () => {
  const world = running();
  decide(world, null, { reason: 'AtMaximum', message: 'More than can be handled.' });
  expect(world.pass()?.events).toEqual([]);
  expect(world.job.status?.autoscaling?.held?.reason).toBe('AtMaximum');
});

test('memory that is to be used at the next start is told once, and changes nothing of what runs', () => {
  const world = running();
  const told = (): string[] => (world.pass()?.events ?? []).map(({ reason, message }) => `${reason}: ${message}`);
  const memory = { memoryApplies: true, memoryMessage: 'One was killed for its memory.', memoryInSpec: '512Mi' };
  const decided = { reason: 'Balanced', message: 'Nothing has been decided of its size.', ...memory };
  decide(world, { ...decided, memory: '512Mi' });
  expect(told()).toEqual([]);
  decide(world, { ...decided, memory: '640Mi' });
  expect(told()).toEqual([
    'MemoryChanged: TaskManagers that are started from now on get 640Mi of memory. One was killed for its memory.',
  ]);
  expect(told()).toEqual([]);
  expect(world.job.status).toMatchObject({ autoscaling: { memory: '640Mi' }, parallelism: 2, attempt: { epoch: 1 } });
});

test('a job that failed is not run again because of a size that was decided on before', () => {
  const world = running();
  decide(world, up);
  world.pass();
  world.end('FAILED', null);
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Failed', attempt: { epoch: 1 } });
  world.edit((s) => s.restartNonce++);
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 }, parallelism: 5 });
});

test('a job without work is stopped with a savepoint, says why, and goes on from it when there may be work', () => {
  const world = running();
  decide(world, { ...up, stopped: 'Idle', reason: 'Idle', message: 'No record has come for 10 minutes.' });
  world.settle();
  expect(world.job.status?.state).toBe('Suspended');
  expect(condition(world, 'Suspended')?.message).toBe('No record has come for 10 minutes.');
  const savepoint = world.job.status?.lastSavepoint?.path;
  expect(savepoint).toBeDefined();
  decide(world, { ...up, reason: 'LookForWork', message: 'It is time to look for work.' });
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { restoreFrom: savepoint }, parallelism: 5 });
});

test.each([
  ['0 0 30 2 *', '1h', 'spec.autoscaling.schedules[0].schedule: "0 0 30 2 *" names a date that never comes'],
  ['0 22 * * *', '24h', 'spec.autoscaling.schedules[0].duration: "24h" is not shorter than the longest time between'],
])(
  'a window that came through although it cannot be followed is told by a condition: %s for %s',
  (schedule, duration, message) => {
    const night = { name: 'night', schedule, timeZone: 'UTC', duration, suspend: true };
    const world = running({ autoscaling: autoscaling({ schedules: [night] }) });
    world.settle();
    expect(condition(world, 'Stalled')).toMatchObject({ status: 'True', reason: 'InvalidSchedule' });
    expect(condition(world, 'Stalled')?.message).toContain(message);
    expect(condition(world, 'Stalled')?.message).toContain('It is passed over: the job runs on.');
    expect(world.job.status?.state).toBe('Running');
    world.edit((s) => void (s.autoscaling!.schedules![0] = { ...night, schedule: '0 22 * * *', duration: '8h' }));
    world.settle();
    expect(condition(world, 'Stalled')).toBeUndefined();
    expect(condition(world, 'Ready')?.status).toBe('True');
  },
);
