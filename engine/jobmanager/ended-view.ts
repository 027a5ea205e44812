// The job as REST shows it when there is no coordinator: it failed before it ran, or had ended before this attempt.
import type { JobResult } from '../checkpoint/storage.ts';
import { describeError, EngineError, splitCode } from '../errors.ts';
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
  const { code, text } =
    error === undefined
      ? splitCode(result.failure ?? '')
      : { code: error instanceof EngineError ? error.code : null, text: describeError(error) };
  if (error !== undefined || result.failure !== null)
    record.addException(
      {
        code: code ?? 'JOB_FAILED',
        message: text,
        stack: error instanceof Error ? (error.stack ?? '') : '',
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
