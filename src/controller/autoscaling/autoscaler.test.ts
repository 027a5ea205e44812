// The autoscaler beside the passes: what it reads, when it looks, what it tells, and what it remembers.
import type { FlowJob } from '../../api/flowjob.ts';
import type { FlowJobStatus } from '../../api/status.ts';
import type { Clock } from '../../kube/time.ts';
import type { ProcessView } from '../../lifecycle/observation.ts';
import { emptyKept } from '../../autoscaler/defaults.ts';
import { job } from './autoscaled-job.fixture.ts';
import { Autoscaler, RESCALES_AT_ONCE, type AutoscalerOptions, type Looked } from './autoscaler.ts';
import { FakeJob, JOB_ID } from './fake-job.fixture.ts';
import { learnedText, parseLearned } from './learned-text.ts';

let fake: FakeJob;
let now: number;
let jobs: FlowJob[];
let looks: Looked[];
let woken: string[];
/** Those that ended. */
let ended: ProcessView[];
let troubles: unknown[];
let kept: Map<string, string>;
let events: { name: string; type: string; reason: string; message: string }[];
let autoscaler: Autoscaler;
/** Where a job answers, by name, if not with the others. */
let elsewhere: Map<string, FakeJob>;
let after: Clock['after'];

beforeEach(async () => {
  fake = await FakeJob.start();
  now = Date.parse('2026-01-01T00:00:00Z');
  [jobs, looks, woken, ended, troubles] = [[job('orders')], [], [], [], []];
  [kept, events, elsewhere] = [new Map(), [], new Map()];
  after = () => () => undefined;
  autoscaler = started();
});
afterEach(async () => {
  await fake.stop();
  expect(troubles).toEqual([]);
});

function started(
  read: (uid: string) => Promise<string | null> = async (uid) => kept.get(uid) ?? null,
  tell: AutoscalerOptions['tell'] = ({ regarding: { name }, type, reason, message }) =>
    void events.push({ name, type, reason, message }),
  list: AutoscalerOptions['jobs'] = () => jobs,
): Autoscaler {
  return new Autoscaler({
    jobs: list,
    runtime: {
      connection: async ({ name }) => ({ url: (elsewhere.get(name) ?? fake).url, token: null }),
      ended: () => ended,
    },
    clock: { now: () => now, monotonic: () => now, after: (ms, act) => after(ms, act), soon: () => undefined },
    wake: ({ name }) => void woken.push(name),
    record: (_, looked) => void looks.push(looked),
    learned: {
      read: ({ uid }) => read(uid),
      write: async ({ uid }, text) => void kept.set(uid, text),
    },
    tell,
    onTrouble: (error) => void troubles.push(error),
  });
}

/** Rounds every 10 s, while so many records are read in a second. */
async function rounds(count: number, perSecond = 0): Promise<void> {
  for (let i = 0; i < count; i++) {
    await autoscaler.round(new AbortController().signal);
    now += 10_000;
    fake.records += 10 * perSecond;
  }
}
const last = () => looks.at(-1)!;

test('a steady job is measured and nothing is told of it', async () => {
  fake.busy = 600;
  await rounds(6, 1_000);
  expect(looks.map(({ decision }) => decision.reason)).toContain('Balanced');
  expect(last().sample?.vertices.map(({ id, recordsIn, subtasks }) => [id, recordsIn, subtasks[0]?.busy])).toEqual([
    ['source', 50_000, 600],
    ['map', 50_000, 600],
  ]);
  expect(autoscaler.of('orders')).toEqual({ decision: null, held: null, applies: true, measured: true });
  // That it is measured stands in its status.
  expect(woken).toEqual(['orders']);
});

