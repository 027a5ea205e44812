// When a running job takes another parallelism: what it is asked for, the slots that are there, and how long to wait for more of them. As Flink's
// DefaultStateTransitionManager does in the state Executing.
import type { RescaleCause, RescaleOptions } from '../../rest/gateway.ts';
import type { SlotAddress } from '../../rpc/protocol.ts';
import type { JobContext } from './job-context.ts';
import { RescaleTimeline } from './rescale-timeline.ts';
import {
  adoptRequirements,
  desiredSlots,
  parallelismFor,
  restoredRequirements,
  sameParallelism,
  type ResourceRequirements,
} from './resource-requirements.ts';

/** CHECKPOINT: take one first, so that nothing is processed again. NOW: go ahead from the last completed one. */
export type RescaleStep = 'NONE' | 'CHECKPOINT' | 'NOW';

/** Milliseconds after a checkpoint for a rescaling failed before the next one. */
const RETRY = 1_000;

export class Rescaling {
  readonly timeline: RescaleTimeline;
  private readonly context: JobContext;
  private readonly options: RescaleOptions;
  private adopted: ResourceRequirements;
  /** Somebody has asked for it. */
  private updated = false;
  /** Since when the job could have another parallelism; null: it has what it can have. */
  private changedAt: number | null = null;
  private cooledDownAt = -Infinity;
  /** A checkpoint for a rescaling has been asked for and has not ended. */
  private checkpointing = false;
  private failedCheckpoints = 0;
  private retryAt = -Infinity;

  constructor(context: JobContext) {
    const { graph, options, wall } = context;
    this.context = context;
    this.options = options.rescale;
    const { restored, jobId, attempt } = options;
    const own = restored?.manifest.jobId === jobId;
    this.adopted = restoredRequirements(graph.plan, own ? restored.manifest.requirements : undefined);
    const seed = jobId.slice(0, 8) + attempt.epoch.toString(16).padStart(8, '0');
    this.timeline = new RescaleTimeline(graph, options.rescale, seed, wall);
  }

  get requirements(): ResourceRequirements {
    return this.adopted;
  }

  /** Requirements without errors. */
  update(requested: ResourceRequirements): void {
    const { graph, wall } = this.context;
    this.adopted = adoptRequirements(graph.plan, requested);
    this.updated = true;
    this.failedCheckpoints = 0;
    this.retryAt = -Infinity;
    this.timeline.begin('UPDATE_REQUIREMENT', this.adopted, wall);
  }

  /**
   * The slots to deploy that on, one for each subtask number. A job that runs as it was started is spread over all TaskManagers; whoever asks for another
   * parallelism stops those that it leaves without work.
   */
  slotsFor(parallelism: ReadonlyMap<string, number>): SlotAddress[] {
    const { pool } = this.context;
    return this.updated ? pool.slotsOfFewest(Math.max(...parallelism.values())) : pool.slots();
  }

  /** What a deployment now would have; null: there are too few slots to run at all. */
  get possible(): ReadonlyMap<string, number> | null {
    return parallelismFor(this.context.graph.plan, this.adopted, this.context.pool.slots().length);
  }

  /** There are slots for all that is asked for. */
  get satisfied(): boolean {
    return this.context.pool.slots().length >= desiredSlots(this.context.graph.plan, this.adopted);
  }

  /** True when the running job could have another parallelism than it has. */
  get wanted(): boolean {
    const { possible } = this;
    return possible !== null && !sameParallelism(this.context.graph.plan, possible);
  }

  /** What a job whose tasks all run does next. To be asked after every event. */
  step(): RescaleStep {
    const { now, wall } = this.context;
    if (!this.wanted) {
      this.changedAt = null;
      if (!this.checkpointing) this.timeline.end('NO_RESOURCES_OR_PARALLELISMS_CHANGE', wall);
      return 'NONE';
    }
    if (this.changedAt === null) {
      this.changedAt = now;
      this.begin('NEW_RESOURCE_AVAILABLE');
    }
    const { triggerAt, forcedAt } = this;
    if (forcedAt <= now || (triggerAt <= now && this.failedCheckpoints >= this.options.maxCheckpointFailures))
      return 'NOW';
    return !this.checkpointing && triggerAt <= now && this.retryAt <= now ? 'CHECKPOINT' : 'NONE';
  }

  nextTimer(): number {
    if (this.changedAt === null) return Infinity;
    const times = [this.forcedAt, ...(this.checkpointing ? [] : [this.triggerAt, this.retryAt])];
    return Math.min(...times.filter((at) => at > this.context.now), Infinity);
  }

  begin(cause: RescaleCause): void {
    this.timeline.begin(cause, this.adopted, this.context.wall);
  }

  checkpointBegun(): void {
    this.checkpointing = true;
  }

  checkpointFailed(): void {
    this.checkpointing = false;
    this.failedCheckpoints++;
    this.retryAt = this.context.now + RETRY;
  }

  checkpointCompleted(): void {
    this.checkpointing = false;
    this.failedCheckpoints = 0;
  }

  /** The tasks are being canceled, for another parallelism or after a failure. */
  stopped(): void {
    this.changedAt = null;
    this.checkpointing = false;
    this.failedCheckpoints = 0;
    this.retryAt = -Infinity;
  }

  /** All tasks run with the parallelism that the graph has. */
  running(rescaled: boolean): void {
    const { now, wall } = this.context;
    if (rescaled) this.cooledDownAt = now + this.options.cooldown;
    this.timeline.end('SUCCEEDED', wall);
  }

  private get triggerAt(): number {
    if (this.changedAt === null) return Infinity;
    const wait = this.satisfied ? 0 : this.options.executingResourceStabilization;
    return Math.max(this.changedAt + wait, this.cooledDownAt);
  }

  private get forcedAt(): number {
    return this.triggerAt + this.options.maxTriggerDelay;
  }
}
