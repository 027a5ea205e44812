// Runs a streaming job: all tasks at once, checkpoints, and after a failure, or to take another parallelism, all of them again from the newest completed
// checkpoint.
import type { Committable, SourceSplit } from '../../connectors/connector.ts';
import type { JobView, RescalesView } from '../../rest/gateway.ts';
import type { Metrics, TaskError, TaskMessage } from '../../rpc/protocol.ts';
import { Checkpointing } from './checkpointing.ts';
import { deploymentOf } from './deployment.ts';
import type { Execution } from './execution-graph.ts';
import { coordinatorError, type JobContext } from './job-context.ts';
import { keepsCheckpoints, type JobEnding } from './job-ending.ts';
import { tableCounters } from './job-record.ts';
import type { SavepointCommand } from './messages.ts';
import type { Operations } from './operations.ts';
import { Rescaling } from './rescaling.ts';
import { desiredSlots, sameParallelism, sufficientSlots, type ResourceRequirements } from './resource-requirements.ts';
import { RestartStrategy } from './restart-strategy.ts';
import type { JobControl, Scheduler } from './scheduler.ts';
import { SplitEnumerator } from './split-enumerator.ts';

type Phase =
  /** What the newest checkpoint holds is being made visible, if that is not done: it must be before anything runs behind it. */
  | { kind: 'recommitting' }
  | { kind: 'waitingForSlots'; since: number }
  /** `settled`: all tasks run. */
  | { kind: 'running'; settled: boolean }
  /** Tasks are being canceled; then the back-off. */
  | { kind: 'restarting'; at: number }
  | { kind: 'finishing' }
  | { kind: 'stopped' };

export class StreamingScheduler implements Scheduler {
  private readonly context: JobContext;
  private readonly control: JobControl;
  private readonly ending: JobEnding;
  private readonly operations: Operations;
  private readonly checkpoints: Checkpointing;
  private readonly strategy: RestartStrategy;
  private readonly rescaling: Rescaling;
  private phase: Phase = { kind: 'restarting', at: 0 };
  private deployed = false;
  /** What is being deployed takes another parallelism because that was asked for, not after a failure. */
  private rescaled = false;
  private enumerators: SplitEnumerator[] = [];
  private finalRequested = false;
  /** Table counters up to the checkpoint that the present attempt started from. */
  private countedBefore: Metrics = {};

  constructor(context: JobContext, operations: Operations, ending: JobEnding, control: JobControl) {
    this.context = context;
    this.control = control;
    this.ending = ending;
    this.operations = operations;
    this.strategy = new RestartStrategy(context.options.restart, context.options.jobId);
    this.rescaling = new Rescaling(context);
    this.rescaling.begin('INITIAL_SCHEDULE');
    const { rescaling } = this;
    this.checkpoints = new Checkpointing(context, operations, {
      get requirements() {
        return rescaling.requirements;
      },
      readyToRescale: () => this.readyToRescale(),
      rescaleCheckpointFailed: () => rescaling.checkpointFailed(),
      sourceSnapshot: () => this.sourceSnapshot(),
      checkpointsFailed: (message) => this.restart(coordinatorError('CHECKPOINT_FAILED', message)),
      countersAt: (metrics) => tableCounters([this.countedBefore, ...metrics]),
      lastCheckpointCompleted: (path, committables, triggerId) => this.finish(path, committables, triggerId),
    });
    context.counters = () =>
      tableCounters([this.countedBefore, ...context.graph.executions().map(({ metrics }) => metrics)]);
  }

  get unsettled(): boolean {
    return this.checkpoints.unsettled || this.context.committing;
  }

  advance(): void {
    const { context, phase } = this;
    if (
      phase.kind === 'restarting' &&
      phase.at <= context.now &&
      !this.unsettled &&
      context.graph.active().length === 0
    )
      this.prepare();
    if (this.phase.kind === 'waitingForSlots') this.deployIfPossible(this.phase.since);
    if (this.phase.kind === 'running') this.checkpoints.advance();
    if (this.phase.kind === 'running' && this.phase.settled) this.considerRescale();
  }

