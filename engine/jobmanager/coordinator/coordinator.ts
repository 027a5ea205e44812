// The coordinator of one job: events and the time go in, actions come out. It touches nothing else, so that it can be simulated.
import { attemptOf, compareAttempts } from '../../checkpoint/attempt.ts';
import type { Manifest } from '../../checkpoint/storage.ts';
import { sizeOfAll } from '../../connectors/split-size.ts';
import { withCode } from '../../errors.ts';
import type {
  JobResourceRequirements,
  JobStatus,
  JobView,
  OperationStatus,
  TaskManagerView,
} from '../../rest/gateway.ts';
import type { TaskError, TaskMessage } from '../../rpc/protocol.ts';
import { BatchScheduler } from './batch-scheduler.ts';
import type { Execution } from './execution-graph.ts';
import { JobContext } from './job-context.ts';
import { JobEnding } from './job-ending.ts';
import { summaryOf } from './job-record.ts';
import type { Action, CoordinatorEvent, CoordinatorOptions } from './messages.ts';
import { Operations, type OperationKind } from './operations.ts';
import type { UnassignedSplits } from './pending-records.ts';
import type { ResourceRequirements } from './resource-requirements.ts';
import type { Scheduler } from './scheduler.ts';
import { StreamingScheduler } from './streaming-scheduler.ts';

/** Set while tasks are being canceled for good. */
interface Abandoned {
  as: 'FAILED' | 'CANCELED';
  failure: string | null;
}

export class Coordinator {
  private readonly context: JobContext;
  private readonly operations = new Operations();
  private readonly ending: JobEnding;
  private readonly scheduler: Scheduler;
  private abandoned: Abandoned | null = null;

  /** `wall`: when the job was submitted, milliseconds since the epoch. */
  constructor(options: CoordinatorOptions, now: number, wall: number) {
    this.context = new JobContext(options, now, wall);
    this.ending = new JobEnding(this.context);
    const control = { fail: (error: TaskError) => this.abandon('FAILED', withCode(error.code, error.message)) };
    const Scheduling = options.plan.mode === 'BATCH' ? BatchScheduler : StreamingScheduler;
    this.scheduler = new Scheduling(this.context, this.operations, this.ending, control);
  }

  /** What is to be done `now`, which never decreases. `wall`: what the wall clock shows, for what is recorded. */
  handle(event: CoordinatorEvent, now: number, wall: number): Action[] {
    this.context.now = now;
    this.context.wall = wall;
    this.dispatch(event);
    this.expireTaskManagers();
    this.advance();
    return this.context.takeActions();
  }

  /** When `handle` wants to be called with a `timer` event; null: only on other events. */
  nextTimer(): number | null {
    const { context } = this;
    const at = Math.min(
      context.pool.nextExpiry(context.options.heartbeatTimeout),
      ...this.canceling().map(({ givenUpAt }) => givenUpAt),
      this.ending.nextTimer(),
      this.ending.begun || this.abandoned !== null ? Infinity : this.scheduler.nextTimer(),
    );
    return at === Infinity ? null : at;
  }

  get status(): JobStatus {
    return this.context.record.status;
  }

  operation(triggerId: string, kind: OperationKind): OperationStatus | null {
    return this.operations.status(triggerId, kind);
  }

  /**
   * True when a savepoint that an earlier attempt has published can be used: it holds no files, or the checkpoint that this attempt began with took them
   * over. Else they went when this attempt began.
   */
  backs(savepoint: Manifest): boolean {
    const restored = this.context.options.restored?.manifest;
    return (
      savepoint.committables.length === 0 ||
      (restored !== undefined &&
        restored.jobId === savepoint.jobId &&
        compareAttempts(attemptOf(restored), attemptOf(savepoint)) === 0 &&
        restored.checkpointId > savepoint.checkpointId)
    );
  }

  view(): JobView {
    const { options, graph, record, counters } = this.context;
    const { requirements } = this.scheduler;
    return {
      jobId: options.jobId,
      name: options.plan.jobName,
      epoch: options.attempt.epoch,
      plan: graph.plan,
      status: record.status,
      timestamps: { ...record.timestamps },
      startTime: record.startTime,
      endTime: record.endTime,
      vertices: graph.view(this.context.now, (operatorId) => this.unreadOf(operatorId)),
      checkpoints: this.scheduler.checkpointsView(),
      exceptions: record.exceptions,
      config: options.config,
      numRestarts: record.numRestarts,
      numRescales: record.numRescales,
      requirements: requirements === null ? null : requirementsView(requirements),
      rescales: this.scheduler.rescalesView(),
      summary: summaryOf(counters()),
    };
  }

