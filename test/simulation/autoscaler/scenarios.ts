// Every shape and every load once, and metrics that lag, vanish and lie. The day/night loads run for two weeks.
import { DEFAULTS } from '../../../src/autoscaler/defaults.ts';
import type { AutoscalingConfig, Sample, SubtaskTimes } from '../../../src/autoscaler/model.ts';
import type { Random } from '../random.ts';
import { constant, DAY, dayAndNight, HOUR, noisy, ramp, spikes, step } from './loads.ts';
import type { Scenario } from './run.ts';
import { chain, external, fanOut, join, oneSlow, skewed, type Shape } from './shapes.ts';

export function configFor(shape: Shape, more: Partial<AutoscalingConfig> = {}): AutoscalingConfig {
  return {
    ...DEFAULTS,
    maxParallelism: 32,
    slotsPerTaskManager: shape.slots,
    taskManager: { cores: shape.slots, memoryBytes: shape.slots * 2 ** 30 },
    memory: { mode: 'Off', limitBytes: shape.slots * 2 ** 30 },
    ...more,
  };
}

const scenario = (
  name: string,
  shape: Shape,
  duration: number,
  load: Scenario['load'],
  more: Partial<Scenario> = {},
): Scenario => ({
  name,
  shape,
  duration,
  load,
  config: configFor(shape),
  ...more,
});

export function scenarios(seed: number, days = 14): Scenario[] {
  const long = days * DAY;
  const noise = (load: Scenario['load'], deviation: number, duration: number): Scenario['load'] =>
    noisy(load, deviation, seed, duration);
  const wave = dayAndNight(3_000, 12_000, 0.6);
  return [
    scenario('step up, chain', chain, 4 * HOUR, noise(step(3_000, 9_000, HOUR), 0.03, 4 * HOUR), { stepAt: HOUR }),
    scenario('step down, chain', chain, 6 * HOUR, noise(step(9_000, 3_000, HOUR), 0.03, 6 * HOUR)),
    scenario('step up, one slow vertex', oneSlow, 4 * HOUR, noise(step(700, 2_500, HOUR), 0.03, 4 * HOUR), {
      stepAt: HOUR,
    }),
    scenario('ramp, fan-out', fanOut, 8 * HOUR, noise(ramp(2_000, 14_000, HOUR, 4 * HOUR), 0.03, 8 * HOUR)),
    scenario('ramp, join', join, 8 * HOUR, noise(ramp(2_000, 12_000, HOUR, 4 * HOUR), 0.03, 8 * HOUR)),
    scenario('spikes, chain', chain, DAY, noise(spikes(4_000, 3, [6 * HOUR, 15 * HOUR], 1_200), 0.03, DAY)),
    scenario('day and night, chain', chain, long, noise(wave, 0.05, long)),
    scenario('day and night, join', join, long, noise(wave, 0.05, long)),
    scenario('noise, chain', chain, 2 * DAY, noise(constant(6_000), 0.1, 2 * DAY)),
    scenario('idle, chain', chain, 12 * HOUR, (second) => (second > 3 * HOUR && second < 8 * HOUR ? 0 : 6_000)),
    scenario('held up from outside, chain', chain, 6 * HOUR, noise(constant(6_000), 0.03, 6 * HOUR), {
      outside: (second) => (second > HOUR && second < 1.5 * HOUR ? 300 : Infinity),
    }),
    scenario('skewed keys', skewed, 8 * HOUR, noise(spikes(3_000, 2, [2 * HOUR], 2 * HOUR), 0.03, 8 * HOUR)),
    scenario('limit outside', external, 8 * HOUR, noise(spikes(3_000, 2, [2 * HOUR], 2 * HOUR), 0.03, 8 * HOUR)),
    scenario('metrics lag', chain, 6 * HOUR, noise(step(3_000, 9_000, HOUR), 0.03, 6 * HOUR), {
      metricsLag: 30,
      stepAt: HOUR,
    }),
    scenario('metrics vanish', chain, DAY, noise(spikes(8_000, 0.5, [10 * HOUR], 4 * HOUR), 0.03, DAY), {
      tamper: vanish,
    }),
    scenario('metrics lie', chain, DAY, noise(constant(6_000), 0.03, DAY), { tamper: lie }),
    scenario('failures, chain', chain, DAY, noise(constant(6_000), 0.03, DAY), {
      failures: [3, 8, 13, 18].map((hour) => hour * HOUR),
    }),
  ];
}

/** A reading in five is lost; every other hour one vertex tells nothing for twenty minutes. */
function vanish(sample: Sample, random: Random, second: number): Sample | null {
  if (random.chance(0.2)) return null;
  if (second % (2 * HOUR) > 1_200) return sample;
  const silent = Math.floor(second / (2 * HOUR)) % sample.vertices.length;
  const vertices = sample.vertices.map((vertex, i) =>
    i === silent ? { ...vertex, recordsIn: null, recordsOut: null, pendingRecords: null, subtasks: [] } : vertex,
  );
  return { ...sample, vertices };
}

/** Every other hour, for ten minutes: gauges of 0, counters that stand still, or a waiting line out of nothing. */
function lie(sample: Sample, random: Random, second: number): Sample | null {
  if (second % HOUR > 600) return sample;
  const kind = Math.floor(second / HOUR) % 3;
  const zero: SubtaskTimes = { busy: 0, backPressured: 0, idle: 0 };
  const vertices = sample.vertices.map((vertex) => {
    if (kind === 0) return { ...vertex, subtasks: vertex.subtasks.map(() => zero) };
    if (kind === 1) return { ...vertex, recordsIn: 1_000, recordsOut: 1_000 };
    return vertex.pendingRecords === null || random.chance(0.8) ? vertex : { ...vertex, pendingRecords: 10_000_000 };
  });
  return { ...sample, vertices };
}