  nextTimer(): number {
    const { phase } = this;
    const { now, options } = this.context;
    switch (phase.kind) {
      case 'restarting':
        return phase.at > now ? phase.at : Infinity;
      case 'waitingForSlots': {
        const { submissionResourceStabilization, submissionResourceWait } = options.rescale;
        const times = [
          phase.since + submissionResourceStabilization,
          phase.since + (submissionResourceWait ?? Infinity),
        ];
        return Math.min(...times.filter((at) => at > now), Infinity);
      }
      case 'running':
        return Math.min(this.checkpoints.nextTimer(), phase.settled ? this.rescaling.nextTimer() : Infinity);
      default:
        return Infinity;
    }
  }

  taskChanged(execution: Execution): void {
    if (this.phase.kind !== 'running') return;
    if (execution.state === 'FINISHED' || execution.state === 'CANCELED') {
      this.taskFailed(execution, coordinatorError('TASK_ENDED', `task ended as ${execution.state} before the job did`));
      return;
    }
    if (this.phase.settled || !this.context.graph.executions().every(({ state }) => state === 'RUNNING')) return;
    this.phase.settled = true;
    this.rescaling.running(this.rescaled);
    this.rescaled = false;
    this.checkpoints.start();
  }

  taskFailed(execution: Execution, error: TaskError): void {
    if (this.phase.kind === 'running') this.restart(error, execution);
  }

  taskManagerLost(taskManagerId: string, lost: Execution[], reason: string): void {
    if (lost.length > 0 && this.phase.kind === 'running')
      this.restart(coordinatorError('TASKMANAGER_LOST', `TaskManager ${taskManagerId} is lost: ${reason}`), lost[0]);
  }

  taskReport(execution: Execution, message: Exclude<TaskMessage, { type: 'taskState' | 'requestSplit' }>): void {
    if (this.phase.kind !== 'running') return;
    switch (message.type) {
      case 'checkpointAck':
        this.checkpoints.acknowledged(message);
        return;
      case 'checkpointDeclined':
        this.checkpoints.declined(message);
        return;
      case 'inputEnded':
        execution.metrics = message.metrics;
        execution.inputEnded = true;
        this.requestFinal();
    }
  }

  splitRequested(execution: Execution, operatorId: string): void {
    const enumerator = this.enumerators.find((one) => one.operatorId === operatorId);
    const split = enumerator?.next(execution.subtask) ?? null;
    this.context.send(execution, { type: 'split', operatorId, split });
  }

  unassignedSplits(operatorId: string): readonly SourceSplit[] {
    return this.enumerators.find((one) => one.operatorId === operatorId)?.unassigned ?? [];
  }

  savepoint(command: SavepointCommand): void {
    this.checkpoints.request({
      kind: 'SAVEPOINT',
      after: command.stop ?? 'CONTINUE',
      triggerId: command.triggerId,
      directory: command.directory,
    });
  }

  triggerCheckpoint(triggerId: string): void {
    this.checkpoints.request({ kind: 'CHECKPOINT', after: 'CONTINUE', triggerId, directory: null });
  }

  updateRequirements(requirements: ResourceRequirements): void {
    this.rescaling.update(requirements);
  }

  get requirements(): ResourceRequirements {
    return this.rescaling.requirements;
  }

  rescalesView(): RescalesView {
    return this.rescaling.timeline.view();
  }

  manifestPublished(checkpointId: number): void {
    this.checkpoints.published(checkpointId);
  }

  publishFailed(checkpointId: number, message: string): void {
    this.checkpoints.publishFailed(checkpointId, message);
  }

  filesMissing(): void {}

  stop(reason: string): void {
    this.rescaling.timeline.end(
      this.context.record.status === 'FAILING' ? 'JOB_FAILING' : 'JOB_CANCELING',
      this.context.wall,
    );
    this.phase = { kind: 'stopped' };
    this.checkpoints.stop(reason);
  }

  ended(as: 'FAILED' | 'CANCELED'): void {
    if (!keepsCheckpoints(as, this.context.options.checkpointing.retention)) this.checkpoints.discardAll();
  }

  checkpointsView(): JobView['checkpoints'] {
    return this.checkpoints.statistics.view();
  }

