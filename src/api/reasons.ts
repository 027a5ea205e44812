// Every condition type and every reason, in one table: the code, the reference and the tests all read it.
import type { Kind } from './group.ts';

/** Condition types of each kind, and what `True` means. */
export const CONDITION_TYPES = {
  FlowJob: {
    Ready:
      'The job is as the spec asks: a stream runs and its first checkpoint completed, a batch runs or succeeded, a suspended job is stopped. Unknown while it gets there, False when it cannot.',
    Reconciling: 'The operator is changing something. Absent otherwise.',
    Stalled: 'Nothing goes on until somebody changes the spec or the world. Absent otherwise.',
    Complete:
      'The job came to its end with success. The message tells when the spec has changed since, for which nothing is run.',
    Failed: 'The job failed for good.',
    Suspended: 'The job is stopped because spec.suspend asks for it.',
    ScaleConflict:
      'Somebody has set taskManager.replicas of a job that spec.autoscaling sizes: it has no effect. Absent otherwise.',
    Paused: 'The annotation flowjob.dev/pause holds the operator back from this job.',
  },
  FlowSavepoint: {
    Ready: 'The savepoint is complete. Unknown while it is taken, False when it failed.',
    Reconciling: 'The savepoint is being taken or removed. Absent otherwise.',
    Stalled: 'The savepoint could not be taken or removed. Absent otherwise.',
    Complete: 'The savepoint is complete.',
    Failed: 'The savepoint could not be taken.',
  },
  FlowCluster: {
    Ready:
      'The JobManager answers, and all TaskManagers are registered with it. Unknown while it gets there, False when it cannot.',
    Reconciling: 'The operator is changing something, or waits until it may. Absent otherwise.',
    Stalled: 'Nothing goes on until somebody changes the spec or the world. Absent otherwise.',
  },
} as const satisfies Record<Kind, Record<string, string>>;
export type JobConditionType = keyof (typeof CONDITION_TYPES)['FlowJob'];
export type SavepointConditionType = keyof (typeof CONDITION_TYPES)['FlowSavepoint'];

export type ClusterConditionType = keyof (typeof CONDITION_TYPES)['FlowCluster'];

export interface ReasonDoc {
  /** When a condition or an event has it. */
  meaning: string;
  /** What somebody can do about it; empty when nothing needs doing. */
  remedy: string;
}

const NOT_SEEN: ReasonDoc = {
  meaning: 'The operator has not looked at the object yet.',
  remedy:
    'Check that the operator runs: `flowjob local status`, on Kubernetes `kubectl get deployments -A -l app.kubernetes.io/name=flowjob-operator`.',
};