test('a size outside its bounds is decided on, told to the next pass, and not looked at while it is taken', async () => {
  jobs = [job('orders', { minParallelism: 3 })];
  await rounds(1);
  expect(autoscaler.of('orders')?.decision).toMatchObject({
    replicas: 3,
    parallelism: 3,
    vertices: [
      { id: 'map', parallelism: 3 },
      { id: 'source', parallelism: 3 },
    ],
    reason: 'OutsideBounds',
  });
  expect(woken).toEqual(['orders']);
  jobs[0]!.status!.scaling = { replicas: 3, parallelism: 3, step: 'Starting', since: '2026-01-01T00:00:00Z' };
  await rounds(3);
  expect(looks).toHaveLength(1);
  expect(autoscaler.figures('orders').decisions).toEqual([{ action: 'Rescale', reason: 'OutsideBounds', count: 1 }]);
});

test('a job whose new TaskManagers find no room is looked at again, keeps none other waiting, and is not decided on twice', async () => {
  jobs = [job('orders', { minParallelism: 3 })];
  await rounds(1);
  jobs[0]!.status!.scaling = {
    ...{ replicas: 3, parallelism: 3, step: 'Starting', since: new Date(now).toISOString() },
    vertices: autoscaler.of('orders')!.decision!.vertices!,
  };
  const waiting = Array.from({ length: RESCALES_AT_ONCE }, (_, i) => ({
    ...job(`waits-${i}`),
    status: structuredClone(jobs[0]!.status!),
  }));
  jobs.push(...waiting, job('other', { minParallelism: 2 }));
  await rounds(5);
  expect(looks.filter(({ withheld }) => withheld !== null)).not.toEqual([]);
  expect(autoscaler.of('other')?.decision).toBeNull();
  now += 120_000;
  looks = [];
  woken = [];
  await rounds(8);
  expect(autoscaler.of('other')?.decision).toMatchObject({ replicas: 2 });
  expect(looks.map(({ withheld }) => withheld)).toContainEqual(expect.stringContaining('has not come to it yet'));
  expect(woken.filter((name) => name === 'orders')).toEqual([]);
  // A schedule that would have it stopped is followed although it waits.
  const schedules = [{ name: 'now', schedule: '* 0-22 * * *', duration: '1h', suspend: true }];
  jobs[0]!.spec.autoscaling!.schedules = schedules as never;
  jobs[0]!.metadata.generation = 2;
  await rounds(1);
  expect(autoscaler.of('orders')?.decision).toMatchObject({ stopped: 'Schedule' });
});

test('a stopped job that nobody remembers to have stopped is woken all the same', async () => {
  const scaleToZero = { idleAfter: '1m', lookEvery: '5m' };
  jobs = [job('orders', { scaleToZero })];
  fake.busy = 0;
  await rounds(12);
  const { decision } = autoscaler.of('orders')!;
  expect(decision).toMatchObject({ stopped: 'Idle' });
  // The stop takes long, for a savepoint is on its way: the job runs on, and is measured as one that somebody else has started.
  now += 360_000;
  await rounds(3, 100);
  jobs = [job('orders', { scaleToZero }, { state: 'Suspended', autoscaling: { applies: true, ...decision! } })];
  await rounds(40);
  expect(looks.map((one) => one.decision.reason)).toContain('LookForWork');
  expect(autoscaler.of('orders')?.decision?.stopped).toBeUndefined();
});

test('a clock that is set back keeps no job from being looked at', async () => {
  await rounds(1);
  now -= 3_600_000;
  looks = [];
  await rounds(2);
  expect(looks).toHaveLength(2);
});

test('a list of jobs that cannot be had ends nothing', async () => {
  const stop = new AbortController();
  after = (_, act) => {
    const soon = setImmediate(act);
    return () => clearImmediate(soon);
  };
  let asked = 0;
  const failing = started(undefined, undefined, () => {
    if (asked++ === 0) return Promise.reject(new Error('gone'));
    stop.abort();
    return jobs;
  });
  await failing.run(stop.signal);
  expect(asked).toBe(2);
  expect(troubles.splice(0)).toEqual([new Error('gone')]);
});

