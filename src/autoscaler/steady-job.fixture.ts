// A job for tests of the decider: each vertex does what its subtasks can, records wait where that is too little, and a rescale takes a moment.
import { DEFAULTS, emptyHistory } from './defaults.ts';
import { decide } from './decide.ts';
import type { AutoscalingConfig, Decision, History, Notice, Sample, ShipStrategy, VertexSample } from './model.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** Monday, 00:00 UTC. */
export const MONDAY = Date.UTC(2026, 0, 5);
const LOOK = 10_000;

export interface VertexSpec {
  id: string;
  rate: number;
  selectivity?: number;
  input?: string;
  shipStrategy?: ShipStrategy;
  partitions?: number;
  /** More than this it never does, however many subtasks. */
  limit?: number;
}

export const simple: VertexSpec[] = [
  { id: 'source', rate: 1_000 },
  { id: 'count', rate: 400, input: 'source', shipStrategy: 'HASH' },
];

export const config = (more: Partial<AutoscalingConfig> = {}): AutoscalingConfig => ({
  ...DEFAULTS,
  slotsPerTaskManager: 1,
  taskManager: { cores: 1, memoryBytes: 2 ** 30 },
  memory: { mode: 'Off', limitBytes: 2 ** 30 },
  ...more,
});

export interface JobOptions {
  config?: AutoscalingConfig;
  vertices?: VertexSpec[];
  parallelism?: number;
  pauseMs?: number;
  start?: number;
  /** Changes each reading; null: it is lost. */
  tamper?: (sample: Sample) => Sample | null;
  /** A factor for each busy time that is told. */
  noise?: () => number;
}

export class SteadyJob {
  now: number;
  history: History = emptyHistory();
  /** All that were decided, Hold included; of all but the last without the arithmetic, which is much. */
  readonly decisions: Decision[] = [];
  readonly acts: Decision[] = [];
  /** Notices, each once. */
  readonly begun: Notice[] = [];
  config: AutoscalingConfig;
  parallelism: Record<string, number>;
  pending = 0;
  stopped = false;
  tamper: (sample: Sample) => Sample | null;
  private readonly specs: VertexSpec[];
  private readonly pauseMs: number;
  private readonly noise: () => number;
  private runningSince: number;
  private rescales = 0;
  private counters = new Map<string, number>();
  private flow = 0;

  constructor(options: JobOptions = {}) {
    this.config = options.config ?? config();
    this.specs = options.vertices ?? simple;
    this.now = options.start ?? MONDAY;
    this.runningSince = this.now;
    this.pauseMs = options.pauseMs ?? 2_000;
    this.tamper = options.tamper ?? ((sample) => sample);
    this.noise = options.noise ?? (() => 1);
    this.parallelism = Object.fromEntries(this.specs.map(({ id }) => [id, options.parallelism ?? 1]));
  }

  get last(): Decision {
    return this.decisions.at(-1)!;
  }

  get taskManagers(): number {
    return Math.ceil(Math.max(...Object.values(this.parallelism)) / this.config.slotsPerTaskManager);
  }

  /** Lets `ms` pass under `load` records per second, looking every ten seconds and doing what was decided. */
  run(load: number | ((at: number) => number), ms: number): this {
    for (const end = this.now + ms; this.now < end;) {
      this.pass(typeof load === 'number' ? load : load(this.now));
      this.look();
    }
    return this;
  }

  private pass(load: number): void {
    const running = !this.stopped && this.now >= this.runningSince;
    const can = Math.min(...this.specs.map((spec) => this.capacity(spec) / this.ratio(spec)));
    this.flow = running ? Math.min(can, load + (this.pending * 1_000) / LOOK) : 0;
    this.pending = Math.max(0, this.pending + ((load - this.flow) * LOOK) / 1_000);
    for (const spec of this.specs)
      this.counters.set(spec.id, (this.counters.get(spec.id) ?? 0) + (this.flow * this.ratio(spec) * LOOK) / 1_000);
    this.now += LOOK;
  }

  private look(): void {
    const sample = this.stopped ? null : this.tamper(this.sample());
    const { decision, begun, history } = decide({ config: this.config, history: this.history, sample, now: this.now });
    this.history = history;
    this.begun.push(...begun);
    const before = this.decisions.pop();
    if (before !== undefined) this.decisions.push({ ...before, terms: [] });
    this.decisions.push(decision);
    if (decision.action !== 'Hold') this.acts.push(decision);
    if (!decision.act) return;
    this.stopped = decision.action === 'Suspend';
    this.parallelism = { ...this.parallelism, ...decision.parallelism };
    this.runningSince = this.now + this.pauseMs;
    this.rescales++;
    this.counters = new Map();
  }

  private ratio(spec: VertexSpec): number {
    const input = this.specs.find(({ id }) => id === spec.input);
    return input === undefined ? 1 : this.ratio(input) * (input.selectivity ?? 1);
  }

  private capacity({ id, rate, limit = Infinity }: VertexSpec): number {
    return Math.min(limit, rate * this.parallelism[id]!);
  }

  sample(): Sample {
    const bottleneck = this.pending > 0 ? this.slowest() : null;
    return {
      at: this.now,
      run: 'run',
      rescales: this.rescales,
      runningSince: this.now >= this.runningSince ? this.runningSince : null,
      vertices: this.specs.map((spec, i) => this.vertex(spec, bottleneck !== null && i < bottleneck)),
      taskManagers: null,
      pauses: Array.from({ length: Math.min(16, this.rescales) }, () => ({
        at: this.now,
        durationMs: this.pauseMs,
        cause: 'Rescale' as const,
      })),
      outOfMemoryKills: 0,
    };
  }

  private slowest(): number {
    const can = this.specs.map((spec) => this.capacity(spec) / this.ratio(spec));
    return can.indexOf(Math.min(...can));
  }

  private vertex(spec: VertexSpec, held: boolean): VertexSample {
    const parallelism = this.parallelism[spec.id]!;
    const used = Math.min(1, ((this.flow * this.ratio(spec)) / this.capacity(spec)) * this.noise());
    const busy = Math.round(used * 1_000);
    const records = Math.round(this.counters.get(spec.id) ?? 0);
    return {
      id: spec.id,
      name: spec.id,
      parallelism,
      maxParallelism: 128,
      inputs: spec.input === undefined ? [] : [{ id: spec.input, shipStrategy: spec.shipStrategy ?? 'REBALANCE' }],
      recordsIn: records,
      recordsOut: Math.round(records * (spec.selectivity ?? 1)),
      subtasks: Array.from({ length: parallelism }, () => ({
        busy,
        backPressured: held ? 1_000 - busy : 0,
        idle: held ? 0 : 1_000 - busy,
      })),
      pendingRecords: spec.input === undefined ? Math.round(this.pending) : null,
      partitions: spec.partitions ?? null,
    };
  }
}
