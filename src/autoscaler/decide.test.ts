import { config, HOUR, MINUTE, SteadyJob, type VertexSpec } from './steady-job.fixture.ts';

describe('load and capacity', () => {
  it('decides within a minute of a steady start', () => {
    const job = new SteadyJob({ parallelism: 1 }).run(900, MINUTE);
    expect(job.acts).toHaveLength(1);
    expect(job.acts[0]).toMatchObject({ action: 'Rescale', direction: 'Up', reason: 'Overloaded', act: true });
  });

  it('says what it is about to do, and for how long it has to be needed', () => {
    for (const maxParallelism of [16, 2]) {
      const job = new SteadyJob({ parallelism: 1, config: config({ maxParallelism }) });
      while (job.acts.length === 0) job.run(2_000, 10_000);
      expect(new Set(job.decisions.map(({ reason }) => reason))).toEqual(
        new Set(['Measuring', 'Patient', 'Overloaded']),
      );
      const patient = job.decisions.find(({ reason }) => reason === 'Patient')!;
      expect(patient.message).toMatch(
        / needs \d+ % of what it can do; .* TaskManagers once that has lasted for 20 s\.$/,
      );
    }
  });

  it('goes to the target utilisation in one step, from what is read and from what waits', () => {
    // 900 / 0.7 / 400 = 3.2 subtasks of count; two of the source.
    const job = new SteadyJob({ parallelism: 1 }).run(900, 10 * MINUTE);
    expect(job.acts).toHaveLength(1);
    expect(job.parallelism).toEqual({ source: 2, count: 4 });
  });

  it('leaves a vertex alone that has enough', () => {
    const job = new SteadyJob({ parallelism: 3 }).run(1_500, 5 * MINUTE);
    expect(job.parallelism).toEqual({ source: 3, count: 6 });
  });

  it('holds between the target and the upper utilisation', () => {
    const job = new SteadyJob({ parallelism: 3 }).run(1_000, 2 * HOUR);
    expect(job.acts).toEqual([]);
    expect(job.last.reason).toBe('Balanced');
  });

  it('takes away what was not needed for long enough, and only the TaskManagers that this saves', () => {
    const job = new SteadyJob({ parallelism: 8 }).run(900, 30 * MINUTE);
    expect(job.acts.map(({ reason, direction }) => [reason, direction])).toEqual([['Underused', 'Down']]);
    expect(job.taskManagers).toBe(4);
  });

  it('is the more patient the less there is to save', () => {
    const untilDown = (parallelism: number): number => {
      const job = new SteadyJob({ parallelism });
      const start = job.now;
      while (job.acts.length === 0 && job.now - start < 6 * HOUR) job.run(1_000, MINUTE);
      return job.now - start;
    };
    expect(untilDown(8)).toBeLessThan(untilDown(5));
    expect(untilDown(5)).toBeLessThan(6 * HOUR);
  });

  it('is the more patient the dearer a rescale is', () => {
    const downAfter = (pauseMs: number): number => {
      const job = new SteadyJob({ parallelism: 1, pauseMs });
      job.run(3_000, 10 * MINUTE);
      const raised = job.acts.length;
      const start = job.now;
      while (job.acts.length === raised && job.now - start < 12 * HOUR) job.run(500, MINUTE);
      return job.now - start;
    };
    expect(downAfter(40_000)).toBeGreaterThan(2 * downAfter(2_000));
  });

  it('scales up for a backlog that would otherwise take too long', () => {
    const job = new SteadyJob({ parallelism: 4 });
    job.run(1_000, 5 * MINUTE);
    job.pending = 400_000;
    job.run(1_000, 3 * MINUTE);
    expect(job.acts[0]).toMatchObject({ reason: 'Lagging', direction: 'Up' });
  });

  it('tells the lag of now and, where it differs, the one that it decides by', () => {
    const job = new SteadyJob({ parallelism: 2, config: config({ maxParallelism: 2 }) });
    job.run(1_200, 5 * MINUTE);
    const lag = (quantity: string): number | undefined =>
      job.last.terms.find((one) => one.quantity === quantity)?.value;
    expect(lag('lag')).toBeCloseTo(job.pending / 1_200, 1);
    // Half a minute ago 12,000 fewer waited.
    expect(lag('lasting lag')).toBeCloseTo((job.pending - 12_000) / 1_200, 1);
    expect(lag('lag')! - lag('lasting lag')!).toBeGreaterThan(9);
    const steady = new SteadyJob({ parallelism: 4 }).run(900, 5 * MINUTE);
    expect(steady.last.terms.map(({ quantity }) => quantity)).not.toContain('lasting lag');
  });

  it('does not take away at once what it added for a backlog', () => {
    const job = new SteadyJob({ parallelism: 4, config: config({ catchUpTimeMs: 30_000 }) });
    // A minute and a half before a step of five minutes ends, at which less is thought of.
    job.run(1_000, 33 * MINUTE);
    job.pending = 200_000;
    job.run(1_000, HOUR);
    const [up, down] = job.acts;
    expect([up!.reason, down!.reason]).toEqual(['Lagging', 'Underused']);
    expect(down!.at - up!.at).toBeGreaterThanOrEqual(2 * MINUTE);
  });

  it('takes a source that leaves records waiting for as fast as it is, whatever it says of its idle time', () => {
    const vertices: VertexSpec[] = [
      { id: 'source', rate: 400 },
      { id: 'sink', rate: 2_000, input: 'source' },
    ];
    const job = new SteadyJob({ vertices, parallelism: 2 });
    const third = { busy: 300, backPressured: 0, idle: 700 };
    job.tamper = (sample) => ({
      ...sample,
      vertices: sample.vertices.map((one, i) => (i === 0 ? { ...one, subtasks: one.subtasks.map(() => third) } : one)),
    });
    job.run(1_200, 10 * MINUTE);
    expect(job.parallelism['source']).toBeGreaterThanOrEqual(4);
  });

  it.each([
    [0.5, 1],
    [50, 90],
    [400, 1_200],
  ])('is not misled by records that always wait: at %d a second, %d of them', (load, pendingRecords) => {
    const job = new SteadyJob({ parallelism: 1 });
    job.tamper = (sample) => ({
      ...sample,
      vertices: sample.vertices.map((one, i) => (i === 0 ? { ...one, pendingRecords } : one)),
    });
    job.run(load, 2 * HOUR);
    expect(job.parallelism['source']).toBe(1);
  });

  it('says that it is at its maximum', () => {
    const job = new SteadyJob({ parallelism: 4, config: config({ maxParallelism: 4 }) }).run(4_000, 5 * MINUTE);
    expect(job.acts).toEqual([]);
    expect(job.last.reason).toBe('AtMaximum');
    expect(job.last.notices.map(({ kind }) => kind)).toEqual(['AtMaximum']);
  });

  it('takes every slot of the TaskManagers that it pays for', () => {
    const job = new SteadyJob({ parallelism: 1, config: config({ slotsPerTaskManager: 4, maxParallelism: 32 }) });
    job.run(1_500, 5 * MINUTE);
    expect(job.last.parallelism['count']).toBe(8);
    expect(job.last.taskManagers).toBe(2);
  });

  it('keeps vertices together that a FORWARD edge joins', () => {
    const vertices: VertexSpec[] = [
      { id: 'source', rate: 10_000 },
      { id: 'map', rate: 300, input: 'source', shipStrategy: 'FORWARD' },
      { id: 'sink', rate: 10_000, input: 'map' },
    ];
    const job = new SteadyJob({ vertices }).run(900, 5 * MINUTE);
    expect(job.parallelism).toEqual({ source: 5, map: 5, sink: 1 });
  });

  it('recommends and lets nobody act', () => {
    const job = new SteadyJob({ config: config({ mode: 'Recommend' }) }).run(2_000, 5 * MINUTE);
    expect(job.last).toMatchObject({ action: 'Rescale', act: false, direction: 'Up' });
    expect(job.history.kept.actions).toEqual([]);
  });
});

