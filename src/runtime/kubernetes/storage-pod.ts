// The pod that looks at a job's volume, or at its folder on S3, as a manifest. Pure. It has to come to the node where the volume is, and to read what the job's pods wrote: where they
// may run, as whom, and with what images are pulled, it takes from the template of the JobManager; nothing else.
import type { StorageCommand } from '../../../engine/storage-command.ts';
import type { EngineType } from '../../api/engine.ts';
import type { PodTemplate } from '../../api/flowjob.ts';
import type { ObjectKey } from '../../api/object.ts';
import type { S3Access } from '../../api/s3.ts';
import { strategicMerge } from './merge-template.ts';
import { jobLabels, LABEL, ROLE } from './names.ts';
import { CONTAINER_SECURITY, podSecurity } from './pods.ts';
import { s3Credentials } from './s3-credentials.ts';
import type { Mounts } from './state-mounts.ts';

/** What a pod mounts, for which job it looks, and where that job's state is. */
export interface Volume extends Mounts {
  key: ObjectKey;
  /** Who has written what is on it. */
  engine: EngineType;
  root: string;
  /** Of the JobManager. */
  template: PodTemplate | undefined;
  /** Where what is asked about is on S3: how that is reached. */
  s3?: S3Access | undefined;
}

/** Of the pod, and the name of its container. */
export const STORAGE_ROLE = 'storage';

/** What reads the state of each engine. */
const PROGRAMS: Readonly<Record<EngineType, readonly string[]>> = {
  Embedded: ['/opt/flowjob/dist/engine.js', 'storage'],
  Flink: ['/opt/flowjob/dist/flink-storage.js'],
};

const ANSWER = '/dev/termination-log';

const INHERITED = [
  ...['imagePullSecrets', 'serviceAccountName', 'securityContext'],
  ...['nodeSelector', 'affinity', 'tolerations', 'schedulerName', 'priorityClassName', 'runtimeClassName'],
] as const;

export function storagePod(
  { key, engine, root, volumes, volumeMounts, template, s3 }: Volume,
  { name, image, command }: { name: string; image: string; command: StorageCommand },
): { metadata: { name: string; namespace: string; labels: Record<string, string> }; spec: Record<string, unknown> } {
  const { metadata = {}, spec: wanted = {} } = template ?? {};
  const inherited = Object.fromEntries(INHERITED.flatMap((field) => (field in wanted ? [[field, wanted[field]]] : [])));
  const base = {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    securityContext: podSecurity(engine),
    ...(s3?.serviceAccountName === undefined ? {} : { serviceAccountName: s3.serviceAccountName }),
    containers: [
      {
        name: STORAGE_ROLE,
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', ...PROGRAMS[engine]],
        args: ['--root', root, '--command', JSON.stringify(command), '--answer', ANSWER, ...s3Arguments(s3)],
        ...(s3 === undefined ? {} : { env: s3Credentials(s3) }),
        resources: { limits: { memory: '128Mi', cpu: '1' }, requests: { memory: '64Mi', cpu: '50m' } },
        securityContext: strategicMerge(CONTAINER_SECURITY, containerSecurity(wanted)),
        terminationMessagePath: ANSWER,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts,
      },
    ],
    volumes,
  };
  const own = {
    ...jobLabels(key.name),
    'app.kubernetes.io/component': STORAGE_ROLE,
    [LABEL.role]: STORAGE_ROLE,
  };
  return {
    metadata: {
      name,
      namespace: key.namespace,
      labels: { ...metadata.labels, ...own },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
    },
    spec: strategicMerge(base, inherited),
  };
}

/** Credentials are none of them: all can read what a pod is made from. */
const s3Arguments = (access: S3Access | undefined): string[] =>
  access === undefined ? [] : ['--s3', JSON.stringify(access)];

/** As whom the JobManager itself runs, where its container says so. */
function containerSecurity(wanted: Record<string, unknown>): Record<string, unknown> {
  const { containers = [] } = wanted as { containers?: { name: string; securityContext?: Record<string, unknown> }[] };
  return containers.find(({ name }) => name === ROLE.JobManager)?.securityContext ?? {};
}