  private restart(error: TaskError, execution?: Execution): void {
    const { context } = this;
    if (this.phase.kind !== 'running' && this.phase.kind !== 'recommitting' && this.phase.kind !== 'finishing') return;
    context.record.addException(error, context.wall, context.graph, execution);
    const delay = this.strategy.delayAfterFailure(context.now);
    if (delay === null) {
      this.control.fail(error);
      return;
    }
    context.record.numRestarts++;
    this.rescaling.timeline.end('JOB_FAILOVER_RESTARTING', context.wall);
    this.rescaling.begin('RECOVERABLE_FAILOVER');
    this.rescaled = false;
    this.leave(context.now + delay);
    this.checkpoints.stop(`the job is restarting: ${error.message}`);
    context.cancelTasks();
  }

  /** The tasks are about to be canceled; at `at` the job begins to come back. */
  private leave(at: number): void {
    const { context } = this;
    context.record.enter('RESTARTING', context.wall);
    this.phase = { kind: 'restarting', at };
    this.rescaling.stopped();
    this.rescaling.timeline.enter('Restarting', context.wall);
  }

  private considerRescale(): void {
    if (this.checkpoints.ending) return;
    const step = this.rescaling.step();
    if (step === 'NOW') this.rescale();
    if (step !== 'CHECKPOINT' || !this.checkpoints.quiet) return;
    this.rescaling.checkpointBegun();
    this.checkpoints.request({ kind: 'CHECKPOINT', after: 'RESCALE', triggerId: null, directory: null });
  }

  /** The checkpoint is complete that was taken for it. In the meantime things may have changed. */
  private readyToRescale(): boolean {
    this.rescaling.checkpointCompleted();
    if (this.phase.kind !== 'running') return true;
    if (!this.rescaling.wanted || this.checkpoints.ending) return false;
    this.rescale();
    return true;
  }

  private rescale(): void {
    const { context } = this;
    context.record.numRescales++;
    this.rescaled = true;
    this.leave(context.now);
    this.checkpoints.suspend('the job is being rescaled');
    context.cancelTasks();
  }

  /** All tasks of the attempt before are gone. */
  private prepare(): void {
    const { context } = this;
    const restore = this.checkpoints.latest;
    this.phase = { kind: 'recommitting' };
    context.commit(
      restore?.manifest.committables ?? [],
      () => {
        this.checkpoints.madeVisible();
        if (this.phase.kind !== 'recommitting') return;
        if (this.deployed) context.emit({ type: 'clearSinks', execution: context.graph.nextAttempt });
        if (restore?.manifest.endOfInput === true) this.finish(null, [], null);
        else {
          if (context.record.status === 'INITIALIZING') context.record.enter('CREATED', context.wall);
          this.phase = { kind: 'waitingForSlots', since: context.now };
          this.rescaling.timeline.enter('WaitingForResources', context.wall);
          this.tellShortage();
          this.advance();
        }
      },
      (message) =>
        this.restart(
          coordinatorError('COMMIT_FAILED', `what ${restore?.path ?? ''} holds could not be made visible: ${message}`),
        ),
    );
  }

  private tellShortage(): void {
    if (this.rescaling.satisfied) return;
    const { graph, pool } = this.context;
    const { requirements } = this.rescaling;
    const [sufficient, desired] = [sufficientSlots(requirements), desiredSlots(graph.plan, requirements)];
    const message = `waiting for slots: ${pool.slots().length} are there, the job asks for ${desired} and cannot run with less than ${sufficient}; more TaskManagers or a lower parallelism would let it start`;
    this.context.emit({ type: 'log', message });
  }

  /** At once with all slots that the job asks for, or where what is possible was just weighed; else after a while in which the others could have come. */
  private deployIfPossible(since: number): void {
    const { rescaling, context } = this;
    const { now, options } = context;
    const { submissionResourceStabilization, submissionResourceWait } = options.rescale;
    const { possible } = rescaling;
    const waited = this.rescaled || since + submissionResourceStabilization <= now;
    if (possible !== null && (waited || rescaling.satisfied)) this.deploy(possible);
    else if (submissionResourceWait !== null && since + submissionResourceWait <= now) this.failForResources();
  }

