// A job as the REST API shows it: overview, details, vertices and their subtasks.
import { planToRest } from '../plan/describe.ts';
import type { ExecVertex } from '../plan/exec-plan.ts';
import type { ExceptionView, ExecutionState, JobStatus, JobView, SubtaskView, VertexView } from './gateway.ts';
import { subtaskStatistics } from './metric-values.ts';

const EXECUTION_STATES: ExecutionState[] = [
  ...(['CREATED', 'SCHEDULED', 'DEPLOYING', 'INITIALIZING', 'RUNNING', 'FINISHED'] as const),
  ...(['CANCELING', 'CANCELED', 'FAILED', 'RECONCILING'] as const),
];

/** All vertices share slots: one group. */
export const SLOT_SHARING_GROUP = '1'.padStart(32, '0');

const ENDED: ExecutionState[] = ['FINISHED', 'CANCELED', 'FAILED'];
const TERMINAL: JobStatus[] = ['FINISHED', 'FAILED', 'CANCELED'];

export function isTerminal(status: JobStatus): boolean {
  return TERMINAL.includes(status);
}

const schedulerType = (job: JobView): string => (job.plan.mode === 'BATCH' ? 'AdaptiveBatch' : 'Adaptive');
const endOrMinusOne = (time: number): number => (time === 0 ? -1 : time);
/** Between moments of the wall clock, which may have been set back. */
const durationSince = (start: number, end: number, now: number): number =>
  start <= 0 ? -1 : Math.max(0, (end > 0 ? end : now) - start);

function countStates(subtasks: SubtaskView[]): Record<ExecutionState, number> {
  const counts = Object.fromEntries(EXECUTION_STATES.map((state) => [state, 0])) as Record<ExecutionState, number>;
  for (const { state } of subtasks) counts[state]++;
  return counts;
}

/** Flink's ExecutionJobVertex.getAggregateJobVertexState. */
function vertexState(counts: Record<ExecutionState, number>, total: number): ExecutionState {
  if (counts.FAILED > 0) return 'FAILED';
  if (counts.CANCELING > 0) return 'CANCELING';
  if (counts.CANCELED > 0) return 'CANCELED';
  if (counts.INITIALIZING > 0) return 'INITIALIZING';
  if (counts.RUNNING > 0) return 'RUNNING';
  if (counts.FINISHED > 0) return counts.FINISHED === total ? 'FINISHED' : 'RUNNING';
  return counts.DEPLOYING > 0 ? 'DEPLOYING' : counts.SCHEDULED > 0 ? 'SCHEDULED' : 'CREATED';
}

export function jobOverview(job: JobView, now: number) {
  const counts = countStates(job.vertices.flatMap((vertex) => vertex.subtasks));
  const tasks = Object.fromEntries(EXECUTION_STATES.map((state) => [state.toLowerCase(), counts[state]]));
  return {
    jid: job.jobId,
    name: job.name,
    jobType: job.plan.mode,
    schedulerType: schedulerType(job),
    'start-time': job.startTime,
    'end-time': endOrMinusOne(job.endTime),
    duration: durationSince(job.startTime, job.endTime, now),
    state: job.status,
    'last-modification': Math.max(...Object.values(job.timestamps)),
    tasks: { total: Object.values(counts).reduce((a, b) => a + b, 0), ...tasks },
    'pending-operators': 0,
  };
}

export function jobDetail(job: JobView, now: number) {
  const vertices = job.plan.vertices.map((spec) => vertexSummary(spec, viewOf(job, spec), now));
  const statusCounts = Object.fromEntries(EXECUTION_STATES.map((state) => [state, 0]));
  for (const vertex of vertices) statusCounts[vertex.status]!++;
  return {
    jid: job.jobId,
    'application-id': job.jobId,
    name: job.name,
    isStoppable: false,
    state: job.status,
    'job-type': job.plan.mode,
    schedulerType: schedulerType(job),
    'start-time': job.startTime,
    'end-time': endOrMinusOne(job.endTime),
    duration: durationSince(job.startTime, job.endTime, now),
    maxParallelism: -1,
    now,
    timestamps: job.timestamps,
    vertices,
    'status-counts': statusCounts,
    plan: jobPlan(job),
    'pending-operators': 0,
  };
}

