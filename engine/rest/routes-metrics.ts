// Metrics: name lists, values, and aggregates over subtasks, jobs and TaskManagers. Values are strings where Flink has strings.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badRequest } from './errors.ts';
import type { CheckpointView, JobManagerGateway, JobView, SubtaskView } from './gateway.ts';
import { aggregateMetric, metricText, type MetricAggregation } from './metric-values.ts';
import { requireJob, requireSubtask, requireTaskManager, requireVertex } from './parameters.ts';

type Metrics = Record<string, number | string>;

/** A query parameter with commas as a list; a parameter given several times is one list, as in Flink. */
function listQuery(request: FastifyRequest, name: string): string[] | undefined {
  const value = (request.query as Record<string, string | string[] | undefined>)[name];
  return value === undefined ? undefined : [value].flat().flatMap((part) => part.split(','));
}

/** Names only without `get`; else those that exist, in the order asked for. */
function select(metrics: Metrics, request: FastifyRequest): { id: string; value?: string }[] {
  const names = listQuery(request, 'get');
  if (names === undefined) return Object.keys(metrics).map((id) => ({ id }));
  return names.flatMap((id) => (Object.hasOwn(metrics, id) ? [{ id, value: metricText(metrics[id]!) }] : []));
}

const AGGREGATIONS: MetricAggregation[] = ['min', 'max', 'avg', 'sum', 'skew'];

/**
 * Flink's AbstractAggregatingMetricsHandler: of each metric the aggregates over the sources that have it, and nothing at all when one of the metrics
 * is known to none of them.
 */
function aggregate(sources: Metrics[], request: FastifyRequest): unknown[] {
  const names = listQuery(request, 'get');
  if (names === undefined)
    return [...new Set(sources.flatMap((metrics) => Object.keys(metrics)))].map((id) => ({ id }));
  const wanted = listQuery(request, 'agg')?.map((name) => requireAggregation(name)) ?? AGGREGATIONS;
  const values = names.map((name) =>
    sources.filter((metrics) => Object.hasOwn(metrics, name)).map((metrics) => Number(metrics[name])),
  );
  if (values.some((found) => found.length === 0)) return [];
  return names.map((name, i) => aggregateMetric(name, values[i]!, wanted));
}

function requireAggregation(name: string): MetricAggregation {
  const found = AGGREGATIONS.find((candidate) => candidate === name.toLowerCase());
  if (found === undefined)
    throw badRequest(
      `Bad request, could not parse parameters: "${name}" is not an aggregation; use min, max, avg, sum or skew.`,
    );
  return found;
}

/** `0-1,3` as indexes; all when absent. */
function subtaskFilter(request: FastifyRequest, subtasks: SubtaskView[]): SubtaskView[] {
  const wanted = listQuery(request, 'subtasks')?.map((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null)
      throw badRequest(`Bad request, could not parse parameters: "${range}" is not a range of subtasks such as 0-3.`);
    return { from: Number(match[1]), to: Number(match[2] ?? match[1]) };
  });
  if (wanted === undefined) return subtasks;
  return subtasks.filter(({ subtask }) => wanted.some(({ from, to }) => subtask >= from && subtask <= to));
}

/** Flink's job-scope metrics. */
function jobMetrics(job: JobView, now: number): Metrics {
  const { counts, history, restored } = job.checkpoints;
  const last = history.find((checkpoint): checkpoint is CheckpointView => checkpoint.status === 'COMPLETED');
  const running = job.timestamps.RUNNING;
  const uptime = job.status === 'RUNNING' && running > 0 ? now - running : 0;
  return {
    numRestarts: job.numRestarts,
    numRescales: job.numRescales,
    uptime,
    runningTime: uptime,
    numberOfInProgressCheckpoints: counts.inProgress,
    numberOfCompletedCheckpoints: counts.completed,
    numberOfFailedCheckpoints: counts.failed,
    totalNumberOfCheckpoints: counts.total,
    lastCompletedCheckpointId: last?.id ?? -1,
    lastCheckpointSize: last?.checkpointedSize ?? -1,
    lastCheckpointFullSize: last?.stateSize ?? -1,
    lastCheckpointDuration:
      last === undefined ? -1 : (last.endTimestamp ?? last.latestAckTimestamp) - last.triggerTimestamp,
    lastCheckpointCompletedTimestamp: last?.endTimestamp ?? -1,
    lastCheckpointExternalPath: last?.externalPath ?? 'n/a',
    lastCheckpointRestoreTimestamp: restored?.restoreTimestamp ?? -1,
  };
}

