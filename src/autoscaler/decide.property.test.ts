import fc from 'fast-check';
import type { AutoscalingConfig, Decision, Sample } from './model.ts';
import { config, HOUR, MINUTE, SteadyJob, type VertexSpec } from './steady-job.fixture.ts';

const rate = fc.integer({ min: 50, max: 5_000 });
const shape: fc.Arbitrary<VertexSpec[]> = fc
  .tuple(
    fc.record({
      rate,
      selectivity: fc.double({ min: 0.1, max: 2, noNaN: true }),
      partitions: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({ rate, selectivity: fc.double({ min: 0.1, max: 2, noNaN: true }) }),
    fc.record({ rate }),
    fc.constantFrom('HASH' as const, 'REBALANCE' as const, 'FORWARD' as const),
  )
  .map(([source, map, sink, shipStrategy]) => [
    { id: 'source', ...source },
    { id: 'map', ...map, input: 'source', shipStrategy },
    { id: 'sink', ...sink, input: 'map', shipStrategy: 'HASH' },
  ]);

const limits: fc.Arbitrary<AutoscalingConfig> = fc
  .record({
    minParallelism: fc.integer({ min: 1, max: 6 }),
    more: fc.integer({ min: 0, max: 40 }),
    targetUtilization: fc.double({ min: 0.3, max: 0.9, noNaN: true }),
    slotsPerTaskManager: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ more, ...rest }) => config({ ...rest, maxParallelism: rest.minParallelism + more }));

const metrics = ['recordsIn', 'recordsOut', 'pendingRecords', 'subtasks'] as const;

/** Takes one metric of one vertex away. */
const without =
  (vertex: number, metric: (typeof metrics)[number]) =>
  (sample: Sample): Sample => ({
    ...sample,
    vertices: sample.vertices.map((one, i) =>
      i === vertex ? { ...one, [metric]: metric === 'subtasks' ? [] : null } : one,
    ),
  });

const down = (decision: Decision): boolean => decision.direction === 'Down' && decision.reason !== 'OutsideBounds';

describe('for every job, load and fault', () => {
  it('never goes outside the bounds', () => {
    const loads = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 6 });
    const faults = fc.array(fc.option(fc.tuple(fc.nat(2), fc.constantFrom(...metrics))), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        shape,
        limits,
        loads,
        faults,
        fc.integer({ min: 1, max: 50 }),
        (vertices, within, steps, broken, parallelism) => {
          const job = new SteadyJob({ vertices, config: within, parallelism });
          steps.forEach((load, i) => {
            const fault = broken[i % broken.length] ?? null;
            job.tamper = fault === null ? (sample) => sample : without(...fault);
            job.run(load, 20 * MINUTE);
          });
          for (const { parallelism: to, taskManagers } of job.acts) {
            for (const value of Object.values(to)) {
              // More subtasks than partitions have nothing to read, nor have those that a FORWARD edge joins to them.
              expect(value).toBeGreaterThanOrEqual(
                Math.min(within.minParallelism, vertices[0]!.partitions ?? Infinity),
              );
              expect(value).toBeLessThanOrEqual(within.maxParallelism);
            }
            expect(taskManagers).toBe(Math.ceil(Math.max(...Object.values(to)) / within.slotsPerTaskManager));
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it('never takes anything away while something that counts is unknown', () => {
    const faults: [number, (typeof metrics)[number]][] = [
      [0, 'pendingRecords'],
      ...[0, 1, 2].flatMap((vertex): [number, (typeof metrics)[number]][] => [
        [vertex, 'recordsIn'],
        [vertex, 'subtasks'],
      ]),
    ];
    const fault = fc.constantFrom(...faults);
    const load = fc.integer({ min: 1, max: 5_000 });
    fc.assert(
      fc.property(shape, limits, fault, load, load, (vertices, within, missing, before, after) => {
        const job = new SteadyJob({ vertices, config: within, parallelism: within.maxParallelism }).run(
          before,
          3 * MINUTE,
        );
        job.tamper = without(...missing);
        job.run(before, MINUTE);
        const known = job.decisions.length;
        job.run(after, HOUR);
        expect(job.decisions.slice(known).filter(down)).toEqual([]);
      }),
      { numRuns: 8 },
    );
  });

  it('comes to rest under a constant load, at enough and not at much more', () => {
    fc.assert(
      fc.property(
        shape,
        limits,
        fc.integer({ min: 0, max: 8_000 }),
        fc.integer({ min: 1, max: 40 }),
        (vertices, within, load, parallelism) => {
          const job = new SteadyJob({ vertices, config: within, parallelism }).run(load, 8 * HOUR);
          const acts = job.acts.length;
          const { taskManagers } = job;
          job.run(load, 3 * HOUR);
          expect(job.acts).toHaveLength(acts);
          const fresh = new SteadyJob({ vertices, config: within, parallelism: within.minParallelism }).run(
            load,
            8 * HOUR,
          );
          // A load that is out of reach leaves records waiting, and then nothing is taken away.
          if (job.pending > 0 || fresh.pending > 0) return;
          // Whoever comes from above may keep what is not worth a pause, and whoever comes from below the band over the target.
          expect(taskManagers * 0.55).toBeLessThanOrEqual(Math.max(fresh.taskManagers, 2));
          expect(fresh.taskManagers * 0.55).toBeLessThanOrEqual(Math.max(taskManagers, 2));
        },
      ),
      { numRuns: 5 },
    );
  });

  it('does not oscillate: constant load and gauges that are off lead to one change of direction at most', () => {
    fc.assert(
      fc.property(
        shape,
        limits,
        fc.integer({ min: 10, max: 8_000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        (vertices, within, load, parallelism, seed) => {
          let state = seed;
          const noise = (): number => {
            state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
            return 0.95 + (0.1 * state) / 2 ** 32;
          };
          const job = new SteadyJob({ vertices, config: within, parallelism, noise }).run(load, 6 * HOUR);
          const directions = job.acts
            .filter(({ reason }) => reason !== 'OutsideBounds')
            .map(({ direction }) => direction);
          const turns = directions.filter((direction, i) => i > 0 && direction !== directions[i - 1]);
          expect(turns.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('gives more, or as much, to a higher load', () => {
    const load = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(shape, limits, load, load, (vertices, within, a, b) => {
        const taskManagersFor = (records: number): number =>
          new SteadyJob({ vertices, config: within, parallelism: within.minParallelism }).run(records, 4 * MINUTE)
            .taskManagers;
        expect(taskManagersFor(Math.max(a, b))).toBeGreaterThanOrEqual(taskManagersFor(Math.min(a, b)));
      }),
      { numRuns: 60 },
    );
  });
});
