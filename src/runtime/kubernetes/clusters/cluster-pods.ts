// The pods of a FlowCluster, as manifests: the operator's part under what the user's template adds. Pure.
import { storageOfJobs } from '../../../api/flowcluster.ts';
import { s3AccessOf } from '../../../api/s3.ts';
import { FLINK_ENVIRONMENT, sharedSessionCommand, taskManagerCommand } from '../../../engine-client/flink/command.ts';
import { FLINK_PORTS } from '../../../engine-client/flink/config.ts';
import { DRIVER_JAR, UPLOADS } from '../../../engine-client/flink/driver-jar.ts';
import { driverJarOf } from '../../../engine-client/flink/session-config.ts';
import { VERSIONS } from '../../../engine-client/flink/versions.ts';
import type { ClusterPlan } from '../../cluster-port.ts';
import { ROLE } from '../names.ts';
import { CONTAINER_SECURITY, PATHS, podSecurity, POD_IP } from '../pods.ts';
import { s3Credentials } from '../s3-credentials.ts';
import { onOneNode, templatedPod, type PodManifest } from '../templated-pod.ts';
import { ownerOfCluster, UPLOAD_FOLDER } from './children.ts';
import { CLUSTER, clusterJobManager, clusterLabels, clusterName, clusterTaskManager } from './names.ts';

const ADDRESS = '$(POD_IP)';
const POD_UID = { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } };
const FOLDERS = { config: PATHS.config, temporary: PATHS.temporary };

/** Seconds. A JobManager that does not answer for so long is ended by the kubelet, and another one is made. */
const SILENCE = { period: 10, failures: 6 };

export function clusterJobManagerPod(plan: ClusterPlan): PodManifest {
  const { key, spec } = plan;
  const rest = { path: '/config', port: 'rest' };
  return podOf(plan, {
    name: clusterJobManager(key.name),
    role: 'JobManager',
    index: 0,
    labels: {},
    command: withDriverJar(sharedSessionCommand(spec, FOLDERS, ADDRESS)),
    container: {
      ports: [
        { name: 'rest', containerPort: FLINK_PORTS.rest },
        { name: 'rpc', containerPort: FLINK_PORTS.rpc },
        { name: 'blob', containerPort: FLINK_PORTS.blob },
      ],
      readinessProbe: { tcpSocket: { port: 'rest' }, periodSeconds: 2, failureThreshold: 3 },
      startupProbe: { httpGet: rest, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 60 },
      livenessProbe: {
        httpGet: rest,
        periodSeconds: SILENCE.period,
        timeoutSeconds: 5,
        failureThreshold: SILENCE.failures,
      },
    },
  });
}

export function clusterTaskManagerPod(
  plan: ClusterPlan,
  index: number,
  jobManager: { uid: string; address: string },
): PodManifest {
  const { key, spec } = plan;
  const name = clusterTaskManager(key.name, index);
  const { memory } = spec.taskManager.resources.limits;
  const place = { resourceId: name, memory, address: ADDRESS, jobManagerAddress: jobManager.address };
  return podOf(plan, {
    name,
    role: 'TaskManager',
    index,
    labels: { [CLUSTER.jobManagerUid]: jobManager.uid },
    command: taskManagerCommand(spec, FOLDERS, place),
    container: {
      ports: [
        { name: 'rpc', containerPort: FLINK_PORTS.taskManagerRpc },
        { name: 'data', containerPort: FLINK_PORTS.data },
      ],
    },
  });
}

/** The jar is where submissions are looked for, under a name that this pod alone has. */
const withDriverJar = (command: readonly string[]): string[] => {
  const folder = `${UPLOAD_FOLDER}/${UPLOADS}`;
  const link = 'mkdir -p "$1" && ln -sf "$2" "$1/$3" && shift 3 && exec "$@"';
  return ['sh', '-c', link, 'sh', folder, `${PATHS.config}/${DRIVER_JAR}`, driverJarOf('$(POD_UID)'), ...command];
};

interface Parts {
  name: string;
  role: keyof typeof ROLE;
  index: number;
  labels: Record<string, string>;
  command: string[];
  container: Record<string, unknown>;
}

function podOf(plan: ClusterPlan, parts: Parts): PodManifest {
  const { key, spec, specHash } = plan;
  const role = ROLE[parts.role];
  const { resources, podTemplate } = parts.role === 'JobManager' ? spec.jobManager : spec.taskManager;
  const storage = storageOfJobs(key.name, spec);
  const claim = storage.persistentVolumeClaim;
  const own = {
    ...clusterLabels(key.name),
    'app.kubernetes.io/component': role,
    [CLUSTER.role]: role,
    [CLUSTER.index]: String(parts.index),
    [CLUSTER.specHash]: specHash,
    ...parts.labels,
  };
  const base = {
    // A JobManager that was started again in its pod would not be told from the one that has the jobs.
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 10,
    securityContext: podSecurity('Flink'),
    ...(claim === undefined || claim.accessMode === 'ReadWriteMany' ? {} : onOneNode({ [CLUSTER.name]: key.name })),
    containers: [
      {
        name: role,
        image: spec.engine.image ?? VERSIONS[spec.engine.version].image,
        imagePullPolicy: 'IfNotPresent',
        command: parts.command,
        env: [
          POD_IP,
          POD_UID,
          ...Object.entries(FLINK_ENVIRONMENT).map(([name, value]) => ({ name, value })),
          ...s3Credentials(s3AccessOf(storage)),
        ],
        resources,
        securityContext: CONTAINER_SECURITY,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [
          { name: 'config', mountPath: PATHS.config, readOnly: true },
          ...(claim === undefined ? [] : [{ name: 'state', mountPath: PATHS.state }]),
          { name: 'tmp', mountPath: PATHS.temporary },
        ],
        ...parts.container,
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: clusterName(key.name) } },
      ...(claim === undefined ? [] : [{ name: 'state', persistentVolumeClaim: { claimName: claim.claimName } }]),
      { name: 'tmp', emptyDir: {} },
    ],
  };
  return templatedPod(
    { name: parts.name, namespace: key.namespace, labels: own, ownerReferences: [ownerOfCluster(plan)] },
    base,
    podTemplate,
  );
}
