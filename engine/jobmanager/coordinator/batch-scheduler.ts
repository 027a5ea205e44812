// Runs a batch job stage by stage: a task starts when the results that it reads are complete, on any free slot; only what was lost runs again.
import type { SourceSplit } from '../../connectors/connector.ts';
import { MANIFEST_VERSION, type Manifest } from '../../checkpoint/storage.ts';
import type { JobView } from '../../rest/gateway.ts';
import type { TaskError } from '../../rpc/protocol.ts';
import { KEY_GROUPS } from '../../state/key-groups.ts';
import { CheckpointStatistics } from './checkpoint-statistics.ts';
import { isDataError } from './data-error.ts';
import { deploymentOf, producersOf } from './deployment.ts';
import type { Execution } from './execution-graph.ts';
import { coordinatorError, type JobContext } from './job-context.ts';
import type { JobEnding } from './job-ending.ts';
import { tableCounters } from './job-record.ts';
import type { SavepointCommand } from './messages.ts';
import type { Operations } from './operations.ts';
import { RestartStrategy } from './restart-strategy.ts';
import type { JobControl, Scheduler } from './scheduler.ts';
import { SplitEnumerator } from './split-enumerator.ts';

export class BatchScheduler implements Scheduler {
  private readonly context: JobContext;
  private readonly operations: Operations;
  private readonly ending: JobEnding;
  private readonly control: JobControl;
  private readonly strategy: RestartStrategy;
  private readonly enumerators: SplitEnumerator[];
  /** When a subtask that failed may run again, by execution. */
  private readonly notBefore = new Map<string, number>();
  private phase: 'starting' | 'running' | 'publishing' | 'ended' = 'starting';
  /** The last steps, publishing and making visible, when they failed and are to be tried again. */
  private retry: { at: number; step: () => void } | null = null;

  constructor(context: JobContext, operations: Operations, ending: JobEnding, control: JobControl) {
    this.context = context;
    this.operations = operations;
    this.ending = ending;
    this.control = control;
    this.strategy = new RestartStrategy(context.options.restart, context.options.jobId);
    this.enumerators = context.options.sources.map(
      ({ operatorId, maxReaders, splits }) =>
        new SplitEnumerator({
          ...{ operatorId, mode: 'BATCH', maxReaders, splits },
          parallelism: context.graph.parallelismOf(operatorId),
        }),
    );
    context.counters = () => tableCounters(context.graph.executions().map(({ metrics }) => metrics));
  }

  get unsettled(): boolean {
    return this.phase === 'publishing' || this.context.committing;
  }

  advance(): void {
    const { context, retry } = this;
    if (retry !== null && retry.at <= context.now) {
      this.retry = null;
      retry.step();
    }
    if (this.phase === 'starting') this.start();
    if (this.phase !== 'running') return;
    const { graph } = context;
    if (graph.executions().every(({ state }) => state === 'FINISHED')) {
      this.publish();
      return;
    }
    const taken = new Set(graph.active().map(({ slot }) => `${slot!.taskManagerId}/${slot!.slot}`));
    const free = context.pool.slots().filter(({ taskManagerId, slot }) => !taken.has(`${taskManagerId}/${slot}`));
    for (const vertex of graph.vertices)
      for (const execution of vertex.subtasks) {
        if (free.length === 0) return;
        if (execution.state !== 'CREATED' || !this.ready(execution)) continue;
        this.deploy(execution, free.shift()!);
      }
  }

  nextTimer(): number {
    return Math.min(this.retry?.at ?? Infinity, ...[...this.notBefore.values()].filter((at) => at > this.context.now));
  }

  taskChanged(execution: Execution): void {
    if (execution.state === 'CANCELED' && this.phase === 'running') this.again(execution, 0);
  }

  taskFailed(execution: Execution, error: TaskError): void {
    if (this.phase !== 'running') return;
    const { context } = this;
    context.record.addException(error, context.wall, context.graph, execution);
    // The same rows would fail the same way again.
    const delay = isDataError(error.code) ? null : this.strategy.delayAfterFailure(context.now);
    if (delay === null) {
      this.control.fail(error);
      return;
    }
    context.record.numRestarts++;
    const producer = error.lostProducer === null ? undefined : context.graph.find(error.lostProducer);
    if (producer?.state === 'FINISHED') this.again(producer, 0);
    this.again(execution, delay);
  }

