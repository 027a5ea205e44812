// Where a run on Apache Flink goes on from: a folder names the job's last savepoint whoever took it, and only what is the run's own counts as its newest state.
import { newSpec } from './simulated-objects.fixture.ts';
import { runningWorld, type World } from './simulated-world.fixture.ts';

const onFlink = (): World => runningWorld(newSpec('Streaming', { engine: { type: 'Flink', version: '2.3' } }));

function until(world: World, holds: () => boolean): void {
  for (let round = 0; round < 50 && !holds(); round++) {
    world.progress();
    world.pass();
  }
  expect(holds()).toBe(true);
}

const isNew = (world: World) => (): boolean =>
  world.job.status?.state === 'Starting' && world.job.status.accepted?.generation === world.job.metadata.generation;

test.each([
  ['2.3.1', []],
  ['2.30.0', ['VersionMismatch']],
  ['2.2.1', ['VersionMismatch']],
])('that the image has Flink %s where the spec says 2.3 is one warning or none', (release, expected) => {
  const world = onFlink();
  world.edit((s) => void (s.job.sql!.inline = 'version 1'));
  world.flinkRelease = release;
  const told: string[] = [];
  for (let round = 0; round < 50; round++) {
    world.progress();
    told.push(...(world.pass()?.events ?? []).map(({ reason }) => reason));
  }
  expect(world.job.status?.state).toBe('Running');
  expect(told.filter((reason) => reason === 'VersionMismatch')).toEqual(expected);
});

test('a run that is lost before its first checkpoint goes on from what it began with', () => {
  const world = onFlink();
  world.edit((s) => void (s.job.sql!.inline = 'version 1'));
  until(world, isNew(world));
  const { epoch, restoreFrom } = world.job.status!.attempt!;
  world.kill('JobManager');
  until(world, () => world.job.status?.attempt?.epoch === epoch + 1);
  expect(world.job.status?.attempt).toMatchObject({ restoreFrom });
  expect(world.job.status?.attempt?.resumeFrom).toBeUndefined();
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
});

test('a run that began with a checkpoint does not go back to a savepoint that is older', () => {
  const world = onFlink();
  world.edit((s) => void (s.suspend = true));
  expect(world.settle()).toBe(true);
  world.edit((s) => void (s.suspend = false));
  expect(world.settle()).toBe(true);
  world.progress();
  world.checkpoint();
  world.end('FAILED', null);
  expect(world.settle()).toBe(true);
  world.edit((s) => void s.restartNonce++);
  until(world, isNew(world));
  expect(world.job.status?.attempt?.restoreFrom).not.toBe(world.job.status?.lastSavepoint?.path);
  world.kill('JobManager');
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
});

test('a run whose checkpoints are gone waits for them, and does not begin again where it began', () => {
  const world = onFlink();
  world.edit((s) => void (s.job.sql!.inline = 'version 1'));
  expect(world.settle()).toBe(true);
  const { attempt, lastSavepoint } = world.job.status!;
  expect(attempt).toMatchObject({ checkpointed: true, restoreFrom: lastSavepoint?.path });
  world.snapshots = world.snapshots.filter(({ kind }) => kind === 'Savepoint');
  world.kill('JobManager');
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Recovering', attempt: { epoch: attempt?.epoch } });
  expect(world.job.status?.conditions[0]).toMatchObject({ reason: 'StateUnreadable' });
});
