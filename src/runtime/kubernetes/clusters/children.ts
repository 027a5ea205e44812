// What the pods of a FlowCluster need beside them, as manifests: configuration, the Service for people, the claim that outlives them, who may reach them.
import { stringify } from 'yaml';
import { storageOfJobs } from '../../../api/flowcluster.ts';
import { LOG_CONFIG, LOG_PROPERTIES } from '../../../engine-client/flink/command.ts';
import { FLINK_PORTS } from '../../../engine-client/flink/config.ts';
import { DRIVER_JAR, DRIVER_JAR_CONTENT } from '../../../engine-client/flink/driver-jar.ts';
import { sessionConfig } from '../../../engine-client/flink/session-config.ts';
import type { OwnerReference } from '../../../kube/object.ts';
import { controllerReference } from '../../../kube/writes.ts';
import { RESOURCES } from '../../../store/kubernetes/resources.ts';
import type { ClusterPlan } from '../../cluster-port.ts';
import { claimManifest, OPERATOR, type ChildManifest } from '../children.ts';
import { ROLE } from '../names.ts';
import { PATHS } from '../pods.ts';
import { CLUSTER, clusterLabels, clusterName, clusterService } from './names.ts';

/** `web.upload.dir`. */
export const UPLOAD_FOLDER = `${PATHS.temporary}/uploads`;

export const ownerOfCluster = ({ key, uid }: Pick<ClusterPlan, 'key' | 'uid'>): OwnerReference =>
  controllerReference(RESOURCES.FlowCluster, { metadata: { name: key.name, uid } });

const metadata = (plan: ClusterPlan, name: string): ChildManifest['metadata'] => ({
  name,
  namespace: plan.key.namespace,
  labels: clusterLabels(plan.key.name),
  ownerReferences: [ownerOfCluster(plan)],
});

/** It changes with the cluster alone, which then has no process. */
export const clusterConfigMap = (plan: ClusterPlan): ChildManifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadata(plan, clusterName(plan.key.name)),
  data: {
    'config.yaml': stringify(sessionConfig(plan.spec, { temporary: PATHS.temporary, uploads: UPLOAD_FOLDER })),
    [LOG_CONFIG]: LOG_PROPERTIES,
  },
  binaryData: { [DRIVER_JAR]: DRIVER_JAR_CONTENT },
});

/** For people and their tools; the operator speaks to the pod itself. */
export const clusterRestService = (plan: ClusterPlan): ChildManifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(plan, clusterService(plan.key.name)),
  spec: {
    clusterIP: 'None',
    selector: { [CLUSTER.name]: plan.key.name, [CLUSTER.role]: ROLE.JobManager },
    ports: [{ name: 'rest', port: FLINK_PORTS.rest, targetPort: 'rest' }],
  },
});

/** Without an owner: state outlives its cluster. Null: the state is on S3, or on a claim that is there already. */
export function clusterClaimManifest(plan: ClusterPlan): ChildManifest | null {
  const own = plan.spec.state.storage;
  if (own?.uri !== undefined || own?.persistentVolumeClaim?.claimName !== undefined) return null;
  const { claimName, ...claim } = storageOfJobs(plan.key.name, plan.spec).persistentVolumeClaim!;
  return claimManifest(metadata(plan, claimName!), claim);
}

/**
 * Pods of a cluster reach each other, and of others the operator alone reaches REST, which asks for no token: whoever does may submit and cancel jobs.
 * `operatorNamespace`: undefined when the operator runs outside of the cluster, where no policy knows it.
 */
export function clusterNetworkPolicy(plan: ClusterPlan, operatorNamespace: string | undefined): ChildManifest {
  const own = { podSelector: { matchLabels: { [CLUSTER.name]: plan.key.name } } };
  const operator = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace ?? '' } },
    podSelector: { matchLabels: OPERATOR },
  };
  const from = operatorNamespace === undefined ? {} : { from: [operator] };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(plan, clusterName(plan.key.name)),
    spec: {
      podSelector: own.podSelector,
      policyTypes: ['Ingress'],
      ingress: [{ from: [own] }, { ...from, ports: [{ port: FLINK_PORTS.rest, protocol: 'TCP' }] }],
    },
  };
}
