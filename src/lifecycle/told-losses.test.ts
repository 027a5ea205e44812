// However a job comes to be recovered, an event tells why: also where nobody saw how its JobManager ended, or the operator died before it had told.
import { SILENCE_LIMIT } from './back-off.ts';
import type { DecidedEvent } from './model.ts';
import { newSpec } from './simulated-objects.fixture.ts';
import { runningWorld, World } from './simulated-world.fixture.ts';

const running = (): World => runningWorld(newSpec('Streaming'));
const told = (events: readonly DecidedEvent[] = []): string[] =>
  events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

test('a JobManager that goes without a trace while the job runs is a lost attempt, which is told, and another attempt takes over', () => {
  const world = running();
  world.checkpoint();
  world.remove('JobManager');
  expect(told(world.pass()?.events)).toEqual([
    'Warning ProcessLost: the JobManager is gone, and nothing is left that says how it ended',
  ]);
  expect(world.job.status?.state).toBe('Recovering');
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
  expect(world.violations).toEqual([]);
});

test('a JobManager without a trace of an attempt that has not proven itself is started, and not lost', () => {
  const world = new World(newSpec('Streaming'));
  world.pass('after write');
  expect(world.job.status).toMatchObject({ state: 'Starting', attempt: { epoch: 1, healthy: false } });
  const decision = world.pass();
  expect(decision?.actions).toMatchObject([{ kind: 'EnsureProcesses', epoch: 1 }]);
  expect(decision?.events).toEqual([]);
});

test('a JobManager that was deleted and falls silent while it ends was not lost by itself, and the event says so', () => {
  const world = running();
  world.silent = true;
  world.silentFor = SILENCE_LIMIT;
  const jobManager = world.processes.find(({ role }) => role === 'JobManager')!;
  jobManager.deleted = 'orders-1-jobmanager was deleted.';
  expect(told(world.pass()?.events)).toEqual([
    'Normal Recovering: orders-1-jobmanager was deleted. That was asked for from outside; the job goes on.',
  ]);
  expect(world.job.status?.recovery).toMatchObject({ restarts: 0 });
});

test('a JobManager that falls silent by itself is lost as before', () => {
  const world = running();
  world.silent = true;
  world.silentFor = SILENCE_LIMIT;
  expect(told(world.pass()?.events)).toEqual([
    `Warning ProcessLost: the JobManager has not answered for ${SILENCE_LIMIT / 1000} s`,
  ]);
});

test('an operator that died before it had told of a loss is followed by one that tells when the next attempt begins', () => {
  const world = running();
  world.kill('JobManager');
  // Status is written, and the event is not.
  world.pass('after write');
  expect(world.job.status?.state).toBe('Recovering');
  world.progress();
  const events: DecidedEvent[] = [];
  for (let i = 0; i < 10 && world.job.status?.state !== 'Running'; i++) {
    events.push(...(world.pass()?.events ?? []));
    world.progress();
  }
  expect(told(events)[0]).toBe('Normal Recovering: Attempt 2 begins. The one before it was lost: killed');
});

test('what is wrong with the node of a JobManager that does not answer stands beside that', () => {
  const world = running();
  world.silent = true;
  world.silentFor = SILENCE_LIMIT - 1;
  world.processes.find(({ role }) => role === 'JobManager')!.node =
    'orders-1-jobmanager is on node a, which is not ready';
  world.pass();
  const ready = world.job.status?.conditions.find(({ type }) => type === 'Ready');
  expect(ready).toMatchObject({ status: 'Unknown', reason: 'JobManagerSilent' });
  expect(ready?.message).toMatch(/does not answer; .*\norders-1-jobmanager is on node a, which is not ready$/s);
});
