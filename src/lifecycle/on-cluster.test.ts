// A job on a FlowCluster, as it is told: what it waits for, where it is submitted, and what happens when its JobManager is lost.
import { newSpec } from './simulated-objects.fixture.ts';
import { ClusterWorld } from './simulated-cluster.fixture.ts';

const newWorld = (more: object = {}): ClusterWorld => new ClusterWorld(newSpec('Streaming', more));
const reconciling = ({ job }: ClusterWorld) => job.status?.conditions.find(({ type }) => type === 'Reconciling');

function until(world: ClusterWorld, holds: () => boolean): void {
  for (let round = 0; round < 50 && !holds(); round++) {
    world.progress();
    world.pass();
  }
  expect(holds()).toBe(true);
}

test('a job whose cluster is not there is Pending, and says so once', () => {
  const world = newWorld();
  world.exists = false;
  const events = [world.pass(), world.pass()].map((decision) => decision!.events);
  expect(world.job.status).toMatchObject({ state: 'Pending' });
  expect(reconciling(world)).toMatchObject({ reason: 'WaitingForCluster', message: 'There is no FlowCluster.' });
  expect(events.map(({ length }) => length)).toEqual([1, 0]);
  world.exists = true;
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { jobManagerUid: 'jobmanager-0' } });
});

test('one without a JobManager is waited for, and written to status before the job is submitted to it', () => {
  const world = newWorld();
  world.jobManager = null;
  world.pass();
  world.pass();
  expect(world.job.status).toMatchObject({ state: 'Starting' });
  expect(reconciling(world)?.reason).toBe('WaitingForCluster');
  world.replaceJobManager();
  const decision = world.pass('after write');
  expect(decision?.actions).toEqual([{ kind: 'EnsureProcesses', epoch: 1, skip: [] }]);
  expect(world.job.status?.attempt?.jobManagerUid).toBe('jobmanager-1');
  expect(world.settle()).toBe(true);
});

test('when its JobManager is lost the job goes on from its newest checkpoint under another id', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.checkpoint();
  const { attempt } = world.job.status!;
  const newest = world.snapshots.at(-1)!.path;
  world.replaceJobManager();
  until(world, () => world.job.status?.attempt?.epoch === attempt!.epoch + 1);
  expect(world.job.status?.attempt).toMatchObject({ restoreFrom: newest, jobManagerUid: 'jobmanager-1' });
  expect(world.job.status?.attempt?.jobId).not.toBe(attempt?.jobId);
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
});

test('lost again before its next checkpoint, it goes on from the same one', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.checkpoint();
  const newest = world.snapshots.at(-1)!.path;
  for (const epoch of [2, 3]) {
    world.replaceJobManager();
    until(world, () => world.job.status?.attempt?.epoch === epoch);
    expect(world.job.status?.attempt).toMatchObject({ restoreFrom: newest });
  }
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
});

test('no version is started ahead: the running one is stopped at once, and the next is submitted to the same JobManager', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  expect(world.pass()?.status).toMatchObject({ state: 'Upgrading', attempt: { epoch: 1 } });
  expect(world.job.status).not.toHaveProperty('prepared');
  expect(world.settle()).toBe(true);
  expect(world.job.status?.attempt).toMatchObject({ epoch: 2, jobManagerUid: 'jobmanager-0' });
  expect(world.job.status?.attempt).not.toHaveProperty('session');
  expect(world.violations).toEqual([]);
});

test('a job that has failed, and whose failure its JobManager has forgotten before anybody heard of it, goes on in another attempt', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.checkpoint();
  const newest = world.snapshots.at(-1)!.path;
  world.end('FAILED', null);
  world.forgetJobs();
  until(world, () => world.job.status?.attempt?.epoch === 2);
  expect(world.job.status?.attempt).toMatchObject({ restoreFrom: newest, jobManagerUid: 'jobmanager-0' });
  expect(world.settle()).toBe(true);
  expect(world.violations).toEqual([]);
});

test.each([
  ['is lost', (world: ClusterWorld) => world.replaceJobManager()],
  ['forgets the job', (world: ClusterWorld) => world.forgetJobs()],
])('the savepoint of a stop is found in storage when the JobManager %s before anybody heard of it', (_, lose) => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.checkpoint();
  world.edit((s) => void (s.suspend = true));
  until(world, () => world.engine!.asked.length > 0);
  world.progress();
  expect(world.engine?.status).toBe('FINISHED');
  lose(world);
  expect(world.settle()).toBe(true);
  const { triggerId, path } = world.job.status!.lastSavepoint!;
  expect([world.job.status?.state, world.job.status?.attempt?.ended, path]).toEqual([
    'Suspended',
    'Stopped',
    triggerId,
  ]);
  world.edit((s) => void (s.suspend = false));
  expect(world.settle()).toBe(true);
  expect(world.job.status?.attempt).toMatchObject({ epoch: 2, restoreFrom: path });
  expect(world.violations).toEqual([]);
});

