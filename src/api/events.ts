// The events that the operator records, by what they are about. The lifecycle's type of an event takes its reasons from here: one that is missing does not
// compile.
import type { Kind } from './group.ts';
import type { ClusterReason, JobReason, SavepointReason } from './reasons.ts';

export interface EventDoc {
  types: readonly ('Normal' | 'Warning')[];
  when: string;
}

const JOB_EVENTS = {
  Starting: { types: ['Normal'], when: 'Processes of a new version, or of a new run, are started.' },
  PodNotStarting: {
    types: ['Warning'],
    when: 'Something new keeps a pod of the job from starting; once for all pods that wait for the same, while they do.',
  },
  WaitingForCluster: {
    types: ['Warning'],
    when: 'The FlowCluster that the job runs on is not there, does not run, or is not ready for it.',
  },
  EngineChanged: {
    types: ['Warning'],
    when: 'The job is not started, as its state is of another engine than spec.engine.type says.',
  },
  Running: { types: ['Normal'], when: 'The job runs: a stream completed its first checkpoint, or a batch began.' },
  VersionMismatch: {
    types: ['Warning'],
    when: 'The job runs, on another version of Flink than spec.engine.version says: that of spec.engine.image.',
  },
  Rescaling: { types: ['Normal'], when: 'A stream begins to take another parallelism in place.' },
  Autoscaled: { types: ['Normal'], when: 'The autoscaler decides on another size, or stops or wakes the job.' },
  ScaleRecommended: {
    types: ['Normal'],
    when: 'The autoscaler would decide so, and spec.autoscaling.mode is Recommend.',
  },
  MemoryChanged: {
    types: ['Warning'],
    when: 'The autoscaler gives TaskManagers another amount of memory: by their use, or after one was killed for it.',
  },
  AutoscalingHeld: {
    types: ['Warning'],
    when: 'Something keeps the autoscaler from following the load; a bound that is reached is told as AtMaximum or OverBudget.',
  },
  AtMaximum: { types: ['Warning'], when: 'The load begins to be more than can be handled within the bounds.' },
  OverBudget: {
    types: ['Warning'],
    when: 'The load begins to be more than can be handled for spec.autoscaling.budgetPerHour.',
  },
  Ineffective: {
    types: ['Warning'],
    when: 'More subtasks brought nothing, and are taken back: something else is the limit.',
  },
  HotKey: { types: ['Warning'], when: 'More subtasks brought nothing, and are taken back: one has most of the work.' },
  AheadOfLoad: { types: ['Normal'], when: 'The job grows ahead of a rise that recurs.' },
  MemoryBump: {
    types: ['Warning'],
    when: 'A TaskManager was killed for want of memory: the next ones are to have more.',
  },
  MemoryAtLimit: {
    types: ['Warning'],
    when: 'A TaskManager was killed for want of memory, and the autoscaler gives no more.',
  },
  Rescaled: { types: ['Normal'], when: 'A stream has taken another parallelism in place.' },
  Upgrading: {
    types: ['Normal', 'Warning'],
    when: 'A change asks for a restart: the running version is being replaced. Warning: processes of the next one could not be started beside it, so it is stopped first.',
  },
  RollingBack: {
    types: ['Warning'],
    when: 'A new version failed before its first checkpoint, or was not at it in time: the version before it is to run again.',
  },
  RolledBack: {
    types: ['Normal'],
    when: 'The version before an upgrade is started again, from the state that it left.',
  },
  Suspended: { types: ['Normal'], when: 'The job was stopped because spec.suspend asks for it.' },
  Resuming: { types: ['Normal'], when: 'A suspended job is started again.' },
  Completed: { types: ['Normal'], when: 'The job came to its end with success.' },
  SavepointCompleted: { types: ['Normal'], when: 'The job was stopped with a savepoint.' },
  SavepointFailed: {
    types: ['Warning'],
    when: 'The savepoint of an upgrade, a suspend or a delete failed, or was not possible.',
  },
  ProcessLost: { types: ['Warning'], when: 'The JobManager ended without being asked to, or fell silent.' },
  Recovering: {
    types: ['Normal', 'Warning'],
    when: 'Another attempt follows: after a stop on purpose (Normal), or after a batch run that failed (Warning).',
  },
  JobFailed: {
    types: ['Warning'],
    when: 'The engine gave the job up, or it was cancelled from outside, or it failed before it could be stopped.',
  },
  BackoffLimitExceeded: { types: ['Warning'], when: 'A batch job failed more often than it may.' },
  DeadlineExceeded: { types: ['Warning'], when: 'A batch job ran for longer than it may.' },
  InvalidSpec: { types: ['Warning'], when: 'The spec cannot be run.' },
  StateUnreadable: { types: ['Warning'], when: 'State that the job would go on from cannot be read.' },
  StateFound: {
    types: ['Warning'],
    when: 'A new job waits: state of an earlier job of its name is there, and the spec does not say what becomes of it.',
  },
  SavepointNotFound: {
    types: ['Warning'],
    when: 'A new job waits: the savepoint that it is to start from is not there.',
  },
  SavepointUnusable: {
    types: ['Warning'],
    when: 'A new job waits: the savepoint that it is to start from cannot be used.',
  },
  SqlNotFound: { types: ['Warning'], when: 'The ConfigMap that holds the SQL, or its key, is not there.' },
  Deleting: {
    types: ['Normal'],
    when: 'A finished batch job is deleted because batch.deleteAfterFinished asks for it.',
  },
  StateInUse: {
    types: ['Warning'],
    when: 'The deletion of a job is held up: another FlowJob is to start from one of the checkpoints that would go.',
  },
  OperatorError: {
    types: ['Warning'],
    when: 'The operator failed several times in a row to look at the job or to act on it.',
  },
} as const satisfies Partial<Record<JobReason, EventDoc>>;

