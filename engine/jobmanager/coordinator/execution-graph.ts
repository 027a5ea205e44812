// The plan at run time: per vertex and subtask the current execution, its state, place and numbers.
import type { SourceBacklog } from '../../connectors/connector.ts';
import type { ExecPlan, ExecVertex } from '../../plan/exec-plan.ts';
import { metricScopes } from '../../plan/operator-names.ts';
import type { ExecutionState, SubtaskView, VertexView } from '../../rest/gateway.ts';
import type { Metrics, SlotAddress, TaskResult } from '../../rpc/protocol.ts';
import { pendingRecords, type UnassignedSplits } from './pending-records.ts';

/** As Flink, which asks for metrics once in so long. */
const STALE_MS = 10_000;

export class Execution {
  readonly id: string;
  readonly vertexIndex: number;
  readonly subtask: number;
  readonly attempt: number;
  state: ExecutionState = 'CREATED';
  /** By the wall clock. */
  timestamps: Partial<Record<ExecutionState, number>>;
  /** Of one in that state, by the clock that does not jump. */
  cancelingSince = 0;
  slot: SlotAddress | null = null;
  metrics: Metrics = {};
  /** When they came, by the clock that does not jump. */
  reportedAt = 0;
  /** Of one that reads a source and runs. */
  backlog: SourceBacklog | null = null;
  inputEnded = false;
  /** Of a finished batch task. */
  result: TaskResult | null = null;

  constructor(prefix: string, vertexIndex: number, subtask: number, attempt: number, wall: number) {
    this.id = `${prefix}-${vertexIndex}-${subtask}-${attempt}`;
    this.vertexIndex = vertexIndex;
    this.subtask = subtask;
    this.attempt = attempt;
    this.timestamps = { CREATED: wall };
  }

  get terminal(): boolean {
    return this.state === 'FINISHED' || this.state === 'CANCELED' || this.state === 'FAILED';
  }

  /** Deployed and not over: a TaskManager works on it. */
  get active(): boolean {
    return this.slot !== null && !this.terminal;
  }

  enter(state: ExecutionState, wall: number): void {
    if (this.state === state) return;
    this.state = state;
    this.timestamps[state] = wall;
  }
}

export interface GraphVertex {
  spec: ExecVertex;
  subtasks: Execution[];
}

export class ExecutionGraph {
  /** With the parallelism that the executions have. */
  plan: ExecPlan;
  vertices: GraphVertex[];
  /** Operators' names in metrics, by operator id. */
  readonly metricScopes: ReadonlyMap<string, string>;
  private readonly prefix: string;
  private readonly byId = new Map<string, Execution>();

  /** `prefix` makes execution ids unique over jobs and attempts. */
  constructor(plan: ExecPlan, prefix: string, wall: number) {
    this.plan = plan;
    this.prefix = prefix;
    this.metricScopes = metricScopes(plan);
    this.vertices = this.begin(0, wall);
  }

  /** The current execution of that id; undefined when it is one of the past. */
  find(id: string): Execution | undefined {
    return this.byId.get(id);
  }

  /** Replaces the execution of a subtask by its next attempt. */
  reset(execution: Execution, wall: number): Execution {
    this.byId.delete(execution.id);
    const next = this.create(execution.vertexIndex, execution.subtask, execution.attempt + 1, wall);
    this.vertices[execution.vertexIndex]!.subtasks[execution.subtask] = next;
    return next;
  }

  /**
   * Replaces all executions by a next attempt with this parallelism per vertex id. The attempt is a new one for all subtasks, also for one that there was
   * before there were fewer: its id, and the names of the files that it writes, are new.
   */
  redeploy(parallelism: ReadonlyMap<string, number>, wall: number): void {
    const attempt = this.nextAttempt;
    const vertices = this.plan.vertices.map((spec) => ({ ...spec, parallelism: parallelism.get(spec.id)! }));
    this.plan = { ...this.plan, vertices };
    this.byId.clear();
    this.vertices = this.begin(attempt, wall);
  }

  executions(): Execution[] {
    return this.vertices.flatMap(({ subtasks }) => subtasks);
  }

  active(): Execution[] {
    return this.executions().filter((execution) => execution.active);
  }

  specOf(execution: Execution): ExecVertex {
    return this.vertices[execution.vertexIndex]!.spec;
  }

  /** As Flink names tasks: `Source: flights -> Calc (1/2)`. */
  taskName(execution: Execution): string {
    const spec = this.specOf(execution);
    return `${spec.name} (${execution.subtask + 1}/${spec.parallelism})`;
  }

  /** Vertices that read from no other: where barriers enter. */
  roots(): GraphVertex[] {
    return this.vertices.filter(({ spec }) => !this.plan.edges.some((edge) => edge.targetVertex === spec.id));
  }

  vertexOf(id: string): GraphVertex {
    return this.vertices.find(({ spec }) => spec.id === id)!;
  }

  /** Of the vertex of an operator. */
  parallelismOf(operatorId: string): number {
    return this.plan.vertices.find(({ operators }) => operators.some(({ id }) => id === operatorId))!.parallelism;
  }

  /** Slots that running everything at once takes: slots are shared by one subtask of each vertex. */
  get slotsNeeded(): number {
    return Math.max(...this.vertices.map(({ spec }) => spec.parallelism));
  }

  /** Above those of all executions so far. */
  get nextAttempt(): number {
    return 1 + Math.max(...this.executions().map(({ attempt }) => attempt));
  }

  /** `unreadOf`: what of a source is still to be read by no subtask in particular. */
  view(now: number, unreadOf: (operatorId: string) => UnassignedSplits): VertexView[] {
    return this.vertices.map(({ spec, subtasks }) => {
      const source = spec.operators.find(({ type }) => type === 'Source');
      const backlogs = subtasks.map((execution) => (isStale(execution, now) ? null : execution.backlog));
      const pending = source === undefined ? [] : pendingRecords(backlogs, unreadOf(source.id));
      const name = source === undefined ? '' : `${this.metricScopes.get(source.id)}.pendingRecords`;
      return {
        id: spec.id,
        subtasks: subtasks.map((execution) => {
          const metrics = isStale(execution, now) ? withoutRates(execution.metrics) : execution.metrics;
          const rows = pending[execution.subtask] ?? null;
          return subtaskView(execution, rows === null ? metrics : { ...metrics, [name]: rows });
        }),
      };
    });
  }

  private begin(attempt: number, wall: number): GraphVertex[] {
    return this.plan.vertices.map((spec, vertexIndex) => ({
      spec,
      subtasks: Array.from({ length: spec.parallelism }, (_, subtask) =>
        this.create(vertexIndex, subtask, attempt, wall),
      ),
    }));
  }

  private create(vertexIndex: number, subtask: number, attempt: number, wall: number): Execution {
    const execution = new Execution(this.prefix, vertexIndex, subtask, attempt, wall);
    this.byId.set(execution.id, execution);
    return execution;
  }
}

/** What a task that runs said so long ago tells nothing of what it does now. */
function isStale({ state, reportedAt }: Execution, now: number): boolean {
  return state === 'RUNNING' && now - reportedAt > STALE_MS;
}

function withoutRates(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.endsWith('PerSecond')));
}

function subtaskView({ subtask, state, attempt, slot, timestamps }: Execution, metrics: Metrics): SubtaskView {
  return {
    subtask,
    state,
    attempt,
    taskManagerId: slot?.taskManagerId ?? null,
    host: slot === null ? null : `${slot.host}:${slot.port}`,
    timestamps: { ...timestamps },
    metrics,
  };
}
