// One decision about a FlowCluster: from its spec and what was seen of the world, what status to write and what to do. Pure.
import { CLUSTER_LABEL, ROLE_LABEL, TASK_MANAGER } from '../../api/group.ts';
import { resolveCluster, type FlowCluster, type FlowClusterStatus } from '../../api/flowcluster.ts';
import { timestamp } from '../facts.ts';
import type { Refusal } from '../observation.ts';
import { acceptance, type Accepted } from './accepted.ts';
import { clusterConditions, type ClusterReport } from './conditions.ts';
import { listed } from './listed.ts';
import type { ClusterProcess, SessionView } from './observation.ts';
import { nextProcesses, type ClusterAction } from './processes.ts';

export interface ClusterInput {
  cluster: FlowCluster;
  processes: readonly ClusterProcess[];
  /** By place (`JobManager`, `TaskManager/0`): when a process may be made again, where others before it have ended. Milliseconds since the epoch. */
  notBefore: ReadonlyMap<string, number>;
  session: SessionView | null;
  refusal: Refusal | null;
  /** FlowJobs that name the cluster, by name. */
  jobs: readonly string[];
  /** Those of them that may run on it. */
  running: readonly string[];
  /** What is wrong with the spec, for people; null: nothing is. */
  problem: string | null;
  now: number;
}

export interface ClusterDecision {
  /** Equal to the one in the input when nothing changed. Written before any action. */
  status: FlowClusterStatus;
  report: ClusterReport;
  actions: ClusterAction[];
  /** `remove`: nothing of it is left. */
  finalizer: 'keep' | 'remove';
  /** Milliseconds until the next look, whatever happens meanwhile. */
  lookAgain: number;
}

/** Milliseconds between two looks at a cluster that is on its way by itself, and at one that runs, or waits for what the operator is told of, or tries again what was refused. */
const MOTION = 500;
const STEADY = 5_000;
const ON_ITS_WAY: readonly ClusterReport['reason'][] = ['Starting', 'ProcessLost', 'JobManagerSilent', 'Deleting'];

export function decideCluster(input: ClusterInput): ClusterDecision {
  const { cluster, jobs } = input;
  const isDeleting = cluster.metadata.deletionTimestamp !== undefined;
  if (isDeleting && jobs.length === 0) return deleting(input);
  const { accepted, report } = acceptance(input, resolveCluster(cluster.spec));
  if (accepted === undefined) return decision(input, undefined, report!, []);
  const next = nextProcesses(input, accepted);
  const told = [...(isDeleting ? [inUse(jobs)] : []), ...(report === null ? [] : [report])];
  // What is asked for and not done comes before how well that runs which is there.
  const first = told[0] ?? next.report;
  const others = [...told.slice(1), next.report].filter(({ kind }) => kind !== 'Ready');
  const message = [first, ...(first === next.report ? [] : others)].map((one) => one.message).join('\n');
  return decision(input, accepted, { ...first, message }, next.actions);
}

function deleting(input: ClusterInput): ClusterDecision {
  const { cluster, processes } = input;
  const report: ClusterReport = {
    kind: 'Progressing',
    reason: 'Deleting',
    message: 'The cluster is being deleted; its processes are ending.',
  };
  const actions = processes.flatMap((process): ClusterAction[] => (process.ending ? [] : [{ kind: 'End', process }]));
  return {
    ...decision(input, cluster.status?.accepted, report, actions),
    finalizer: processes.length === 0 ? 'remove' : 'keep',
  };
}

const inUse = (jobs: readonly string[]): ClusterReport => ({
  kind: 'Progressing',
  reason: 'InUse',
  message: `The cluster is to be deleted and runs on, for these FlowJobs name it: ${listed(jobs)}. It goes once they are deleted, or run elsewhere.`,
});

function decision(
  { cluster, processes, now }: ClusterInput,
  accepted: Accepted | undefined,
  report: ClusterReport,
  actions: ClusterAction[],
): ClusterDecision {
  const { generation, name } = cluster.metadata;
  const before = cluster.status?.conditions ?? [];
  const taskManagers = processes.filter(({ role, state }) => role === 'TaskManager' && state === 'Running');
  return {
    status: {
      observedGeneration: generation,
      conditions: clusterConditions(before, report, { generation, now: timestamp(now) }),
      ...(accepted === undefined ? {} : { accepted }),
      taskManager: {
        replicas: taskManagers.length,
        selector: `${CLUSTER_LABEL}=${name},${ROLE_LABEL}=${TASK_MANAGER}`,
      },
    },
    report,
    actions,
    finalizer: 'keep',
    lookAgain: actions.length > 0 || ON_ITS_WAY.includes(report.reason) ? MOTION : STEADY,
  };
}
