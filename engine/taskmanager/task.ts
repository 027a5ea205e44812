// One subtask at work: takes commands, rows and barriers one at a time, snapshots at barriers, and reports to the coordinator.
import type { CheckpointStorage } from '../checkpoint/storage.ts';
import { describeError } from '../errors.ts';
import type {
  Barrier,
  TaskCommand,
  TaskDeployment,
  TaskError,
  TaskMessage,
  TaskReport,
  TaskState,
} from '../rpc/protocol.ts';
import type { EdgeOutput } from '../shuffle/edge-output.ts';
import type { InputGate } from '../shuffle/input-gate.ts';
import { SpillOutput } from '../shuffle/spill-output.ts';
import { MAX_WATERMARK, type OperatorRestore } from '../operators/operator.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import { BatchSize } from './batch-size.ts';
import type { OperatorChain } from './operator-chain.ts';
import { StateWriter } from './state-writer.ts';
import { taskError } from './task-error.ts';
import type { Runnable } from './task-loop.ts';
import type { TaskMetrics } from './task-metrics.ts';
import type { TaskSink } from './task-sink.ts';
import type { TaskSource } from './task-source.ts';

/** What a task is made of; build-task.ts puts it together. */
export interface TaskParts {
  deployment: TaskDeployment;
  chain: OperatorChain;
  source: TaskSource | null;
  /** Null for a task without inputs. */
  gate: InputGate | null;
  outputs: EdgeOutput[];
  sinks: TaskSink[];
  storage: CheckpointStorage;
  metrics: TaskMetrics;
  /** Milliseconds. */
  monotonic: () => number;
  report: (message: TaskMessage) => void;
  /** Puts the task on its thread's loop. */
  schedule: (task: Runnable) => void;
  /** Has `flush` called soon: when the thread has nothing else to do, or has been busy for a while. */
  linger: (task: Runnable) => void;
  /** Closes channels and removes spill files of operators. Once. */
  release: () => void;
}

export class Task implements Runnable {
  readonly execution: string;
  private readonly parts: TaskParts;
  private state: TaskState = 'INITIALIZING';
  private commands: TaskCommand[] = [];
  /** Behind a STOP barrier nothing is read any more. */
  private suspended = false;
  private inputEnded = false;
  private readonly stateWriter: StateWriter;
  /** Of what is read from the source. */
  private readonly batchSize = new BatchSize();
  /** Snapshots are written and acknowledged in the order of their barriers. */
  private writing: Promise<void> = Promise.resolve();

  constructor(parts: TaskParts) {
    this.parts = parts;
    this.execution = parts.deployment.execution;
    this.stateWriter = new StateWriter(parts.deployment, parts.storage, parts.monotonic);
  }

  get done(): boolean {
    return this.state === 'FINISHED' || this.state === 'FAILED' || this.state === 'CANCELED';
  }

  /** Restores state, then runs. */
  async start(): Promise<void> {
    this.enter('INITIALIZING', null);
    try {
      await this.restore();
    } catch (error) {
      await this.fail(error);
      return;
    }
    if (this.done) return;
    this.parts.metrics.begin();
    this.enter('RUNNING', null);
    this.wake();
  }

  /** As of now, for the heartbeat. */
  report(): TaskReport {
    const { source, metrics } = this.parts;
    metrics.sample();
    const backlog = source === null || this.state !== 'RUNNING' ? null : source.backlog();
    return { execution: this.execution, metrics: metrics.read(), backlog };
  }

  /** Bytes that its operators' state takes in memory. */
  get stateBytes(): number {
    return this.parts.chain.stateBytes;
  }

  command(command: TaskCommand): void {
    if (this.done) return;
    if (command.type === 'cancel') {
      void this.end('CANCELED', null);
      return;
    }
    this.commands.push(command);
    this.wake();
  }

  wake(): void {
    if (this.state !== 'RUNNING') return;
    // As in Flink it is busy from when there is something to do, also while it waits for its turn on the thread.
    if (this.hasRoom()) this.parts.metrics.enter('busy');
    this.parts.schedule(this);
  }

