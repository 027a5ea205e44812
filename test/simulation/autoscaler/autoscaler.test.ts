// The simulator's own promises, and on its short scenarios those of the decider. `npm run bench -- autoscaler` has the long ones and the figures.
import { cheapest, parallelismFor, taskManagersFor } from './clairvoyant.ts';
import { compare } from './compare.ts';
import { SimulatedJob } from './job.ts';
import { constant, HOUR, step } from './loads.ts';
import { Random } from '../random.ts';
import { run, still, type Scenario } from './run.ts';
import { configFor, scenarios } from './scenarios.ts';
import { chain, external, skewed } from './shapes.ts';

const SEED = Number(process.env['SIM_SEED'] ?? 1);
/** At most half a day of it. */
function named(name: string): Scenario {
  const scenario = scenarios(SEED, 1).find((one) => one.name === name)!;
  return { ...scenario, duration: Math.min(scenario.duration, 12 * HOUR) };
}

describe('the simulated job', () => {
  it('loses no record: what came was read or waits', () => {
    const job = new SimulatedJob(chain, { source: 2, map: 3, window: 3, sink: 1 }, new Random(SEED, 'engine'));
    for (let i = 0; i < 100; i++) job.tick(5_000, 5, 5, Infinity);
    const [source] = job.vertexSamples();
    expect(source!.recordsIn! + source!.pendingRecords!).toBeCloseTo(5_000 * 500, -2);
  });

  it('holds back what is before its bottleneck', () => {
    const job = new SimulatedJob(chain, { source: 4, map: 8, window: 2, sink: 2 }, new Random(SEED, 'engine'));
    for (let i = 0; i < 20; i++) job.tick(6_000, 5, 5, Infinity);
    const [source, map, window, sink] = job.vertexSamples();
    expect(source!.subtasks[0]!.backPressured).toBeGreaterThan(300);
    expect(map!.subtasks[0]!.backPressured).toBeGreaterThan(300);
    expect(window!.subtasks[0]!.busy).toBeGreaterThan(900);
    expect(sink!.subtasks[0]!.idle).toBeGreaterThan(500);
  });

  it('gets no faster by more subtasks where a key or a system outside is the limit', () => {
    const throughput = (shape: typeof chain, parallelism: number): number => {
      const all = Object.fromEntries(shape.vertices.map(({ id }) => [id, parallelism]));
      const job = new SimulatedJob(shape, all, new Random(SEED, 'engine'));
      for (let i = 0; i < 100; i++) job.tick(20_000, 5, 5, Infinity);
      return job.vertexSamples()[0]!.recordsIn!;
    };
    expect(throughput(skewed, 16)).toBeLessThan(1.05 * throughput(skewed, 8));
    expect(throughput(external, 16)).toBeLessThan(1.05 * throughput(external, 8));
    expect(throughput(chain, 16)).toBeGreaterThan(1.8 * throughput(chain, 8));
  });
});

describe('the clairvoyant', () => {
  const scenario = (load: Scenario['load']): Scenario => ({
    name: 'x',
    shape: chain,
    duration: 8 * HOUR,
    load,
    config: configFor(chain),
  });

  it('has the fewest TaskManagers that keep every vertex at its target', () => {
    const constantLoad = scenario(constant(6_000));
    const { levels, rescales } = cheapest(constantLoad);
    expect(new Set(levels)).toEqual(new Set([taskManagersFor(constantLoad, 6_000)]));
    expect(rescales).toBe(0);
    const result = run(constantLoad, still, parallelismFor(constantLoad, levels[0]!), SEED);
    expect(result.lagMinutes).toBe(0);
    const less = run(constantLoad, still, parallelismFor(constantLoad, Math.floor(levels[0]! * 0.6)), SEED);
    expect(less.lagMinutes).toBeGreaterThan(60);
  });

  it('changes at the step and no oftener than it may', () => {
    const { rescales, coreHours } = cheapest(scenario(step(2_000, 8_000, 4 * HOUR)));
    expect(rescales).toBe(1);
    const all = cheapest(scenario(constant(8_000))).coreHours;
    expect(coreHours).toBeLessThan(all);
  });
});

describe('on short scenarios', () => {
  it.each(['step up, chain', 'ramp, join', 'idle, chain'])('costs little and lags little: %s', (name) => {
    const { ours, clairvoyant, unavoidable } = compare(named(name), SEED);
    expect(ours.coreHours).toBeLessThanOrEqual(1.2 * clairvoyant.coreHours);
    expect(ours.lagMinutes - unavoidable).toBeLessThan(3);
    expect(ours.rescales).toBeLessThanOrEqual(4);
  });

  it.each(['noise, chain', 'metrics lie'])('does nothing where nothing is to be done: %s', (name) => {
    const { ours } = compare(named(name), SEED);
    expect(ours.rescales).toBe(0);
  });

  it.each(['skewed keys', 'limit outside'])('does not pay for subtasks that bring nothing: %s', (name) => {
    const { ours, baseline, clairvoyant } = compare(named(name), SEED);
    expect(ours.coreHours).toBeLessThan(1.25 * clairvoyant.coreHours);
    expect(baseline.coreHours).toBeGreaterThan(2 * clairvoyant.coreHours);
  });

  it('is told the same with the same seed', () => {
    const twice = [0, 1].map(() => compare(named('ramp, fan-out'), SEED).ours);
    expect(twice[0]).toEqual(twice[1]);
  });
});
