// What the two ways to run a job have in common, as the coordinator sees them.
import type { SourceSplit } from '../../connectors/connector.ts';
import type { JobView, RescalesView } from '../../rest/gateway.ts';
import type { TaskError, TaskMessage } from '../../rpc/protocol.ts';
import type { Execution } from './execution-graph.ts';
import type { SavepointCommand } from './messages.ts';
import type { ResourceRequirements } from './resource-requirements.ts';

export interface Scheduler {
  /** Goes on as far as slots and time allow. Called after every event. */
  advance(): void;
  /** A task reported its state; failures come to `failed`. */
  taskChanged(execution: Execution): void;
  taskFailed(execution: Execution, error: TaskError): void;
  /** A TaskManager is gone: `lost` are the executions that ran on it. */
  taskManagerLost(taskManagerId: string, lost: Execution[], reason: string): void;
  taskReport(execution: Execution, message: Exclude<TaskMessage, { type: 'taskState' | 'requestSplit' }>): void;
  splitRequested(execution: Execution, operatorId: string): void;
  /** Splits of a source that no subtask has been given. */
  unassignedSplits(operatorId: string): readonly SourceSplit[];
  savepoint(command: SavepointCommand): void;
  triggerCheckpoint(triggerId: string): void;
  updateRequirements(requirements: ResourceRequirements): void;
  manifestPublished(checkpointId: number): void;
  publishFailed(checkpointId: number, message: string): void;
  filesMissing(paths: string[]): void;
  /** The job is being canceled or has failed: nothing is started any more. */
  stop(reason: string): void;
  /** The job has been canceled or has failed, and its result is written: what nobody will need is removed. */
  ended(as: 'FAILED' | 'CANCELED'): void;
  /** True while something in storage is under way that must not be cut off. */
  readonly unsettled: boolean;
  nextTimer(): number;
  checkpointsView(): JobView['checkpoints'];
  /** Null: the parallelism is not to be asked for. */
  readonly requirements: ResourceRequirements | null;
  rescalesView(): RescalesView | null;
}

/** The job as a whole, as a scheduler sees it. */
export interface JobControl {
  /** For good. */
  fail(error: TaskError): void;
}