  taskManagers(): TaskManagerView[] {
    const used = new Set(this.context.graph.active().map(({ slot }) => `${slot!.taskManagerId}/${slot!.slot}`));
    return this.context.pool.all().map((one) => ({
      id: one.taskManagerId,
      path: `${one.slots[0]?.host ?? ''}:${one.slots[0]?.port ?? 0}`,
      dataPort: one.slots[0]?.port ?? 0,
      slots: one.slots.length,
      freeSlots: one.slots.filter(({ slot }) => !used.has(`${one.taskManagerId}/${slot}`)).length,
      lastHeartbeat: this.context.wall - (this.context.now - one.lastHeartbeat),
      pid: one.pid,
      cpuCores: one.cpuCores,
      physicalMemory: one.physicalMemory,
      metrics: one.metrics,
    }));
  }

  private dispatch(event: CoordinatorEvent): void {
    const { context, scheduler } = this;
    switch (event.type) {
      case 'start':
      case 'timer':
        return;
      case 'taskManagerRegistered':
        // The same one again: what its earlier life ran is lost.
        if (context.pool.has(event.info.taskManagerId))
          this.loseTaskManager(event.info.taskManagerId, 'it has registered anew');
        context.pool.register(event.info, context.now);
        this.log(`TaskManager ${event.info.taskManagerId} has registered: ${slots(event.info.slots.length)}`);
        return;
      case 'taskManagerLost':
        this.loseTaskManager(event.taskManagerId, event.reason);
        return;
      case 'heartbeat':
        context.pool.heartbeat(event.taskManagerId, event.metrics, context.now);
        for (const { execution, metrics, backlog } of event.tasks) {
          const found = context.graph.find(execution);
          if (found === undefined || found.terminal) continue;
          found.metrics = metrics;
          found.backlog = backlog;
          found.reportedAt = context.now;
        }
        return;
      case 'task':
        this.taskMessage(event.message);
        return;
      case 'savepoint':
        if (!this.beginOperation(event.triggerId, 'SAVEPOINT')) return;
        if (event.existing) this.operations.complete(event.triggerId, event.directory);
        else scheduler.savepoint(event);
        return;
      case 'triggerCheckpoint':
        if (this.beginOperation(event.triggerId, 'CHECKPOINT')) scheduler.triggerCheckpoint(event.triggerId);
        return;
      case 'updateRequirements':
        if (this.abandoned === null && !this.ending.begun) scheduler.updateRequirements(event.requirements);
        return;
      case 'cancel':
        this.abandon('CANCELED', null);
        return;
      case 'manifestPublished':
        scheduler.manifestPublished(event.checkpointId);
        return;
      case 'publishFailed':
        scheduler.publishFailed(event.checkpointId, event.message);
        return;
      case 'committed':
        context.commitEnded(event.commit, null);
        return;
      case 'commitFailed':
        context.commitEnded(event.commit, event.message);
        return;
      case 'resultWritten':
        this.ending.resultWritten();
        return;
      case 'resultFailed':
        this.ending.stepFailed(event.message);
        return;
      case 'removalsEnded':
        this.ending.removalsEnded();
        return;
      case 'filesMissing':
        scheduler.filesMissing(event.paths);
        return;
    }
  }

  /** False: the id is known, or the job takes no more requests. */
  private beginOperation(triggerId: string, kind: OperationKind): boolean {
    if (!this.operations.begin(triggerId, kind)) return false;
    if (this.abandoned === null && !this.ending.begun) return true;
    this.operations.fail(triggerId, `the job is ${this.context.record.status}`);
    return false;
  }

  private advance(): void {
    const { context } = this;
    this.ending.advance();
    // What was asked for while the job was ending has an answer too.
    if (this.ending.over) this.operations.failAll(`the job is ${context.record.status}`);
    if (this.ending.begun) return;
    if (this.abandoned === null) this.scheduler.advance();
    if (this.abandoned !== null && context.graph.active().length === 0 && !this.scheduler.unsettled) {
      const { as, failure } = this.abandoned;
      this.operations.failAll(`the job is ${as}`);
      this.ending.begin(as, failure === null ? {} : { failure }, { leave: () => this.scheduler.ended(as) });
    }
  }

