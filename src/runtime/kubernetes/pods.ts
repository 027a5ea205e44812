// The pods of an attempt, as manifests: the operator's part under what the user's template adds. Pure.
import {
  jobManagerArguments,
  jobManagerNodeFlags,
  taskManagerArguments,
  taskManagerNodeFlags,
} from '../../engine-client/embedded.ts';
import { quantityValue } from '../../api/schema-kit.ts';
import type { PodTemplate } from '../../api/flowjob.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { secretsOf, secretVariable } from '../../engine-client/secrets-of.ts';
import type { OwnerReference } from '../../kube/object.ts';
import { controllerReference } from '../../kube/writes.ts';
import { RESOURCES } from '../../store/kubernetes/resources.ts';
import type { AttemptPlan } from '../port.ts';
import { strategicMerge } from './merge-template.ts';
import { attemptName, jobLabels, jobManagerName, LABEL, ROLE, taskManagerName } from './names.ts';
import { claimOf, pathInPod, restoreMount, STATE } from './state-mounts.ts';

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

export interface PodManifest {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences: object[];
  };
  spec: Record<string, unknown>;
}

export interface PodSettings {
  /** Of pods whose FlowJob names none. */
  image: string;
}

/** Pods of the restricted security standard write to mounted volumes alone. */
export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: 10001,
  runAsGroup: 10001,
  fsGroup: 10001,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const;
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

const POD_IP = { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };

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
  return podOf(plan, settings, {
    name: jobManagerName(key.name, attempt.epoch),
    role: 'JobManager',
    labels: { [LABEL.index]: '0', [LABEL.restarts]: '0' },
    flags: jobManagerNodeFlags(spec.jobManager.resources.limits.memory),
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
  return podOf(plan, settings, {
    name,
    role: 'TaskManager',
    labels: { [LABEL.index]: String(index), [LABEL.restarts]: String(restarts) },
    flags: taskManagerNodeFlags(resources.limits.memory),
    args: [
      ...taskManagerArguments(PATHS.config, name, plan.taskManagerMemory),
      ...['-D', 'taskmanager.host=$(POD_IP)'],
    ],
    resources,
    template: spec.taskManager.podTemplate,
    container: { ports: [{ name: 'data', containerPort: DATA_PORT }] },
  });
}

type Resources = ResolvedFlowJobSpec['taskManager']['resources'];

/** What is set aside stays below what may be used. */
function withMemory(resources: Resources, memory: string | undefined): Resources {
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
  return secretsOf(job.sql.inline).map((reference) => ({
    name: secretVariable(reference),
    valueFrom: { secretKeyRef: reference },
  }));
}

interface PodParts {
  name: string;
  role: keyof typeof ROLE;
  labels: Record<string, string>;
  flags: string[];
  args: string[];
  resources: object;
  template: PodTemplate | undefined;
  container: Record<string, unknown>;
}

function podOf(plan: AttemptPlan, { image }: PodSettings, parts: PodParts): PodManifest {
  const { key, attempt, spec } = plan;
  const role = ROLE[parts.role];
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
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 10,
    securityContext: POD_SECURITY,
    ...affinityOf(spec, key.name),
    containers: [
      {
        name: role,
        image: spec.engine.image ?? image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', ...parts.flags, '/opt/flowjob/dist/engine.js'],
        args: parts.args,
        // Few arenas: glibc's default keeps freed memory per thread.
        env: [POD_IP, { name: 'MALLOC_ARENA_MAX', value: '2' }, ...secretVariables(spec)],
        resources: parts.resources,
        securityContext: CONTAINER_SECURITY,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [
          { name: 'config', mountPath: PATHS.config, readOnly: true },
          { name: 'secret', mountPath: '/flowjob/secret', readOnly: true },
          ...(claim === null ? [] : [{ name: 'state', mountPath: PATHS.state }]),
          ...restore.volumeMounts,
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
      { name: 'tmp', emptyDir: {} },
    ],
  };
  const { metadata = {}, spec: wanted = {} } = parts.template ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: parts.name,
      namespace: key.namespace,
      // The operator finds its pods by its labels: they have the last word.
      labels: { ...metadata.labels, ...own },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [ownerOf(plan)],
    },
    spec: strategicMerge(base, wanted),
  };
}

/** A volume that one node alone can mount keeps the pods of its job together. */
function affinityOf(spec: ResolvedFlowJobSpec, job: string): Record<string, unknown> {
  const { uri, persistentVolumeClaim: claim } = spec.state.storage ?? {};
  if (uri !== undefined || claim?.accessMode === 'ReadWriteMany') return {};
  const together = { labelSelector: { matchLabels: { [LABEL.job]: job } }, topologyKey: 'kubernetes.io/hostname' };
  return { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [together] } } };
}