  private failForResources(): void {
    const { context, rescaling } = this;
    rescaling.timeline.end('EXCEPTION_OCCURRED', context.wall);
    const message = `the job cannot run with less than ${sufficientSlots(rescaling.requirements)} slots, and after ${context.options.rescale.submissionResourceWait} ms only ${context.pool.slots().length} are there`;
    const error = coordinatorError('SLOTS_MISSING', message);
    context.record.addException(error, context.wall);
    this.control.fail(error);
  }

  private deploy(parallelism: ReadonlyMap<string, number>): void {
    const { context } = this;
    const { graph, options } = context;
    const restore = this.checkpoints.latest;
    if (this.deployed || !sameParallelism(graph.plan, parallelism)) graph.redeploy(parallelism, context.wall);
    this.deployed = true;
    this.rescaling.timeline.enter('CreatingExecutionGraph', context.wall);
    this.finalRequested = false;
    this.countedBefore = this.counted;
    this.enumerators = options.sources.map(({ operatorId, maxReaders, splits }) => {
      const restored = restore?.manifest.sources.find((source) => source.operatorId === operatorId);
      return new SplitEnumerator({
        ...{ operatorId, mode: 'STREAMING', maxReaders, splits: restored?.splits ?? splits },
        parallelism: graph.parallelismOf(operatorId),
      });
    });
    const slots = this.rescaling.slotsFor(parallelism);
    for (const execution of graph.executions()) {
      execution.slot = slots[execution.subtask]!;
      execution.enter('SCHEDULED', context.wall);
      execution.enter('DEPLOYING', context.wall);
    }
    for (const execution of graph.executions())
      context.emit({
        type: 'send',
        taskManagerId: execution.slot!.taskManagerId,
        message: { type: 'deploy', task: deploymentOf(graph, execution, options, restore?.path ?? null) },
      });
    if (restore !== null) {
      this.checkpoints.statistics.restoredFrom({
        id: restore.manifest.checkpointId,
        restoreTimestamp: context.wall,
        isSavepoint: restore.isSavepoint,
        externalPath: restore.path,
      });
    }
    this.phase = { kind: 'running', settled: false };
    this.rescaling.timeline.enter('Executing', context.wall);
    context.record.enter('RUNNING', context.wall);
  }

  /** Up to the newest checkpoint. A savepoint of another job counts for that job. */
  private get counted(): Metrics {
    const manifest = this.checkpoints.latest?.manifest;
    return manifest?.jobId === this.context.options.jobId ? (manifest.counters ?? {}) : {};
  }

  private sourceSnapshot(): Map<string, SourceSplit[]> {
    return new Map(this.enumerators.map((enumerator) => [enumerator.operatorId, enumerator.snapshot()]));
  }

  /** When all input has ended, one last checkpoint makes the sinks' last rows visible (FLIP-147). */
  private requestFinal(): void {
    if (this.finalRequested || !this.context.graph.executions().every(({ inputEnded }) => inputEnded)) return;
    this.finalRequested = true;
    this.checkpoints.requestFinal();
  }

  /** The state is complete and published. With a savepoint the result is written before the commit: a later attempt then knows that it has to commit, not to run. */
  private finish(savepointPath: string | null, committables: Committable[], triggerId: string | null): void {
    const { context, ending } = this;
    this.phase = { kind: 'finishing' };
    this.rescaling.timeline.end('JOB_FINISHED', context.wall);
    // What the tasks had counted at the last barrier is exact; heartbeats are a little older or newer.
    const { counted } = this;
    context.counters = () => counted;
    for (const execution of context.graph.executions()) {
      if (execution.active) context.send(execution, { type: 'finish' });
      execution.enter('FINISHED', context.wall);
    }
    if (savepointPath !== null) {
      ending.begin(
        'FINISHED',
        { savepointPath, committables },
        {
          leave: () => this.checkpoints.discardAll(),
          ended: () => {
            if (triggerId !== null) this.operations.complete(triggerId, savepointPath);
          },
        },
      );
      return;
    }
    context.commit(
      committables,
      () => ending.begin('FINISHED', {}, { leave: () => this.checkpoints.discardAll() }),
      (message) =>
        this.restart(coordinatorError('COMMIT_FAILED', `the last rows could not be made visible: ${message}`)),
    );
  }
}
