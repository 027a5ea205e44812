// When checkpoints and savepoints are taken, and what becomes of them. One at a time; a completed one is published before anything of it is visible.
import type { Manifest } from '../../checkpoint/storage.ts';
import type { Committable, SourceSplit } from '../../connectors/connector.ts';
import type { Metrics, TaskMessage } from '../../rpc/protocol.ts';
import { CheckpointStatistics } from './checkpoint-statistics.ts';
import type { JobContext } from './job-context.ts';
import type { RestoredState } from './messages.ts';
import type { Operations } from './operations.ts';
import { PendingCheckpoint, type CheckpointRequest } from './pending-checkpoint.ts';
import type { ResourceRequirements } from './resource-requirements.ts';

/** How often the checkpoint at the end of all input is tried before the job falls back to an earlier one: there is nothing left to process meanwhile. */
const FINAL_TRIES = 4;
/** Milliseconds before something is tried again that waits for no interval. */
const RETRY = 1_000;

export interface CheckpointOwner {
  /** Splits not handed out yet, per source operator. */
  sourceSnapshot(): Map<string, SourceSplit[]>;
  /** Bounds of the parallelism that later attempts of the job keep to. */
  readonly requirements: ResourceRequirements;
  /** Too many failures in a row, or a failure that leaves the tasks in no state to go on. */
  checkpointsFailed(message: string): void;
  /** Table counters from the job's start to the barriers of a checkpoint at which the tasks had counted `metrics`. */
  countersAt(metrics: Metrics[]): Metrics;
  /** The tasks' sources rest behind its barrier. True: the job goes on with another parallelism; false: as it is. */
  readyToRescale(): boolean;
  /** The one that was to precede a rescaling. */
  rescaleCheckpointFailed(): void;
  /** The job ends with this one. `savepointPath` null: all its input had ended. */
  lastCheckpointCompleted(savepointPath: string | null, committables: Committable[], triggerId: string | null): void;
}

/** Files that the sinks of one execution have written up to the barrier of a checkpoint. */
interface Prepared {
  checkpointId: number;
  execution: string;
  committables: Committable[];
}

export class Checkpointing {
  private readonly context: JobContext;
  private readonly owner: CheckpointOwner;
  private readonly operations: Operations;
  private nextId: number;
  private running = false;
  /** When the next periodic one is due. */
  private due = Infinity;
  private queue: CheckpointRequest[] = [];
  private pending: PendingCheckpoint | null = null;
  /** When it is given up. */
  private expiresAt = Infinity;
  private publishing: { checkpoint: PendingCheckpoint; manifest: Manifest } | null = null;
  /** What sinks have prepared and no completed checkpoint holds yet; a plain savepoint holds it but leaves it here. */
  private prepared: Prepared[] = [];
  /** The newest completed checkpoint: what was prepared up to it is in it. */
  private heldUpTo = 0;
  /**
   * Savepoints that are published, but hold files that no checkpoint holds yet: were the job to fall back to an earlier checkpoint, the rows would be
   * written anew and these files removed. Nobody is told of such a savepoint before a checkpoint has taken its files over.
   */
  private unbacked: PendingCheckpoint[] = [];
  /** The last completed checkpoint of the tasks that run: they know where its pages are. */
  private base: number | null = null;
  /** Directories of checkpoints and savepoints that were given up, by number, as long as tasks that run may still be writing to them. */
  private readonly givenUp = new Map<number, string>();
  /** Of checkpoints that count: Flink's CheckpointFailureManager. A restart does not end the row. */
  private failuresInARow = 0;
  private finalTries = 0;
  /** When the checkpoint at the end of all input is tried again. */
  private finalAt = Infinity;
  /** Before that no checkpoint is taken only to back savepoints. */
  private backAt = -Infinity;
  private readonly retained: string[];
  private newest: RestoredState | null;
  readonly statistics = new CheckpointStatistics();

  constructor(context: JobContext, operations: Operations, owner: CheckpointOwner) {
    this.context = context;
    this.operations = operations;
    this.owner = owner;
    const { restored, retainedCheckpoints } = context.options;
    this.newest = restored;
    this.nextId = restored === null ? 1 : restored.manifest.checkpointId + 1;
    this.retained = [...retainedCheckpoints];
  }

  /** What a restart restores from: the newest completed checkpoint, else what the job was started from. */
  get latest(): RestoredState | null {
    return this.newest;
  }

