// Flink's autoscaler as the baseline: written from the formulas that its documentation and FLIP-271 publish, with its defaults. It collects once a minute
// (kubernetes.operator.reconcile.interval), and reads a counter that its engine reports as incomplete as 0 (FLINK-39925).
import type { AutoscalingConfig, Sample, VertexSample } from '../../../src/autoscaler/model.ts';
import type { Scaler } from './run.ts';

const MINUTE = 60_000;
const STABILIZATION = 5 * MINUTE;
const METRICS_WINDOW = 15 * MINUTE;
const CATCH_UP = 30 * 60;
const RESTART_TIME = 5 * 60;
const SCALE_DOWN_INTERVAL = 60 * MINUTE;
const MAX_SCALE_DOWN = 0.6;
const BOUNDARY = 0.3;
const BACKLOG_LAG = 5 * 60;
const OBSERVED_LAG = 30;
const OBSERVED_SWITCH = 0.15;

interface Row {
  at: number;
  /** By vertex id. */
  of: Map<string, { in: number; out: number; busy: number; backPressured: number; lag: number }>;
}

interface Evaluated {
  vertex: VertexSample;
  target: number;
  catchUp: number;
  inputRate: number;
  trueRate: number;
}

export class FlinkBaseline implements Scaler {
  readonly everySeconds = 60;
  private rows: Row[] = [];
  private runningSince = 0;
  private readonly delayedDown = new Map<string, { since: number; most: number }>();

  private readonly config: AutoscalingConfig;

  constructor(config: AutoscalingConfig) {
    this.config = config;
  }

  look(sample: Sample | null, now: number): Record<string, number> | null {
    if (sample === null || sample.runningSince === null) return null;
    if (sample.runningSince !== this.runningSince) {
      this.runningSince = sample.runningSince;
      this.rows = [];
    }
    const stable = this.runningSince + STABILIZATION;
    if (now < stable) return null;
    this.rows.push(rowOf(sample, now));
    const full = now - this.rows[0]!.at >= METRICS_WINDOW;
    this.rows = this.rows.filter(({ at }) => at >= now - METRICS_WINDOW);
    if (!full || this.rows.length < 2) return null;
    return this.scale(this.evaluate(sample), now);
  }

  private average(id: string, value: (one: NonNullable<ReturnType<Row['of']['get']>>) => number): number {
    return this.rows.reduce((sum, { of }) => sum + value(of.get(id)!), 0) / this.rows.length;
  }

  /** Of a cumulative counter, per second over the window. */
  private rate(id: string, value: 'in' | 'out' | 'lag'): number {
    const [first, last] = [this.rows[0]!, this.rows.at(-1)!];
    return ((last.of.get(id)![value] - first.of.get(id)![value]) * 1_000) / (last.at - first.at);
  }

  private evaluate(sample: Sample): Evaluated[] {
    const done = new Map<string, Evaluated>();
    for (const vertex of sample.vertices) {
      const { id } = vertex;
      const inputRate = this.rate(id, 'in');
      const busy = this.average(id, (one) => one.busy);
      let trueRate = inputRate <= 0 ? Infinity : inputRate / busy;
      const lag = this.rows.at(-1)!.of.get(id)!.lag;
      let [target, catchUp] = [0, 0];
      if (vertex.inputs.length === 0) {
        target = Math.max(0, inputRate + this.rate(id, 'lag'));
        catchUp = lag / CATCH_UP;
        if (lag >= OBSERVED_LAG * inputRate) {
          const held = this.average(id, (one) => one.backPressured);
          const observed = held >= 1 ? NaN : inputRate / (1 - held);
          if (!Number.isFinite(trueRate) || trueRate > observed * (1 + OBSERVED_SWITCH)) trueRate = observed;
        }
      } else
        for (const input of vertex.inputs) {
          const from = done.get(input.id)!;
          const ratio = from.inputRate <= 0 ? 0 : this.edgeRate(sample, input.id, vertex) / from.inputRate;
          target += from.target * ratio;
          catchUp += from.catchUp * ratio;
        }
      done.set(id, { vertex, target, catchUp, inputRate, trueRate });
    }
    return [...done.values()];
  }