  step(): boolean {
    if (this.state !== 'RUNNING') return false;
    const { metrics } = this.parts;
    metrics.enter('busy');
    try {
      while (this.commands.length > 0 && this.state === 'RUNNING') this.obey(this.commands.shift()!);
      if (this.done) return false;
      if (!this.hasRoom()) {
        metrics.enter('backPressured');
        return false;
      }
      const more = this.parts.gate === null ? this.stepSource() : this.stepGate(this.parts.gate);
      if (this.parts.chain.pending) this.parts.linger(this);
      if (!more) metrics.enter(this.hasRoom() ? 'idle' : 'backPressured');
      return more;
    } catch (error) {
      void this.fail(error);
      return false;
    }
  }

  flush(): void {
    if (this.state !== 'RUNNING') return;
    const { metrics, chain } = this.parts;
    const { activity } = metrics;
    metrics.enter('busy');
    try {
      chain.flush();
      metrics.enter(activity);
    } catch (error) {
      void this.fail(error);
    }
  }

  async fail(error: unknown): Promise<void> {
    await this.end('FAILED', taskError(error));
  }

  /** Every output takes another batch. */
  private hasRoom(): boolean {
    for (const output of this.parts.outputs) if (!output.available) return false;
    return true;
  }

  private obey(command: TaskCommand): void {
    switch (command.type) {
      case 'split':
        this.parts.source?.receive(command.split);
        return;
      case 'trigger':
        if (command.barrier.after === 'DRAIN') this.endInput();
        if (command.barrier.after !== 'CONTINUE') this.suspended = true;
        this.checkpoint(command.barrier);
        return;
      case 'checkpointAborted':
        this.suspended = false;
        this.stateWriter.abandon(command.checkpointId);
        return;
      case 'finish':
        void this.end('FINISHED', null);
        return;
      case 'cancel':
        return;
    }
  }

  private stepSource(): boolean {
    if (this.suspended || this.inputEnded) return false;
    const { source, chain, metrics } = this.parts;
    if (source === null) {
      this.endInput();
      return false;
    }
    const polled = source.poll(this.batchSize.rows);
    switch (polled.kind) {
      case 'batch': {
        const { rows } = polled.batch;
        const begun = this.parts.monotonic();
        metrics.numRecordsIn += rows;
        chain.processBatch(polled.batch);
        this.batchSize.took(rows, this.parts.monotonic() - begun);
        return true;
      }
      case 'ended':
        this.endInput();
        return false;
      case 'waiting':
        return this.commands.length > 0;
    }
  }

  private stepGate(gate: InputGate): boolean {
    const event = gate.next();
    if (event === null) return false;
    const { chain, metrics } = this.parts;
    switch (event.kind) {
      case 'batch':
        metrics.numRecordsIn += event.batch.rows;
        chain.processBatch(event.batch);
        break;
      case 'watermark':
        metrics.currentInputWatermark = event.watermark;
        if (event.watermark !== MAX_WATERMARK) chain.processWatermark(event.watermark);
        break;
      case 'idle':
        for (const output of this.parts.outputs) output.sendControl({ kind: 'idle', idle: event.idle });
        break;
      case 'barrier':
        this.checkpoint(event.barrier);
        break;
      case 'ended':
        this.endInput();
        break;
    }
    return gate.available;
  }

  private endInput(): void {
    if (this.inputEnded) return;
    this.inputEnded = true;
    const { chain, deployment, metrics, report } = this.parts;
    chain.finish();
    if (deployment.mode === 'STREAMING')
      report({ type: 'inputEnded', execution: this.execution, metrics: metrics.read() });
    else void this.finishBatch();
  }

