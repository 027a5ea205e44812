// Metrics of each FlowJob, made anew at each scrape from what is known of the jobs then: the series of a job that is gone are gone. Moments are told as
// timestamps, as Prometheus wants them: `time() - flowjob_last_checkpoint_timestamp_seconds` is how long ago it was.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { FlowJob } from '../api/flowjob.ts';
import type { AutoscalingFigures } from '../controller/autoscaling/autoscaler.ts';
import type { CheckpointSample } from '../controller/checkpoint-samples.ts';

/** One job, and what is known of it beside its object. */
export interface JobView {
  job: FlowJob;
  /** Null when its JobManager has not told yet. */
  checkpoints: CheckpointSample | null;
  /** Seconds from the stop of the old version until the new one was healthy; null when no upgrade was seen. */
  upgradeSeconds: number | null;
  /** Of the autoscaler since this operator began; nothing of a job that is not autoscaled. */
  autoscaling?: AutoscalingFigures;
}

interface Definition {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  /** Beside `namespace` and `name`. */
  labels?: readonly string[];
  /** Undefined values are left out. */
  values: (view: JobView) => readonly (readonly [value: number | undefined, labels?: Record<string, string>])[];
}

const one = (value: (view: JobView) => number | null | undefined): Definition['values'] => {
  return (view) => [[value(view) ?? undefined]];
};
const timestamp = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time) / 1000;
const seconds = (milliseconds: number | undefined): number | undefined =>
  milliseconds === undefined ? undefined : milliseconds / 1000;

