// What the objects of a job are called. Names are reckoned from status alone, so that a repeated call makes the same object, and the API server says when it
// is there.
import { JOB_LABEL, ROLE_LABEL, TASK_MANAGER } from '../../api/group.ts';
import type { ProcessView } from '../../lifecycle/observation.ts';

export const LABEL = {
  job: JOB_LABEL,
  /** Epoch of the attempt. */
  attempt: 'flowjob.dev/attempt',
  role: ROLE_LABEL,
  /** `flink` on pods of Apache Flink. */
  engine: 'flowjob.dev/engine',
  /** `kubernetes` on pods of Apache Flink that are highly available by its services for Kubernetes. */
  highAvailability: 'flowjob.dev/high-availability',
  /** 0-based among the TaskManagers of its attempt. */
  index: 'flowjob.dev/index',
  /** How often the pod of this role and index was replaced within its attempt. */
  restarts: 'flowjob.dev/restarts',
} as const;

export const ROLE = { JobManager: 'jobmanager', TaskManager: TASK_MANAGER } as const satisfies Record<
  ProcessView['role'],
  string
>;

/** Labels of everything that belongs to a job. */
export function jobLabels(job: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'flowjob',
    'app.kubernetes.io/instance': job,
    'app.kubernetes.io/managed-by': 'flowjob-operator',
    [LABEL.job]: job,
  };
}

export const attemptName = (job: string, epoch: number): string => `${job}-${epoch}`;

/** The attempt of the job that is called so; null: none is. */
export function epochNamed(job: string, name: string): number | null {
  const epoch = Number(name.slice(job.length + 1));
  return Number.isSafeInteger(epoch) && epoch > 0 && name === attemptName(job, epoch) ? epoch : null;
}

/** A JobManager's pod has one name per attempt: two of one attempt cannot be there at once. */
export const jobManagerName = (job: string, epoch: number): string => `${job}-${epoch}-jobmanager`;

export function taskManagerName(job: string, epoch: number, index: number, restarts: number): string {
  return `${job}-${epoch}-taskmanager-${index}${restarts === 0 ? '' : `-${restarts}`}`;
}

export const serviceName = (job: string): string => `${job}-rest`;
/** The ServiceAccount of pods of Apache Flink, its Role and the binding of the two. */
export const accountName = (job: string): string => `${job}-flink`;
export const claimName = (job: string): string => `${job}-state`;
/** The ConfigMap with what the autoscaler has learned; those of attempts end in a number. */
export const learnedName = (job: string): string => `${job}-autoscaling`;