describe('the rescales of a day', () => {
  // Half an hour of much, one and a half of little: each time half of the TaskManagers and more could go.
  const load = (at: number): number => ((at / HOUR) % 2 < 0.5 ? 4_000 : 500);

  it('are few even where the load goes up and down all day', () => {
    const job = new SteadyJob({ parallelism: 2, config: config({ maxParallelism: 32 }) }).run(load, 24 * HOUR);
    expect(job.acts.length).toBeLessThanOrEqual(10);
    expect(job.pending).toBe(0);
  });

  it('do not keep for good what is not needed any more', () => {
    const job = new SteadyJob({ parallelism: 2, config: config({ maxParallelism: 32 }) }).run(load, 6.5 * HOUR);
    expect(job.taskManagers).toBeGreaterThan(8);
    job.run(500, 7 * HOUR);
    expect(job.taskManagers).toBeLessThanOrEqual(4);
  });
});

describe('idle', () => {
  it('goes to the minimum when nothing comes, at once to what is needed when it comes back', () => {
    const job = new SteadyJob({ parallelism: 8, config: config({ minParallelism: 2 }) });
    job.run(2_000, 10 * MINUTE).run(0, HOUR);
    expect(job.taskManagers).toBe(2);
    const acts = job.acts.length;
    job.run(2_000, 5 * MINUTE);
    expect(job.acts.slice(acts)).toHaveLength(1);
    // A measurement of half a minute still has the end of the silence in it.
    expect(job.taskManagers).toBeGreaterThanOrEqual(7);
  });

  it('takes an idle source for idle, not for infinitely fast: a job that was never loaded keeps to the minimum and no less', () => {
    const job = new SteadyJob({ parallelism: 1 }).run(0, 2 * HOUR);
    expect(job.acts).toEqual([]);
  });
});

