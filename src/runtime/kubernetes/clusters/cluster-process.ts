// What is told of a pod of a FlowCluster. Pure.
import type { ClusterProcess } from '../../../lifecycle/clusters/observation.ts';
import { ROLE } from '../names.ts';
import { exitOf, troubleOf, type Pod } from '../pod-view.ts';
import { CLUSTER } from './names.ts';

/** Null for pods that are not JobManager or TaskManager. */
export function clusterProcessOf(pod: Pod): ClusterProcess | null {
  const { name, uid, labels = {}, deletionTimestamp } = pod.metadata;
  const role = labels[CLUSTER.role] === ROLE.JobManager ? 'JobManager' : 'TaskManager';
  const index = Number(labels[CLUSTER.index]);
  if (labels[CLUSTER.role] !== ROLE[role] || !Number.isInteger(index)) return null;
  const exit = exitOf(pod);
  return {
    name,
    uid,
    role,
    index,
    specHash: labels[CLUSTER.specHash] ?? '',
    jobManagerUid: labels[CLUSTER.jobManagerUid],
    address: pod.status?.phase === 'Running' ? pod.status.podIP : undefined,
    ready: pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    state: exit === null ? 'Running' : 'Exited',
    exit: exit === null ? null : { at: exit.at, reason: exit.reason },
    ending: deletionTimestamp !== undefined,
    trouble: troubleOf(pod),
  };
}
