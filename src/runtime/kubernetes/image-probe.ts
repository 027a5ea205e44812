// The pod that finds out whether the images of a new version can be had, as a manifest. Pure. It runs nothing: what counts is that the node has pulled them. It
// comes to the node of the JobManager with what pods of the new version pull with; it has no volume and no label of a process, so that nobody counts it.
import { createHash } from 'node:crypto';
import type { AttemptPlan } from '../port.ts';
import { LABEL } from './names.ts';
import { jobManagerPodOf, taskManagerPodOf } from './engine-pods.ts';
import { CONTAINER_SECURITY, podSecurity, type PodSettings } from './pods.ts';
import type { PodManifest } from './templated-pod.ts';

/** Of the pod. */
export const IMAGE_ROLE = 'image';

/** What decides whether an image can be pulled, and whether the pod may be where it is. */
const INHERITED = ['imagePullSecrets', 'serviceAccountName', 'tolerations', 'priorityClassName', 'runtimeClassName'];

interface Container {
  image: string;
  imagePullPolicy?: string;
}

/**
 * For each role whose pods would have images that are not `there`. Of what decides the answer the name is made: roles that ask the same have one pod. The node
 * is not among it, and is for the caller to choose.
 */
export function imageProbes(plan: AttemptPlan, settings: PodSettings, there: ReadonlySet<string>): PodManifest[] {
  const any = { index: 0, restarts: 0, jobManagerAddress: undefined };
  const pods = [jobManagerPodOf(plan, settings), taskManagerPodOf(plan, settings, any)];
  const probes = pods.flatMap((pod) => imageProbe(plan.key.name, pod, there) ?? []);
  return [...new Map(probes.map((probe) => [probe.metadata.name, probe])).values()];
}

function imageProbe(job: string, { metadata, spec }: PodManifest, there: ReadonlySet<string>): PodManifest | null {
  const { containers = [], initContainers = [] } = spec as { containers?: Container[]; initContainers?: Container[] };
  const pulled = [...initContainers, ...containers]
    .filter(({ image }) => !there.has(image))
    .map(({ image, imagePullPolicy }) => ({ image, ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }) }));
  const distinct = [...new Map(pulled.map((one) => [JSON.stringify(one), one])).values()];
  if (distinct.length === 0) return null;
  const inherited = Object.fromEntries(INHERITED.flatMap((field) => (field in spec ? [[field, spec[field]]] : [])));
  const digest = createHash('sha256')
    .update(JSON.stringify([distinct, inherited]))
    .digest('hex')
    .slice(0, 10);
  const { [LABEL.attempt]: _attempt, [LABEL.index]: _index, [LABEL.restarts]: _restarts, ...labels } = metadata.labels;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${job}-image-${digest}`,
      labels: { ...labels, 'app.kubernetes.io/component': IMAGE_ROLE, [LABEL.role]: IMAGE_ROLE },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: podSecurity('Embedded'),
      ...inherited,
      containers: distinct.map((container, index) => ({
        name: `${IMAGE_ROLE}-${index}`,
        ...container,
        command: ['node', '-e', ''],
        resources: { limits: { cpu: '100m', memory: '64Mi' }, requests: { cpu: '10m', memory: '16Mi' } },
        securityContext: CONTAINER_SECURITY,
      })),
    },
  };
}
