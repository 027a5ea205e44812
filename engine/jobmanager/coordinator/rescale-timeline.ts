// What became of every change of parallelism: Flink's RescaleTimeline (FLIP-495), for /jobs/:jobid/rescales.
import type { RescaleCause, RescaleOptions, RescaleView, RescalesView, TerminatedReason } from '../../rest/gateway.ts';
import type { ExecutionGraph } from './execution-graph.ts';
import { desiredSlots, sufficientSlots, type ResourceRequirements } from './resource-requirements.ts';

/** States of Flink's adaptive scheduler that a rescale goes through. */
export type SchedulerState = 'Created' | 'WaitingForResources' | 'CreatingExecutionGraph' | 'Executing' | 'Restarting';

const OUTCOME = {
  SUCCEEDED: 'COMPLETED',
  EXCEPTION_OCCURRED: 'FAILED',
  RESOURCE_REQUIREMENTS_UPDATED: 'IGNORED',
  NO_RESOURCES_OR_PARALLELISMS_CHANGE: 'IGNORED',
  JOB_FINISHED: 'IGNORED',
  JOB_FAILING: 'IGNORED',
  JOB_FAILOVER_RESTARTING: 'IGNORED',
  JOB_CANCELING: 'IGNORED',
} as const satisfies Record<TerminatedReason, RescaleView['terminalState']>;

export class RescaleTimeline {
  private readonly graph: ExecutionGraph;
  private readonly options: RescaleOptions;
  /** Ids are made of it, so that no two attempts make the same. */
  private readonly seed: string;
  private readonly counts = { ignored: 0, completed: 0, failed: 0 };
  private readonly latest: RescalesView['latest'] = { completed: null, failed: null, ignored: null };
  /** Newest first. */
  private readonly history: RescaleView[] = [];
  private current: RescaleView | null = null;
  private state: { name: SchedulerState; since: number };
  private begun = 0;
  private attempt = 0;
  private requirementsId: string;

  /** `seed`: 16 hexadecimal digits, another for each attempt of each job. */
  constructor(graph: ExecutionGraph, options: RescaleOptions, seed: string, wall: number) {
    this.graph = graph;
    this.options = options;
    this.seed = seed;
    this.state = { name: 'Created', since: wall };
    this.requirementsId = this.nextId();
  }

  get inProgress(): boolean {
    return this.current !== null;
  }

  /** A change of parallelism is wanted from here on. One that is under way has become another. */
  begin(cause: RescaleCause, requirements: ResourceRequirements, wall: number): void {
    if (cause === 'UPDATE_REQUIREMENT') {
      this.end('RESOURCE_REQUIREMENTS_UPDATED', wall);
      this.requirementsId = this.nextId();
      this.attempt = 0;
    }
    if (this.current !== null || this.options.historySize <= 0) return;
    const { plan } = this.graph;
    const deployed = cause !== 'INITIAL_SCHEDULE';
    this.current = {
      rescaleUuid: this.nextId(),
      resourceRequirementsUuid: this.requirementsId,
      rescaleAttemptId: ++this.attempt,
      triggerCause: cause,
      startTimestamp: wall,
      endTimestamp: null,
      terminalState: null,
      terminatedReason: null,
      vertices: plan.vertices.map(({ id, name, parallelism }) => ({
        id,
        name,
        desired: requirements[id]!.upperBound,
        sufficient: requirements[id]!.lowerBound,
        before: deployed ? parallelism : null,
        after: null,
      })),
      slots: {
        desired: desiredSlots(plan, requirements),
        sufficient: sufficientSlots(requirements),
        before: deployed ? this.graph.slotsNeeded : null,
        after: null,
      },
      schedulerStates: [],
    };
    this.history.unshift(this.current);
    this.history.length = Math.min(this.history.length, this.options.historySize);
  }

  enter(name: SchedulerState, wall: number): void {
    if (this.state.name === name) return;
    this.leave(wall);
    this.state = { name, since: wall };
  }

  /** SUCCEEDED: the tasks run, with the parallelism that the graph has now. */
  end(reason: TerminatedReason, wall: number): void {
    const { current, graph } = this;
    if (current === null) return;
    this.leave(wall);
    this.state = { name: this.state.name, since: wall };
    this.current = null;
    const outcome = OUTCOME[reason];
    current.endTimestamp = wall;
    current.terminatedReason = reason;
    current.terminalState = outcome;
    if (outcome === 'COMPLETED') {
      for (const vertex of current.vertices) vertex.after = graph.vertexOf(vertex.id).spec.parallelism;
      current.slots.after = graph.slotsNeeded;
    }
    const key = outcome === 'COMPLETED' ? 'completed' : outcome === 'FAILED' ? 'failed' : 'ignored';
    this.counts[key]++;
    this.latest[key] = current;
  }

  view(): RescalesView {
    const { counts, current, latest, history, options } = this;
    return {
      options,
      counts: { ...counts, inProgress: current === null ? 0 : 1 },
      latest: { ...latest },
      history: [...history],
    };
  }

  private leave(wall: number): void {
    const { name, since } = this.state;
    this.current?.schedulerStates.push({
      state: name,
      enter: Math.max(since, this.current.startTimestamp),
      leave: wall,
    });
  }

  private nextId(): string {
    return this.seed + (++this.begun).toString(16).padStart(16, '0');
  }
}