describe('what is not known', () => {
  const without = (metric: 'recordsIn' | 'subtasks' | 'pendingRecords'): SteadyJob => {
    const job = new SteadyJob({ parallelism: 8 }).run(2_500, 5 * MINUTE);
    job.tamper = (sample) => ({
      ...sample,
      vertices: sample.vertices.map((vertex) => ({ ...vertex, [metric]: metric === 'subtasks' ? [] : null })),
    });
    return job.run(500, 4 * HOUR);
  };

  it.each(['recordsIn', 'subtasks', 'pendingRecords'] as const)('never leads to fewer: %s', (metric) => {
    const job = without(metric);
    expect(job.acts).toEqual([]);
    expect(job.last.reason).toBe('MetricsUnknown');
    expect(job.last.unknown.length).toBeGreaterThan(0);
  });

  it('holds on readings that do not come at all, and goes on from new ones', () => {
    const job = new SteadyJob({ parallelism: 8, tamper: () => null }).run(500, 2 * HOUR);
    expect(job.acts).toEqual([]);
    expect(job.last).toMatchObject({ action: 'Hold', reason: 'MetricsUnknown', taskManagers: null });
    job.tamper = (sample) => sample;
    job.run(500, HOUR);
    expect(job.taskManagers).toBeLessThan(8);
  });

  it('takes busy, back-pressured and idle time that are all 0 for unknown', () => {
    const job = new SteadyJob({ parallelism: 8 });
    job.tamper = (sample) => ({
      ...sample,
      vertices: sample.vertices.map((vertex) => ({
        ...vertex,
        subtasks: vertex.subtasks.map(() => ({ busy: 0, backPressured: 0, idle: 0 })),
      })),
    });
    expect(job.run(500, 2 * HOUR).acts).toEqual([]);
  });

  it('takes counters that stand still while subtasks are busy for unknown, and what they jump to for no rate', () => {
    const job = new SteadyJob({ parallelism: 8 }).run(2_000, 5 * MINUTE);
    const stuck = job.sample().vertices.map(({ recordsIn }) => recordsIn);
    job.tamper = (sample) => ({
      ...sample,
      vertices: sample.vertices.map((vertex, i) => ({ ...vertex, recordsIn: stuck[i]! })),
    });
    job.run(2_000, HOUR);
    job.tamper = (sample) => sample;
    expect(job.run(2_000, HOUR).acts).toEqual([]);
  });

  it('scales up carefully where a source never tells what waits', () => {
    const job = new SteadyJob({ parallelism: 1, config: config({ maxParallelism: 64 }) });
    job.tamper = (sample) => ({
      ...sample,
      vertices: sample.vertices.map((vertex) => ({ ...vertex, pendingRecords: null })),
    });
    job.run(3_000, HOUR);
    expect(job.taskManagers).toBeGreaterThanOrEqual(8);
    expect(job.taskManagers).toBeLessThanOrEqual(32);
  });
});