/** Reasons of conditions and events of FlowJobs. */
export const JOB_REASONS = {
  NotSeen: NOT_SEEN,
  Starting: { meaning: 'Processes are being started.', remedy: '' },
  PodNotStarting: {
    meaning:
      'A pod of the job cannot start, or the job cannot be submitted to its FlowCluster; on one machine, a secret of the job is missing. Or the image of a new version cannot be had, for which the running one goes on.',
    remedy: 'The message says what keeps it and what to do; the job goes on by itself when the cause is gone.',
  },
  WaitingForCluster: {
    meaning:
      'The FlowCluster that spec.engine.clusterRef names is not there, does not run yet, has too few slots, or other jobs hold them.',
    remedy: 'The message says which; the job goes on by itself.',
  },
  EngineChanged: {
    meaning: 'spec.engine.type is another one, and the job has state: no state goes from one engine to the other.',
    remedy: 'Start without state (upgrade.strategy Stateless and another restartNonce), or set engine.type back.',
  },
  WaitingForCheckpoint: { meaning: 'The job runs; its first checkpoint has not completed yet.', remedy: '' },
  Running: { meaning: 'The job runs.', remedy: '' },
  Rescaling: {
    meaning: 'The job runs, and takes another parallelism while it does.',
    remedy: 'None is needed; the message says what is waited for, such as a pod that cannot be scheduled.',
  },
  Autoscaled: { meaning: 'The autoscaler has decided on another size, and the job takes it.', remedy: '' },
  ScaleRecommended: {
    meaning: 'The autoscaler would give the job another size; with spec.autoscaling.mode Recommend nothing is done.',
    remedy: 'Set the mode to Apply to have it done.',
  },
  MemoryChanged: {
    meaning: 'TaskManagers that are started from now on get another amount of memory than the spec says.',
    remedy: 'Set taskManager.resources.limits.memory to it for good, or spec.autoscaling.memory.mode to Recommend.',
  },
  AutoscalingHeld: {
    meaning: 'The size of the job cannot follow its load at present.',
    remedy: 'The message says what holds it: a metric that is missing, or a bound that is reached.',
  },
  AtMaximum: {
    meaning: 'The load of an autoscaled job is more than can be handled within its bounds.',
    remedy: 'Raise spec.autoscaling.maxParallelism, or the bound of the schedule that the message names.',
  },
  OverBudget: {
    meaning: 'The load of an autoscaled job is more than can be handled for its budget.',
    remedy: 'Raise spec.autoscaling.budgetPerHour, or let records wait.',
  },
  Ineffective: {
    meaning: 'More subtasks of an autoscaled job did no more than before, and all of them are busy.',
    remedy: 'Look at what the operator that the message names calls or writes to. It is tried again after hours.',
  },
  HotKey: {
    meaning: 'More subtasks of an autoscaled job did no more than before, because one of them has most of the work.',
    remedy: 'Spread the key that is so frequent. It is tried again after hours.',
  },
  AheadOfLoad: { meaning: 'An autoscaled job grows ahead of a rise that was there on earlier days.', remedy: '' },
  MemoryBump: {
    meaning: 'A TaskManager of an autoscaled job was killed for want of memory: more is recommended, or given.',
    remedy: 'Set taskManager.resources.limits.memory to what the message says.',
  },
  MemoryAtLimit: {
    meaning: 'A TaskManager of an autoscaled job was killed for want of memory, and gets no more by itself.',
    remedy: 'Raise spec.autoscaling.memory.limit or taskManager.resources, or find what needs so much.',
  },
  TwoScalers: {
    meaning: 'spec.taskManager.replicas was changed while spec.autoscaling sizes the job.',
    remedy: 'Set it back and remove what scales the job, or switch spec.autoscaling off.',
  },
  VersionMismatch: {
    meaning:
      'Of a job in pods of its own: another version of Flink runs than spec.engine.version says, by which the operator asks and configures it.',
    remedy: 'Name an image of that version in spec.engine.image, or correct spec.engine.version.',
  },
  Rescaled: { meaning: 'The job has taken another parallelism while it ran.', remedy: '' },
  Upgrading: { meaning: 'The running version is being replaced by the spec’s.', remedy: '' },
  RollingBack: {
    meaning:
      'The new version failed before its first checkpoint, or was not at it within spec.upgrade.rollback.deadline: the version before it is started again.',
    remedy: '',
  },
  RolledBack: {
    meaning:
      'The version before the upgrade runs, from the state that it had left; the one that the spec asks for failed before its first checkpoint, and is not tried again.',
    remedy:
      'The message says why it failed: correct the spec. To try the same version again, change spec.restartNonce; if it only needs more time, raise spec.upgrade.rollback.deadline too.',
  },
  Suspending: { meaning: 'The job is being stopped because spec.suspend asks for it.', remedy: '' },
  Suspended: { meaning: 'The job is stopped as asked.', remedy: 'Set spec.suspend to false to go on.' },
  Resuming: { meaning: 'The job goes on from where it was suspended.', remedy: '' },
  Recovering: {
    meaning: 'The attempt was lost; the next one is on its way.',
    remedy: 'The message and `flowjob logs` say why.',
  },
  JobManagerSilent: {
    meaning: 'The process of the JobManager is there and does not answer.',
    remedy: 'None is needed: it is replaced when it stays silent. `flowjob logs` may say what holds it up.',
  },
  BackingOff: {
    meaning: 'The attempt was lost; the next one waits for its back-off to pass.',
    remedy: 'The message and `flowjob logs` say why.',
  },
  Completed: {
    meaning: 'The job came to its end with success.',
    remedy: 'To run it once more, as the spec is now, raise spec.restartNonce.',
  },
  BackoffLimitExceeded: {
    meaning: 'A batch job failed more often than spec.batch.backoffLimit allows.',
    remedy: 'Correct the cause, then change the job or spec.restartNonce to run it again.',
  },
  DeadlineExceeded: {
    meaning: 'A batch job ran for longer than spec.batch.activeDeadline.',
    remedy: 'Raise the deadline, then change spec.restartNonce to run it again.',
  },
  JobFailed: {
    meaning:
      'The engine gave the job up. Its processes stay for an hour, for a look at their logs; those of a batch job for spec.batch.ttlAfterFinished.failed.',
    remedy: 'The message says why; correct it, then change the job or spec.restartNonce.',
  },
  SqlNotFound: {
    meaning: 'The ConfigMap of spec.job.sql.configMapKeyRef, or its key, is not there. A version that runs goes on.',
    remedy: 'Create it as the message says; the job goes on by itself.',
  },
  InvalidSpec: { meaning: 'The spec cannot be run.', remedy: 'The message names the field, the value and the remedy.' },
  SavepointFailed: {
    meaning:
      'The savepoint that an upgrade, a suspend or a delete needs could not be taken; the running version goes on.',
    remedy:
      'The message says why. To go on without state set upgrade.strategy to Stateless, or deletionPolicy to Delete.',
  },
  InvalidSchedule: {
    meaning:
      'The schedule of state.savepoints, or one of autoscaling.schedules, cannot be followed; the job runs on without its savepoints, or without that window.',
    remedy: 'The message says what is wrong with the schedule, its time zone or its duration: correct it.',
  },
  StateUnreadable: {
    meaning: 'The newest state of the job cannot be read, or is gone, so nothing is started from older state.',
    remedy:
      'The message names the file or folder: put it back from a backup, and the job goes on by itself. Without one, set upgrade.strategy to Stateless and change spec.restartNonce to start without state; or remove the folder of a damaged checkpoint to go on from the state before it, whose later output then comes again.',
  },
  StateFound: {
    meaning:
      'The job has never run, but its storage holds state of an earlier job of its name: it does not start empty beside that.',
    remedy:
      'Set spec.state.restore: policy Newest goes on from that state, savepointRef or uri start from another, policy Empty starts without state.',
  },
  WaitingForSavepoint: {
    meaning: 'The savepoint that spec.state.restore names is being taken.',
    remedy: '',
  },
  SavepointNotFound: {
    meaning: 'The savepoint that spec.state.restore names is not there. The job starts when it is.',
    remedy: 'Correct the name or the path, or bring the savepoint there.',
  },
  SavepointUnusable: {
    meaning: 'The savepoint that spec.state.restore names cannot be started from.',
    remedy: 'The message says why; name another one, or correct that.',
  },
  OperatorError: {
    meaning: 'The operator could not look at the job, or act on it, several times in a row. It goes on trying.',
    remedy: 'The message says what failed; correct that. The log of the operator says more.',
  },
  ChangeRefused: {
    meaning: 'The change needs the job to be stopped first.',
    remedy: 'Suspend the job, change it, resume it.',
  },
  Deleting: {
    meaning:
      'The job is being deleted under spec.deletionPolicy, or because spec.batch.deleteAfterFinished has passed.',
    remedy: '',
  },
  StateInUse: {
    meaning: 'The job is being deleted with its checkpoints, and another FlowJob is to start from one of them.',
    remedy:
      'None is needed: the deletion goes on once that job has a checkpoint of its own. Or delete that job first, or set deletionPolicy to Savepoint, which keeps them.',
  },
  Paused: { meaning: 'The operator keeps its hands off the job.', remedy: 'Remove the annotation flowjob.dev/pause.' },
  ProcessLost: { meaning: 'A process of the job ended without being asked to.', remedy: '' },
  SavepointCompleted: { meaning: 'A savepoint is complete.', remedy: '' },
} as const satisfies Record<string, ReasonDoc>;
export type JobReason = keyof typeof JOB_REASONS;