test('a stream that came to its end unheard, and whose JobManager is lost, waits: its checkpoints went with its end', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.end('FINISHED', null);
  expect(world.jobManagerAloneKnows).toBe(true);
  world.replaceJobManager();
  const stalled = () => world.job.status?.conditions.find(({ type }) => type === 'Stalled');
  until(world, () => stalled() !== undefined);
  expect(stalled()).toMatchObject({
    reason: 'StateUnreadable',
    message: expect.stringContaining('none of them is found any more'),
  });
  world.settle();
  expect(world.job.status).toMatchObject({ state: 'Recovering', attempt: { epoch: 1 } });
  expect(stalled()).toBeDefined();
});

test('a suspended job that another operator asks its JobManager about once more does not run, and is resumed when that has answered', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.edit((s) => void (s.suspend = true));
  expect(world.settle()).toBe(true);
  world.replaceOperator();
  world.edit((s) => void (s.suspend = false));
  expect(world.pass()?.status.state).toBe('Suspended');
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
  expect(world.violations).toEqual([]);
});

test('a stream of which a part has no slot says so before its first checkpoint, and when it has proven itself', () => {
  const world = newWorld();
  world.runsInPart = true;
  until(world, () => world.job.status?.state === 'Starting' && world.engine?.status === 'RUNNING');
  world.pass();
  expect(world.job.status).toMatchObject({ state: 'Starting' });
  expect(reconciling(world)).toMatchObject({
    reason: 'WaitingForCluster',
    message: expect.stringContaining('has no slots'),
  });
  world.runsInPart = false;
  expect(world.settle()).toBe(true);
  world.runsInPart = true;
  world.pass();
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
  expect(reconciling(world)?.reason).toBe('WaitingForCluster');
});

test('another parallelism is another run, from a savepoint', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.edit((s) => void (s.job.parallelism = 4));
  until(world, () => world.job.status?.attempt?.epoch === 2);
  expect(world.job.status?.attempt?.restoreFrom).toBe(world.job.status?.lastSavepoint?.path);
  expect(world.job.status?.parallelism).toBe(4);
});

test('a job that waits for its cluster is not looked at again and again', () => {
  const world = newWorld();
  world.exists = false;
  world.pass();
  const waiting = world.pass()!;
  expect(waiting.inMotion).toBe(false);
  expect(waiting.requeueAt).toBeGreaterThan(world.now);
});

test('a JobManager that was silent for long and answers again is told to end the attempt, which is no end from outside', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.checkpoint();
  const newest = world.snapshots.at(-1)!.path;
  world.silent = true;
  world.pass();
  world.pass();
  expect(world.job.status?.state).toBe('Recovering');
  world.silent = false;
  world.pass();
  world.progress();
  expect(world.engine?.status).toBe('CANCELED');
  world.pass();
  expect(world.job.status?.state).toBe('Recovering');
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2, restoreFrom: newest } });
  expect(world.violations).toEqual([]);
});

test('a job whose savepoint is complete is not followed before its JobManager says that it is over', () => {
  const world = newWorld();
  expect(world.settle()).toBe(true);
  world.edit((s) => void (s.job.sql = { inline: 'version 1' }));
  until(world, () => world.job.status?.attempt?.ended === 'Stopped');
  expect(world.pass()?.status).toMatchObject({ state: 'Upgrading', attempt: { epoch: 1 } });
  expect(world.settle()).toBe(true);
  expect(world.job.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 } });
});

describe('a job that is resumed on another cluster', () => {
  const claim = (claimName: string) => ({
    persistentVolumeClaim: { claimName, size: '1Gi', accessMode: 'ReadWriteOnce' as const },
  });
  const moved = (claimName: string): ClusterWorld => {
    const world = newWorld({ suspend: false });
    world.storage = claim('first-cluster-state');
    expect(world.settle()).toBe(true);
    world.claimName = 'first-cluster-state';
    world.edit((s) => void (s.suspend = true));
    expect(world.settle()).toBe(true);
    world.storage = claim(claimName);
    world.edit((s) => {
      s.suspend = false;
      s.engine.clusterRef = { name: 'other' };
    });
    expect(world.settle()).toBe(true);
    return world;
  };

  test('goes on there when that has the same claim', () => {
    const { status } = moved('first-cluster-state').job;
    expect(status).toMatchObject({ state: 'Running', attempt: { restoreFrom: status?.lastSavepoint?.path } });
  });

  test('is not started beside its state when that is out of reach, and says what to do', () => {
    const { status } = moved('other-cluster-state').job;
    expect(status).toMatchObject({ state: 'Failed', attempt: { epoch: 1, ended: 'Stopped' } });
    expect(status?.conditions.find(({ type }) => type === 'Failed')).toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringMatching(
        /on PersistentVolumeClaim "first-cluster-state".*FlowCluster "other" do not mount/,
      ),
    });
  });
});
