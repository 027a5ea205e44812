// Checkpoints of a job as the REST API shows them: counts, summary, latest, history.
import type { CheckpointView, JobView } from './gateway.ts';
import { statistics } from './metric-values.ts';

/** Flink's URI of a local path: `file:/...`. */
const uri = (path: string): string => (path.startsWith('/') ? `file:${path}` : path);

/** Between moments of the wall clock, which may have been set back. */
const endToEnd = (checkpoint: CheckpointView): number =>
  Math.max(0, (checkpoint.endTimestamp ?? checkpoint.latestAckTimestamp) - checkpoint.triggerTimestamp);

/** What the embedded engine has none of: barriers are always aligned, and none of what flows past them is kept. */
export const NO_DATA_IN_FLIGHT = { alignment_buffered: 0, processed_data: 0, persisted_data: 0 };

export function checkpointJson(checkpoint: CheckpointView) {
  const isSavepoint = checkpoint.kind !== 'CHECKPOINT';
  const common = {
    className: checkpoint.status.toLowerCase(),
    id: checkpoint.id,
    status: checkpoint.status,
    is_savepoint: isSavepoint,
    savepointFormat: isSavepoint ? 'CANONICAL' : null,
    trigger_timestamp: checkpoint.triggerTimestamp,
    latest_ack_timestamp: checkpoint.latestAckTimestamp,
    checkpointed_size: checkpoint.checkpointedSize,
    state_size: checkpoint.stateSize,
    end_to_end_duration: endToEnd(checkpoint),
    ...NO_DATA_IN_FLIGHT,
    num_subtasks: checkpoint.numSubtasks,
    num_acknowledged_subtasks: checkpoint.numAcknowledged,
    checkpoint_type: checkpoint.kind,
    // As in Flink, only the details of a checkpoint tell of its tasks.
    tasks: {},
  };
  switch (checkpoint.status) {
    case 'COMPLETED':
      return { ...common, external_path: uri(checkpoint.externalPath ?? ''), discarded: checkpoint.discarded };
    case 'FAILED':
      return {
        ...common,
        failure_timestamp: checkpoint.failureTimestamp ?? 0,
        failure_message: checkpoint.failureMessage,
      };
    case 'IN_PROGRESS':
      return common;
  }
}

export function checkpointsJson(job: JobView) {
  const { counts, history, latest, numbers, restored } = job.checkpoints;
  const json = (checkpoint: CheckpointView | null) => (checkpoint === null ? null : checkpointJson(checkpoint));
  const summary = (value: (one: (typeof numbers)[number]) => number) => statistics(numbers.map(value));
  return {
    counts: {
      restored: counts.restored,
      total: counts.total,
      in_progress: counts.inProgress,
      completed: counts.completed,
      failed: counts.failed,
    },
    summary: {
      checkpointed_size: summary(({ checkpointedSize }) => checkpointedSize),
      state_size: summary(({ stateSize }) => stateSize),
      end_to_end_duration: summary(({ duration }) => duration),
      alignment_buffered: summary(() => 0),
      processed_data: summary(() => 0),
      persisted_data: summary(() => 0),
    },
    latest: {
      completed: json(latest.completed),
      savepoint: json(latest.savepoint),
      failed: json(latest.failed),
      restored:
        restored === null
          ? null
          : {
              id: restored.id,
              restore_timestamp: restored.restoreTimestamp,
              is_savepoint: restored.isSavepoint,
              external_path: uri(restored.externalPath),
            },
    },
    history: history.map(checkpointJson),
  };
}

/** /jobs/:id/checkpoints/config, from the job's effective configuration in milliseconds. */
export function checkpointConfigJson(settings: {
  interval: number;
  timeout: number;
  minPause: number;
  tolerableFailed: number;
  retention: string;
}) {
  return {
    mode: 'exactly_once',
    interval: settings.interval,
    timeout: settings.timeout,
    min_pause: settings.minPause,
    max_concurrent: 1,
    externalization: {
      enabled: settings.retention !== 'NO_EXTERNALIZED_CHECKPOINTS',
      delete_on_cancellation: settings.retention === 'DELETE_ON_CANCELLATION',
    },
    state_backend: 'HashMapStateBackend',
    checkpoint_storage: 'FileSystemCheckpointStorage',
    unaligned_checkpoints: false,
    tolerable_failed_checkpoints: settings.tolerableFailed,
    aligned_checkpoint_timeout: 0,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 0,
    changelog_storage: 'memory',
  };
}