describe('a job that never answers', () => {
  let hanging: FakeJob;
  beforeEach(async () => {
    hanging = await FakeJob.start();
    hanging.hangs = true;
    // A clock that runs fifty times as fast.
    after = (ms, act) => {
      const timer = setTimeout(act, ms / 50);
      return () => clearTimeout(timer);
    };
  });
  afterEach(async () => {
    await hanging.stop();
    await autoscaler.close();
  });
  const roundsUntilDecided = async (name: string): Promise<void> => {
    while ((autoscaler.of(name)?.decision ?? null) === null) {
      await rounds(1);
      // A round with nobody to wait for leaves no time for answers to come.
      await new Promise(setImmediate);
    }
  };
  const thatHangs = (name: string): FlowJob => {
    elsewhere.set(name, hanging);
    return job(name, { minParallelism: 2 });
  };

  it('keeps no other one waiting', async () => {
    const all = Array.from({ length: 100 }, (_, i) => thatHangs(`hangs-${i}`));
    jobs = [...all, job('orders', { minParallelism: 3 })];
    await roundsUntilDecided('orders');
    jobs = [...all, job('other', { minParallelism: 3 })];
    await roundsUntilDecided('other');
    expect(autoscaler.of('other')?.decision).toMatchObject({ replicas: 3 });
    expect(looks.every(({ decision }) => decision.taskManagers !== null)).toBe(true);
  });

  it('is billed for what ran meanwhile, also where its look comes to an end late', async () => {
    const prices = { corePerHour: 1, gibPerHour: 0, currency: 'EUR' };
    const running = (replicas: number): FlowJob => ({
      ...thatHangs('orders'),
      ...job('orders', { prices }, { taskManager: { replicas, selector: '' } }),
    });
    jobs = [running(1)];
    hanging.hangs = false;
    await rounds(1);
    hanging.hangs = true;
    await rounds(1);
    jobs = [running(5)];
    await rounds(1);
    await hanging.stop();
    await autoscaler.close();
    await rounds(1);
    expect(looks.at(-1)?.cost).toMatchObject({ perHour: 5 });
    expect(autoscaler.figures('orders').cost?.total).toBeCloseTo((1 * 20 + 5 * 20) / 3_600);
  });

  it('is not decided on by what is found out late, when it was edited or has gone meanwhile', async () => {
    jobs = [thatHangs('edited'), thatHangs('gone'), thatHangs('stays')];
    await rounds(1);
    expect(looks).toEqual([]);
    jobs = [{ ...jobs[0]!, metadata: { ...jobs[0]!.metadata, generation: 2 } }, jobs[2]!];
    await hanging.stop();
    await autoscaler.close();
    await rounds(1);
    expect(looks.map(({ decision }) => decision.reason)).toEqual(['MetricsUnknown']);
    expect(autoscaler.of('gone')).toBeUndefined();
  });
});

test('jobs that were told to rescale and have not begun to count among those that are being rescaled', async () => {
  jobs = Array.from({ length: RESCALES_AT_ONCE }, (_, i) => job(`first-${i}`, { minParallelism: 2 }));
  await rounds(1);
  const first = jobs;
  const next = job('next', { minParallelism: 2 });
  jobs = [...first, next];
  const isTold = (): boolean => (autoscaler.of('next')?.decision ?? null) !== null;
  await rounds(1);
  expect(isTold()).toBe(false);
  expect(last().withheld).toContain('waits for its turn');
  const since = new Date(now).toISOString();
  for (const one of first) one.status!.scaling = { replicas: 2, parallelism: 2, step: 'Starting', since };
  await rounds(1);
  expect(isTold()).toBe(false);
  for (const one of first) delete one.status!.scaling;
  // Their engine tells nothing of it: what does not come is not waited for.
  now += 60_000;
  await rounds(1);
  expect(isTold()).toBe(true);
});