  /** The synchronous part of a checkpoint: state is frozen, the barrier goes on. Writing follows beside the work. */
  private checkpoint(barrier: Barrier): void {
    const { chain, source, sinks, outputs, metrics } = this.parts;
    chain.flush();
    const state = this.stateWriter.begin(barrier, chain.snapshot());
    const sources = source === null ? [] : [{ operatorId: source.operatorId, splits: source.snapshot() }];
    const prepared = Promise.all(sinks.map((sink) => sink.prepareCommit(barrier.checkpointId)));
    // It is looked at when its turn comes; a failure until then is not an unhandled one.
    prepared.catch(() => undefined);
    for (const output of outputs) output.sendControl({ kind: 'barrier', barrier });
    const counted = metrics.read();
    this.writing = this.writing.then(async () => {
      try {
        const committables = (await prepared).flat();
        for (const sink of sinks) sink.addBytes(counted);
        if (this.done) return;
        await state.write().then(
          (handle) =>
            this.parts.report({
              type: 'checkpointAck',
              execution: this.execution,
              checkpointId: barrier.checkpointId,
              handle,
              sources,
              committables,
              metrics: counted,
            }),
          (error: unknown) =>
            this.parts.report({
              type: 'checkpointDeclined',
              execution: this.execution,
              checkpointId: barrier.checkpointId,
              reason: describeError(error),
              committables,
            }),
        );
      } catch (error) {
        // Rows that a sink could not make durable would be missing from every later checkpoint.
        await this.fail(error);
      }
    });
  }

  private async restore(): Promise<void> {
    const { deployment, chain, storage } = this.parts;
    if (deployment.restore === null) return;
    const manifest = await storage.readManifest(deployment.restore);
    const range = keyGroupRange(deployment.subtask, deployment.vertex.parallelism);
    for (const operatorId of chain.operatorIds()) {
      const state: OperatorRestore | null = await storage.readOperatorState(
        deployment.restore,
        manifest,
        operatorId,
        range,
      );
      if (this.done) return;
      if (state !== null) await chain.restore(operatorId, { ...state, keyed: this.untilDone(state.keyed) });
    }
  }

  /** The operators are closed when the task has ended: what they were given then would be spilled to where nobody removes it. */
  private async *untilDone(parts: OperatorRestore['keyed']): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      if (this.done) throw new Error('the task has ended while it restored');
      yield part;
    }
  }

  private async finishBatch(): Promise<void> {
    try {
      const committables = (await Promise.all(this.parts.sinks.map((sink) => sink.prepareCommit(1)))).flat();
      const partitions = this.parts.outputs.flatMap((output) =>
        output instanceof SpillOutput ? [{ edgeId: output.edgeId, path: output.path, bytes: output.finish() }] : [],
      );
      if (this.done) return;
      this.state = 'FINISHED';
      this.cleanUp();
      const metrics = this.parts.metrics.read();
      const result = { committables, partitions };
      this.parts.report({
        type: 'taskState',
        execution: this.execution,
        state: 'FINISHED',
        error: null,
        metrics,
        result,
      });
    } catch (error) {
      await this.fail(error);
    }
  }

  /** Leaves. Once: what comes later finds the task done. */
  private async end(state: 'FINISHED' | 'FAILED' | 'CANCELED', error: TaskError | null): Promise<void> {
    if (this.done) return;
    this.state = state;
    this.cleanUp();
    if (state !== 'FINISHED') {
      for (const output of this.parts.outputs) if (output instanceof SpillOutput) output.abort();
      // A file that cannot be removed is left to the clean-up of the next attempt.
      await Promise.allSettled(this.parts.sinks.map(async (sink) => sink.abort()));
    }
    this.parts.report({
      type: 'taskState',
      execution: this.execution,
      state,
      error,
      metrics: this.parts.metrics.read(),
      result: null,
    });
  }

  private cleanUp(): void {
    this.commands = [];
    this.parts.metrics.end();
    this.stateWriter.abandon(null);
    this.parts.source?.close();
    this.parts.chain.close();
    this.parts.release();
  }

  private enter(state: TaskState, error: TaskError | null): void {
    this.state = state;
    const metrics = this.parts.metrics.read();
    this.parts.report({ type: 'taskState', execution: this.execution, state, error, metrics, result: null });
  }
}