export function jobPlan(job: JobView) {
  return { ...planToRest(job.plan), jid: job.jobId };
}

function viewOf(job: JobView, spec: ExecVertex): VertexView {
  return job.vertices.find((vertex) => vertex.id === spec.id) ?? { id: spec.id, subtasks: [] };
}

/** When a subtask began to be deployed and when it ended; 0 = not yet. */
function times(subtask: SubtaskView): { start: number; end: number } {
  const { timestamps } = subtask;
  return {
    start: timestamps.DEPLOYING ?? 0,
    end: timestamps.FINISHED ?? timestamps.CANCELED ?? timestamps.FAILED ?? 0,
  };
}

/** Flink's MutableIOMetrics: sums over subtasks, which are the whole when each that has not ended has told. */
function ioMetrics(subtasks: SubtaskView[]) {
  const sum = (metric: string): number =>
    subtasks.reduce((total, subtask) => total + (subtask.metrics[metric] ?? 0), 0);
  const complete = (metric: string): boolean =>
    subtasks.every(({ metrics, state }) => Object.hasOwn(metrics, metric) || ENDED.includes(state));
  return {
    'read-bytes': sum('numBytesIn'),
    'read-bytes-complete': complete('numBytesIn'),
    'write-bytes': sum('numBytesOut'),
    'write-bytes-complete': complete('numBytesOut'),
    'read-records': sum('numRecordsIn'),
    'read-records-complete': complete('numRecordsIn'),
    'write-records': sum('numRecordsOut'),
    'write-records-complete': complete('numRecordsOut'),
    'accumulated-backpressured-time': Math.round(sum('accumulateBackPressuredTimeMs')),
    'accumulated-idle-time': Math.round(sum('accumulateIdleTimeMs')),
    'accumulated-busy-time': sum('accumulateBusyTimeMs'),
  };
}

/** When the first of these subtasks began and, if all have, when the last one ended; -1 = not yet. */
function progress(subtasks: SubtaskView[]) {
  const counts = countStates(subtasks);
  const starts = subtasks.map((subtask) => times(subtask).start).filter((time) => time > 0);
  const ends = subtasks.map((subtask) => times(subtask).end);
  return {
    counts,
    status: vertexState(counts, subtasks.length),
    start: starts.length === 0 ? -1 : Math.min(...starts),
    end: ends.length > 0 && ends.every((end) => end > 0) ? Math.max(...ends) : -1,
  };
}

function vertexSummary(spec: ExecVertex, view: VertexView, now: number) {
  const { counts, status, start, end } = progress(view.subtasks);
  return {
    id: spec.id,
    slotSharingGroupId: SLOT_SHARING_GROUP,
    name: spec.name,
    maxParallelism: spec.maxParallelism,
    parallelism: spec.parallelism,
    status,
    'start-time': start,
    'end-time': end,
    duration: durationSince(start, end, now),
    tasks: counts,
    metrics: ioMetrics(view.subtasks),
  };
}

/** Milliseconds that a subtask spent in each state that it has been in. */
function statusDurations(subtask: SubtaskView, now: number): Record<string, number> {
  const entered = EXECUTION_STATES.flatMap((state) => {
    const at = subtask.timestamps[state];
    return at === undefined || at === 0 ? [] : [{ state, at }];
  }).sort((a, b) => a.at - b.at);
  const { end } = times(subtask);
  return Object.fromEntries(
    entered
      .filter(({ state }) => !['FINISHED', 'CANCELED', 'FAILED'].includes(state))
      .map(({ state, at }, index, all) => [state, durationSince(at, all[index + 1]?.at ?? end, now)]),
  );
}

