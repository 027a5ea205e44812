// A job that is to be stopped with a savepoint just after, or while, a TaskManager dies: it is given another one, so that the savepoint can be taken.
import type { FlowJobSpec } from '../api/flowjob.ts';
import type { Action } from './model.ts';
import type { Crash } from './simulated-model.fixture.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { runningWorld, type World } from './simulated-world.fixture.ts';

/** A stream that runs on two TaskManagers and has output behind its newest checkpoint. */
const running = (more: Partial<FlowJobSpec> = {}): World =>
  runningWorld(newSpec('Streaming', { taskManager: { replicas: 2, slots: 1, resources }, ...more }));

type Way = 'suspended' | 'upgraded' | 'deleted';
const WAYS: readonly Way[] = ['suspended', 'upgraded', 'deleted'];

function ask(world: World, way: Way): void {
  if (way === 'suspended') world.edit((s) => void (s.suspend = true));
  if (way === 'upgraded') world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  if (way === 'deleted')
    world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
}

function isOver(world: World, way: Way): boolean {
  if (way === 'deleted') return world.gone;
  const { state, attempt } = world.job.status!;
  return way === 'suspended' ? state === 'Suspended' : state === 'Running' && attempt?.epoch === 2;
}

/** So many milliseconds of waiting that is not for the world to change. */
const PATIENCE = 5_000;

/** Passes until it is over, one of them cut off; time goes on only to where the lifecycle asks to look again. Answers what was done on the way. */
function untilOver(world: World, way: Way, crash: Crash = 'none', cutOff = 0): Action[] {
  const { now } = world;
  const actions: Action[] = [];
  for (let round = 0; round < 40; round++) {
    const decision = world.pass(round === cutOff ? crash : 'none');
    if (decision === null || isOver(world, way)) return actions;
    actions.push(...decision.actions);
    world.progress();
    if (decision.actions.length === 0 && decision.requeueAt !== null && decision.requeueAt - now < PATIENCE)
      world.now = Math.max(world.now, decision.requeueAt);
  }
  throw new Error(`the job was not ${way}: ${JSON.stringify(world.job.status)}`);
}

const stopped = (world: World): string[] =>
  world.snapshots.filter(({ kind }) => kind === 'Savepoint').map((s) => s.path);
const condition = (world: World, type: string) => world.job.status?.conditions.find((x) => x.type === type);
const started = (actions: readonly Action[]) => actions.filter(({ kind }) => kind === 'EnsureProcesses');

describe.each(WAYS)('a job that is %s', (way) => {
  test.each(['kill', 'remove'] as const)(
    'just after a TaskManager was lost (%s) is given another one, and stopped with a savepoint',
    (how) => {
      const world = running();
      world.engine!.position += 7;
      world[how]('TaskManager');
      const { now } = world;
      ask(world, way);
      const actions = untilOver(world, way);
      expect(started(actions)[0]).toEqual({ kind: 'EnsureProcesses', epoch: 1, skip: [], only: 'TaskManagers' });
      expect(stopped(world)).toHaveLength(1);
      expect(world.now).toBe(now);
      expect(world.violations).toEqual([]);
    },
  );

  test('while its savepoint is under way when a TaskManager dies is stopped with the next savepoint', () => {
    const world = running();
    ask(world, way);
    world.pass();
    world.pass();
    expect(world.engine!.asked.map(({ kind }) => kind)).toEqual(['Stop']);
    world.kill('TaskManager');
    const { now } = world;
    const actions = untilOver(world, way);
    expect(started(actions)[0]).toMatchObject({ epoch: 1, only: 'TaskManagers' });
    expect(stopped(world)).toHaveLength(1);
    expect(world.now - now).toBeLessThan(PATIENCE);
    expect(world.violations).toEqual([]);
  });

  test.each<Crash>(['before write', 'after write', 0, 1])(
    'after a TaskManager was lost comes to the same end in whichever pass the operator dies (%s)',
    (crash) => {
      for (let cutOff = 0; cutOff < 10; cutOff++) {
        const world = running();
        world.kill('TaskManager');
        ask(world, way);
        untilOver(world, way, crash, cutOff);
        expect(stopped(world)).toHaveLength(1);
        expect(world.violations).toEqual([]);
      }
    },
  );

  test('whose JobManager goes, too, is given nothing more: the run is abandoned', () => {
    const world = running();
    world.checkpoint();
    world.kill('TaskManager');
    ask(world, way);
    world.pass();
    world.pass('after write');
    world.remove('JobManager');
    const decision = world.pass();
    expect(started(decision?.actions ?? [])).toEqual([]);
    expect(world.job.status?.attempt).toMatchObject({ epoch: 1, ended: 'Abandoned' });
    untilOver(world, way);
    expect(stopped(world)).toEqual([]);
    expect(world.violations).toEqual([]);
  });
});

test('a JobManager that goes between the decision and the deed is not started with the TaskManager', () => {
  const world = running();
  world.kill('TaskManager');
  ask(world, 'suspended');
  world.pass();
  world.pass('none', () => world.remove('JobManager'));
  expect(world.processes.some(({ role, state }) => role === 'JobManager' && state === 'Running')).toBe(false);
});

test('a TaskManager that ends again and again is started after its back-off while the job is being suspended', () => {
  const world = running({ taskManager: { replicas: 1, slots: 1, resources } });
  for (let times = 0; times < 2; times++) {
    world.kill('TaskManager');
    world.pass();
  }
  world.kill('TaskManager');
  ask(world, 'suspended');
  world.pass();
  const decision = world.pass();
  expect(started(decision!.actions)).toEqual([]);
  const { restarts, exit } = world.processes.find(({ state }) => state === 'Exited')!;
  expect(restarts).toBe(2);
  expect(decision!.requeueAt).toBe(exit!.at + 500);
  world.now = decision!.requeueAt!;
  expect(started(world.pass()!.actions)).toHaveLength(1);
});

test('what is lost and what cannot start is told while the job is being stopped, each once, and given up after a minute', () => {
  const world = running();
  world.checkpoint();
  world.kill('TaskManager');
  world.refusal = 'exceeded quota: raise it';
  ask(world, 'upgraded');
  const events: string[] = [];
  for (let i = 0; i < 6; i++) events.push(...(world.pass()?.events.map(({ reason }) => reason) ?? []));
  expect(events).toEqual(['Upgrading', 'ProcessLost', 'PodNotStarting']);
  expect(condition(world, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'PodNotStarting' });
  expect(condition(world, 'Ready')?.message).toContain('exceeded quota: raise it');
  const { writes } = world;
  world.pass();
  expect(world.writes).toBe(writes);
  world.now += 60_000;
  world.pass();
  expect(world.job.status?.attempt?.ended).toBe('Abandoned');
});

test.each(['Cancel', 'LastState'] as const)(
  'a run that needs no savepoint is given no TaskManager either (%s)',
  (how) => {
    const world = running({ upgrade: { strategy: how === 'LastState' ? 'LastState' : 'Stateless' } });
    world.allowedEmpty = true;
    world.kill('TaskManager');
    ask(world, 'upgraded');
    const actions = untilOver(world, 'upgraded');
    expect(started(actions).filter((action) => 'epoch' in action && action.epoch === 1)).toEqual([]);
  },
);

test('a JobManager that does not answer for a moment is given nothing: its job may be over', () => {
  const world = running();
  ask(world, 'suspended');
  world.pass();
  world.pass();
  world.kill('TaskManager');
  world.silent = true;
  world.silentFor = 2_000;
  expect(started(world.pass()!.actions)).toEqual([]);
});
