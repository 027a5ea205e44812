import type { AutoscalingConfig, ScheduleWindow } from './model.ts';
import { billed, costBy } from './money.ts';
import { config, HOUR, MINUTE, MONDAY, SteadyJob } from './steady-job.fixture.ts';

const window = (more: Partial<ScheduleWindow>): ScheduleWindow => ({
  name: 'window',
  schedule: '0 8 * * *',
  timeZone: 'UTC',
  durationMs: 2 * HOUR,
  minParallelism: null,
  maxParallelism: null,
  suspend: false,
  ...more,
});

const at = (hours: number, more: Partial<AutoscalingConfig>): SteadyJob =>
  new SteadyJob({ start: MONDAY + hours * HOUR, parallelism: 2, config: config(more) });

describe('a schedule', () => {
  it('raises the minimum when its window opens, and lets go of it afterwards', () => {
    const job = at(7.5, { schedules: [window({ minParallelism: 8 })] }).run(500, 25 * MINUTE);
    expect(job.acts).toEqual([]);
    job.run(500, 10 * MINUTE);
    expect(job.acts.map(({ reason, message }) => [reason, message.includes('schedule window')])).toEqual([
      ['OutsideBounds', true],
    ]);
    expect(job.taskManagers).toBe(8);
    job.run(500, HOUR);
    expect(job.taskManagers).toBe(8);
    job.run(500, 2 * HOUR);
    expect(job.taskManagers).toBe(2);
  });

  it('lowers the maximum at once, whatever the load', () => {
    const job = at(7.9, { schedules: [window({ maxParallelism: 1 })] }).run(550, 10 * MINUTE);
    expect(job.taskManagers).toBe(1);
    job.run(550, HOUR);
    expect(job.taskManagers).toBe(1);
    expect(job.last.reason).toBe('AtMaximum');
  });

  it('is in its own time zone, in summer and in winter', () => {
    const berlin = [window({ minParallelism: 5, timeZone: 'Europe/Berlin' })];
    expect(at(6.9, { schedules: berlin }).run(0, 10 * MINUTE).taskManagers).toBe(5);
    const summer = new SteadyJob({
      start: Date.UTC(2026, 6, 6, 5, 55),
      parallelism: 2,
      config: config({ schedules: berlin }),
    });
    expect(summer.run(0, 10 * MINUTE).taskManagers).toBe(5);
  });

  it('counts only once of several that are open: the first', () => {
    const schedules = [window({ minParallelism: 3 }), window({ name: 'other', minParallelism: 7 })];
    expect(at(8.1, { schedules }).run(0, 5 * MINUTE).taskManagers).toBe(3);
  });

  it('that cannot be read changes nothing', () => {
    const schedules = [window({ minParallelism: 9, timeZone: 'Mars/Phobos' })];
    expect(at(8.1, { schedules }).run(500, 5 * MINUTE).acts).toEqual([]);
  });

  it('that would stop the job for good does not stop it', () => {
    const schedules = [window({ suspend: true, durationMs: 24 * HOUR })];
    expect(at(8.1, { schedules }).run(500, 5 * MINUTE).acts).toEqual([]);
  });

  it('stops the job for its window and wakes it at its end', () => {
    const job = at(7.9, { schedules: [window({ suspend: true })] }).run(500, 10 * MINUTE);
    expect(job.acts.map(({ action, reason, taskManagers }) => [action, reason, taskManagers])).toEqual([
      ['Suspend', 'Scheduled', 0],
    ]);
    expect(job.stopped).toBe(true);
    expect(job.last.lookAgainAt).toBe(MONDAY + 10 * HOUR);
    job.run(500, 3 * HOUR);
    expect(job.acts[1]).toMatchObject({ action: 'Wake', reason: 'WindowOver' });
    expect(job.stopped).toBe(false);
    expect(job.acts[1]!.at).toBe(MONDAY + 10 * HOUR);
  });
});