export const JOB_METRICS: readonly Definition[] = [
  {
    name: 'flowjob_state',
    type: 'gauge',
    help: '1 for the state that the job is in. Series of other states are absent.',
    labels: ['state'],
    values: ({ job }) => [[1, { state: job.status?.state ?? 'Pending' }]],
  },
  {
    name: 'flowjob_condition',
    type: 'gauge',
    help: '1 for each condition that the job has, with its status and reason.',
    labels: ['type', 'status', 'reason'],
    values: ({ job }) =>
      (job.status?.conditions ?? []).map(({ type, status, reason }) => [1, { type, status, reason }] as const),
  },
  {
    name: 'flowjob_ready',
    type: 'gauge',
    help: '1 when condition Ready is True, else 0.',
    values: ({ job }) => [
      [job.status?.conditions.some(({ type, status }) => type === 'Ready' && status === 'True') === true ? 1 : 0],
    ],
  },
  {
    name: 'flowjob_attempt_epoch',
    type: 'gauge',
    help: 'Number of the attempt; rises with each start, upgrade and recovery.',
    values: one(({ job }) => job.status?.attempt?.epoch),
  },
  {
    name: 'flowjob_restarts',
    type: 'gauge',
    help: 'Attempts lost in a row; 0 again once an attempt was healthy for long enough.',
    values: ({ job }) => [[job.status === undefined ? undefined : (job.status.recovery?.restarts ?? 0)]],
  },
  {
    name: 'flowjob_parallelism',
    type: 'gauge',
    help: 'Parallelism of the version that runs.',
    values: one(({ job }) => job.status?.parallelism),
  },
  {
    name: 'flowjob_taskmanagers',
    type: 'gauge',
    help: 'TaskManagers that run.',
    values: one(({ job }) => job.status?.taskManager?.replicas),
  },
  {
    name: 'flowjob_autoscaler_decisions_total',
    type: 'counter',
    help: 'Looks of the autoscaler by what they came to (Hold, Rescale, Suspend, Wake) and why; begins anew with each operator.',
    labels: ['action', 'reason'],
    values: ({ autoscaling }) =>
      (autoscaling?.decisions ?? []).map(({ action, reason, count }) => [count, { action, reason }] as const),
  },
  {
    name: 'flowjob_autoscaler_taskmanagers',
    type: 'gauge',
    help: 'TaskManagers that the autoscaler has decided on, whether that is done or recommended.',
    values: one(({ job }) => job.status?.autoscaling?.replicas),
  },
  {
    name: 'flowjob_autoscaler_held',
    type: 'gauge',
    help: '1 while something keeps the size of the job from following its load, by what does.',
    labels: ['reason'],
    values: ({ job }) => {
      const reason = job.status?.autoscaling?.held?.reason;
      return reason === undefined ? [] : [[1, { reason }]];
    },
  },
  {
    name: 'flowjob_cost_per_hour',
    type: 'gauge',
    help: 'What the TaskManagers that run cost in an hour at the prices of spec.autoscaling.',
    labels: ['currency'],
    values: ({ job, autoscaling }) =>
      job.spec.autoscaling?.prices === undefined || !autoscaling?.cost
        ? []
        : [[autoscaling.cost.perHour, { currency: autoscaling.cost.currency }]],
  },
  {
    name: 'flowjob_cost_total',
    type: 'counter',
    help: 'What the TaskManagers have cost, at the prices of spec.autoscaling, since there have been some; goes on with the next operator.',
    labels: ['currency'],
    values: ({ autoscaling }) =>
      autoscaling?.cost ? [[autoscaling.cost.total, { currency: autoscaling.cost.currency }]] : [],
  },
  {
    name: 'flowjob_last_checkpoint_timestamp_seconds',
    type: 'gauge',
    help: 'When the last checkpoint was complete. Streaming jobs that run.',
    values: one(({ checkpoints }) => seconds(checkpoints?.last?.completedAt)),
  },
  {
    name: 'flowjob_last_checkpoint_duration_seconds',
    type: 'gauge',
    help: 'How long the last completed checkpoint took from end to end.',
    values: one(({ checkpoints }) => seconds(checkpoints?.last?.durationMs)),
  },
  {
    name: 'flowjob_last_checkpoint_size_bytes',
    type: 'gauge',
    help: 'Size of the state in the last completed checkpoint.',
    values: one(({ checkpoints }) => checkpoints?.last?.bytes),
  },
  {
    name: 'flowjob_checkpoints_completed_total',
    type: 'counter',
    help: 'Checkpoints that the JobManager completed; begins anew with each JobManager.',
    values: one(({ checkpoints }) => checkpoints?.completed),
  },
  {
    name: 'flowjob_checkpoints_failed_total',
    type: 'counter',
    help: 'Checkpoints that failed; begins anew with each JobManager.',
    values: one(({ checkpoints }) => checkpoints?.failed),
  },
  {
    name: 'flowjob_last_savepoint_timestamp_seconds',
    type: 'gauge',
    help: 'When the newest savepoint was complete.',
    values: one(({ job }) => timestamp(job.status?.lastSavepoint?.completedAt)),
  },
  {
    name: 'flowjob_last_upgrade_duration_seconds',
    type: 'gauge',
    help: 'From the moment when the old version was asked to stop until the new one was healthy, as this operator saw it last.',
    values: one(({ upgradeSeconds }) => upgradeSeconds),
  },
  {
    name: 'flowjob_last_run_duration_seconds',
    type: 'gauge',
    help: 'Of a job that came to its end: how long the run took.',
    values: one(({ job }) => seconds(job.status?.batch?.durationMs)),
  },
  {
    name: 'flowjob_last_run_rows_read',
    type: 'gauge',
    help: 'Of a job that came to its end: rows read from sources.',
    values: one(({ job }) => job.status?.batch?.rowsIn),
  },
  {
    name: 'flowjob_last_run_rows_written',
    type: 'gauge',
    help: 'Of a job that came to its end: rows written to sinks.',
    values: one(({ job }) => job.status?.batch?.rowsOut),
  },
];

/** `views` is asked at each scrape. On the leader alone: told twice, each job would be counted twice. */
export function registerJobMetrics(registry: Registry, views: () => readonly JobView[]): void {
  for (const { name, type, help, labels = [], values } of JOB_METRICS) {
    const all = (): { labels: Record<string, string>; value: number }[] =>
      views().flatMap((view) => {
        const { namespace, name: job } = view.job.metadata;
        return values(view).flatMap(([value, more]) =>
          value === undefined ? [] : [{ labels: { namespace, name: job, ...more }, value }],
        );
      });
    const options = { name, help, labelNames: ['namespace', 'name', ...labels], registers: [registry] };
    if (type === 'gauge')
      new Gauge({
        ...options,
        collect() {
          this.reset();
          for (const series of all()) this.set(series.labels, series.value);
        },
      });
    else
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const series of all()) this.inc(series.labels, series.value);
        },
      });
  }
}
