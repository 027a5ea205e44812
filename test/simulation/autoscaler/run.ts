// Runs a scaler against a simulated job: what it sees, what its rescales cost, and what came of it.
import type { AutoscalingConfig, Pause, Sample } from '../../../src/autoscaler/model.ts';
import { Random } from '../random.ts';
import { SimulatedJob } from './job.ts';
import type { Load } from './loads.ts';
import type { Shape } from './shapes.ts';

/** Answers a reading with the parallelism to go to; null: stay. `sample` null: the reading failed. */
export interface Scaler {
  /** Seconds between its looks. */
  readonly everySeconds: number;
  look(sample: Sample | null, now: number): Record<string, number> | null;
}

/** What becomes of a reading on its way; null: it is lost. */
export type Tamper = (sample: Sample, random: Random, second: number) => Sample | null;

export interface Scenario {
  name: string;
  shape: Shape;
  load: Load;
  /** Seconds. */
  duration: number;
  config: AutoscalingConfig;
  tamper?: Tamper;
  /** Readings reach the scaler that late, seconds. */
  metricsLag?: number;
  /** Records per second that what the sinks write to takes. */
  outside?: (second: number) => number;
  /** When the job fails, seconds; each costs a minute. */
  failures?: readonly number[];
  /** For the time to react: when the load steps up, and to how much. */
  stepAt?: number;
}

export interface Result {
  /** Minutes in which the oldest record waited for longer than the target. */
  lagMinutes: number;
  coreHours: number;
  rescales: number;
  /** From the step of the load until the job ran with more; null: no step, or never. */
  reactSeconds: number | null;
  /** For pictures and for looking into: one entry a minute. */
  track: { second: number; load: number; taskManagers: number; lag: number }[];
}

const TICK = 5;
/** The clock of the simulation starts on a Monday at 00:00 UTC. */
export const EPOCH = Date.UTC(2026, 0, 5);

export function run(scenario: Scenario, scaler: Scaler, initial: Record<string, number>, seed: number): Result {
  const random = new Random(seed, 'engine');
  const faults = new Random(seed, 'faults');
  const { load, config, shape, outside = () => Infinity } = scenario;
  const job = new SimulatedJob(shape, initial, random);
  const result: Result = { lagMinutes: 0, coreHours: 0, rescales: 0, reactSeconds: null, track: [] };
  const pauses: Pause[] = [];
  const late: { deliver: number; sample: Sample | null }[] = [];
  let rescales = 0;
  let runningSince = 0;
  let pausedUntil = 0;
  let asked: { at: number; ready: number; parallelism: Record<string, number>; taskManagers: number } | null = null;
  let nextLook = 0;
  let failed = 0;
  for (let second = 0; second < scenario.duration; second += TICK) {
    const rate = load(second);
    if (scenario.failures?.[failed] !== undefined && second >= scenario.failures[failed]!) {
      failed++;
      pauses.push({ at: EPOCH + second * 1_000, durationMs: 60_000, cause: 'Restart' });
      pausedUntil = Math.max(pausedUntil, second + 60);
      runningSince = pausedUntil;
      job.rescale({});
    }
    if (asked !== null && second >= asked.ready) {
      const pause = random.spread(1.5, 6);
      pauses.push({ at: EPOCH + asked.at * 1_000, durationMs: pause * 1_000, cause: 'Rescale' });
      pausedUntil = Math.max(pausedUntil, second + pause);
      runningSince = pausedUntil;
      const before = job.taskManagers;
      job.rescale(asked.parallelism);
      asked = null;
      rescales++;
      if (scenario.stepAt !== undefined && second >= scenario.stepAt && job.taskManagers > before)
        result.reactSeconds ??= pausedUntil - scenario.stepAt;
    }
    const serving = Math.min(TICK, Math.max(0, second + TICK - pausedUntil));
    job.tick(rate, TICK, serving, outside(second));
    const lag = job.lag(rate);
    if (lag * 1_000 > config.lagTargetMs) result.lagMinutes += TICK / 60;
    const paid = Math.max(job.taskManagers, asked?.taskManagers ?? 0);
    result.coreHours += (paid * shape.slots * TICK) / 3_600;
    if (second % 60 === 0) result.track.push({ second, load: rate, taskManagers: job.taskManagers, lag });
    if (second < nextLook) continue;
    nextLook = second + scaler.everySeconds;
    const now = second + TICK;
    const truth: Sample = {
      at: EPOCH + now * 1_000,
      run: 'run',
      rescales: rescales + failed,
      runningSince: now >= runningSince ? EPOCH + Math.round(runningSince * 1_000) : null,
      vertices: job.vertexSamples(),
      taskManagers: job.taskManagerSamples(),
      pauses: pauses.slice(-16),
      outOfMemoryKills: 0,
    };
    const read = scenario.tamper === undefined ? truth : scenario.tamper(truth, faults, now);
    late.push({ deliver: now + (scenario.metricsLag ?? 0), sample: read });
    if (late[0]!.deliver > now) continue;
    const wanted = scaler.look(late.shift()!.sample, EPOCH + now * 1_000);
    if (wanted === null || asked !== null || same(wanted, job.parallelism)) continue;
    const taskManagers = Math.ceil(Math.max(...Object.values({ ...job.parallelism, ...wanted })) / shape.slots);
    const start = taskManagers > job.taskManagers ? random.between(10, 25) : 0;
    asked = { at: now, ready: now + start, parallelism: wanted, taskManagers };
    result.rescales++;
  }
  return result;
}

const same = (wanted: Record<string, number>, has: Record<string, number>): boolean =>
  Object.entries(wanted).every(([id, parallelism]) => has[id] === parallelism);

/** Never moves. */
export const still: Scaler = { everySeconds: 3_600, look: () => null };
