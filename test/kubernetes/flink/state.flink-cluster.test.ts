// What becomes of the state of FlowJobs on Apache Flink: upgrades from the newest checkpoint, savepoints that people ask for, a job that is deleted and comes back.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { until } from '../../harness/until.ts';
import type { FlowSavepoint } from '../../../src/api/flowsavepoint.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { numbers, seen, stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

const savepoint = (name: string): Promise<FlowSavepoint> =>
  kubectl.get<FlowSavepoint>('flowsavepoint', name, '-n', jobs.namespace);

test('an upgrade with LastState goes on from the newest checkpoint, and writes each row once', async () => {
  const spec = (version: number): object =>
    stream(numbers(4_000, 100, version), { upgrade: { strategy: 'LastState' } });
  await jobs.apply('last', spec(1));
  await jobs.until('last', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
  await jobs.apply('last', spec(2));
  const upgraded = await jobs.until(
    'last',
    'runs its second version',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
    180,
  );
  expect(upgraded.status?.attempt?.restoreFrom).toMatch(/\/chk-\d+$/);
  expect(upgraded.status?.lastSavepoint).toBeUndefined();
  await jobs.until('last', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  await jobs.untilNoPods('last');
  const rows = await seen(jobs, 'last');
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      4_000,
    ),
  ).toEqual(AS_EXPECTED);
}, 600_000);

test('a deleted job leaves a savepoint; created again it waits, and goes on from it once it is told to', async () => {
  const spec = (more: object = {}): object => stream(numbers(4_000, 100, 1), more);
  await jobs.apply('again', spec());
  await jobs.until('again', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
  const manifest = { apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowSavepoint' };
  const metadata = { name: 'asked-for', namespace: jobs.namespace };
  await kubectl.apply([{ ...manifest, metadata, spec: { jobRef: { name: 'again' }, disposalPolicy: 'Delete' } }]);
  const taken = await until(
    'the savepoint is complete',
    async () => {
      const found = await savepoint('asked-for');
      return found.status?.state === 'Completed' ? found : null;
    },
    { seconds: 60, every: 300 },
  );
  expect(taken.status).toMatchObject({ engine: 'Flink', claimName: 'again-state' });
  const folder = taken.status!.path!;

  await kubectl.run('delete', 'flowjob', 'again', '-n', jobs.namespace, '--timeout=120s');
  await jobs.untilNoPods('again');
  expect(await jobs.onVolume('again', `ls ${folder}/_metadata`)).toContain('_metadata');

  // A cluster that was rebuilt from git.
  await jobs.apply('again', spec());
  const waiting = await jobs.until('again', 'waits', (job) => condition(job, 'Stalled')?.reason === 'StateFound');
  expect(condition(waiting, 'Stalled')?.message).toMatch(/policy: Newest goes on from that state/);
  expect(await jobs.pods('again')).toEqual([]);
  await jobs.apply('again', spec({ state: { checkpoint: { interval: '1s' }, restore: { policy: 'Newest' } } }));
  const back = await jobs.until('again', 'runs again', ({ status }) => status?.attempt?.healthy === true, 180);
  // The one of the deletion, which is newer than the one that was asked for.
  expect(back.status?.restored?.path).toMatch(/^\/flowjob\/state\/again\/flink\/savepoints\//);
  expect(back.status?.restored?.path).not.toBe(folder);

  await kubectl.run('delete', 'flowsavepoint', 'asked-for', '-n', jobs.namespace, '--timeout=60s');
  expect(await jobs.onVolume('again', `ls -d ${folder} 2>&1 || true`)).toContain('No such file');
  await jobs.until('again', 'has come to its end', ({ status }) => status?.state === 'Finished', 240);
  await jobs.untilNoPods('again');
  const rows = await seen(jobs, 'again');
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      4_000,
    ),
  ).toEqual(AS_EXPECTED);
}, 700_000);
