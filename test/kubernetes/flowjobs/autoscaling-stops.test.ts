// Streams that the autoscaler stops and wakes, in real pods: while a window of a schedule says so, and while there is nothing to read. With --full: a cron has minutes.
import { full } from '../full.ts';
import { Jobs, NAMESPACE, withOperator } from './operator.ts';
import {
  condition,
  counting,
  expectEachOnce,
  makeSharedVolume,
  numbersSql,
  rowsOf,
  runs,
  untilEvent,
  untilMoreRows,
} from './streams.ts';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { until } from '../../harness/until.ts';

const jobs = new Jobs(NAMESPACE);

(full ? describe : describe.skip)('a stream that the autoscaler stops', () => {
  withOperator(jobs);

  beforeAll(async () => {
    await makeSharedVolume(jobs);
    await jobs.apply('seldom', seldom);
    await jobs.apply('nightly', nightly());
  }, 240_000);

  const isStopped =
    (cause: string) =>
    ({ status }: FlowJob): boolean =>
      status?.state === 'Suspended' && status.autoscaling?.stopped === cause;

  const nightly = (...schedules: object[]): object =>
    counting('nightly', { autoscaling: { enabled: true, schedules } });

  /** Rows for twenty seconds, none for a minute and a half, then rows again. The time for which the job is away does not count. */
  const PAUSE = '0s:100, 20s:0, 110s:100';
  const BEFORE_PAUSE = 20 * 100;
  const seldom = counting(
    'seldom',
    { autoscaling: { enabled: true, scaleToZero: { idleAfter: '20s', lookEvery: '30s' } } },
    1,
    numbersSql('seldom', '1', `'rows-per-second.schedule' = '${PAUSE}'`),
  );

  test('by a window of its schedule has a savepoint and no pod while that is open, and goes on from it', async () => {
    await jobs.until('nightly', 'runs', runs, 240);
    await untilMoreRows('nightly', NAMESPACE);
    const minute = (new Date().getUTCMinutes() + 1) % 60;
    const night = { name: 'night', schedule: `${minute} * * * *`, duration: '1m', suspend: true };
    await jobs.apply('nightly', nightly(night));
    const stopped = await jobs.until('nightly', 'is stopped', isStopped('Schedule'), 180);
    expect(condition(stopped, 'Suspended')).toMatchObject({
      status: 'True',
      message: expect.stringContaining('schedule night keeps the job stopped until') as string,
    });
    expect(stopped.spec.suspend).toBe(false);
    await jobs.untilNoPods('nightly');
    const again = await jobs.until('nightly', 'runs again', runs, 240);
    expect(again.status?.attempt).toMatchObject({ epoch: 2, restoreFrom: stopped.status!.lastSavepoint!.path });
    await untilEvent('nightly', NAMESPACE, 'Autoscaled', /^WindowOver: /);
    await untilMoreRows('nightly', NAMESPACE);
    await expectEachOnce(jobs, 'nightly');
  }, 900_000);

  test('for want of work is started now and then, and runs on once there is some', async () => {
    await untilEvent('seldom', NAMESPACE, 'Autoscaled', /^Idle: No record came/);
    await untilEvent('seldom', NAMESPACE, 'Autoscaled', /^LookForWork: /);
    await until('it has found work', async () => (await rowsOf('seldom', NAMESPACE)).length > BEFORE_PAUSE + 2_000, {
      seconds: 600,
      every: 1_000,
    });
    const job = await jobs.get('seldom');
    expect(job.status?.state).toBe('Running');
    expect(job.status?.attempt?.epoch).toBeGreaterThan(1);
    await expectEachOnce(jobs, 'seldom');
  }, 900_000);
});