test('so many jobs of a namespace are rescaled at once, and the others wait without forgetting that they have to', async () => {
  jobs = Array.from({ length: RESCALES_AT_ONCE + 2 }, (_, i) => job(`job-${i}`, { minParallelism: 2 }));
  await rounds(1);
  const told = (): string[] =>
    jobs
      .filter(({ metadata }) => (autoscaler.of(metadata.uid)?.decision ?? null) !== null)
      .map(({ metadata }) => metadata.name);
  expect(told()).toHaveLength(RESCALES_AT_ONCE);
  expect(looks.filter(({ withheld }) => withheld !== null)).toHaveLength(2);
  // Those that were told have taken it.
  jobs = jobs.filter(({ metadata }) => !told().includes(metadata.name));
  const waited = jobs.map(({ metadata }) => metadata.name);
  jobs = [...Array.from({ length: RESCALES_AT_ONCE }, (_, i) => job(`a-new-${i}`, { minParallelism: 2 })), ...jobs];
  await rounds(1);
  expect(told()).toEqual(['a-new-0', ...waited]);
});

test.each([
  ['are missing', () => void (fake.busy = null)],
  ['are not numbers', () => void (fake.busy = 'NaN')],
  ['are told as incomplete', () => void (fake.complete = false)],
  ['are not answered for', () => void (fake.silent = true)],
])('metrics that %s are unknown: nothing is decided, and that is told after a minute', async (_, disturb) => {
  fake.busy = 100;
  await rounds(4, 100);
  disturb();
  await rounds(4, 100);
  expect(autoscaler.of('orders')).toEqual({ decision: null, held: null, applies: true, measured: true });
  await rounds(10, 100);
  expect(looks.slice(4).every(({ decision }) => decision.action === 'Hold')).toBe(true);
  expect(autoscaler.of('orders')).toMatchObject({ decision: null, held: { reason: 'MetricsUnknown' } });
});

test('TaskManagers that were killed for their memory are counted, each once, also when nothing is left of them', async () => {
  const killed = (index: number, restarts: number, epoch = 1): ProcessView => ({
    ...{ epoch, role: 'TaskManager', index, state: 'Exited', restarts },
    exit: { at: 0, asked: false, reason: 'killed', outOfMemory: true },
  });
  const counted = async (...now: ProcessView[]): Promise<number | null | undefined> => {
    ended = now;
    await rounds(1);
    return last().sample?.outOfMemoryKills;
  };
  expect(await counted()).toBe(0);
  // Of the attempt before, which may have had less.
  expect(await counted(killed(0, 0, 0))).toBe(0);
  expect(await counted(killed(0, 0))).toBe(1);
  expect(await counted(killed(0, 0), killed(1, 0))).toBe(2);
  expect(await counted(killed(0, 1))).toBe(3);
  expect(await counted()).toBe(3);
});

test('what a kill brings is told with its reason and with what the spec said, and stays as it is while figures move', async () => {
  jobs = [job('orders', { memory: { mode: 'Apply', limit: '640Mi' } })];
  const exit = { at: 0, asked: false, reason: 'killed', outOfMemory: true } as const;
  ended = [{ epoch: 1, role: 'TaskManager', index: 0, state: 'Exited', restarts: 0, exit }];
  await rounds(1);
  const { decision } = autoscaler.of('orders')!;
  expect(decision).toMatchObject({
    memory: '640Mi',
    memoryApplies: true,
    memoryInSpec: '512Mi',
    memoryMessage: expect.stringContaining('killed for want of memory: 640 MiB') as string,
  });
  await rounds(3);
  expect(autoscaler.of('orders')?.decision).toEqual(decision);
});