  /** Tasks that ran there run again. Results that lie there may still be readable: on one machine the disk outlives the process. */
  taskManagerLost(taskManagerId: string, lost: Execution[], reason: string): void {
    if (this.phase !== 'running') return;
    const { context } = this;
    const paths = context.graph
      .executions()
      .filter(({ slot, state }) => state === 'FINISHED' && slot?.taskManagerId === taskManagerId)
      .flatMap(({ result }) => result?.partitions.map(({ path }) => path) ?? []);
    if (paths.length > 0) context.emit({ type: 'checkFiles', paths });
    if (lost.length === 0) return;
    const error = coordinatorError('TASKMANAGER_LOST', `TaskManager ${taskManagerId} is lost: ${reason}`);
    context.record.addException(error, context.wall, context.graph, lost[0]);
    const delay = this.strategy.delayAfterFailure(context.now);
    if (delay === null) {
      this.control.fail(error);
      return;
    }
    context.record.numRestarts++;
    for (const execution of lost) this.again(execution, delay);
  }

  /** Producers whose files are gone run again if somebody still has to read them. */
  filesMissing(paths: string[]): void {
    if (this.phase !== 'running') return;
    const missing = new Set(paths);
    for (const execution of this.context.graph.executions())
      if (execution.state === 'FINISHED' && execution.result?.partitions.some(({ path }) => missing.has(path)))
        if (this.needed(execution)) this.again(execution, 0);
  }

  taskReport(): void {}

  splitRequested(execution: Execution, operatorId: string): void {
    const enumerator = this.enumerators.find((one) => one.operatorId === operatorId);
    this.context.send(execution, { type: 'split', operatorId, split: enumerator?.next(execution.subtask) ?? null });
  }

  unassignedSplits(operatorId: string): readonly SourceSplit[] {
    return this.enumerators.find((one) => one.operatorId === operatorId)?.unassigned ?? [];
  }

  savepoint({ triggerId }: SavepointCommand): void {
    this.operations.fail(
      triggerId,
      'a batch job has no state that a savepoint could hold: it runs again or to its end',
    );
  }

  triggerCheckpoint(triggerId: string): void {
    this.operations.fail(triggerId, 'a batch job takes no checkpoints: it keeps its intermediate results instead');
  }

  /** Its parallelism is its own affair: whoever asks hears so before it comes here. */
  updateRequirements(): void {}

  get requirements(): null {
    return null;
  }

  rescalesView(): null {
    return null;
  }

  manifestPublished(): void {
    if (this.phase !== 'publishing') return;
    this.commit(this.committables());
  }

  publishFailed(_checkpointId: number, message: string): void {
    if (this.phase !== 'publishing') return;
    this.tryAgain(`the job's results could not be published: ${message}`, () => this.publish());
  }

  stop(): void {
    this.phase = 'ended';
    this.retry = null;
  }

  ended(): void {}

  checkpointsView(): JobView['checkpoints'] {
    return new CheckpointStatistics().view();
  }

  private start(): void {
    const { context } = this;
    const { restored } = context.options;
    if (restored?.manifest.endOfInput === true) {
      const { counters = {} } = restored.manifest;
      context.counters = () => counters;
      this.commit(restored.manifest.committables);
      return;
    }
    this.phase = 'running';
    context.record.enter('CREATED', context.wall);
  }

  /** True when all that the subtask reads is complete and its back-off is over. */
  private ready(execution: Execution): boolean {
    const { graph, now } = this.context;
    if ((this.notBefore.get(execution.id) ?? 0) > now) return false;
    const { id } = graph.specOf(execution);
    return graph.plan.edges
      .filter((edge) => edge.targetVertex === id)
      .every((edge) =>
        producersOf(edge, graph.vertexOf(edge.sourceVertex), execution.subtask).every(
          ({ state }) => state === 'FINISHED',
        ),
      );
  }

