// The simulated world's part for attempts whose processes are up before their job: where there is room for them, and the books on what is stopped for them.
import type { FlowJob } from '../api/flowjob.ts';
import type { Attempt, FlowJobStatus, Prepared } from '../api/status.ts';
import { wantedProcesses, type Engine, type WorldProcess } from './simulated-model.fixture.ts';
import type { EngineView, Observation, PreparedView } from './observation.ts';

export class SimulatedAhead {
  /** Why there is no room for processes beside those that run; null when there is. */
  noRoom: string | null = null;
  /** Why its pods do not start; null when nothing keeps them. */
  trouble: string | null = null;
  /** Its JobManager has not come to answer. */
  deaf = false;
  /** It answers, and no TaskManager has registered. */
  alone = false;
  plan: PreparedView['plan'] = 'Good';
  /** A JobManager without its lead says that it knows of no job. */
  forgets = false;
  /** The job of a JobManager that has no lead, as its books have it. */
  private leaderless: Engine | null = null;
  private refused: string | null = null;
  private troubledSince: number | null = null;

  observed({ spec, status }: FlowJob, processes: readonly WorldProcess[], now: number): Partial<Observation> {
    const { prepared } = status ?? {};
    const startsAhead = spec.engine.type === 'Flink';
    if (prepared?.spec === undefined) return { startsAhead };
    const isTroubled = processes.some((p) => p.epoch === prepared.epoch && (p.pending?.trouble ?? null) !== null);
    this.troubledSince = isTroubled ? (this.troubledSince ?? now) : null;
    const mine = processes.filter(
      (p) => p.epoch === prepared.epoch && p.state === 'Running' && p.pending === undefined,
    );
    const answers = !this.deaf && mine.some(({ role }) => role === 'JobManager');
    const taskManagers = mine.filter(({ role }) => role === 'TaskManager').length;
    return {
      startsAhead,
      prepared: {
        refusal: this.refused,
        troubledSince: this.troubledSince,
        slots: answers ? (this.alone ? 0 : taskManagers * prepared.spec.taskManager.slots) : null,
        plan: answers ? this.plan : 'Unknown',
      },
    };
  }

  /** Those of its processes that are not there. */
  made(prepared: Prepared, processes: readonly WorldProcess[]): WorldProcess[] {
    this.refused = this.noRoom;
    if (this.refused !== null || prepared.spec === undefined) return [];
    const { epoch } = prepared;
    return wantedProcesses({ epoch } as Attempt, prepared.spec.taskManager.replicas)
      .filter(({ role, index }) => !processes.some((p) => p.epoch === epoch && p.role === role && p.index === index))
      .map(({ role, index }) => ({
        epoch,
        role,
        index,
        state: 'Running' as const,
        exit: null,
        restarts: 0,
        stopping: false,
        ...(this.trouble === null ? {} : { pending: { trouble: this.trouble } }),
      }));
  }

  /** What a JobManager says that was up before its job; `submitted`: epochs of which a job was. */
  unsubmitted(
    { status }: FlowJob,
    processes: readonly WorldProcess[],
    silent: boolean,
    submitted: ReadonlyMap<number, string>,
  ): EngineView | null {
    const { attempt } = status!;
    if (attempt?.session !== true || silent) return null;
    const { epoch, jobId, healthy } = attempt;
    if (submitted.has(epoch) && (healthy || !this.forgets || this.leaderless?.epoch !== epoch)) return null;
    if (!isUp(processes, epoch)) return null;
    return {
      jobId,
      status: 'INITIALIZING',
      unsubmitted: true,
      completedCheckpoints: 0,
      rootCause: null,
      unreadableState: null,
      operations: {},
    };
  }

  /** Of a highly available job whose JobManager loses its lead: nobody hears of what was under way. Answers the engine that is left. */
  withoutLead(engine: Engine | null, { status }: FlowJob): Engine | null {
    const { attempt } = status!;
    if (engine === null || attempt?.session !== true || attempt.epoch !== engine.epoch) return engine;
    if (engine.status !== 'RUNNING' && engine.status !== 'RESTARTING') return engine;
    this.leaderless = { ...engine, status: 'RUNNING', operations: new Map(), asked: [] };
    return null;
  }

  isLeaderless(processes: readonly WorldProcess[]): boolean {
    return this.leaderless !== null && isUp(processes, this.leaderless.epoch);
  }

  /** The engine of a JobManager that has its lead again; null where there is none. */
  withLead(processes: readonly WorldProcess[]): Engine | null {
    const engine = this.isLeaderless(processes) ? this.leaderless : null;
    this.leaderless = null;
    return engine;
  }

  /** A stream that runs is stopped for a version that is up, or when it is on record why that could not be. */
  judge({ spec, status }: FlowJob, after: FlowJobStatus, processes: readonly WorldProcess[]): string[] {
    const { accepted, attempt, state } = status ?? {};
    if (spec.upgrade.startBeforeStop === false) return [];
    if (state !== 'Running' || after.state !== 'Upgrading' || accepted?.spec.engine.type !== 'Flink') return [];
    const next = after.prepared;
    if (accepted.spec.engine.clusterRef !== undefined)
      return next === undefined ? [] : ['a version was prepared on a cluster that jobs share'];
    if (accepted.spec.mode !== 'Streaming' || attempt === undefined || next?.failure !== undefined) return [];
    const up = processes.filter((p) => p.epoch === next?.epoch && p.state === 'Running' && p.pending === undefined);
    const wanted = next?.spec === undefined ? Infinity : 1 + next.spec.taskManager.replicas;
    return up.length >= wanted && !this.deaf && !this.alone && this.plan === 'Good'
      ? []
      : ['a stream was stopped before the version that is to take over was up'];
  }
}

const isUp = (processes: readonly WorldProcess[], epoch: number): boolean =>
  processes.some((p) => p.epoch === epoch && p.role === 'JobManager' && p.state === 'Running');
