// Streams that the autoscaler sizes, in real pods: by the load that a TaskManager cannot handle, and by the memory that it was killed for.
import { until } from '../../harness/until.ts';
import { full } from '../full.ts';
import { Jobs, NAMESPACE, withOperator } from './operator.ts';
import {
  counting,
  expectEachOnce,
  expectPartsOnce,
  has,
  heavySql,
  makeSharedVolume,
  runs,
  smallCpu,
  untilEvent,
  untilMoreRows,
  untilSeveralRead,
} from './streams.ts';
import { fillTemporary, temporaryInMemory } from './temporary-files.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

beforeAll(async () => {
  await makeSharedVolume(jobs);
  await jobs.apply('loaded', loaded());
  await jobs.apply('cramped', cramped);
}, 240_000);

/** Half a minute of little, more than a minute of what takes three TaskManagers, and little again. */
const STEPS = '0s:100, 30s:2500, 110s:100';

/** The window, when there is one, is open at any time. */
function loaded(...schedules: object[]): object {
  const autoscaling = { enabled: true, maxParallelism: 3, targetUtilization: 0.5, schedules };
  return counting('loaded', { taskManager: smallCpu, autoscaling }, 1, heavySql('loaded', STEPS));
}

const cramped = counting('cramped', {
  taskManager: { slots: 1, resources: { limits: { memory: '256Mi' } }, ...temporaryInMemory },
  autoscaling: { enabled: true, memory: { mode: 'Apply', limit: '320Mi' } },
});

/** Has the TaskManager killed for want of memory; answers how much the one in its place has. */
async function killForMemory(job: string): Promise<string | undefined> {
  await jobs.until(job, 'runs', runs, 180);
  const { metadata } = await jobs.newestPod(job, 'taskmanager');
  await fillTemporary(600)(metadata.name);
  const next = await until(
    `another TaskManager of ${job}`,
    async () => {
      const newest = await jobs.newestPod(job, 'taskmanager');
      return newest.metadata.uid === metadata.uid ? null : newest;
    },
    { seconds: 120, every: 200 },
  );
  await jobs.until(job, 'runs again', runs, 180);
  await untilMoreRows(job, NAMESPACE);
  return next.spec.containers.find(({ name }) => name === 'taskmanager')?.resources.limits?.memory;
}

test('TaskManagers that are killed for want of memory get half more, once, up to the limit of the user and no further', async () => {
  await killForMemory('cramped');
  await untilEvent('cramped', NAMESPACE, 'MemoryChanged', /get 320Mi of memory\. .*killed for want of memory/);
  expect((await jobs.get('cramped')).status?.autoscaling).toMatchObject({ memory: '320Mi', memoryApplies: true });
  expect(await killForMemory('cramped')).toBe('320Mi');
  expect(await killForMemory('cramped')).toBe('320Mi');
  await expectEachOnce(jobs, 'cramped');
}, 600_000);

test('a load that one TaskManager cannot handle brings two more, in place', async () => {
  const up = await jobs.until('loaded', 'has three TaskManagers', has(3), 240);
  expect(up.status).toMatchObject({ attempt: { epoch: 1 }, autoscaling: { parallelism: 3, applies: true } });
  expect(up.spec.taskManager.replicas).toBe(1);
  await untilEvent('loaded', NAMESPACE, 'Autoscaled', /^Overloaded: .* 1 → 3 TaskManagers/);
  await untilSeveralRead('loaded', NAMESPACE);
}, 300_000);

// By itself the autoscaler takes nothing away before less has been enough for 120 times as long as a rescale of this job stops it, five minutes at least: on a busy
// machine, where a rescale takes ten seconds, that is twenty minutes.
test(`${full ? 'they go when less has been enough for as long as rescales of this job make it patient' : 'they go when a window of the schedule allows no more than one'}, and each row is there once`, async () => {
  if (!full) {
    const window = { name: 'low', schedule: '* * * * *', duration: '1m', maxParallelism: 1 };
    await jobs.apply('loaded', loaded(window));
  }
  const down = await jobs.until('loaded', 'has one TaskManager', has(1), full ? 1_800 : 120);
  expect(down.status).toMatchObject({ attempt: { epoch: 1 }, autoscaling: { parallelism: 1 } });
  expect(down.status?.lastSavepoint).toBeUndefined();
  const why = full ? /^Underused: / : /^OutsideBounds: .*schedule low.* 3 → 1 TaskManager/;
  await untilEvent('loaded', NAMESPACE, 'Autoscaled', why);
  await until('the others are gone', async () => (await taskManagersOf('loaded')) === 1, { seconds: 60 });
  await expectPartsOnce(jobs, 'loaded');
}, 2_000_000);

const taskManagersOf = async (job: string): Promise<number> =>
  (await jobs.pods(job)).filter(({ metadata }) => metadata.labels?.['flowjob.dev/role'] === 'taskmanager').length;