describe('a scale-up that brings nothing', () => {
  const vertices: VertexSpec[] = [
    { id: 'source', rate: 10_000 },
    { id: 'sink', rate: 500, input: 'source', limit: 1_400 },
  ];

  it('is noticed, undone, told, and not tried again for hours', () => {
    const job = new SteadyJob({ vertices, parallelism: 3 }).run(2_000, HOUR);
    expect(job.acts.map(({ reason }) => reason)).toEqual(['Overloaded', 'Ineffective']);
    expect(job.acts[1]!.notices[0]).toMatchObject({ kind: 'Ineffective', subject: 'sink' });
    expect(job.parallelism['sink']).toBe(3);
  });

  it('is tried again more and more rarely', () => {
    const job = new SteadyJob({ vertices, parallelism: 3 }).run(2_000, 48 * HOUR);
    const tries = job.acts.filter(({ direction }) => direction === 'Up').map(({ at }) => at);
    expect(tries.length).toBeGreaterThan(1);
    expect(tries.length).toBeLessThanOrEqual(5);
  });

  it('is forgotten as soon as more is done than was thought possible', () => {
    const sink: VertexSpec = { id: 'sink', rate: 500, input: 'source', limit: 1_000 };
    const job = new SteadyJob({ vertices: [{ id: 'source', rate: 10_000 }, sink], parallelism: 3 }).run(2_000, HOUR);
    expect(job.parallelism['sink']).toBe(3);
    delete sink.limit;
    job.run(2_000, 30 * MINUTE);
    expect(job.parallelism['sink']).toBeGreaterThan(3);
    expect(job.history.kept.vertices['sink']!.ceiling).toBeNull();
  });
});

describe('one action at a time', () => {
  it('asks for a rescale once, and again when it has not come after a minute', () => {
    const job = new SteadyJob();
    const deaf = job.sample();
    job.tamper = (sample) => ({
      ...sample,
      rescales: 0,
      runningSince: deaf.runningSince,
      vertices: sample.vertices.map((vertex, i) => ({ ...vertex, parallelism: deaf.vertices[i]!.parallelism })),
    });
    job.run(900, MINUTE);
    expect(job.acts).toHaveLength(1);
    job.run(900, 30_000);
    expect(job.acts).toHaveLength(1);
    expect(job.last.reason).toBe('Rescaling');
  });

  it('goes on as before when its memory came out of a ConfigMap', () => {
    const job = new SteadyJob({ parallelism: 8 }).run(900, 20 * MINUTE);
    const acts = job.acts.length;
    job.history = { readings: [], kept: JSON.parse(JSON.stringify(job.history.kept)) as typeof job.history.kept };
    job.run(900, HOUR);
    expect(job.acts).toHaveLength(acts);
  });

  it('does nothing unsafe when its memory is lost', () => {
    const job = new SteadyJob({ parallelism: 4 }).run(1_000, HOUR);
    job.history = {
      readings: [],
      kept: { ...job.history.kept, recent: null, vertices: {}, actions: [], profile: null },
    };
    job.run(1_000, HOUR);
    expect(job.acts).toEqual([]);
  });
});

describe('a load that recurs', () => {
  it('is met ahead of its rise on the second day, and told so', () => {
    const load = (at: number): number => {
      const hour = (at / HOUR) % 24;
      return hour >= 8 && hour < 18 ? 4_000 : 800;
    };
    const job = new SteadyJob({ parallelism: 4, config: config({ maxParallelism: 32 }) }).run(load, 30 * HOUR);
    const day = job.acts.length;
    job.run(load, 4 * HOUR);
    const [first] = job.acts.slice(day);
    expect(first).toMatchObject({ reason: 'AheadOfLoad', direction: 'Up' });
    expect((first!.at / HOUR) % 24).toBeLessThan(8);
    expect(first!.notices[0]!.kind).toBe('AheadOfLoad');
    // What is remembered goes into a ConfigMap.
    expect(JSON.stringify(job.history.kept).length).toBeLessThan(6_000);
    expect(job.pending).toBe(0);
  });
});
