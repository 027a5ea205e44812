// What an attempt's pods need beside them, as manifests: configuration, secret, the Service for people, the claim that outlives them, who may reach them.
import { stringify } from 'yaml';
import { embeddedConfig } from '../../engine-client/embedded.ts';
import type { AttemptPlan } from '../port.ts';
import { attemptName, claimName, jobLabels, LABEL, ROLE, serviceName } from './names.ts';
import { ownerOf, PATHS, POD_NETWORK, REST_PORT } from './pods.ts';
import { rootOf } from './state-mounts.ts';

export interface ChildManifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; labels: Record<string, string>; ownerReferences?: object[] };
  [field: string]: unknown;
}

const metadata = (plan: Pick<AttemptPlan, 'key' | 'uid'>, name: string): ChildManifest['metadata'] => ({
  name,
  namespace: plan.key.namespace,
  labels: jobLabels(plan.key.name),
  ownerReferences: [ownerOf(plan)],
});

/** One per attempt, and never changed: a pod that comes late reads what the others read. */
export function configMap(plan: AttemptPlan): ChildManifest {
  const { key, uid, attempt, spec } = plan;
  const root = rootOf({ key, storage: spec.state.storage });
  const config = {
    ...embeddedConfig(
      { name: key.name, uid, spec },
      {
        stateDirectory: root,
        tokenFile: PATHS.token,
        // On the volume that all share: TaskManagers find the JobManager without waiting for DNS or a proxy.
        endpointsFile: `${root}/endpoints-${attempt.epoch}.json`,
        temporaryDirectory: PATHS.temporary,
      },
    ),
    ...POD_NETWORK,
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(plan, attemptName(key.name, attempt.epoch)),
    immutable: true,
    data: { 'config.yaml': stringify(config) },
  };
}

/** The REST token, and the SQL text, which may name passwords. */
export function secret(plan: AttemptPlan, token: string): ChildManifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata(plan, attemptName(plan.key.name, plan.attempt.epoch)),
    immutable: true,
    type: 'Opaque',
    stringData: { token, 'job.sql': plan.spec.job.sql.inline },
  };
}

/** For people and their tools; the operator speaks to the pod itself. */
export function restService(plan: AttemptPlan): ChildManifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, serviceName(plan.key.name)),
    spec: {
      // There is one JobManager, so nothing to balance; addresses of Services are few in many clusters, and jobs may be many.
      clusterIP: 'None',
      selector: { [LABEL.job]: plan.key.name, [LABEL.role]: ROLE.JobManager },
      ports: [{ name: 'rest', port: REST_PORT, targetPort: 'rest' }],
    },
  };
}

/** Without an owner: state outlives its job. */
export function claim(plan: AttemptPlan): ChildManifest {
  const {
    size = '1Gi',
    storageClassName,
    accessMode = 'ReadWriteOnce',
  } = plan.spec.state.storage?.persistentVolumeClaim ?? {};
  const { ownerReferences: _none, ...owned } = metadata(plan, claimName(plan.key.name));
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: owned,
    spec: {
      accessModes: [accessMode],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: String(size) } },
    },
  };
}

/** Pods of a job reach each other; the operator, and whoever has the token, reach REST; nobody else reaches anything. */
export function networkPolicy(plan: AttemptPlan): ChildManifest {
  const own = { podSelector: { matchLabels: { [LABEL.job]: plan.key.name } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(plan, plan.key.name),
    spec: {
      podSelector: own.podSelector,
      policyTypes: ['Ingress'],
      ingress: [{ from: [own] }, { ports: [{ port: REST_PORT, protocol: 'TCP' }] }],
    },
  };
}