  private needed(producer: Execution): boolean {
    const { graph } = this.context;
    const { id } = graph.specOf(producer);
    return graph.plan.edges
      .filter((edge) => edge.sourceVertex === id)
      .some((edge) => graph.vertexOf(edge.targetVertex).subtasks.some(({ state }) => state !== 'FINISHED'));
  }

  private deploy(execution: Execution, slot: NonNullable<Execution['slot']>): void {
    const { context } = this;
    const { graph, options, wall } = context;
    this.notBefore.delete(execution.id);
    execution.slot = slot;
    execution.enter('SCHEDULED', wall);
    execution.enter('DEPLOYING', wall);
    context.record.enter('RUNNING', wall);
    context.emit({
      type: 'send',
      taskManagerId: slot.taskManagerId,
      message: { type: 'deploy', task: deploymentOf(graph, execution, options, null) },
    });
  }

  /** The subtask runs once more, from its beginning. */
  private again(execution: Execution, delay: number): void {
    const { context } = this;
    if (execution.state === 'FINISHED') this.takeBack(execution);
    for (const enumerator of this.enumerators)
      if (enumerator.operatorId === context.graph.specOf(execution).operators[0]?.id)
        enumerator.giveBack(execution.subtask);
    this.notBefore.delete(execution.id);
    const next = context.graph.reset(execution, context.wall);
    if (delay > 0) this.notBefore.set(next.id, context.now + delay);
  }

  /**
   * Who has read a result that is made once more has to read the new one, where the place of a row depends on more than the row: splits may go to
   * other subtasks than before, and round robin begins anew. With old rows here and new ones there some would be missing and some doubled.
   */
  private takeBack(producer: Execution): void {
    const { context } = this;
    const { graph } = context;
    const source = graph.vertices[producer.vertexIndex]!;
    for (const edge of graph.plan.edges) {
      if (edge.sourceVertex !== source.spec.id || edge.exchange.kind === 'HASH' || edge.exchange.kind === 'SINGLETON')
        continue;
      for (const consumer of [...graph.vertexOf(edge.targetVertex).subtasks]) {
        if (!producersOf(edge, source, consumer.subtask).includes(producer)) continue;
        if (consumer.state === 'FINISHED') this.again(consumer, 0);
        else if (consumer.active && consumer.state !== 'CANCELING') context.cancelTask(consumer);
      }
    }
  }

  private committables() {
    return this.context.graph.executions().flatMap(({ result }) => result?.committables ?? []);
  }

  /** One manifest for all sinks: a later attempt that finds it has only to commit. */
  private publish(): void {
    const { context } = this;
    const { graph, options, wall } = context;
    this.phase = 'publishing';
    const manifest: Manifest = {
      formatVersion: MANIFEST_VERSION,
      kind: 'CHECKPOINT',
      jobId: options.jobId,
      jobName: graph.plan.jobName,
      checkpointId: 1,
      ...options.attempt,
      triggerTimestamp: wall,
      maxParallelism: KEY_GROUPS,
      operators: [],
      files: [],
      sources: [],
      committables: this.committables(),
      counters: context.counters(),
      endOfInput: true,
    };
    context.emit({ type: 'publishManifest', directory: options.checkpointPath(1), manifest });
  }

  private commit(committables: Manifest['committables']): void {
    const { context } = this;
    this.phase = 'ended';
    context.commit(
      committables,
      () => {
        for (const execution of context.graph.executions()) execution.enter('FINISHED', context.wall);
        this.ending.begin('FINISHED', {}, { leave: () => context.emit({ type: 'removeCheckpoints' }) });
      },
      (message) =>
        this.tryAgain(`the job's results could not be made visible: ${message}`, () => this.commit(committables)),
    );
  }

  /** What is durable is not thrown away at the first failure: the strategy decides how often the last steps are tried. */
  private tryAgain(message: string, step: () => void): void {
    const { context } = this;
    const error = coordinatorError('COMMIT_FAILED', message);
    context.record.addException(error, context.wall);
    const delay = this.strategy.delayAfterFailure(context.now);
    if (delay === null) this.control.fail(error);
    else this.retry = { at: context.now + delay, step };
  }
}