  private abandon(as: 'FAILED' | 'CANCELED', failure: string | null): void {
    if (this.abandoned !== null || this.ending.begun) return;
    this.abandoned = { as, failure };
    this.context.record.enter(as === 'FAILED' ? 'FAILING' : 'CANCELLING', this.context.wall);
    this.scheduler.stop(as === 'FAILED' ? (failure ?? 'the job has failed') : 'the job is being canceled');
    this.context.cancelTasks();
  }

  private taskMessage(message: TaskMessage): void {
    const { context } = this;
    const { graph, wall } = context;
    const execution = graph.find(message.execution);
    if (execution === undefined || execution.terminal) return;
    if (message.type === 'requestSplit') {
      this.scheduler.splitRequested(execution, message.operatorId);
      return;
    }
    if (message.type !== 'taskState') {
      this.scheduler.taskReport(execution, message);
      return;
    }
    if (Object.keys(message.metrics).length > 0) execution.metrics = message.metrics;
    execution.reportedAt = context.now;
    execution.backlog = null;
    execution.result = message.result;
    const canceling = execution.state === 'CANCELING';
    if (canceling && (message.state === 'INITIALIZING' || message.state === 'RUNNING')) return;
    // Also one that finished just before it heard: what it made is not wanted any more.
    execution.enter(canceling ? 'CANCELED' : message.state, wall);
    if (this.abandoned !== null) return;
    if (execution.state === 'FAILED') this.scheduler.taskFailed(execution, message.error ?? unknownFailure(execution));
    else this.scheduler.taskChanged(execution);
  }

  private unreadOf(operatorId: string): UnassignedSplits {
    const { sizeOf, maxReaders } = this.context.options.sources.find((source) => source.operatorId === operatorId)!;
    return { unread: sizeOfAll(this.scheduler.unassignedSplits(operatorId), sizeOf), maxReaders };
  }

  private expireTaskManagers(): void {
    const { context } = this;
    const { heartbeatTimeout } = context.options;
    for (const taskManagerId of context.pool.expired(heartbeatTimeout, context.now))
      this.dropTaskManager(taskManagerId, `no heartbeat for ${heartbeatTimeout} ms`);
    for (const { execution, givenUpAt } of this.canceling())
      if (givenUpAt <= context.now && execution.active)
        this.dropTaskManager(execution.slot!.taskManagerId, `task ${execution.id} does not leave`);
  }

  /**
   * Tasks that were told to leave, and when they are not waited for any more. A TaskManager ends by itself before; one that does not is in no state to be
   * relied on. What its tasks still do is published by nobody.
   */
  private canceling(): { execution: Execution; givenUpAt: number }[] {
    const { graph, options } = this.context;
    return graph
      .active()
      .filter(({ state }) => state === 'CANCELING')
      .map((execution) => ({
        execution,
        givenUpAt: execution.cancelingSince + options.cancellationTimeout + options.heartbeatTimeout,
      }));
  }

  private dropTaskManager(taskManagerId: string, reason: string): void {
    this.context.emit({ type: 'dropTaskManager', taskManagerId, reason });
    this.loseTaskManager(taskManagerId, reason);
  }

  /** With what there is to run tasks on from now on. */
  private log(message: string): void {
    const { context } = this;
    const left = slots(context.pool.slots().length);
    context.emit({ type: 'log', message: `${message}; the job has ${left} now` });
  }

  private loseTaskManager(taskManagerId: string, reason: string): void {
    const { context } = this;
    if (!context.pool.remove(taskManagerId)) return;
    this.log(`TaskManager ${taskManagerId} is lost: ${reason}`);
    const lost = context.graph.active().filter(({ slot }) => slot!.taskManagerId === taskManagerId);
    const canceling = lost.filter(({ state }) => state === 'CANCELING');
    const running = lost.filter(({ state }) => state !== 'CANCELING');
    for (const execution of canceling) execution.enter('CANCELED', context.wall);
    for (const execution of running) execution.enter('FAILED', context.wall);
    if (this.abandoned !== null || this.ending.begun) return;
    for (const execution of canceling) this.scheduler.taskChanged(execution);
    this.scheduler.taskManagerLost(taskManagerId, running, reason);
  }
}

const slots = (count: number): string => (count === 1 ? '1 slot' : `${count} slots`);

function requirementsView(requirements: ResourceRequirements): JobResourceRequirements {
  return Object.fromEntries(Object.entries(requirements).map(([id, bounds]) => [id, { parallelism: { ...bounds } }]));
}

function unknownFailure(execution: Execution): TaskError {
  const message = `task ${execution.id} failed without a reason`;
  return { code: 'TASK_FAILED', message, stack: message, lostProducer: null };
}