test('a job is stopped while a window of its schedule says so, and started after it, by whichever operator is there by then', async () => {
  // The first round is at midnight.
  const schedules = [{ name: 'night', schedule: '0 0 * * *', duration: '1h', suspend: true }];
  jobs = [job('orders', { schedules })];
  await rounds(1);
  expect(autoscaler.of('orders')?.decision).toMatchObject({ stopped: 'Schedule', reason: 'Scheduled' });
  const { decision } = autoscaler.of('orders')!;
  jobs = [job('orders', { schedules }, { state: 'Suspended', autoscaling: { applies: true, ...decision! } })];
  for (const restarted of [false, true]) {
    if (restarted) autoscaler = started();
    await rounds(3);
    expect(autoscaler.of('orders')?.decision?.stopped).toBe(restarted ? undefined : 'Schedule');
  }
  expect(looks.at(-1)?.decision.action).toBe('Hold');
  now += 3_600_000;
  await rounds(1);
  expect(looks.at(-1)?.decision).toMatchObject({ action: 'Wake', reason: 'WindowOver' });
  expect(autoscaler.of('orders')?.decision?.stopped).toBeUndefined();
  expect(autoscaler.of('orders')?.decision?.reason).toBe('WindowOver');
});

test('a job that an operator before this one stopped for good stays stopped, and it is said why, until its schedule is mended', async () => {
  const always = { name: 'always', schedule: '0 0 * * *', duration: '1d', suspend: true };
  const stopped = { applies: true, stopped: 'Schedule' as const, reason: 'Scheduled', message: 'As it was decided.' };
  jobs = [job('orders', { schedules: [always] }, { state: 'Suspended', autoscaling: stopped })];
  await rounds(3);
  expect(autoscaler.of('orders')).toMatchObject({ decision: null, held: { reason: 'InvalidSchedule' } });
  expect(autoscaler.of('orders')?.held?.message).toMatch(/, which was stopped by it, stays so until then\.$/);
  jobs = [job('orders', { schedules: [{ ...always, duration: '1h' }] }, { state: 'Suspended', autoscaling: stopped })];
  now += 3_600_000;
  await rounds(1);
  expect(looks.at(-1)?.decision).toMatchObject({ action: 'Wake', reason: 'WindowOver' });
});

test('an edit is looked at although the next look is far away, and a schedule that cannot be followed is told', async () => {
  const night = { name: 'night', schedule: '0 0 * * *', duration: '1h', suspend: true };
  jobs = [job('orders', { schedules: [night] })];
  await rounds(1);
  const { decision } = autoscaler.of('orders')!;
  jobs = [job('orders', {}, { state: 'Suspended', autoscaling: { applies: true, ...decision! } })];
  jobs[0]!.metadata.generation = 2;
  await rounds(1);
  expect(autoscaler.of('orders')?.decision?.stopped).toBeUndefined();

  jobs = [job('orders', { schedules: [{ ...night, timeZone: 'Nowhere/Land' }] })];
  jobs[0]!.metadata.generation = 3;
  await rounds(1);
  expect(autoscaler.of('orders')?.held).toMatchObject({ reason: 'InvalidSchedule' });
  expect(autoscaler.of('orders')?.held?.message).toContain(
    'spec.autoscaling.schedules[0].timeZone: "Nowhere/Land" is no time zone',
  );
});

test('a job without work is stopped, and started now and then to look for some', async () => {
  const scaleToZero = { idleAfter: '1m', lookEvery: '5m' };
  jobs = [job('orders', { scaleToZero })];
  fake.busy = 0;
  await rounds(12);
  const { decision } = autoscaler.of('orders')!;
  expect(decision).toMatchObject({ stopped: 'Idle', reason: 'Idle' });
  jobs = [job('orders', { scaleToZero }, { state: 'Suspended', autoscaling: { applies: true, ...decision! } })];
  await rounds(12);
  expect(autoscaler.of('orders')?.decision?.stopped).toBe('Idle');
  now += 300_000;
  await rounds(1);
  expect(autoscaler.of('orders')?.decision).toMatchObject({ reason: 'LookForWork' });
  expect(autoscaler.of('orders')?.decision?.stopped).toBeUndefined();
});

test('a recommendation is decided like anything else', async () => {
  jobs = [job('orders', { minParallelism: 3, mode: 'Recommend' })];
  await rounds(1);
  expect(last().decision.act).toBe(false);
  expect(autoscaler.of('orders')?.decision).toMatchObject({ parallelism: 3 });
});

