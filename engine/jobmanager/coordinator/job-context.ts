// What the parts of the coordinator share: the job, its graph and slots, the time of the event being handled, and the actions decided on.
import { attemptTag } from '../../checkpoint/attempt.ts';
import type { Committable } from '../../connectors/connector.ts';
import type { Metrics, TaskCommand, TaskError } from '../../rpc/protocol.ts';
import { ExecutionGraph, type Execution } from './execution-graph.ts';
import { JobRecord } from './job-record.ts';
import type { Action, CoordinatorOptions } from './messages.ts';
import { SlotPool } from './slot-pool.ts';

/** Commands to a task without the execution that they are for. */
type Command<T> = T extends TaskCommand ? Omit<T, 'execution'> : never;

interface PendingCommit {
  done: () => void;
  failed: (message: string) => void;
}

export class JobContext {
  readonly options: CoordinatorOptions;
  readonly graph: ExecutionGraph;
  readonly pool = new SlotPool();
  readonly record: JobRecord;
  /** For all that takes its time: milliseconds since some moment, never decreasing. */
  now: number;
  /** For what is recorded and shown: the wall clock, milliseconds since the epoch. It may jump at any time. */
  wall: number;
  /** Rows and bytes per table, as of now. */
  counters: () => Metrics = () => ({});
  private actions: Action[] = [];
  private readonly commits = new Map<number, PendingCommit>();
  private lastCommit = 0;

  constructor(options: CoordinatorOptions, now: number, wall: number) {
    this.options = options;
    this.now = now;
    this.wall = wall;
    this.record = new JobRecord(wall);
    this.graph = new ExecutionGraph(options.plan, `${options.jobId.slice(0, 8)}-${attemptTag(options.attempt)}`, wall);
  }

  emit(action: Action): void {
    this.actions.push(action);
  }

  takeActions(): Action[] {
    const actions = this.actions;
    this.actions = [];
    return actions;
  }

  send(execution: Execution, command: Command<TaskCommand>): void {
    if (execution.slot === null || !this.pool.has(execution.slot.taskManagerId)) return;
    const message: TaskCommand = { ...command, execution: execution.id };
    this.emit({ type: 'send', taskManagerId: execution.slot.taskManagerId, message });
  }

  /** Makes committables visible; one of the callbacks follows. */
  commit(committables: Committable[], done: () => void, failed: (message: string) => void): void {
    if (committables.length === 0) {
      done();
      return;
    }
    this.commits.set(++this.lastCommit, { done, failed });
    this.emit({ type: 'commit', commit: this.lastCommit, committables });
  }

  /** True while files are being made visible: nothing may be restored meanwhile. */
  get committing(): boolean {
    return this.commits.size > 0;
  }

  commitEnded(commit: number, failure: string | null): void {
    const pending = this.commits.get(commit);
    this.commits.delete(commit);
    if (failure === null) pending?.done();
    else pending?.failed(failure);
  }

  /** Tells all tasks to leave. */
  cancelTasks(): void {
    for (const execution of this.graph.executions()) {
      if (execution.terminal || execution.state === 'CANCELING') continue;
      if (execution.active) this.cancelTask(execution);
      else execution.enter('CANCELED', this.wall);
    }
  }

  /** Tells one that is active to leave. */
  cancelTask(execution: Execution): void {
    this.send(execution, { type: 'cancel' });
    execution.enter('CANCELING', this.wall);
    execution.cancelingSince = this.now;
  }
}

export function coordinatorError(code: string, message: string): TaskError {
  return { code, message, stack: message, lostProducer: null };
}
