// Where new jobs start, in pods: from the savepoint of a job that was deleted, from another job's volume, and not empty in a cluster rebuilt from git.
import type { FlowSavepoint } from '../../../src/api/flowsavepoint.ts';
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { until } from '../../harness/until.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from './operator.ts';

const jobs = new Jobs(NAMESPACE);
type Job = Awaited<ReturnType<Jobs['get']>>;
const stalled = ({ status }: Job) => status?.conditions.find(({ type }) => type === 'Stalled');
const healthy = ({ status }: Job): boolean => status?.state === 'Running' && status.attempt?.healthy === true;

withOperator(jobs);

/** Every number up to `rows`, each once, into a folder of the volume. */
const spec = (rows: number, state: object = {}): object => ({
  mode: 'Streaming',
  taskManager: { slots: 1 },
  state: { checkpoint: { interval: '500ms' }, ...state },
  job: {
    sql: {
      inline: `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '300',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '${rows - 1}');
CREATE TABLE seen (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'csv');
INSERT INTO seen SELECT n FROM numbers;`,
    },
  },
});

async function numbersOn(claimOf: string): Promise<number[]> {
  const rows = (await jobs.onVolume(claimOf, 'cat /flowjob/state/out/part-*')).trim().split('\n');
  return rows.map(Number);
}

/** What a rebuilt cluster leaves of a job: nothing but its volume. */
async function lose(name: string): Promise<void> {
  await kubectl.run('annotate', 'flowjob', name, '-n', NAMESPACE, 'flowjob.dev/pause=true');
  await jobs.until(
    name,
    'is paused',
    ({ status }) => status?.conditions.some(({ type }) => type === 'Paused') === true,
  );
  await kubectl.run(
    'patch',
    'flowjob',
    name,
    '-n',
    NAMESPACE,
    '--type',
    'merge',
    '-p',
    '{"metadata":{"finalizers":null}}',
  );
  await kubectl.run('delete', 'flowjob', name, '-n', NAMESPACE, '--ignore-not-found');
  await jobs.untilNoPods(name);
}

test('a job that was deleted with a savepoint goes on in a new FlowJob, and each row comes once', async () => {
  await jobs.apply('first', spec(9_000));
  await jobs.until('first', 'runs', healthy, 180);
  await kubectl.run('delete', 'flowjob', 'first', '-n', NAMESPACE);
  await jobs.untilNoPods('first');
  const path = await until(
    'an event tells of the savepoint',
    async () => {
      const { items } = await kubectl.get<{ items: { note?: string; regarding?: { name: string } }[] }>(
        ...['events.events.k8s.io', '-n', NAMESPACE],
      );
      const told = items
        .filter(({ regarding }) => regarding?.name === 'first')
        .flatMap(({ note }) => /stopped with a savepoint at (\S+)\.$/.exec(note ?? '')?.[1] ?? []);
      return told[0] ?? null;
    },
    { seconds: 60, every: 500 },
  );
  expect(path).toMatch(/^\/flowjob\/state\/first\/savepoints\//);

  const storage = { persistentVolumeClaim: { claimName: 'first-state' } };
  await jobs.apply('second', spec(9_000, { storage, restore: { uri: `file://${path}` } }));
  const done = await jobs.until('second', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  expect(done.status?.restored).toEqual({ origin: 'Uri', path: `file://${path}`, complete: true });
  expect(deviationFromEachOnce(await numbersOn('first'), 9_000)).toEqual(AS_EXPECTED);
}, 900_000);

test('a job starts from a FlowSavepoint on the volume of another job, which it mounts until its first checkpoint', async () => {
  await jobs.apply('source', spec(1_000_000));
  await jobs.until('source', 'runs', healthy, 180);
  await jobs.apply('copy', spec(1_000_000, { restore: { savepointRef: { name: 'taken' } } }));
  const waiting = await jobs.until('copy', 'waits', (job) => stalled(job)?.reason === 'SavepointNotFound');
  expect(stalled(waiting)?.message).toContain('There is no FlowSavepoint taken');
  await kubectl.apply([
    {
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowSavepoint',
      metadata: { name: 'taken', namespace: NAMESPACE },
      spec: { jobRef: { name: 'source' } },
    },
  ]);
  const { status } = await until(
    'the savepoint is complete',
    async () => {
      const found = await kubectl.get<FlowSavepoint>('flowsavepoint', 'taken', '-n', NAMESPACE);
      return found.status?.state === 'Completed' ? found : null;
    },
    { seconds: 120, every: 200 },
  );
  expect(status?.claimName).toBe('source-state');
  const copy = await jobs.until('copy', 'runs', healthy, 240);
  expect(copy.status?.attempt).toMatchObject({ restoreFrom: status?.path, restoreClaim: 'source-state' });
  const { items } = await kubectl.get<{ items: { spec: { volumes: object[] } }[] }>(
    'pods',
    '-n',
    NAMESPACE,
    '-l',
    'flowjob.dev/job=copy,flowjob.dev/role=jobmanager',
  );
  expect(items[0]?.spec.volumes).toContainEqual({
    name: 'restore',
    persistentVolumeClaim: { claimName: 'source-state', readOnly: true },
  });
}, 900_000);

test('a job whose FlowJob was lost does not start empty in the rebuilt cluster; with policy Newest it goes on, and each row comes once', async () => {
  await jobs.apply('rebuilt', spec(9_000));
  await jobs.until('rebuilt', 'runs', healthy, 180);
  await lose('rebuilt');
  await jobs.apply('rebuilt', spec(9_000));
  const waiting = await jobs.until('rebuilt', 'is Stalled', (job) => stalled(job)?.status === 'True', 240);
  expect(stalled(waiting)).toMatchObject({ reason: 'StateFound' });
  expect(stalled(waiting)?.message).toMatch(/checkpoint \/flowjob\/state\/rebuilt\/checkpoints\/.*policy: Newest/);
  expect(waiting.status?.attempt).toBeUndefined();

  await jobs.apply('rebuilt', spec(9_000, { restore: { policy: 'Newest' } }));
  const done = await jobs.until('rebuilt', 'has come to its end', ({ status }) => status?.state === 'Finished', 300);
  expect(done.status?.restored).toMatchObject({ origin: 'Newest', complete: true });
  expect(deviationFromEachOnce(await numbersOn('rebuilt'), 9_000)).toEqual(AS_EXPECTED);
}, 1_000_000);