/** Reasons of conditions and events of FlowSavepoints. */
export const SAVEPOINT_REASONS = {
  NotSeen: NOT_SEEN,
  JobNotFound: {
    meaning: 'There is no FlowJob of that name.',
    remedy: 'Create it, or create the FlowSavepoint with the right spec.jobRef.name.',
  },
  JobNotRunning: {
    meaning: 'The job has no running attempt to take a savepoint of.',
    remedy: 'Start the job, or wait until it runs.',
  },
  JobManagerSilent: {
    meaning: 'The JobManager of the job does not answer, so it cannot be asked for a savepoint.',
    remedy: 'None is needed: the savepoint is taken when it answers, or when another one has taken its place.',
  },
  WrongMode: { meaning: 'The job is a batch job, which takes no savepoints.', remedy: 'Delete the FlowSavepoint.' },
  InProgress: { meaning: 'The engine is taking the savepoint.', remedy: '' },
  Completed: { meaning: 'The savepoint is complete.', remedy: '' },
  SavepointFailed: {
    meaning: 'The engine could not take it.',
    remedy: 'The message says why; create another FlowSavepoint to try again.',
  },
  InUse: {
    meaning: 'A job would restore from this savepoint, so its files stay.',
    remedy: 'It goes as soon as the job that the message names has a newer checkpoint or savepoint, or is deleted.',
  },
} as const satisfies Record<string, ReasonDoc>;
export type SavepointReason = keyof typeof SAVEPOINT_REASONS;

