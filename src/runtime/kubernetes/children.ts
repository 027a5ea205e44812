// What an attempt's pods need beside them, as manifests: configuration, secret, the Service for people, the claim that outlives them, who may reach them.
import { stringify } from 'yaml';
import { sqlText, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { embeddedConfig } from '../../engine-client/embedded.ts';
import { DRIVER_JAR, DRIVER_JAR_CONTENT } from '../../engine-client/flink/driver-jar.ts';
import type { AttemptPlan } from '../port.ts';
import { attemptName, claimName, jobLabels, LABEL, ROLE, serviceName } from './names.ts';
import { flinkFiles, flinkScriptOf } from './flink-pods.ts';
import { ownerOf, PATHS, POD_NETWORK, REST_PORT, type PodSettings } from './pods.ts';
import { rootOf } from './state-mounts.ts';

export interface ChildManifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: object[];
  };
  [field: string]: unknown;
}

const metadata = (plan: Pick<AttemptPlan, 'key' | 'uid'>, name: string): ChildManifest['metadata'] => ({
  name,
  namespace: plan.key.namespace,
  labels: jobLabels(plan.key.name),
  ownerReferences: [ownerOf(plan)],
});

/** One per attempt, and never changed: a pod that comes late reads what the others read. */
export function configMap(plan: AttemptPlan, settings: Pick<PodSettings, 'highAvailability'> = {}): ChildManifest {
  const { key, attempt, spec } = plan;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(plan, attemptName(key.name, attempt.epoch)),
    immutable: true,
    data: spec.engine.type === 'Flink' ? flinkFiles(plan, settings) : embeddedFiles(plan),
    ...(attempt.session === true ? { binaryData: { [DRIVER_JAR]: DRIVER_JAR_CONTENT } } : {}),
  };
}

function embeddedFiles({ key, uid, attempt, spec }: AttemptPlan): Record<string, string> {
  const root = rootOf({ key, engine: 'Embedded', storage: spec.state.storage });
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
  return { 'config.yaml': stringify(config) };
}

/** The REST token, and the SQL text, which may name passwords. */
export function secret(plan: AttemptPlan, token: string): ChildManifest {
  const sql = sqlText(plan.spec);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata(plan, attemptName(plan.key.name, plan.attempt.epoch)),
    immutable: true,
    type: 'Opaque',
    stringData: { token, 'job.sql': plan.spec.engine.type === 'Flink' ? flinkScriptOf(plan) : sql },
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
      selector: {
        [LABEL.job]: plan.key.name,
        [LABEL.role]: ROLE.JobManager,
        // Of the next attempt one may be up already, which has no job.
        [LABEL.attempt]: String(plan.attempt.epoch),
      },
      ports: [{ name: 'rest', port: REST_PORT, targetPort: 'rest' }],
    },
  };
}

/** Without an owner: state outlives its job. */
export const claim = (plan: AttemptPlan): ChildManifest =>
  claimManifest(metadata(plan, claimName(plan.key.name)), plan.spec.state.storage?.persistentVolumeClaim ?? {});

type Storage = NonNullable<ResolvedFlowJobSpec['state']['storage']>;
type Claim = Partial<Omit<NonNullable<Storage['persistentVolumeClaim']>, 'claimName'>>;

/** Without the owner that other children have. */
export function claimManifest(
  { ownerReferences: _none, ...metadata }: ChildManifest['metadata'],
  { size = '1Gi', storageClassName, accessMode = 'ReadWriteOnce' }: Claim,
): ChildManifest {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    spec: {
      accessModes: [accessMode],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: String(size) } },
    },
  };
}

/** The operator's pods, as its chart labels them. */
export const OPERATOR = { 'app.kubernetes.io/name': 'flowjob-operator' };

/**
 * Pods of a job reach each other; the operator, and whoever has the token, reach REST; nobody else reaches anything. Flink asks for no token, and whoever
 * reaches it may cancel its job: of others the operator alone does. `operatorNamespace`: undefined when the operator runs outside of the cluster.
 */
export function networkPolicy(plan: AttemptPlan, operatorNamespace: string | undefined): ChildManifest {
  const own = { podSelector: { matchLabels: { [LABEL.job]: plan.key.name } } };
  const operator = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace ?? '' } },
    podSelector: { matchLabels: OPERATOR },
  };
  const from = plan.spec.engine.type === 'Flink' && operatorNamespace !== undefined ? { from: [operator] } : {};
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(plan, plan.key.name),
    spec: {
      podSelector: own.podSelector,
      policyTypes: ['Ingress'],
      ingress: [{ from: [own] }, { ...from, ports: [{ port: REST_PORT, protocol: 'TCP' }] }],
    },
  };
}