describe('scale to zero', () => {
  const scaleToZero = { idleAfterMs: 10 * MINUTE, lookEveryMs: 30 * MINUTE };

  it('says short times in seconds', () => {
    const job = at(0, { scaleToZero: { idleAfterMs: 20_000, lookEveryMs: 90_000 } }).run(0, 2 * MINUTE);
    expect(job.acts[0]?.message).toBe(
      'No record came for 20 s: the job is stopped, and started every 90 s to look for work.',
    );
  });

  it('stops a job without work, looks for work now and then, and goes on when there is some', () => {
    const job = at(0, { scaleToZero })
      .run(500, 10 * MINUTE)
      .run(0, 2 * HOUR);
    const kinds = job.acts.map(({ action, reason }) => `${action} ${reason}`);
    expect(kinds.slice(0, 3)).toEqual(['Suspend Idle', 'Wake LookForWork', 'Suspend Idle']);
    const [, wake, again] = job.acts;
    expect(again!.at - wake!.at).toBeLessThan(5 * MINUTE);
    job.run(500, 40 * MINUTE);
    expect(job.stopped).toBe(false);
    expect(job.pending).toBe(0);
  });

  it('stops nothing while it is not known that there is no work', () => {
    const job = at(0, { scaleToZero }).run(500, 10 * MINUTE);
    job.tamper = (sample) => ({
      ...sample,
      vertices: sample.vertices.map((vertex) => ({ ...vertex, pendingRecords: null })),
    });
    job.run(0, HOUR);
    expect(job.acts.filter(({ action }) => action === 'Suspend')).toEqual([]);
  });

  it('does not stop a job that has a record a minute', () => {
    const rare = (now: number): number => (now % MINUTE === 0 ? 1 : 0);
    expect(at(0, { scaleToZero }).run(rare, HOUR).stopped).toBe(false);
  });
});

describe('a clock that is set back by hours', () => {
  it('does not keep a job stopped for so much longer', () => {
    const job = at(20, { scaleToZero: { idleAfterMs: 10 * MINUTE, lookEveryMs: 30 * MINUTE } }).run(0, 15 * MINUTE);
    expect(job.stopped).toBe(true);
    job.now -= 6 * HOUR;
    job.run(0, 31 * MINUTE);
    expect(job.acts.at(-1)).toMatchObject({ action: 'Wake', reason: 'LookForWork' });
  });
});

describe('a budget', () => {
  const money = {
    prices: { corePerHour: 0.04, gibPerHour: 0.01, currency: 'EUR' },
    budgetPerHour: 0.2,
  };

  it('bounds the number of TaskManagers, and says so', () => {
    const job = at(0, money).run(4_000, 10 * MINUTE);
    expect(job.taskManagers).toBe(4);
    expect(job.last.reason).toBe('AtMaximum');
    expect(job.last.message).toContain('budget of 0.2 EUR an hour');
    expect(job.last.notices[0]!.kind).toBe('OverBudget');
  });

  it('that is a multiple of the price allows for so many', () => {
    const prices = { corePerHour: 0.1, gibPerHour: 0, currency: 'EUR' };
    expect(at(0, { prices, budgetPerHour: 0.3 }).run(4_000, 5 * MINUTE).taskManagers).toBe(3);
  });

  it.each([0, 0.01])('of %d leaves one TaskManager, and is told to be too small', (budgetPerHour) => {
    const job = at(0, { ...money, budgetPerHour }).run(4_000, 5 * MINUTE);
    expect(job.taskManagers).toBe(1);
    expect(job.last.notices[0]!.kind).toBe('OverBudget');
  });

  it('comes with what the job costs', () => {
    expect(at(0, money).run(600, MINUTE).last.costPerHour).toBeCloseTo(0.1);
    expect(at(0, {}).run(600, MINUTE).last.costPerHour).toBeNull();
  });
});

describe('the bill', () => {
  it('grows with what runs, also while nobody looks, and is the same object while that stays the same', () => {
    const begun = billed(null, 2, 'EUR', MONDAY)!;
    expect(billed(begun, 2, 'EUR', MONDAY + HOUR)).toBe(begun);
    expect(costBy(begun, MONDAY + 3 * HOUR)).toBe(6);
    const more = billed(begun, 4, 'EUR', MONDAY + 3 * HOUR)!;
    expect(costBy(more, MONDAY + 4 * HOUR)).toBe(10);
    const stopped = billed(more, 0, 'EUR', MONDAY + 4 * HOUR)!;
    expect(costBy(stopped, MONDAY + 9 * HOUR)).toBe(10);
    expect(stopped.since).toBe(MONDAY);
  });

  it('stands still without prices, and adds no sums of two currencies', () => {
    expect(billed(null, null, '', MONDAY)).toBeNull();
    const euros = billed(null, 2, 'EUR', MONDAY)!;
    const unpriced = billed(euros, null, '', MONDAY + HOUR)!;
    expect(unpriced).toMatchObject({ total: 2, perHour: 0, currency: 'EUR' });
    expect(billed(unpriced, 2, 'EUR', MONDAY + 2 * HOUR)).toMatchObject({ total: 2, perHour: 2 });
    expect(billed(euros, 3, 'USD', MONDAY + HOUR)).toMatchObject({ total: 0, currency: 'USD', since: MONDAY + HOUR });
  });

  it('never falls when the clock is set back', () => {
    expect(costBy(billed(null, 2, 'EUR', MONDAY)!, MONDAY - HOUR)).toBe(0);
  });
});