export function subtaskJson(subtask: SubtaskView, now: number) {
  const { start, end } = times(subtask);
  return {
    subtask: subtask.subtask,
    status: subtask.state,
    attempt: subtask.attempt,
    endpoint: subtask.host ?? '(unassigned)',
    'start-time': endOrMinusOne(start),
    'end-time': endOrMinusOne(end),
    duration: durationSince(start, end, now),
    metrics: ioMetrics([subtask]),
    'taskmanager-id': subtask.taskManagerId ?? '(unassigned)',
    'status-duration': statusDurations(subtask, now),
    start_time: endOrMinusOne(start),
  };
}

/** What a vertex's subtasks have in common, summed up. */
function aggregated(perSubtask: ReturnType<typeof subtaskJson>[]) {
  const numeric = (Object.keys(ioMetrics([])) as (keyof ReturnType<typeof ioMetrics>)[]).filter(
    (key) => !key.endsWith('-complete'),
  );
  const states = [...new Set(perSubtask.flatMap((subtask) => Object.keys(subtask['status-duration'])))];
  const of = (value: (subtask: (typeof perSubtask)[number]) => number) => subtaskStatistics(perSubtask.map(value));
  return {
    metrics: Object.fromEntries(numeric.map((key) => [key, of((subtask) => Number(subtask.metrics[key]))])),
    'status-duration': Object.fromEntries(
      states.map((state) => [state, of((subtask) => subtask['status-duration'][state] ?? 0)]),
    ),
  };
}

export function vertexDetail(spec: ExecVertex, view: VertexView, now: number) {
  const perSubtask = view.subtasks.map((subtask) => subtaskJson(subtask, now));
  return {
    id: spec.id,
    name: spec.name,
    parallelism: spec.parallelism,
    maxParallelism: spec.maxParallelism,
    now,
    subtasks: perSubtask,
    aggregated: aggregated(perSubtask),
  };
}

/** /jobs/:id/vertices/:id/taskmanagers: the vertex's subtasks by the TaskManager that runs them. */
export function vertexTaskManagers(spec: ExecVertex, view: VertexView, now: number) {
  const groups = Map.groupBy(view.subtasks, (subtask) => subtask.taskManagerId ?? '(unassigned)');
  const taskmanagers = [...groups].map(([id, subtasks]) => {
    const { status, start, end, counts } = progress(subtasks);
    return {
      endpoint: subtasks[0]?.host ?? '(unassigned)',
      status,
      'start-time': start,
      'end-time': end,
      duration: durationSince(start, end, now),
      metrics: ioMetrics(subtasks),
      'status-counts': counts,
      'taskmanager-id': id,
      aggregated: aggregated(subtasks.map((subtask) => subtaskJson(subtask, now))),
    };
  });
  return { id: spec.id, name: spec.name, now, taskmanagers };
}

export function subtaskTimes(spec: ExecVertex, view: VertexView, now: number) {
  return {
    id: spec.id,
    name: spec.name,
    now,
    subtasks: view.subtasks.map((subtask) => {
      const { start, end } = times(subtask);
      const timestamps = Object.fromEntries(EXECUTION_STATES.map((state) => [state, subtask.timestamps[state] ?? 0]));
      return {
        subtask: subtask.subtask,
        endpoint: subtask.host ?? '(unassigned)',
        duration: durationSince(start, end, now),
        timestamps,
      };
    }),
  };
}

export function exceptionEntry(exception: ExceptionView) {
  return {
    exceptionName: exception.exceptionName,
    stacktrace: exception.stacktrace,
    timestamp: exception.timestamp,
    ...(exception.taskName === null ? {} : { taskName: exception.taskName }),
    ...(exception.endpoint === null ? {} : { endpoint: exception.endpoint }),
    ...(exception.taskManagerId === null ? {} : { taskManagerId: exception.taskManagerId }),
    failureLabels: {},
    concurrentExceptions: [],
  };
}
