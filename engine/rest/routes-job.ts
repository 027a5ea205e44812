// What is to be read of the job: status, details, plan, exceptions, checkpoints, vertices.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseDuration } from '../config.ts';
import { maskOptions } from '../secrets.ts';
import { checkpointConfigJson, checkpointsJson } from './checkpoint-json.ts';
import { checkpointDetailsJson, checkpointSubtasksJson } from './checkpoint-details-json.ts';
import { notFound } from './errors.ts';
import type { CheckpointView, JobManagerGateway, JobView } from './gateway.ts';
import {
  exceptionEntry,
  isTerminal,
  jobDetail,
  jobOverview,
  jobPlan,
  subtaskJson,
  subtaskTimes,
  vertexDetail,
  vertexTaskManagers,
} from './job-json.ts';
import { hexId, requireJob, requireSubtask, requireVertex, wholeNumber, wholeNumberQuery } from './parameters.ts';
import { failureCause } from './serialized-throwable.ts';

export function registerJobRoutes(server: FastifyInstance, gateway: JobManagerGateway, now: () => number): void {
  server.get('/jobs', async () => {
    const job = gateway.job();
    return { jobs: job === null ? [] : [{ id: job.jobId, status: job.status }] };
  });
  server.get('/jobs/overview', async () => {
    const job = gateway.job();
    return { jobs: job === null ? [] : [jobOverview(job, now())] };
  });
  server.get('/jobs/:jobid', async (request) => jobDetail(requireJob(request, gateway), now()));
  server.get('/jobs/:jobid/status', async (request) => ({ status: requireJob(request, gateway).status }));
  server.get('/jobs/:jobid/plan', async (request) => ({ plan: jobPlan(requireJob(request, gateway)) }));
  server.get('/jobs/:jobid/config', async (request) => configJson(requireJob(request, gateway)));
  server.get('/jobs/:jobid/jobmanager/config', async (request) =>
    maskOptions(requireJob(request, gateway).config).map(([key, value]) => ({ key, value })),
  );
  server.get('/jobs/:jobid/exceptions', async (request) => {
    const { exceptions } = requireJob(request, gateway);
    const limit = wholeNumberQuery(request, 'maxExceptions') ?? 20;
    return {
      exceptionHistory: {
        entries: exceptions.slice(0, limit).map(exceptionEntry),
        truncated: exceptions.length > limit,
      },
    };
  });
  server.get('/jobs/:jobid/accumulators', async (request) => {
    requireJob(request, gateway);
    return { 'job-accumulators': [], 'user-task-accumulators': [], 'serialized-user-task-accumulators': {} };
  });
  server.get('/jobs/:jobid/execution-result', async (request) => executionResult(requireJob(request, gateway)));

  server.get('/jobs/:jobid/checkpoints', async (request) => checkpointsJson(requireJob(request, gateway)));
  server.get('/jobs/:jobid/checkpoints/config', async (request) => {
    const settings = new Map(requireJob(request, gateway).config);
    const duration = (key: string): number => parseDuration(settings.get(key) ?? '0s', key);
    return checkpointConfigJson({
      interval: duration('execution.checkpointing.interval'),
      timeout: duration('execution.checkpointing.timeout'),
      minPause: duration('execution.checkpointing.min-pause'),
      tolerableFailed: Number(settings.get('execution.checkpointing.tolerable-failed-checkpoints') ?? 0),
      retention: settings.get('execution.checkpointing.externalized-checkpoint-retention') ?? 'RETAIN_ON_CANCELLATION',
    });
  });
  server.get('/jobs/:jobid/checkpoints/details/:checkpointid', async (request) =>
    checkpointDetailsJson(requireCheckpoint(request, requireJob(request, gateway))),
  );
  server.get('/jobs/:jobid/checkpoints/details/:checkpointid/subtasks/:vertexid', async (request) => {
    const checkpoint = requireCheckpoint(request, requireJob(request, gateway));
    const id = hexId(request, 'vertexid');
    const task = checkpoint.tasks.find(({ vertexId }) => vertexId === id);
    if (task === undefined)
      throw notFound(`There is no checkpoint statistics for job vertex ${id} in checkpoint ${checkpoint.id}.`);
    return checkpointSubtasksJson(checkpoint, task);
  });

  const vertex = '/jobs/:jobid/vertices/:vertexid';
  server.get(vertex, async (request) => {
    const { spec, view } = requireVertex(request, requireJob(request, gateway));
    return vertexDetail(spec, view, now());
  });
  server.get(`${vertex}/subtasktimes`, async (request) => {
    const { spec, view } = requireVertex(request, requireJob(request, gateway));
    return subtaskTimes(spec, view, now());
  });
  server.get(`${vertex}/subtasks/:subtaskindex`, async (request) => {
    const { view } = requireVertex(request, requireJob(request, gateway));
    return subtaskJson(requireSubtask(request, view), now());
  });
  server.get(`${vertex}/taskmanagers`, async (request) => {
    const { spec, view } = requireVertex(request, requireJob(request, gateway));
    return vertexTaskManagers(spec, view, now());
  });
  // SQL makes no accumulators.
  server.get(`${vertex}/accumulators`, async (request) => {
    const { spec } = requireVertex(request, requireJob(request, gateway));
    return { id: spec.id, 'user-accumulators': [] };
  });
  server.get(`${vertex}/subtasks/accumulators`, async (request) => {
    const { spec, view } = requireVertex(request, requireJob(request, gateway));
    const subtasks = view.subtasks.map(({ subtask, attempt, host }) => ({
      subtask,
      attempt,
      endpoint: host ?? '(unassigned)',
      'user-accumulators': [],
    }));
    return { id: spec.id, parallelism: spec.parallelism, subtasks };
  });
  // Flink's answer where flame graphs are not enabled.
  server.get(`${vertex}/flamegraph`, async (request) => {
    requireVertex(request, requireJob(request, gateway));
    return { endTimestamp: -2 };
  });
}

/** The checkpoint that the path names. */
function requireCheckpoint(request: FastifyRequest, job: JobView): CheckpointView {
  const id = wholeNumber(request, 'checkpointid');
  const { history, latest } = job.checkpoints;
  const found = [...history, latest.completed, latest.savepoint, latest.failed].find((one) => one?.id === id);
  if (found === undefined || found === null)
    throw notFound(`Could not find checkpointing statistics for checkpoint ${id}.`);
  return found;
}

function configJson(job: JobView) {
  const settings = new Map(job.config);
  return {
    jid: job.jobId,
    name: job.name,
    'execution-config': {
      'restart-strategy': settings.get('restart-strategy.type') ?? 'none',
      'job-parallelism': Number(settings.get('parallelism.default') ?? 1),
      'object-reuse-mode': true,
      'user-config': {},
    },
  };
}

/** Flink's JobExecutionResultHandler. */
function executionResult(job: JobView) {
  if (!isTerminal(job.status)) return { status: { id: 'IN_PROGRESS' } };
  const status = { FINISHED: 'SUCCEEDED', CANCELED: 'CANCELED', FAILED: 'FAILED' }[
    job.status as 'FINISHED' | 'CANCELED' | 'FAILED'
  ];
  const cause = job.exceptions[0];
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: job.jobId,
      name: job.name,
      'application-status': status,
      'accumulator-results': job.summary,
      'net-runtime': job.endTime - job.startTime,
      ...(status === 'FAILED' && cause !== undefined
        ? { 'failure-cause': failureCause(cause.exceptionName, cause.stacktrace) }
        : {}),
      'application-id': job.jobId,
      'start-time': job.startTime,
      'end-time': job.endTime,
    },
  };
}