  private edgeRate(sample: Sample, from: string, to: VertexSample): number {
    if (to.inputs.length === 1) return this.rate(to.id, 'in');
    const single = sample.vertices.filter(({ inputs }) => inputs.some(({ id }) => id === from)).length === 1;
    if (single) return this.rate(from, 'out');
    const others = to.inputs.filter(({ id }) => id !== from).map(({ id }) => this.rate(id, 'out'));
    return this.rate(to.id, 'in') - others.reduce((a, b) => a + b, 0);
  }

  private scale(all: Evaluated[], now: number): Record<string, number> | null {
    const goal = this.config.targetUtilization;
    const backlog = all.some(({ vertex, inputRate }) => {
      const { lag } = this.rows.at(-1)!.of.get(vertex.id)!;
      return lag / Math.max(inputRate, 1e-9) > BACKLOG_LAG;
    });
    const [upper, lower] = backlog ? [1, 0] : [Math.min(1, goal + BOUNDARY), Math.max(0, goal - BOUNDARY)];
    const outside = all.some(
      (one) => one.trueRate < capacity(one, upper, false) || one.trueRate > capacity(one, lower, true),
    );
    if (!outside) return null;
    const wanted: Record<string, number> = {};
    for (const one of all) {
      const { id, parallelism } = one.vertex;
      if (Number.isNaN(one.trueRate)) continue;
      const factor = Math.max(1 - MAX_SCALE_DOWN, capacity(one, goal, true) / one.trueRate);
      const raw = Math.ceil(factor * parallelism);
      const bounded = Math.min(
        Math.max(raw, this.config.minParallelism),
        this.config.maxParallelism,
        one.vertex.maxParallelism,
        one.vertex.partitions ?? Infinity,
      );
      const to = align(one.vertex, bounded, parallelism, this.config.maxParallelism);
      if (to >= parallelism) this.delayedDown.delete(id);
      if (to > parallelism) wanted[id] = to;
      if (to < parallelism) {
        const delayed = this.delayedDown.get(id) ?? { since: now, most: to };
        delayed.most = Math.max(delayed.most, to);
        this.delayedDown.set(id, delayed);
        if (now - delayed.since >= SCALE_DOWN_INTERVAL) wanted[id] = delayed.most;
      }
    }
    if (Object.keys(wanted).length === 0) return null;
    this.delayedDown.clear();
    return wanted;
  }
}

function capacity({ target, catchUp }: Evaluated, utilization: number, withRestart: boolean): number {
  if (utilization === 0) return Infinity;
  return Math.round(catchUp + (withRestart ? (target * RESTART_TIME) / CATCH_UP : 0) + target / utilization);
}

/** BALANCED: the next parallelism that divides the key groups or partitions, or at least lowers what the fullest subtask has. */
function align(vertex: VertexSample, to: number, from: number, most: number): number {
  const keyed = vertex.inputs.some(({ shipStrategy }) => shipStrategy === 'HASH');
  const parts = keyed ? vertex.maxParallelism : vertex.inputs.length === 0 ? vertex.partitions : null;
  if (parts === null) return to;
  const end = to > from ? Math.min(parts, most) : from;
  for (let p = to; p <= end; p++) if (parts % p === 0 || Math.floor(parts / p) < Math.floor(parts / to)) return p;
  return to;
}

function rowOf(sample: Sample, at: number): Row {
  const of = sample.vertices.map(({ id, recordsIn, recordsOut, subtasks, pendingRecords }) => {
    const busy = subtasks.map((one) => one.busy ?? 0);
    const held = subtasks.map((one) => one.backPressured ?? 0);
    return [
      id,
      {
        in: recordsIn ?? 0,
        out: recordsOut ?? 0,
        busy: Math.max(0, ...busy) / 1_000,
        backPressured: Math.max(0, ...held) / 1_000,
        lag: pendingRecords ?? 0,
      },
    ] as const;
  });
  return { at, of: new Map(of) };
}
