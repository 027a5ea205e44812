// The job as REST shows it when there is no coordinator: it failed before it ran, or had ended before this attempt.
import type { JobResult } from '../checkpoint/storage.ts';
import { describeError, EngineError } from '../errors.ts';
import type { JobView } from '../rest/gateway.ts';
import { CheckpointStatistics } from './coordinator/checkpoint-statistics.ts';
import { JobRecord } from './coordinator/job-record.ts';

export function endedView(
  result: JobResult,
  job: { name: string; epoch: number; config: [string, string][] },
  error?: unknown,
): JobView {
  const record = new JobRecord(result.startTime);
  record.enter(result.state, result.endTime);
  const message = error === undefined ? result.failure : describeError(error);
  if (message !== null)
    record.addException(
      {
        code: error instanceof EngineError ? error.code : 'JOB_FAILED',
        message,
        stack: error instanceof Error ? (error.stack ?? message) : message,
        lostProducer: null,
      },
      result.endTime,
    );
  return {
    jobId: result.jobId,
    name: job.name,
    epoch: job.epoch,
    plan: { formatVersion: 1, jobName: job.name, mode: 'STREAMING', vertices: [], edges: [], settings: {} },
    status: result.state,
    timestamps: record.timestamps,
    startTime: result.startTime,
    endTime: result.endTime,
    vertices: [],
    checkpoints: new CheckpointStatistics().view(),
    exceptions: record.exceptions,
    config: job.config,
    numRestarts: 0,
    numRescales: 0,
    requirements: null,
    rescales: null,
    summary: result.summary,
  };
}