test('jobs that are paused, batch, deleted, switched off or suspended by the spec are left alone', async () => {
  const paused = job('paused');
  paused.metadata.annotations = { 'flowjob.dev/pause': 'true' };
  const batch = job('batch');
  batch.spec.mode = 'Batch';
  const deleted = job('deleted');
  deleted.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  const suspended = job('suspended', {}, { state: 'Suspended' });
  suspended.spec.suspend = true;
  jobs = [
    paused,
    batch,
    deleted,
    suspended,
    job('off', { enabled: false }),
    job('starting', {}, { state: 'Starting' }),
  ];
  await rounds(1);
  expect(looks).toEqual([]);
});

test('a job that goes is forgotten, and one of the same name begins anew', async () => {
  jobs = [job('orders', { minParallelism: 3 })];
  await rounds(1);
  jobs = [];
  await rounds(1);
  expect(autoscaler.of('orders')).toBeUndefined();
});

test('what was learned outlives the operator: another one knows it before its first look', async () => {
  fake.busy = 600;
  await rounds(6, 1_000);
  await autoscaler.close();
  const learned = parseLearned(kept.get('orders')!).kept;
  expect(learned.vertices['map']).toMatchObject({ ratePerSubtask: expect.closeTo(1_667, 0) });
  autoscaler = started();
  fake.busy = 0;
  await rounds(1);
  await autoscaler.close();
  expect(parseLearned(kept.get('orders')!).kept.vertices).toEqual(learned.vertices);
});

test('what was decided is written down at once, a steady job not at all', async () => {
  jobs = [job('orders', { minParallelism: 3 }), job('steady')];
  await rounds(1);
  expect([...kept.keys()]).toEqual(['orders']);
  expect(parseLearned(kept.get('orders')!).kept.actions).toMatchObject([{ reason: 'OutsideBounds', to: 3 }]);
  await rounds(30, 100);
  expect([...kept.keys()]).toEqual(['orders']);
});

test('what cannot be read is not written over: the job is looked at once it can be', async () => {
  const read = { fails: true };
  kept.set('orders', learnedText({ ...emptyKept(), pauseMs: 4_000 }, now));
  autoscaler = started(async (uid) => {
    if (read.fails) throw new Error('the API server is away');
    return kept.get(uid) ?? null;
  });
  await rounds(6, 100);
  expect(looks).toEqual([]);
  expect(autoscaler.of('orders')).toBeUndefined();
  read.fails = false;
  await rounds(1, 100);
  expect(looks).toHaveLength(1);
  expect(troubles.splice(0)).toEqual([new Error('the API server is away')]);
  await autoscaler.close();
  expect(parseLearned(kept.get('orders')!).kept.pauseMs).toBe(4_000);
});

test('damaged text is told of once, and the job is looked at as one that nothing is known of', async () => {
  kept.set('orders', '{"kept": 3');
  await rounds(6, 100);
  expect(looks).toHaveLength(6);
  expect(troubles.splice(0)).toEqual([expect.objectContaining({ message: expect.stringContaining('begun afresh') })]);
});

test('TaskManagers that an earlier operator saw killed are not counted again, and new ones are', async () => {
  const memory = { ...emptyKept().memory, run: JOB_ID, killsSeen: 2, bumpedBytes: 2 ** 30 };
  kept.set('orders', learnedText({ ...emptyKept(), memory }, now));
  const killed = (index: number): ProcessView => ({
    ...{ epoch: 1, role: 'TaskManager', index, state: 'Exited', restarts: 0 },
    exit: { at: 0, asked: false, reason: 'killed', outOfMemory: true },
  });
  // One of the two is still on record.
  ended = [killed(0)];
  await rounds(1);
  expect(last().sample?.outOfMemoryKills).toBe(2);
  expect(events).toEqual([]);
  ended = [killed(0), killed(1)];
  await rounds(1);
  expect(last().sample?.outOfMemoryKills).toBe(3);
  expect(events.map(({ reason }) => reason)).toEqual(['MemoryAtLimit']);
});

