// The operator with Apache Flink, JVMs in the place of pods: an upgrade whose next JobManager and TaskManager are up before the running version is stopped.
import type { FlowJob } from '../../src/api/flowjob.ts';
import { AS_EXPECTED, deviationFromEachOnce } from '../harness/each-once.ts';
import { until } from '../harness/until.ts';
import { JvmJob } from './jvm-job.ts';
import { startOperator } from './jvm-operator.ts';
import { runs } from './told.ts';

let one: JvmJob;
let stop: () => Promise<void>;

beforeEach(async () => {
  one = await JvmJob.open();
  stop = startOperator(one);
});

afterEach(async () => {
  await stop();
  await one.close();
});

const sql = (version: number, what = 'n'): string => `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '999999');
CREATE TABLE seen (n BIGINT, version INT) WITH ('connector' = 'filesystem', 'path' = 'file://${one.work}/out', 'format' = 'csv');
INSERT INTO seen SELECT ${what}, ${version} FROM numbers;`;

const reaches = async (what: string, holds: (job: FlowJob) => boolean, seconds = 400): Promise<FlowJob> =>
  one.reaches(what, holds, seconds);
const stalled = ({ status }: FlowJob): boolean => status?.conditions.some(({ type }) => type === 'Stalled') === true;

/** Attempts of which anything runs. */
const alive = (): Set<number> =>
  new Set(
    one.runtime
      .processes()
      .filter(({ state }) => state === 'Running')
      .map(({ epoch }) => epoch),
  );

test('SQL that Flink does not take stops nothing; sound SQL takes over from a version that runs until then, each row once', async () => {
  await one.apply(sql(1));
  const first = (await reaches('runs', runs(1))).status!.attempt!.epoch;
  await one.apply(sql(2, 'nobody'));
  const { status: told } = await reaches('is Stalled', stalled);
  expect(told).toMatchObject({ state: 'Running', attempt: { epoch: first }, accepted: { generation: 1 } });
  expect(told?.conditions[0]?.message).toMatch(/the accepted one goes on.*line 5, column 25.*'nobody'/s);

  await one.apply(sql(2));
  const stopping = await reaches('is stopped', ({ status }) => status?.pending?.kind === 'StopWithSavepoint');
  // That of the version that Flink did not take is not given again.
  expect(stopping.status).toMatchObject({ attempt: { epoch: first }, prepared: { epoch: first + 2 } });
  expect(alive()).toEqual(new Set([first, first + 2]));
  const { status } = await reaches('runs its second version', runs(3));
  expect(status?.attempt).toMatchObject({ session: true, restoreFrom: status?.lastSavepoint?.path });

  await one.apply(sql(2), { suspend: true });
  await reaches('is suspended', (job) => job.status?.state === 'Suspended');
  const rows = one.rows().map((row) => row.split(',').map(Number));
  const ns = rows.map(([n]) => n!);
  expect(deviationFromEachOnce(ns, ns.length)).toEqual(AS_EXPECTED);
  expect(new Set(rows.map(([, version]) => version))).toEqual(new Set([1, 2]));
}, 900_000);

test('an operator that is replaced amid an upgrade finishes it: one attempt, one job', async () => {
  await one.apply(sql(1));
  const first = (await reaches('runs', runs(1))).status!.attempt!.epoch;
  await one.apply(sql(2));
  const ids: string[] = [];
  for (const at of ['prepared', 'stopping', 'submitting'] as const) {
    const { status } = await reaches(at, (job) => AT[at](job.status, first + 1));
    ids.push(status?.prepared?.jobId ?? status?.attempt?.jobId ?? '');
    await stop();
    stop = startOperator(one);
  }
  const { status } = await reaches('runs its second version', runs(2));
  expect(new Set(ids)).toEqual(new Set([status?.attempt?.jobId]));
  await until('only that runs', () => [...alive()].join() === String(first + 1), { seconds: 120 });
  const connection = await one.runtime.connection(JvmJob.key, status!.attempt!);
  const { jobs } = (await (await fetch(`${connection!.url}/jobs`)).json()) as { jobs: { id: string }[] };
  expect(jobs).toEqual([{ id: status?.attempt?.jobId, status: 'RUNNING' }]);
}, 900_000);

/** Moments of an upgrade, or what is past them already. */
const AT = {
  prepared: (status: FlowJob['status'], next: number) =>
    status?.prepared?.spec !== undefined || AT.submitting(status, next),
  stopping: (status: FlowJob['status'], next: number) => status?.state === 'Upgrading' || AT.submitting(status, next),
  submitting: (status: FlowJob['status'], next: number) => status?.attempt?.epoch === next,
};
