// One checkpoint as the REST API shows it in detail: by vertex, and of a vertex by subtask.
import { checkpointJson, NO_DATA_IN_FLIGHT } from './checkpoint-json.ts';
import type { CheckpointView, SubtaskCheckpointView, TaskCheckpointView } from './gateway.ts';
import { statistics } from './metric-values.ts';

/** Flink's CheckpointMetrics.UNSET: what was not measured. */
const UNSET = -1;

/** Between moments of the wall clock, which may have been set back. */
const since = (trigger: number, ack: number): number => Math.max(0, ack - trigger);

const acknowledged = ({ subtasks }: TaskCheckpointView) =>
  subtasks.filter((one): one is SubtaskCheckpointView & { ackTimestamp: number } => one.ackTimestamp !== null);

/** With the statistics of each vertex. */
export function checkpointDetailsJson(checkpoint: CheckpointView) {
  const tasks = Object.fromEntries(checkpoint.tasks.map((task) => [task.vertexId, taskJson(checkpoint, task)]));
  return { ...checkpointJson(checkpoint), tasks };
}

/** Flink's TaskCheckpointStatistics. */
function taskJson({ id, status, triggerTimestamp }: CheckpointView, task: TaskCheckpointView) {
  const done = acknowledged(task);
  const sum = (value: (one: SubtaskCheckpointView) => number) => done.reduce((total, one) => total + value(one), 0);
  const latest = done.length === 0 ? UNSET : Math.max(...done.map(({ ackTimestamp }) => ackTimestamp));
  return {
    id,
    status,
    latest_ack_timestamp: latest,
    checkpointed_size: sum(({ checkpointedSize }) => checkpointedSize),
    state_size: sum(({ stateSize }) => stateSize),
    end_to_end_duration: latest === UNSET ? UNSET : since(triggerTimestamp, latest),
    ...NO_DATA_IN_FLIGHT,
    num_subtasks: task.subtasks.length,
    num_acknowledged_subtasks: done.length,
  };
}

/** Flink's TaskCheckpointStatisticsWithSubtaskDetails. */
export function checkpointSubtasksJson(checkpoint: CheckpointView, task: TaskCheckpointView) {
  const done = acknowledged(task);
  const summary = (value: (one: (typeof done)[number]) => number) => statistics(done.map(value));
  const unset = summary(() => UNSET);
  const none = summary(() => 0);
  return {
    ...taskJson(checkpoint, task),
    summary: {
      checkpointed_size: summary(({ checkpointedSize }) => checkpointedSize),
      state_size: summary(({ stateSize }) => stateSize),
      end_to_end_duration: summary(({ ackTimestamp }) => since(checkpoint.triggerTimestamp, ackTimestamp)),
      checkpoint_duration: { sync: unset, async: unset },
      alignment: { buffered: none, processed: none, persisted: none, duration: unset },
      start_delay: unset,
    },
    subtasks: task.subtasks.map((subtask) => subtaskJson(checkpoint, subtask)),
  };
}

/** Flink's SubtaskCheckpointStatistics. */
function subtaskJson(
  { triggerTimestamp }: CheckpointView,
  { subtask, ackTimestamp, stateSize, checkpointedSize }: SubtaskCheckpointView,
) {
  if (ackTimestamp === null) return { className: 'pending', index: subtask, status: 'pending_or_failed' };
  return {
    className: 'completed',
    index: subtask,
    ack_timestamp: ackTimestamp,
    end_to_end_duration: since(triggerTimestamp, ackTimestamp),
    checkpointed_size: checkpointedSize,
    state_size: stateSize,
    checkpoint: { sync: UNSET, async: UNSET },
    alignment: { buffered: 0, processed: 0, persisted: 0, duration: UNSET },
    start_delay: UNSET,
    unaligned_checkpoint: false,
    aborted: false,
    status: 'completed',
  };
}