  /** What the newest checkpoint holds is visible, and belongs to its readers: they may have taken it away when the job restarts. */
  madeVisible(): void {
    if (this.newest !== null) this.newest = { ...this.newest, manifest: { ...this.newest.manifest, committables: [] } };
  }

  /** While a manifest is being written nobody knows yet which checkpoint is the newest one. */
  get unsettled(): boolean {
    return this.publishing !== null;
  }

  /** All tasks run. */
  start(): void {
    this.running = true;
    this.base = null;
    const { interval } = this.context.options.checkpointing;
    this.due = interval > 0 ? this.context.now + interval : Infinity;
    this.advance();
  }

  /** What an execution has prepared for a checkpoint, once however often it is told. */
  private prepare({ checkpointId, execution, committables }: Prepared): void {
    if (checkpointId <= this.heldUpTo) return;
    if (this.prepared.some((one) => one.checkpointId === checkpointId && one.execution === execution)) return;
    this.prepared.push({ checkpointId, execution, committables });
  }

  /** The tasks are being canceled: what is under way fails, what is being published is left to its end. */
  stop(reason: string): void {
    this.suspend(reason);
    for (const { triggerId } of this.queue) if (triggerId !== null) this.operations.fail(triggerId, reason);
    this.queue = [];
  }

  /** The tasks will be back soon: as `stop`, but what waits for its turn goes on waiting. */
  suspend(reason: string): void {
    this.running = false;
    this.due = Infinity;
    if (this.pending !== null) this.abort(this.pending, reason);
    // A manifest on its way may still back them.
    if (this.publishing === null) this.giveUpUnbacked(reason);
    this.prepared = [];
    this.givenUp.clear();
    this.finalTries = 0;
    this.finalAt = Infinity;
    this.backAt = -Infinity;
  }

  /** The job has finished: nothing will be restored from its checkpoints any more. Savepoints stay. */
  discardAll(): void {
    for (const directory of this.retained) this.statistics.discarded(directory);
    this.retained.length = 0;
    this.context.emit({ type: 'removeCheckpoints' });
  }

  /** Nothing is under way, nor waits for its turn. */
  get quiet(): boolean {
    return this.running && this.idle && this.queue.length === 0 && this.unbacked.length === 0;
  }

  /** The job will end with one that is under way or waits. */
  get ending(): boolean {
    const underWay = this.pending ?? this.publishing?.checkpoint;
    return (underWay !== undefined && endsJob(underWay.request)) || this.queue.some(endsJob) || this.finalAt < Infinity;
  }

  /** All input has ended. */
  requestFinal(): void {
    this.request(FINAL);
  }

  /** Takes it as soon as no other is under way. */
  request(request: CheckpointRequest): void {
    this.queue.push(request);
    this.advance();
  }

  nextTimer(): number {
    if (this.pending !== null) return this.expiresAt;
    if (!this.running || !this.idle) return Infinity;
    return Math.min(this.due, this.finalAt, this.unbacked.length > 0 ? this.backAt : Infinity);
  }

  advance(): void {
    const { now, options } = this.context;
    if (this.pending !== null && this.expiresAt <= now)
      this.failed(
        this.pending,
        `Checkpoint expired before completing: it took longer than ${options.checkpointing.timeout} ms`,
      );
    if (!this.running || !this.idle) return;
    const next = this.queue.shift();
    if (next !== undefined) this.trigger(next);
    else if (this.finalAt <= now) {
      this.finalAt = Infinity;
      this.trigger(FINAL);
    } else if (this.due <= now || (this.unbacked.length > 0 && this.backAt <= now))
      this.trigger({ kind: 'CHECKPOINT', after: 'CONTINUE', triggerId: null, directory: null });
  }

  acknowledged(message: Extract<TaskMessage, { type: 'checkpointAck' }>): void {
    this.prepare(message);
    const { pending } = this;
    if (pending?.id !== message.checkpointId) {
      this.forget(message.checkpointId);
      return;
    }
    if (!pending.acknowledge(message, this.context.wall)) return;
    // Tasks acknowledge in order: none has one before this to tell of any more.
    for (const id of this.givenUp.keys()) if (id < pending.id) this.givenUp.delete(id);
    const { options, graph } = this.context;
    const committables = this.prepared
      .filter((one) => one.checkpointId <= pending.id)
      .flatMap((one) => one.committables);
    const counters = this.owner.countersAt(pending.taskMetrics());
    const manifest = pending.manifest(graph, options, committables, counters, this.owner.requirements);
    this.pending = null;
    this.publishing = { checkpoint: pending, manifest };
    this.context.emit({ type: 'publishManifest', directory: pending.directory, manifest });
  }

