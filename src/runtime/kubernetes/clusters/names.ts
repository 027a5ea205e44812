// What the objects of a FlowCluster are called, and how they are labelled. A role has one name for each index, so that the API server lets no two of them be there
// at once.
import { CLUSTER_LABEL } from '../../../api/group.ts';
import { LABEL, ROLE } from '../names.ts';

export const CLUSTER = {
  name: CLUSTER_LABEL,
  role: LABEL.role,
  index: LABEL.index,
  specHash: 'flowjob.dev/spec-hash',
  jobManagerUid: 'flowjob.dev/jobmanager-uid',
} as const;

/** Of the ConfigMap and the NetworkPolicy. */
export const clusterName = (cluster: string): string => `${cluster}-cluster`;
export const clusterService = (cluster: string): string => `${cluster}-cluster-rest`;
export const clusterJobManager = (cluster: string): string => `${cluster}-cluster-${ROLE.JobManager}`;
export const clusterTaskManager = (cluster: string, index: number): string =>
  `${cluster}-cluster-${ROLE.TaskManager}-${index}`;

/** Labels of everything that belongs to a cluster. */
export const clusterLabels = (cluster: string): Record<string, string> => ({
  'app.kubernetes.io/name': 'flowjob',
  'app.kubernetes.io/instance': cluster,
  'app.kubernetes.io/managed-by': 'flowjob-operator',
  [CLUSTER.name]: cluster,
});