test('a notice is an event once, when it begins, and not again from the next operator', async () => {
  jobs = [job('orders', { maxParallelism: 1 })];
  fake.busy = 1_000;
  const overloaded = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      fake.pending = Number(fake.pending) + 50_000;
      await rounds(1, 1_000);
    }
  };
  await overloaded(30);
  expect(last().decision).toMatchObject({ reason: 'AtMaximum', notices: [{ kind: 'AtMaximum' }] });
  expect(events).toEqual([
    {
      name: 'orders',
      type: 'Warning',
      reason: 'AtMaximum',
      message: expect.stringContaining('records/s, is more than'),
    },
  ]);
  await autoscaler.close();
  autoscaler = started();
  await overloaded(30);
  expect(last().decision.reason).toBe('AtMaximum');
  expect(events).toHaveLength(1);
});

test('an event that cannot be recorded keeps nothing from being decided', async () => {
  ended = [];
  jobs = [job('orders', { minParallelism: 3 })];
  kept.set('orders', learnedText({ ...emptyKept(), memory: { ...emptyKept().memory, run: JOB_ID } }, now));
  autoscaler = started(undefined, () => {
    throw new Error('busy');
  });
  ended = [
    {
      ...{ epoch: 1, role: 'TaskManager', index: 0, state: 'Exited', restarts: 0 },
      exit: { at: 0, asked: false, reason: 'killed', outOfMemory: true },
    },
  ];
  await rounds(1);
  expect(troubles.splice(0)).toEqual([new Error('busy')]);
  expect(autoscaler.of('orders')?.decision).toMatchObject({ replicas: 3 });
  expect(looks).toHaveLength(1);
});

describe('the cost of a job', () => {
  const prices = { corePerHour: 1, gibPerHour: 2, currency: 'EUR' };
  const taskManager = (replicas: number): Partial<FlowJobStatus> => ({
    taskManager: { replicas, selector: '' },
    autoscaling: { applies: true, reason: 'Measuring', message: '' },
  });
  /** A core and half a GiB. */
  const EACH = 2;
  const hours = async (count: number): Promise<void> => {
    await rounds(1);
    now += count * 3_600_000 - 10_000;
    await rounds(0);
  };
  const cost = () => autoscaler.figures('orders').cost;

  it('is what ran, for as long as it ran, also while the job is suspended or its operator is away', async () => {
    expect(cost()).toBeNull();
    jobs = [job('orders', { prices }, taskManager(3))];
    await hours(2);
    expect(cost()).toEqual({ total: 6 * EACH, perHour: 3 * EACH, currency: 'EUR' });
    jobs = [job('orders', { prices }, { ...taskManager(0), state: 'Suspended' })];
    jobs[0]!.spec.suspend = true;
    await hours(5);
    expect(cost()).toMatchObject({ total: 6 * EACH, perHour: 0 });
    jobs = [job('orders', { prices }, taskManager(1))];
    await hours(1);
    expect(last().cost).toMatchObject({ total: 6 * EACH, perHour: EACH });
    await autoscaler.close();
    autoscaler = started();
    // Nobody looks for an hour, and the job runs on.
    now += 3_600_000;
    await rounds(1);
    expect(cost()?.total).toBeCloseTo(8 * EACH, 1);
  });

  it('stands still while the autoscaler is switched off, whoever switches it on again', async () => {
    jobs = [job('orders', { prices }, taskManager(1))];
    await hours(1);
    const { autoscaling: _none, ...switchedOff } = taskManager(1);
    jobs = [job('orders', { enabled: false }, switchedOff)];
    await rounds(1);
    expect(cost()).toBeNull();
    await autoscaler.close();
    autoscaler = started();
    now += 10 * 3_600_000;
    jobs = [job('orders', { prices }, taskManager(1))];
    await rounds(1);
    expect(cost()?.total).toBeCloseTo(EACH, 1);
  });
});