  declined(message: Extract<TaskMessage, { type: 'checkpointDeclined' }>): void {
    this.prepare(message);
    if (this.pending?.id === message.checkpointId)
      this.failed(this.pending, `Checkpoint was declined: ${message.reason}`);
  }

  published(checkpointId: number): void {
    if (this.publishing?.checkpoint.id !== checkpointId) return;
    const { checkpoint, manifest } = this.publishing;
    const { request } = checkpoint;
    this.publishing = null;
    this.failuresInARow = 0;
    const last = endsJob(request);
    if (request.kind === 'CHECKPOINT' || last) {
      this.prepared = this.prepared.filter((one) => one.checkpointId > checkpointId);
      this.heldUpTo = checkpointId;
      this.newest = { path: checkpoint.directory, manifest, isSavepoint: request.kind === 'SAVEPOINT' };
      if (request.kind === 'CHECKPOINT') {
        this.retained.push(checkpoint.directory);
        this.base = checkpointId;
      }
      for (const savepoint of this.unbacked) this.tellCompleted(savepoint);
      this.unbacked = [];
    }
    if (last) {
      this.running = false;
      this.ended(checkpoint, 'COMPLETED', null);
      const savepointPath = request.kind === 'SAVEPOINT' ? checkpoint.directory : null;
      this.owner.lastCheckpointCompleted(savepointPath, manifest.committables, request.triggerId);
      return;
    }
    this.context.commit(
      request.kind === 'CHECKPOINT' ? manifest.committables : [],
      () => {
        if (request.kind === 'CHECKPOINT') this.madeVisible();
        this.complete(checkpoint, manifest.committables.length > 0);
      },
      (message) => {
        this.ended(checkpoint, 'COMPLETED', null);
        // It is published: the restart begins with it, and makes its files visible first.
        this.tellCompleted(checkpoint);
        this.owner.checkpointsFailed(`what checkpoint ${checkpoint.id} holds could not be made visible: ${message}`);
      },
    );
  }

  publishFailed(checkpointId: number, message: string): void {
    if (this.publishing?.checkpoint.id !== checkpointId) return;
    const { checkpoint } = this.publishing;
    this.publishing = null;
    if (!this.running) this.giveUpUnbacked(message);
    this.failed(checkpoint, `the manifest could not be published: ${message}`);
  }

  private get idle(): boolean {
    return this.pending === null && this.publishing === null && !this.context.committing;
  }

  private trigger(request: CheckpointRequest): void {
    const { context } = this;
    const { graph, now, wall, options } = context;
    const id = this.nextId++;
    const directory = request.directory ?? options.checkpointPath(id);
    const executions = graph.executions().map((execution) => ({
      id: execution.id,
      subtask: execution.subtask,
      vertexId: graph.specOf(execution).id,
    }));
    this.pending = new PendingCheckpoint(id, request, directory, executions, this.owner.sourceSnapshot(), wall);
    this.expiresAt = now + options.checkpointing.timeout;
    this.statistics.triggered(this.pending.view);
    if (request.kind === 'CHECKPOINT') this.reschedule(now + options.checkpointing.interval);
    const after = request.after === 'RESCALE' ? 'STOP' : request.after;
    const format = request.kind === 'CHECKPOINT' ? ('PAGES' as const) : ('CANONICAL' as const);
    const barrier = { checkpointId: id, timestamp: wall, directory, after, format, base: this.base };
    for (const { subtasks } of graph.roots())
      for (const execution of subtasks) context.send(execution, { type: 'trigger', barrier });
  }

  private complete(checkpoint: PendingCheckpoint, holdsFiles: boolean): void {
    const { context } = this;
    const { request } = checkpoint;
    this.ended(checkpoint, 'COMPLETED', null);
    if (request.kind === 'SAVEPOINT' && holdsFiles) {
      this.unbacked.push(checkpoint);
      if (!this.running) this.giveUpUnbacked('the job has failed or ended meanwhile');
    } else this.tellCompleted(checkpoint);
    while (this.retained.length > Math.max(1, context.options.checkpointing.retained))
      this.discard(this.retained.shift()!);
    this.sweep();
    this.reschedule(Math.max(this.due, context.now + context.options.checkpointing.minPause));
    if (request.after === 'RESCALE' && !this.owner.readyToRescale()) this.tellRoots(checkpoint.id);
    this.advance();
  }

