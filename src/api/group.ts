// The names under which FlowJob lives on a Kubernetes API: group, version, kinds, annotations, finalizers, labels.

export const GROUP = 'flowjob.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = 'flowjob.dev/v1alpha1';

/** `"true"`: the operator writes nothing and touches no process of this job until it is gone; condition Paused says so. */
export const PAUSE_ANNOTATION = 'flowjob.dev/pause';
/** What `flowjob apply` wrote last, as JSON: a field that leaves the manifest goes back to its default. */
export const LAST_APPLIED_ANNOTATION = 'flowjob.dev/last-applied-configuration';
/** Held by the operator on every FlowJob and FlowSavepoint that it has seen, until it has cleaned up behind it. */
export const FINALIZER = 'flowjob.dev/operator';
/** Label on everything that belongs to one FlowJob; its value is the FlowJob's name. */
export const JOB_LABEL = 'flowjob.dev/job';
/** Label on everything that belongs to one FlowCluster; its value is the FlowCluster's name. */
export const CLUSTER_LABEL = 'flowjob.dev/cluster';
/** Label of pods, what they do for their FlowJob; of TaskManagers its value is TASK_MANAGER. */
export const ROLE_LABEL = 'flowjob.dev/role';
export const TASK_MANAGER = 'taskmanager';

/** Label of FlowSavepoints that a schedule made, and that its retention may delete; its value is "true". */
export const SCHEDULED_LABEL = 'flowjob.dev/scheduled';
/** On those: the time of the schedule that it was made for, RFC 3339. */
export const SCHEDULED_AT_ANNOTATION = 'flowjob.dev/scheduled-at';

export type Kind = 'FlowJob' | 'FlowSavepoint' | 'FlowCluster';

/** How each kind is named on the API and on the command line. */
export const KINDS = {
  FlowJob: { plural: 'flowjobs', singular: 'flowjob', listKind: 'FlowJobList', shortNames: ['fj'] },
  FlowSavepoint: {
    plural: 'flowsavepoints',
    singular: 'flowsavepoint',
    listKind: 'FlowSavepointList',
    shortNames: ['fjs'],
  },
  FlowCluster: { plural: 'flowclusters', singular: 'flowcluster', listKind: 'FlowClusterList', shortNames: ['fc'] },
} as const satisfies Record<
  Kind,
  { plural: string; singular: string; listKind: string; shortNames: readonly string[] }
>;