const SAVEPOINT_EVENTS = {
  Completed: { types: ['Normal'], when: 'The savepoint is complete.' },
  SavepointFailed: { types: ['Warning'], when: 'The engine could not take it.' },
  JobNotRunning: { types: ['Warning'], when: 'The job has ended, or did not run on until it was taken.' },
  JobNotFound: { types: ['Warning'], when: 'Its FlowJob went while it was being taken.' },
  WrongMode: { types: ['Warning'], when: 'The job is a batch job.' },
} as const satisfies Partial<Record<SavepointReason, EventDoc>>;

export const CLUSTER_EVENTS = {
  Starting: { types: ['Normal'], when: 'Processes of the cluster are started, as its spec says now.' },
  Running: { types: ['Normal'], when: 'The cluster runs, with all of its TaskManagers.' },
  PodNotStarting: { types: ['Warning'], when: 'Something new keeps a pod of the cluster from starting.' },
  ProcessLost: { types: ['Warning'], when: 'A process of the cluster ended without being asked to.' },
  ChangeWaiting: { types: ['Warning'], when: 'The spec has changed, and jobs run on the cluster.' },
  InUse: { types: ['Warning'], when: 'The cluster is to be deleted, and FlowJobs name it.' },
  InvalidSpec: { types: ['Warning'], when: 'The spec cannot be run.' },
  OperatorError: {
    types: ['Warning'],
    when: 'The operator failed several times in a row to look at the cluster or to act on it.',
  },
} as const satisfies Partial<Record<ClusterReason, EventDoc>>;

export const EVENT_REASONS = {
  FlowJob: JOB_EVENTS,
  FlowSavepoint: SAVEPOINT_EVENTS,
  FlowCluster: CLUSTER_EVENTS,
} as const satisfies Record<Kind, Record<string, EventDoc>>;

export type EventReason = keyof typeof JOB_EVENTS | keyof typeof SAVEPOINT_EVENTS | keyof typeof CLUSTER_EVENTS;