  private tellCompleted({ id, directory, request }: PendingCheckpoint): void {
    if (request.triggerId !== null)
      this.operations.complete(request.triggerId, request.kind === 'CHECKPOINT' ? String(id) : directory);
  }

  private giveUpUnbacked(reason: string): void {
    for (const { directory, request } of this.unbacked) {
      if (request.triggerId !== null)
        this.operations.fail(request.triggerId, `no checkpoint followed that makes its files visible: ${reason}`);
      this.discard(directory);
    }
    this.unbacked = [];
  }

  private failed(checkpoint: PendingCheckpoint, message: string): void {
    const { context } = this;
    const { request } = checkpoint;
    this.abort(checkpoint, message);
    const { minPause, tolerableFailed } = context.options.checkpointing;
    this.reschedule(Math.max(this.due, context.now + minPause));
    this.backAt = context.now + Math.max(minPause, RETRY);
    if (request.after === 'FINAL' && this.running && ++this.finalTries < FINAL_TRIES) {
      this.finalAt = this.backAt;
      return;
    }
    if (request.after === 'DRAIN' || request.after === 'FINAL') {
      this.owner.checkpointsFailed(`the last checkpoint of the job failed: ${message}`);
      return;
    }
    if (request.after === 'RESCALE') this.owner.rescaleCheckpointFailed();
    if (counts(request) && ++this.failuresInARow > tolerableFailed) {
      this.failuresInARow = 0;
      this.owner.checkpointsFailed(`Exceeded checkpoint tolerable failure threshold. ${message}`);
      return;
    }
    this.advance();
  }

  private abort(checkpoint: PendingCheckpoint, message: string): void {
    const { context } = this;
    if (this.pending === checkpoint) this.pending = null;
    this.givenUp.set(checkpoint.id, checkpoint.directory);
    checkpoint.view.failureTimestamp = context.wall;
    checkpoint.view.failureMessage = message;
    this.ended(checkpoint, 'FAILED', message);
    context.emit({ type: 'discard', directory: checkpoint.directory });
    this.sweep();
    for (const execution of context.graph.active())
      context.send(execution, { type: 'checkpointAborted', checkpointId: checkpoint.id });
  }

  /** Those that rest behind its barrier go on. */
  private tellRoots(checkpointId: number): void {
    const { context } = this;
    for (const { subtasks } of context.graph.roots())
      for (const execution of subtasks)
        if (execution.active) context.send(execution, { type: 'checkpointAborted', checkpointId });
  }

  private ended(checkpoint: PendingCheckpoint, status: 'COMPLETED' | 'FAILED', failure: string | null): void {
    const { view, request } = checkpoint;
    view.status = status;
    view.endTimestamp = this.context.wall;
    view.externalPath = status === 'COMPLETED' ? checkpoint.directory : null;
    this.statistics.ended(view);
    if (failure !== null && request.triggerId !== null) this.operations.fail(request.triggerId, failure);
  }

  /** Files of pages that no checkpoint refers to any more may go, but not those of one under way. */
  private sweep(): void {
    const through = (this.pending?.id ?? this.publishing?.checkpoint.id ?? this.nextId) - 1;
    this.context.emit({ type: 'sweepPages', through });
  }

  /** A file that was written for a checkpoint given up meanwhile. Pages go with the sweep behind the next checkpoint. */
  private forget(checkpointId: number): void {
    const directory = this.givenUp.get(checkpointId);
    if (directory !== undefined) this.context.emit({ type: 'discard', directory });
  }

  private discard(directory: string): void {
    this.statistics.discarded(directory);
    this.context.emit({ type: 'dispose', directory });
  }

  private reschedule(at: number): void {
    if (this.context.options.checkpointing.interval > 0) this.due = at;
  }
}

const FINAL: CheckpointRequest = { kind: 'CHECKPOINT', after: 'FINAL', triggerId: null, directory: null };

/**
 * Whether its failure counts against what is tolerated: time-outs, tasks that could not write, manifests that could not be published. What is given up
 * because the job restarts does not. Unlike in Flink a savepoint never counts, even when a task declined it: it is for who asked for it to know that the
 * place they named cannot be written, not for the job to restart.
 */
function counts({ kind }: CheckpointRequest): boolean {
  return kind === 'CHECKPOINT';
}

function endsJob({ after }: CheckpointRequest): boolean {
  return after !== 'CONTINUE' && after !== 'RESCALE';
}
