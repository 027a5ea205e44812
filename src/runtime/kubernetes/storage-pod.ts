// The pod that looks at a job's volume, as a manifest. Pure. It has to come to the node where the volume is, and to read what the job's pods wrote: where they
// may run, as whom, and with what images are pulled, it takes from the template of the JobManager; nothing else.
import type { StorageCommand } from '../../../engine/storage-command.ts';
import type { PodTemplate } from '../../api/flowjob.ts';
import type { ObjectKey } from '../../api/object.ts';
import { strategicMerge } from './merge-template.ts';
import { jobLabels, LABEL, ROLE } from './names.ts';
import { CONTAINER_SECURITY, POD_SECURITY } from './pods.ts';
import type { Mounts } from './state-mounts.ts';

/** What a pod mounts, for which job it looks, and where that job's state is. */
export interface Volume extends Mounts {
  key: ObjectKey;
  root: string;
  /** Of the JobManager. */
  template: PodTemplate | undefined;
}

/** Of the pod, and the name of its container. */
export const STORAGE_ROLE = 'storage';

const ANSWER = '/dev/termination-log';

const INHERITED = [
  ...['imagePullSecrets', 'serviceAccountName', 'securityContext'],
  ...['nodeSelector', 'affinity', 'tolerations', 'schedulerName', 'priorityClassName', 'runtimeClassName'],
] as const;

export function storagePod(
  { key, root, volumes, volumeMounts, template }: Volume,
  { name, image, command }: { name: string; image: string; command: StorageCommand },
): { metadata: { name: string; namespace: string; labels: Record<string, string> }; spec: Record<string, unknown> } {
  const { metadata = {}, spec: wanted = {} } = template ?? {};
  const inherited = Object.fromEntries(INHERITED.flatMap((field) => (field in wanted ? [[field, wanted[field]]] : [])));
  const base = {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    securityContext: POD_SECURITY,
    containers: [
      {
        name: STORAGE_ROLE,
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '/opt/flowjob/dist/engine.js', 'storage'],
        args: ['--root', root, '--command', JSON.stringify(command), '--answer', ANSWER],
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

/** As whom the JobManager itself runs, where its container says so. */
function containerSecurity(wanted: Record<string, unknown>): Record<string, unknown> {
  const { containers = [] } = wanted as { containers?: { name: string; securityContext?: Record<string, unknown> }[] };
  return containers.find(({ name }) => name === ROLE.JobManager)?.securityContext ?? {};
}
