// A job as a fluid queueing model: records wait at the sources; each vertex serves at a rate; the slowest one holds back what is before it (buffers between
// vertices are small and left out). From it come the counters and gauges that an engine reports.
import type { SubtaskTimes, TaskManagerSample, VertexSample } from '../../../src/autoscaler/model.ts';
import type { Random } from '../random.ts';
import { normal } from './loads.ts';
import { KEY_GROUPS, type Shape, type VertexShape } from './shapes.ts';

interface VertexState {
  shape: VertexShape;
  parallelism: number;
  recordsIn: number;
  recordsOut: number;
  pending: number;
  /** Of the last tick. */
  busy: number[];
  backPressured: number;
}

/** The more subtasks, the more they have to say to one another. */
const TALK = 0.003;

/** The share of a vertex's records that its fullest subtask handles. */
export function fullestShare({ shape, parallelism }: Pick<VertexState, 'shape' | 'parallelism'>): number {
  const parts = partsOf(shape);
  const even = parts === null ? 1 / parallelism : Math.ceil(parts / parallelism) / parts;
  return Math.max(even, shape.hotShare ?? 0);
}

const partsOf = (shape: VertexShape): number | null =>
  shape.inputs.length === 0
    ? (shape.partitions ?? null)
    : shape.inputs.some(({ shipStrategy }) => shipStrategy === 'HASH')
      ? KEY_GROUPS
      : null;

const rateOf = ({ rate }: VertexShape, parallelism: number): number => rate / (1 + TALK * (parallelism - 1));

/** Records per second that a vertex can handle. */
export function capacityOf(shape: VertexShape, parallelism: number): number {
  return Math.min(shape.externalLimit ?? Infinity, rateOf(shape, parallelism) / fullestShare({ shape, parallelism }));
}

/** Records that reach each vertex for each record of the job's load. */
export function ratiosOf(shape: Shape): Map<string, number> {
  const ratios = new Map<string, number>();
  for (const vertex of shape.vertices) {
    const fromInputs = vertex.inputs.map(({ id }) => {
      const input = shape.vertices.find((other) => other.id === id)!;
      const outputs = shape.vertices.filter(({ inputs }) => inputs.some((one) => one.id === id)).length;
      return (ratios.get(id)! * input.selectivity) / outputs;
    });
    ratios.set(vertex.id, vertex.inputs.length === 0 ? (vertex.share ?? 1) : fromInputs.reduce((a, b) => a + b, 0));
  }
  return ratios;
}

export class SimulatedJob {
  readonly vertices: VertexState[];
  readonly shape: Shape;
  private readonly random: Random;

  constructor(shape: Shape, parallelism: Record<string, number>, random: Random) {
    this.shape = shape;
    this.random = random;
    this.vertices = shape.vertices.map((vertex) => ({
      shape: vertex,
      parallelism: parallelism[vertex.id]!,
      recordsIn: 0,
      recordsOut: 0,
      pending: 0,
      busy: [],
      backPressured: 0,
    }));
  }

  get parallelism(): Record<string, number> {
    return Object.fromEntries(this.vertices.map(({ shape, parallelism }) => [shape.id, parallelism]));
  }

  get taskManagers(): number {
    return Math.ceil(Math.max(...this.vertices.map(({ parallelism }) => parallelism)) / this.shape.slots);
  }

  /** Counters begin anew. */
  rescale(parallelism: Record<string, number>): void {
    for (const vertex of this.vertices) {
      vertex.parallelism = parallelism[vertex.shape.id] ?? vertex.parallelism;
      vertex.recordsIn = 0;
      vertex.recordsOut = 0;
    }
  }

  /** The longest that a record has been waiting, seconds. */
  lag(load: number): number {
    return Math.max(...this.vertices.map(({ shape, pending }) => pending / Math.max(1, load * (shape.share ?? 0))));
  }

  /**
   * Lets `seconds` pass, in `serving` of which the job runs. `outside`: records per second that what the sinks write to takes.
   */
  tick(load: number, seconds: number, serving: number, outside: number): void {
    const sources = this.vertices.filter(({ shape }) => shape.inputs.length === 0);
    for (const source of sources) source.pending += load * (source.shape.share ?? 1) * seconds;
    if (serving <= 0) return;
    const offered = new Map<string, number>();
    for (const source of sources)
      offered.set(source.shape.id, Math.min(source.pending / serving, this.capacity(source, outside)));
    const demand = this.flows(offered);
    let factor = 1;
    let bottleneck: string | null = null;
    for (const vertex of this.vertices) {
      const share = this.capacity(vertex, outside) / Math.max(1e-9, demand.get(vertex.shape.id)!);
      if (share < factor) [factor, bottleneck] = [share, vertex.shape.id];
    }
    const held = bottleneck === null ? new Set<string>() : this.before(bottleneck);
    for (const vertex of this.vertices)
      this.serve(vertex, demand.get(vertex.shape.id)! * factor, serving, outside, held);
  }

