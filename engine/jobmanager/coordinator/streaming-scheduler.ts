// Runs a streaming job: all tasks at once, checkpoints, and after a failure all of them again from the newest completed checkpoint.
import type { Committable, SourceSplit } from '../../connectors/connector.ts';
import type { JobView } from '../../rest/gateway.ts';
import type { Metrics, TaskError, TaskMessage } from '../../rpc/protocol.ts';
import { Checkpointing } from './checkpointing.ts';
import { deploymentOf } from './deployment.ts';
import type { Execution } from './execution-graph.ts';
import { coordinatorError, type JobContext } from './job-context.ts';
import type { JobEnding } from './job-ending.ts';
import { tableCounters } from './job-record.ts';
import type { SavepointCommand } from './messages.ts';
import type { Operations } from './operations.ts';
import { RestartStrategy } from './restart-strategy.ts';
import type { JobControl, Scheduler } from './scheduler.ts';
import { SplitEnumerator } from './split-enumerator.ts';

type Phase =
  /** What the newest checkpoint holds is being made visible (again): it must be before anything runs behind it. */
  | { kind: 'recommitting' }
  | { kind: 'waitingForSlots' }
  | { kind: 'running' }
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
  private phase: Phase = { kind: 'restarting', at: 0 };
  private deployed = false;
  private enumerators: SplitEnumerator[] = [];
  private finalRequested = false;
  private restoredView: JobView['checkpoints']['restored'] = null;
  /** Table counters up to the checkpoint that the present attempt started from. */
  private countedBefore: Metrics = {};

  constructor(context: JobContext, operations: Operations, ending: JobEnding, control: JobControl) {
    this.context = context;
    this.control = control;
    this.ending = ending;
    this.operations = operations;
    this.strategy = new RestartStrategy(context.options.restart);
    this.checkpoints = new Checkpointing(context, operations, {
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
    if (this.phase.kind === 'waitingForSlots' && context.pool.slots().length >= context.graph.slotsNeeded)
      this.deploy();
    if (this.phase.kind === 'running') this.checkpoints.advance();
  }

  nextTimer(): number {
    if (this.phase.kind === 'restarting') return this.phase.at > this.context.now ? this.phase.at : Infinity;
    return this.phase.kind === 'running' ? this.checkpoints.nextTimer() : Infinity;
  }

  taskChanged(execution: Execution): void {
    if (this.phase.kind !== 'running') return;
    if (execution.state === 'FINISHED' || execution.state === 'CANCELED') {
      this.taskFailed(execution, coordinatorError('TASK_ENDED', `task ended as ${execution.state} before the job did`));
      return;
    }
    if (this.context.graph.executions().every(({ state }) => state === 'RUNNING')) this.checkpoints.start();
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

  manifestPublished(checkpointId: number): void {
    this.checkpoints.published(checkpointId);
  }

  publishFailed(checkpointId: number, message: string): void {
    this.checkpoints.publishFailed(checkpointId, message);
  }

  filesMissing(): void {}

  stop(reason: string): void {
    this.phase = { kind: 'stopped' };
    this.checkpoints.stop(reason);
  }

  checkpointsView(): JobView['checkpoints'] {
    const { counts, history } = this.checkpoints;
    return { counts: { ...counts }, history: history.map((view) => ({ ...view })), restored: this.restoredView };
  }

  private restart(error: TaskError, execution?: Execution): void {
    const { context } = this;
    if (this.phase.kind !== 'running' && this.phase.kind !== 'recommitting' && this.phase.kind !== 'finishing') return;
    context.record.addException(error, context.now, context.graph, execution);
    const delay = this.strategy.delayAfterFailure(context.now);
    if (delay === null) {
      this.control.fail(error);
      return;
    }
    context.record.numRestarts++;
    context.record.enter('RESTARTING', context.now);
    this.phase = { kind: 'restarting', at: context.now + delay };
    this.checkpoints.stop(`the job is restarting: ${error.message}`);
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
        if (this.phase.kind !== 'recommitting') return;
        if (restore?.manifest.endOfInput === true) this.finish(null, [], null);
        else {
          if (context.record.status === 'INITIALIZING') context.record.enter('CREATED', context.now);
          this.phase = { kind: 'waitingForSlots' };
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
    const { pool, graph } = this.context;
    const there = pool.slots().length;
    if (there >= graph.slotsNeeded) return;
    const message = `waiting for slots: the job needs ${graph.slotsNeeded}, ${there} are there; more TaskManagers or a lower parallelism would let it start`;
    this.context.emit({ type: 'log', message });
  }

  private deploy(): void {
    const { context } = this;
    const { graph, options } = context;
    const restore = this.checkpoints.latest;
    if (this.deployed) for (const execution of graph.executions()) graph.reset(execution, context.now);
    this.deployed = true;
    this.finalRequested = false;
    this.countedBefore = this.counted;
    this.enumerators = options.sources.map(({ operatorId, maxReaders, splits }) => {
      const restored = restore?.manifest.sources.find((source) => source.operatorId === operatorId);
      return new SplitEnumerator(operatorId, 'STREAMING', maxReaders, restored?.splits ?? splits);
    });
    const slots = context.pool.slots();
    for (const execution of graph.executions()) {
      execution.slot = slots[execution.subtask]!;
      execution.enter('SCHEDULED', context.now);
      execution.enter('DEPLOYING', context.now);
    }
    for (const execution of graph.executions())
      context.emit({
        type: 'send',
        taskManagerId: execution.slot!.taskManagerId,
        message: { type: 'deploy', task: deploymentOf(graph, execution, options, restore?.path ?? null) },
      });
    if (restore !== null) {
      this.checkpoints.counts.restored++;
      this.restoredView = {
        id: restore.manifest.checkpointId,
        restoreTimestamp: context.now,
        isSavepoint: restore.isSavepoint,
        externalPath: restore.path,
      };
    }
    this.phase = { kind: 'running' };
    context.record.enter('RUNNING', context.now);
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
    this.checkpoints.request({ kind: 'CHECKPOINT', after: 'FINAL', triggerId: null, directory: null });
  }

  /** The state is complete and published. With a savepoint the result is written before the commit: a later attempt then knows that it has to commit, not to run. */
  private finish(savepointPath: string | null, committables: Committable[], triggerId: string | null): void {
    const { context, ending } = this;
    this.phase = { kind: 'finishing' };
    // What the tasks had counted at the last barrier is exact; heartbeats are a little older or newer.
    const { counted } = this;
    context.counters = () => counted;
    for (const execution of context.graph.executions()) {
      if (execution.active) context.send(execution, { type: 'finish' });
      execution.enter('FINISHED', context.now);
    }
    if (savepointPath !== null) {
      ending.begin('FINISHED', { savepointPath, committables }, () => {
        this.checkpoints.discardAll();
        if (triggerId !== null) this.operations.complete(triggerId, savepointPath);
      });
      return;
    }
    context.commit(
      committables,
      () => ending.begin('FINISHED', {}, () => this.checkpoints.discardAll()),
      (message) =>
        this.restart(coordinatorError('COMMIT_FAILED', `the last rows could not be made visible: ${message}`)),
    );
  }
}
