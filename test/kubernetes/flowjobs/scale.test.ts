// Streams that are scaled while they run, in real pods: by kubectl scale, by the bounds of the autoscaler, with an operator that dies in the middle.
import { until } from '../../harness/until.ts';
import { Jobs, killOperator, kubectl, NAMESPACE, withOperator } from './operator.ts';
import { condition, counting, expectPartsOnce, has, makeSharedVolume, untilEvent, untilMoreRows } from './streams.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

beforeAll(() => makeSharedVolume(jobs), 120_000);

/** Pods of TaskManagers, by what is left of their names. */
const taskManagers = async (job: string): Promise<string[]> =>
  (await jobs.pods(job))
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.includes('-taskmanager-'))
    .sort();

const scale = async (job: string, replicas: number): Promise<unknown> =>
  kubectl.run('scale', 'flowjob', job, '-n', NAMESPACE, `--replicas=${replicas}`);

const patch = async (job: string, spec: object): Promise<unknown> =>
  kubectl.run('patch', 'flowjob', job, '-n', NAMESPACE, '--type=merge', '--patch', JSON.stringify({ spec }));

test('kubectl scale takes a stream up and down in place: one attempt, TaskManagers that come first and go last, each row once', async () => {
  await jobs.apply('orders', counting('orders'));
  const first = await jobs.until('orders', 'runs', has(1));
  await scale('orders', 3);
  const up = await jobs.until('orders', 'has three TaskManagers', has(3));
  expect(up.status?.attempt).toMatchObject({ epoch: 1, jobId: first.status!.attempt!.jobId });
  expect(await taskManagers('orders')).toEqual([0, 1, 2].map((index) => `orders-1-taskmanager-${index}`));
  await untilMoreRows('orders', NAMESPACE);

  // Whoever leads dies while the job is being scaled; the next one finishes it.
  await scale('orders', 1);
  await killOperator();
  const down = await jobs.until('orders', 'has one', has(1));
  expect(down.status?.attempt).toMatchObject({ epoch: 1 });
  await until('the others are gone', async () => (await taskManagers('orders')).length === 1, { seconds: 60 });
  await untilMoreRows('orders', NAMESPACE);
  await untilEvent('orders', NAMESPACE, 'Rescaled', /parallelism 1 on 1 TaskManager/);
  expect(condition(await jobs.get('orders'), 'Ready')?.status).toBe('True');
  expect((await jobs.get('orders')).status?.lastSavepoint).toBeUndefined();
  await expectPartsOnce(jobs, 'orders');
}, 300_000);

test('the autoscaler follows its bounds in place, tells of who scales beside it, and gives the job back when it is switched off', async () => {
  await jobs.apply('scaled', counting('scaled', { autoscaling: { enabled: true, minParallelism: 2 } }));
  const up = await jobs.until('scaled', 'has two TaskManagers', has(2));
  expect(up.status).toMatchObject({ attempt: { epoch: 1 }, autoscaling: { reason: 'OutsideBounds', applies: true } });
  expect(up.spec.taskManager.replicas).toBe(1);
  await untilMoreRows('scaled', NAMESPACE);
  await scale('scaled', 4);
  const told = await jobs.until('scaled', 'says so', (job) => condition(job, 'ScaleConflict')?.status === 'True');
  expect(told.status?.taskManager?.replicas).toBe(2);
  await patch('scaled', { taskManager: { replicas: 1 }, autoscaling: { enabled: false } });
  const back = await jobs.until('scaled', 'has the size of its spec', has(1));
  expect(back.status?.attempt?.epoch).toBe(1);
  expect(back.status?.autoscaling).toBeUndefined();
  expect(condition(back, 'ScaleConflict')).toBeUndefined();
  await expectPartsOnce(jobs, 'scaled');
}, 300_000);