  private serve(vertex: VertexState, rate: number, seconds: number, outside: number, held: ReadonlySet<string>): void {
    const { shape, parallelism } = vertex;
    vertex.recordsIn += rate * seconds;
    vertex.recordsOut += rate * seconds * shape.selectivity;
    if (shape.inputs.length === 0) vertex.pending = Math.max(0, vertex.pending - rate * seconds);
    const limit = Math.min(shape.externalLimit ?? Infinity, isSink(shape) ? outside : Infinity);
    const blocked = rate >= limit * 0.999;
    vertex.busy = sharesOf(vertex).map((share) =>
      blocked ? 1 : Math.min(1, (rate * share) / rateOf(shape, parallelism)),
    );
    vertex.backPressured = held.has(shape.id) ? 1 : 0;
  }

  private capacity({ shape, parallelism }: VertexState, outside: number): number {
    return Math.min(capacityOf(shape, parallelism), isSink(shape) ? outside : Infinity);
  }

  private flows(offered: ReadonlyMap<string, number>): Map<string, number> {
    const flow = new Map(offered);
    for (const { shape } of this.vertices) {
      if (shape.inputs.length === 0) continue;
      let sum = 0;
      for (const { id } of shape.inputs) {
        const input = this.shape.vertices.find((other) => other.id === id)!;
        const outputs = this.shape.vertices.filter(({ inputs }) => inputs.some((one) => one.id === id)).length;
        sum += (flow.get(id)! * input.selectivity) / outputs;
      }
      flow.set(shape.id, sum);
    }
    return flow;
  }

  private before(id: string): Set<string> {
    const found = new Set<string>();
    const visit = (of: string): void => {
      for (const input of this.shape.vertices.find((vertex) => vertex.id === of)!.inputs) {
        found.add(input.id);
        visit(input.id);
      }
    };
    visit(id);
    return found;
  }

  /** What an engine would report; gauges are a few per cent off. */
  vertexSamples(): VertexSample[] {
    return this.vertices.map(({ shape, parallelism, recordsIn, recordsOut, pending, busy, backPressured }) => ({
      id: shape.id,
      name: shape.id,
      parallelism,
      maxParallelism: KEY_GROUPS,
      inputs: shape.inputs,
      recordsIn: Math.round(recordsIn),
      recordsOut: Math.round(recordsOut),
      subtasks: Array.from({ length: parallelism }, (_, i) => this.times(busy[i] ?? 0, backPressured)),
      pendingRecords: shape.inputs.length === 0 ? Math.round(pending) : null,
      partitions: shape.partitions ?? null,
    }));
  }

  private times(share: number, backPressured: number): SubtaskTimes {
    const busy = Math.min(1_000, Math.max(0, Math.round(share * 1_000 * (1 + 0.03 * normal(this.random)))));
    return backPressured > 0
      ? { busy, backPressured: 1_000 - busy, idle: 0 }
      : { busy, backPressured: 0, idle: 1_000 - busy };
  }

  taskManagerSamples(): TaskManagerSample[] {
    return Array.from({ length: this.taskManagers }, (_, i) => ({
      id: `taskmanager-${i}`,
      slots: this.shape.slots,
      freeSlots: 0,
      memoryUsedBytes: null,
      memoryLimitBytes: null,
    }));
  }
}

const isSink = ({ selectivity }: VertexShape): boolean => selectivity === 0;

/** How a vertex's records spread over its subtasks. */
function sharesOf(vertex: VertexState): number[] {
  const { parallelism, shape } = vertex;
  const parts = partsOf(shape);
  const rest = 1 - (shape.hotShare ?? 0);
  return Array.from({ length: parallelism }, (_, i) => {
    const even =
      parts === null
        ? 1 / parallelism
        : (Math.floor(((i + 1) * parts) / parallelism) - Math.floor((i * parts) / parallelism)) / parts;
    return shape.hotShare === undefined
      ? even
      : i === 0
        ? Math.max(even, shape.hotShare)
        : Math.min(even, rest / Math.max(1, parallelism - 1));
  });
}
