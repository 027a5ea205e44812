// Which spec the processes of a FlowCluster are made from. Another one takes its place when no job runs on the cluster: the jobs would be lost with the JobManager.
import { isDeepStrictEqual } from 'node:util';
import type { FlowCluster, ResolvedFlowClusterSpec } from '../../api/flowcluster.ts';
import { canonical } from '../change.ts';
import { idOf } from '../ids.ts';
import type { ClusterReport } from './conditions.ts';
import { listed } from './listed.ts';

export interface Accepted {
  generation: number;
  specHash: string;
  spec: ResolvedFlowClusterSpec;
}

interface Question {
  cluster: Pick<FlowCluster, 'metadata' | 'status'>;
  running: readonly string[];
  problem: string | null;
}

/** How many TaskManagers there are is nothing that they are made from. */
export function clusterHash({ engine, jobManager, taskManager, state }: ResolvedFlowClusterSpec): string {
  const { replicas: _replicas, ...made } = taskManager;
  return idOf(canonical({ engine, jobManager, taskManager: made, state }));
}

/** `report`: why the spec is not what the processes are made from; null when it is. */
export function acceptance(
  { cluster, running, problem }: Question,
  spec: ResolvedFlowClusterSpec,
): { accepted: Accepted | undefined; report: ClusterReport | null } {
  const { generation } = cluster.metadata;
  const before = cluster.status?.accepted;
  const specHash = clusterHash(spec);
  if (before?.specHash === specHash)
    return {
      accepted: isDeepStrictEqual(before.spec, spec) ? before : { generation, specHash, spec },
      report: null,
    };
  // The number of TaskManagers counts at once, whatever else waits.
  const kept = before === undefined ? undefined : withReplicas(before, spec.taskManager.replicas);
  if (problem !== null) return { accepted: kept, report: { kind: 'Stalled', reason: 'InvalidSpec', message: problem } };
  if (kept !== undefined && running.length > 0)
    return {
      accepted: kept,
      report: {
        kind: 'Progressing',
        reason: 'ChangeWaiting',
        message: `The spec has changed, and the cluster goes on as it was, for these FlowJobs run on it: ${listed(running)}. Suspend them, and the change is carried out; resume them when the cluster is Ready.`,
      },
    };
  return { accepted: { generation, specHash, spec }, report: null };
}

const withReplicas = (accepted: Accepted, replicas: number): Accepted =>
  accepted.spec.taskManager.replicas === replicas
    ? accepted
    : {
        ...accepted,
        spec: { ...accepted.spec, taskManager: { ...accepted.spec.taskManager, replicas } },
      };
