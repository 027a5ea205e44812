// The pods of an attempt, as manifests: the operator's part under what the user's template adds. Pure.
import {
  jobManagerArguments,
  jobManagerNodeFlags,
  taskManagerArguments,
  taskManagerNodeFlags,
} from '../../engine-client/embedded.ts';
import { quantityValue } from '../../api/schema-kit.ts';
import type { EngineType } from '../../api/engine.ts';
import type { PodTemplate } from '../../api/flowjob.ts';
import { sqlText, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { secretsOf, secretVariable } from '../../engine-client/secrets-of.ts';
import type { OwnerReference } from '../../kube/object.ts';
import { controllerReference } from '../../kube/writes.ts';
import { RESOURCES } from '../../store/kubernetes/resources.ts';
import type { AttemptPlan } from '../port.ts';
import { attemptName, jobLabels, jobManagerName, LABEL, ROLE, taskManagerName } from './names.ts';
import { claimOf, pathInPod, restoreMount, STATE } from './state-mounts.ts';
import { onOneNode, templatedPod, type PodManifest } from './templated-pod.ts';

/** Where things are in a pod. */
export const PATHS = {
  config: '/flowjob/config',
  token: '/flowjob/secret/token',
  sql: '/flowjob/secret/job.sql',
  state: STATE,
  temporary: '/tmp',
} as const;

export const REST_PORT = 8081;
const RPC_PORT = 6123;
const DATA_PORT = 6122;

/** Ports and addresses in pods; `-D` sets what only the pod knows. */
export const POD_NETWORK = {
  'jobmanager.bind-host': '0.0.0.0',
  'rest.bind-address': '0.0.0.0',
  'taskmanager.bind-host': '0.0.0.0',
  'jobmanager.rpc.port': RPC_PORT,
  'rest.port': REST_PORT,
  'taskmanager.data.port': DATA_PORT,
} as const;

export interface PodSettings {
  /** Of pods whose FlowJob names none. */
  image: string;
  /** Those of Apache Flink use its high availability on Kubernetes. */
  highAvailability?: boolean;
}

/** Pods of the restricted security standard write to mounted volumes alone. Of one engine all have one user: they read what the others wrote. */
const USERS: Readonly<Record<EngineType, number>> = { Embedded: 10001, Flink: 9999 };

export function podSecurity(engine: EngineType): object {
  const user = USERS[engine];
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

export const POD_IP = { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };

export const ownerOf = ({ key, uid }: Pick<AttemptPlan, 'key' | 'uid'>): OwnerReference =>
  controllerReference(RESOURCES.FlowJob, { metadata: { name: key.name, uid } });

export function jobManagerPod(plan: AttemptPlan, settings: PodSettings): PodManifest {
  const { key, attempt, spec } = plan;
  const args = jobManagerArguments({
    configDirectory: PATHS.config,
    jobId: attempt.jobId,
    epoch: attempt.epoch,
    sqlFile: PATHS.sql,
    restoreFrom:
      attempt.restoreFrom === undefined
        ? undefined
        : pathInPod({ path: attempt.restoreFrom, claimName: attempt.restoreClaim }),
    allowNonRestoredState: attempt.allowNonRestoredState,
  });
  return podOf(plan, {
    name: jobManagerName(key.name, attempt.epoch),
    role: 'JobManager',
    labels: { [LABEL.index]: '0', [LABEL.restarts]: '0' },
    image: spec.engine.image ?? settings.image,
    command: nodeCommand(jobManagerNodeFlags(spec.jobManager.resources.limits.memory)),
    env: embeddedVariables(spec),
    args: [...args, '-D', 'jobmanager.rpc.address=$(POD_IP)', '-D', 'rest.address=$(POD_IP)'],
    resources: spec.jobManager.resources,
    template: spec.jobManager.podTemplate,
    container: {
      ports: [
        { name: 'rest', containerPort: REST_PORT },
        { name: 'rpc', containerPort: RPC_PORT },
      ],
      readinessProbe: { tcpSocket: { port: REST_PORT }, periodSeconds: 2, failureThreshold: 3 },
    },
  });
}

export function taskManagerPod(
  plan: AttemptPlan,
  settings: PodSettings,
  { index, restarts }: { index: number; restarts: number },
): PodManifest {
  const { key, attempt, spec } = plan;
  const name = taskManagerName(key.name, attempt.epoch, index, restarts);
  const resources = withMemory(spec.taskManager.resources, plan.taskManagerMemory);
  return podOf(plan, {
    name,
    role: 'TaskManager',
    labels: { [LABEL.index]: String(index), [LABEL.restarts]: String(restarts) },
    image: spec.engine.image ?? settings.image,
    command: nodeCommand(taskManagerNodeFlags(resources.limits.memory)),
    env: embeddedVariables(spec),
    args: [
      ...taskManagerArguments(PATHS.config, name, plan.taskManagerMemory),
      ...['-D', 'taskmanager.host=$(POD_IP)'],
    ],
    resources,
    template: spec.taskManager.podTemplate,
    container: { ports: [{ name: 'data', containerPort: DATA_PORT }] },
  });
}

const nodeCommand = (flags: string[]): string[] => ['node', ...flags, '/opt/flowjob/dist/engine.js'];

/** Few arenas: glibc's default keeps freed memory per thread. */
const embeddedVariables = (spec: ResolvedFlowJobSpec): object[] => [
  { name: 'MALLOC_ARENA_MAX', value: '2' },
  ...secretVariables(spec),
];

type Resources = ResolvedFlowJobSpec['taskManager']['resources'];

/** What is set aside stays below what may be used. */
export function withMemory(resources: Resources, memory: string | undefined): Resources {
  if (memory === undefined) return resources;
  const { limits, requests } = resources;
  const less = requests?.memory !== undefined && quantityValue(requests.memory) > quantityValue(memory);
  return {
    limits: { ...limits, memory },
    ...(requests === undefined ? {} : { requests: { ...requests, ...(less ? { memory } : {}) } }),
  };
}

/** By the kubelet, which says at once which Secret or key is missing; the operator never reads them. */
function secretVariables({ job }: ResolvedFlowJobSpec): object[] {
  return secretsOf(sqlText({ job })).map((reference) => ({
    name: secretVariable(reference),
    valueFrom: { secretKeyRef: reference },
  }));
}

export interface PodParts {
  name: string;
  role: keyof typeof ROLE;
  labels: Record<string, string>;
  image: string;
  command: string[];
  args: string[];
  /** Besides POD_IP. */
  env: object[];
  resources: object;
  template: PodTemplate | undefined;
  /** Undefined: the pod is not to speak to the API server. */
  account?: string | undefined;
  container: Record<string, unknown>;
  extras?: PodExtras;
}

/** What some pods have besides. */
export interface PodExtras {
  initContainers?: object[];
  volumes?: object[];
  volumeMounts?: object[];
}

export const bothOf = (one: PodExtras, other: PodExtras): PodExtras => ({
  initContainers: [...(one.initContainers ?? []), ...(other.initContainers ?? [])],
  volumes: [...(one.volumes ?? []), ...(other.volumes ?? [])],
  volumeMounts: [...(one.volumeMounts ?? []), ...(other.volumeMounts ?? [])],
});

export function podOf(plan: AttemptPlan, parts: PodParts): PodManifest {
  const { key, attempt, spec } = plan;
  const role = ROLE[parts.role];
  const { initContainers = [], volumes = [], volumeMounts = [] } = parts.extras ?? {};
  const claim = claimOf({ key, storage: spec.state.storage });
  const restore = restoreMount(attempt);
  const own = {
    ...jobLabels(key.name),
    'app.kubernetes.io/component': role,
    [LABEL.attempt]: String(attempt.epoch),
    [LABEL.role]: role,
    ...parts.labels,
  };
  const base = {
    restartPolicy: 'Never',
    automountServiceAccountToken: parts.account !== undefined,
    ...(parts.account === undefined ? {} : { serviceAccountName: parts.account }),
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 10,
    securityContext: podSecurity(spec.engine.type),
    ...affinityOf(spec, key.name),
    ...(initContainers.length === 0 ? {} : { initContainers }),
    containers: [
      {
        name: role,
        image: parts.image,
        imagePullPolicy: 'IfNotPresent',
        command: parts.command,
        args: parts.args,
        env: [POD_IP, ...parts.env],
        resources: parts.resources,
        securityContext: CONTAINER_SECURITY,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [
          { name: 'config', mountPath: PATHS.config, readOnly: true },
          { name: 'secret', mountPath: '/flowjob/secret', readOnly: true },
          ...(claim === null ? [] : [{ name: 'state', mountPath: PATHS.state }]),
          ...restore.volumeMounts,
          ...volumeMounts,
          { name: 'tmp', mountPath: PATHS.temporary },
        ],
        ...parts.container,
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: attemptName(key.name, attempt.epoch) } },
      { name: 'secret', secret: { secretName: attemptName(key.name, attempt.epoch), defaultMode: 0o440 } },
      ...(claim === null ? [] : [{ name: 'state', persistentVolumeClaim: { claimName: claim } }]),
      ...restore.volumes,
      ...volumes,
      { name: 'tmp', emptyDir: {} },
    ],
  };
  return templatedPod(
    { name: parts.name, namespace: key.namespace, labels: own, ownerReferences: [ownerOf(plan)] },
    base,
    parts.template,
  );
}

/** A volume that one node alone can mount keeps the pods of its job together. */
function affinityOf(spec: ResolvedFlowJobSpec, job: string): Record<string, unknown> {
  const { uri, persistentVolumeClaim: claim } = spec.state.storage ?? {};
  if (uri !== undefined || claim?.accessMode === 'ReadWriteMany') return {};
  return onOneNode({ [LABEL.job]: job });
}