/** Reasons of conditions and events of FlowClusters. */
export const CLUSTER_REASONS = {
  NotSeen: NOT_SEEN,
  Starting: { meaning: 'Processes are being started.', remedy: '' },
  PodNotStarting: {
    meaning: 'A pod of the cluster cannot start, or cannot be made.',
    remedy: 'The message says what keeps it and what to do; the cluster goes on by itself when the cause is gone.',
  },
  Running: { meaning: 'The cluster runs.', remedy: '' },
  ProcessLost: {
    meaning: 'A process of the cluster ended without being asked to, and is started again.',
    remedy: '`kubectl describe` of the pod says why, as long as it is there.',
  },
  JobManagerSilent: {
    meaning: 'The process of the JobManager is there and does not answer.',
    remedy: 'None is needed: the kubelet ends it when it stays silent, and it is made anew.',
  },
  ChangeWaiting: {
    meaning: 'The spec has changed, and the cluster goes on as it was while jobs run on it.',
    remedy: 'Suspend the FlowJobs that the message names, and resume them when the cluster is Ready.',
  },
  InvalidSpec: {
    meaning: 'The spec cannot be run. A cluster that runs goes on as it was.',
    remedy: 'The message names the field, the value and the remedy.',
  },
  InUse: {
    meaning: 'The cluster is to be deleted, and FlowJobs name it: it runs on until none does.',
    remedy: 'Delete the FlowJobs that the message names, or have them run elsewhere.',
  },
  Deleting: { meaning: 'The cluster is being deleted; its processes are ending.', remedy: '' },
  OperatorError: {
    meaning: 'The operator could not look at the cluster, or act on it, several times in a row. It goes on trying.',
    remedy: 'The message says what failed; correct that. The log of the operator says more.',
  },
} as const satisfies Record<string, ReasonDoc>;
export type ClusterReason = keyof typeof CLUSTER_REASONS;

/** The reasons of each kind. */
export const REASONS = {
  FlowJob: JOB_REASONS,
  FlowSavepoint: SAVEPOINT_REASONS,
  FlowCluster: CLUSTER_REASONS,
} as const satisfies Record<Kind, Record<string, ReasonDoc>>;
