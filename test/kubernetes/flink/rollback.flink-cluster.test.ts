// An upgrade on Apache Flink, in real pods, to a version that comes to nothing: the version before goes on from the savepoint, every row once.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { Jobs, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { numbers, savepointOf, seen, stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

const version = (v: number): string => numbers(1_000_000, 100, v);

test('an upgrade to SQL that Flink does not take is rolled back to the text that ran; a sound version takes over', async () => {
  await jobs.apply('back', stream(version(1)));
  await jobs.until('back', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);

  // Beside the running version Flink would be asked first whether it takes it.
  const stopFirst = { upgrade: { startBeforeStop: false } };
  await jobs.apply('back', stream(version(2).replace('SELECT n, 2', 'SELECT nobody, 2'), stopFirst));
  const back = await jobs.until(
    'back',
    'is rolled back',
    (job) => job.status?.state === 'Running' && condition(job, 'Stalled')?.reason === 'RolledBack',
    300,
  );
  expect(condition(back, 'Ready')?.status).toBe('False');
  expect(condition(back, 'Ready')?.message).toMatch(
    /^The version of generation 2 was given up, and the one of generation 1 is run.*nobody/s,
  );
  expect(back.status).toMatchObject({
    accepted: { generation: 1 },
    attempt: { epoch: 3, healthy: true, restoreFrom: back.status?.lastSavepoint?.path },
  });
  expect(back.status?.attempt?.restoreFrom).toMatch(savepointOf('back'));
  const attempts = (await jobs.pods('back')).map(({ metadata }) => metadata.labels?.['flowjob.dev/attempt']);
  expect(new Set(attempts)).toEqual(new Set(['3']));

  await jobs.apply('back', stream(version(3)));
  const sound = await jobs.until(
    'back',
    'runs its sound version',
    (job) => condition(job, 'Ready')?.status === 'True',
    180,
  );
  expect(sound.status?.rolledBack).toBeUndefined();
  await jobs.apply('back', stream(version(3), { suspend: true }));
  await jobs.until('back', 'is suspended', ({ status }) => status?.state === 'Suspended', 120);
  await jobs.untilNoPods('back');

  const rows = await seen(jobs, 'back');
  const ns = rows.map(({ n }) => n);
  expect(deviationFromEachOnce(ns, ns.length)).toEqual(AS_EXPECTED);
  expect(new Set(rows.map((row) => row.version))).toEqual(new Set([1, 3]));
}, 900_000);
