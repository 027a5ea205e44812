// The pods of an attempt on Apache Flink, and what they read, as manifests. Pure.
import { stringify } from 'yaml';
import {
  FLINK_ENVIRONMENT,
  jobManagerCommand,
  sessionCommand,
  LOG_CONFIG,
  logProperties,
  taskManagerCommand,
} from '../../engine-client/flink/command.ts';
import { flinkScript } from '../../engine-client/flink/compiled-plan.ts';
import { FLINK_PORTS, flinkConfig } from '../../engine-client/flink/config.ts';
import { highAvailabilityConfig } from '../../engine-client/flink/high-availability.ts';
import { VERSIONS } from '../../engine-client/flink/versions.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { isS3, s3AccessOf } from '../../api/s3.ts';
import type { Attempt } from '../../api/status.ts';
import type { AttemptPlan } from '../port.ts';
import { FETCHED_JAR, fetchedJar } from './fetched-jar.ts';
import { accountOf } from './flink-metadata.ts';
import { jobManagerName, LABEL, taskManagerName } from './names.ts';
import { bothOf, PATHS, podOf, withMemory, type PodSettings } from './pods.ts';
import type { PodManifest } from './templated-pod.ts';
import { renderedSql } from './rendered-sql.ts';
import { SUBMITTED, submittedJar } from './submitted-job.ts';
import { s3Credentials } from './s3-credentials.ts';
import { pathInPod, rootOf } from './state-mounts.ts';

const ADDRESS = '$(POD_IP)';
const FOLDERS = { config: PATHS.config, temporary: PATHS.temporary };

const variables = ({ state }: ResolvedFlowJobSpec): object[] => [
  ...Object.entries(FLINK_ENVIRONMENT).map(([name, value]) => ({ name, value })),
  ...s3Credentials(s3AccessOf(state.storage)),
];

/** The folder of the job's state as Flink is told it. */
export function flinkRoot(place: Parameters<typeof rootOf>[0]): string {
  const root = rootOf(place);
  return isS3(root) ? root : `file://${root}`;
}

/** What the attempt's ConfigMap holds. */
export function flinkFiles(
  { key, attempt, spec }: AttemptPlan,
  { highAvailability = false }: HighAvailability = {},
): Record<string, string> {
  const run = { job: key.name, namespace: key.namespace, jobId: attempt.jobId };
  const state = flinkRoot({ key, engine: 'Flink', storage: spec.state.storage });
  return {
    'config.yaml': stringify({
      ...flinkConfig(key.name, spec, { state, temporary: PATHS.temporary }),
      ...(highAvailability ? highAvailabilityConfig(run, state, VERSIONS[spec.engine.version!]) : {}),
      ...(attempt.session === true ? SUBMITTED : {}),
    }),
    [LOG_CONFIG]: logProperties(spec, PATHS.temporary),
  };
}

/** The SQL text as Flink is to run it. */
export const flinkScriptOf = ({ key, spec }: AttemptPlan): string =>
  flinkScript(spec, flinkRoot({ key, engine: 'Flink', storage: spec.state.storage }));

type HighAvailability = Pick<PodSettings, 'highAvailability'>;

const engineLabels = ({ highAvailability = false }: HighAvailability): Record<string, string> => ({
  [LABEL.engine]: 'flink',
  ...(highAvailability ? { [LABEL.highAvailability]: 'kubernetes' } : {}),
});

/** The spec names its version; a rule of the CRD sees to it. */
const imageOf = ({ engine }: ResolvedFlowJobSpec): string => engine.image ?? VERSIONS[engine.version!].image;

/** As it is told in a pod of the attempt. */
export const originOf = ({ restoreFrom, restoreClaim, resumeFrom }: Attempt): string | undefined =>
  resumeFrom ?? (restoreFrom === undefined ? undefined : pathInPod({ path: restoreFrom, claimName: restoreClaim }));

export function flinkJobManagerPod(plan: AttemptPlan, settings: PodSettings): PodManifest {
  const { key, attempt, spec } = plan;
  const { jobId, allowNonRestoredState } = attempt;
  const sql = renderedSql(spec, settings);
  const files = { script: sql.script, jar: FETCHED_JAR };
  const flink = { jobId, files, silent: sql.quiet, restoreFrom: originOf(attempt), allowNonRestoredState };
  return podOf(plan, {
    name: jobManagerName(key.name, attempt.epoch),
    role: 'JobManager',
    labels: { [LABEL.index]: '0', [LABEL.restarts]: '0', ...engineLabels(settings) },
    account: settings.highAvailability === true ? accountOf(plan, 'jobManager') : undefined,
    image: imageOf(spec),
    command:
      attempt.session === true
        ? sessionCommand(spec, flink, FOLDERS, ADDRESS)
        : jobManagerCommand(spec, flink, FOLDERS, ADDRESS),
    args: [],
    env: variables(spec),
    resources: spec.jobManager.resources,
    template: spec.jobManager.podTemplate,
    extras: bothOf(sql.extras, attempt.session === true ? submittedJar(plan, settings) : fetchedJar(spec, settings)),
    container: {
      ports: [
        { name: 'rest', containerPort: FLINK_PORTS.rest },
        { name: 'rpc', containerPort: FLINK_PORTS.rpc },
        { name: 'blob', containerPort: FLINK_PORTS.blob },
      ],
      readinessProbe: { tcpSocket: { port: FLINK_PORTS.rest }, periodSeconds: 2, failureThreshold: 3 },
    },
  });
}

/** `jobManagerAddress`: a TaskManager is told where its JobManager is, so its pod is made once that has an address. */
export function flinkTaskManagerPod(
  plan: AttemptPlan,
  { index, restarts, jobManagerAddress }: { index: number; restarts: number; jobManagerAddress: string },
  settings: HighAvailability = {},
): PodManifest {
  const { key, attempt, spec } = plan;
  const name = taskManagerName(key.name, attempt.epoch, index, restarts);
  const resources = withMemory(spec.taskManager.resources, plan.taskManagerMemory);
  const { session } = attempt;
  const place = { resourceId: name, memory: resources.limits.memory, address: ADDRESS, jobManagerAddress, session };
  return podOf(plan, {
    name,
    role: 'TaskManager',
    labels: { [LABEL.index]: String(index), [LABEL.restarts]: String(restarts), ...engineLabels(settings) },
    account: settings.highAvailability === true ? accountOf(plan, 'taskManager') : undefined,
    image: imageOf(spec),
    command: taskManagerCommand(spec, FOLDERS, place),
    args: [],
    env: variables(spec),
    resources,
    template: spec.taskManager.podTemplate,
    container: {
      ports: [
        { name: 'rpc', containerPort: FLINK_PORTS.taskManagerRpc },
        { name: 'data', containerPort: FLINK_PORTS.data },
      ],
    },
  });
}