export function registerMetricRoutes(server: FastifyInstance, gateway: JobManagerGateway, now: () => number): void {
  server.get('/jobmanager/metrics', async (request) => select(gateway.jobManagerMetrics(), request));
  server.get('/taskmanagers/metrics', async (request) =>
    aggregate(
      gateway.taskManagers().map((view) => view.metrics),
      request,
    ),
  );
  server.get('/taskmanagers/:taskmanagerid/metrics', async (request) =>
    select(requireTaskManager(request, gateway).metrics, request),
  );

  server.get('/jobs/metrics', async (request) => {
    const job = gateway.job();
    return aggregate(job === null ? [] : [jobMetrics(job, now())], request);
  });
  server.get('/jobs/:jobid/metrics', async (request) =>
    select(jobMetrics(requireJob(request, gateway), now()), request),
  );

  const vertex = '/jobs/:jobid/vertices/:vertexid';
  server.get(`${vertex}/metrics`, async (request) => {
    const { view } = requireVertex(request, requireJob(request, gateway));
    const metrics = view.subtasks.flatMap((subtask) =>
      Object.entries(subtask.metrics).map(([name, value]) => [`${subtask.subtask}.${name}`, value]),
    );
    return select(Object.fromEntries(metrics) as Metrics, request);
  });
  server.get(`${vertex}/subtasks/metrics`, async (request) => {
    const { view } = requireVertex(request, requireJob(request, gateway));
    return aggregate(
      subtaskFilter(request, view.subtasks).map((subtask) => subtask.metrics),
      request,
    );
  });
  server.get(`${vertex}/subtasks/:subtaskindex/metrics`, async (request) => {
    const { view } = requireVertex(request, requireJob(request, gateway));
    return select(requireSubtask(request, view).metrics, request);
  });
  server.get(`${vertex}/watermarks`, async (request) => {
    const { view } = requireVertex(request, requireJob(request, gateway));
    return view.subtasks.flatMap((subtask) => {
      const value = subtask.metrics['currentInputWatermark'];
      return value === undefined ? [] : [{ id: `${subtask.subtask}.currentInputWatermark`, value: metricText(value) }];
    });
  });
  server.get(`${vertex}/backpressure`, async (request) => {
    const { view } = requireVertex(request, requireJob(request, gateway));
    const ratio = (subtask: SubtaskView, metric: string): number => (subtask.metrics[metric] ?? 0) / 1000;
    const subtasks = view.subtasks.map((subtask) => {
      const pressed = ratio(subtask, 'backPressuredTimeMsPerSecond');
      const level = pressed <= 0.1 ? 'ok' : pressed <= 0.5 ? 'low' : 'high';
      return {
        subtask: subtask.subtask,
        backpressureLevel: level,
        ratio: pressed,
        idleRatio: ratio(subtask, 'idleTimeMsPerSecond'),
        busyRatio: ratio(subtask, 'busyTimeMsPerSecond'),
        'backpressure-level': level,
      };
    });
    const worst =
      ['high', 'low'].find((level) => subtasks.some((subtask) => subtask.backpressureLevel === level)) ?? 'ok';
    return {
      status: 'ok',
      backpressureLevel: worst,
      'end-timestamp': now(),
      subtasks,
      'backpressure-level': worst,
    };
  });
}
