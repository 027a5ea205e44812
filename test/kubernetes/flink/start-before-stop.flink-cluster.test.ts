// Upgrades on Apache Flink in real pods: the next version's JobManager and TaskManagers are up before the running one is stopped, and where there is no room for
// them the running version is stopped first.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { numbers, seen, stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

const version = (v: number, more: object = {}): object => stream(numbers(1_000_000, 100, v), more);

const attemptsOf = async (name: string): Promise<Set<string | undefined>> =>
  new Set((await jobs.pods(name)).map(({ metadata }) => metadata.labels?.['flowjob.dev/attempt']));

/** Every row once, and of which versions they are. */
async function expectEachOnce(name: string, versions: number[]): Promise<void> {
  await jobs.apply(name, version(versions.at(-1)!, { suspend: true }));
  await jobs.until(name, 'is suspended', ({ status }) => status?.state === 'Suspended', 180);
  await jobs.untilNoPods(name);
  const rows = await seen(jobs, name);
  const ns = rows.map(({ n }) => n);
  expect(deviationFromEachOnce(ns, ns.length)).toEqual(AS_EXPECTED);
  expect(new Set(rows.map((row) => row.version))).toEqual(new Set(versions));
}

test('the next version is up before the running one is stopped; SQL that Flink does not take stops nothing', async () => {
  await jobs.apply('ahead', version(1));
  await jobs.until('ahead', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);

  await jobs.apply('ahead', version(2));
  const both = await jobs.until(
    'ahead',
    'is about to be stopped',
    ({ status }) => status?.pending?.kind === 'StopWithSavepoint' || status?.attempt?.epoch === 2,
    300,
  );
  expect(both.status).toMatchObject({ prepared: { epoch: 2 }, attempt: { epoch: 1 } });
  const upgraded = await jobs.until(
    'ahead',
    'runs its second version',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
    180,
  );
  const { attempt, lastSavepoint, prepared } = upgraded.status!;
  expect(attempt).toMatchObject({ session: true, restoreFrom: lastSavepoint?.path });
  expect(prepared).toBeUndefined();
  expect(await attemptsOf('ahead')).toEqual(new Set(['2']));
  const service = await kubectl.run(
    'get',
    'service',
    'ahead-rest',
    '-n',
    jobs.namespace,
    '-o',
    'jsonpath={.spec.selector}',
  );
  expect(JSON.parse(service)).toMatchObject({ 'flowjob.dev/attempt': '2' });

  await jobs.apply('ahead', stream(numbers(1_000_000, 100, 3).replace('SELECT n, 3', 'SELECT nobody, 3')));
  const told = await jobs.until(
    'ahead',
    'is Stalled',
    (job) => condition(job, 'Stalled')?.reason === 'InvalidSpec',
    300,
  );
  expect(condition(told, 'Stalled')?.message).toMatch(/the accepted one goes on.*line \d+, column \d+.*nobody/s);
  expect(told.status).toMatchObject({ state: 'Running', attempt: { epoch: 2 }, accepted: { generation: 2 } });

  await jobs.apply('ahead', version(2));
  await jobs.until('ahead', 'is as the spec asks', (job) => condition(job, 'Ready')?.status === 'True', 60);
  await expectEachOnce('ahead', [1, 2]);
}, 900_000);

test('where a quota leaves no room, the running version is stopped first, and the condition says so', async () => {
  await jobs.apply('full', version(1));
  await jobs.until('full', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
  const used = (await kubectl.run('get', 'pods', '-n', jobs.namespace, '-o', 'name')).trim().split('\n').length;
  await kubectl.run('create', 'quota', 'room', `--hard=pods=${used}`, '-n', jobs.namespace);
  try {
    await jobs.apply('full', version(2));
    const told = await jobs.until(
      'full',
      'says why it is stopped first',
      (job) => condition(job, 'Reconciling')?.message?.startsWith('The running version is stopped first') === true,
      120,
    );
    expect(condition(told, 'Reconciling')?.message).toMatch(
      /could not be started beside it: .*exceeded quota.*raise the/,
    );
    const upgraded = await jobs.until('full', 'runs', ({ status }) => status?.attempt?.epoch === 3, 180);
    expect(upgraded.status?.attempt?.session).toBeUndefined();
    await jobs.until('full', 'has proven itself', ({ status }) => status?.attempt?.healthy === true, 180);
  } finally {
    await kubectl.run('delete', 'quota', 'room', '-n', jobs.namespace);
  }
  await expectEachOnce('full', [1, 2]);
}, 900_000);
