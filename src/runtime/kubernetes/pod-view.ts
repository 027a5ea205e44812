// What the lifecycle is told of a pod, and what keeps a pod from starting, in words.
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { ProcessView } from '../../lifecycle/observation.ts';
import { LABEL, ROLE } from './names.ts';

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode: number; reason?: string; message?: string; finishedAt?: string };
}

/** A Pod, as far as it is read. */
export interface Pod extends KubeObject {
  spec?: { nodeName?: string };
  status?: {
    phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    reason?: string;
    message?: string;
    podIP?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[];
    initContainerStatuses?: { name: string; state?: ContainerState }[];
    containerStatuses?: { name: string; state?: ContainerState; lastState?: ContainerState; restartCount?: number }[];
  };
}

export const PODS: Resource<Pod> = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };

/** Null for pods that are not JobManager or TaskManager. */
export function processOf(pod: Pod): ProcessView | null {
  const labels = pod.metadata.labels ?? {};
  const role = labels[LABEL.role] === ROLE.JobManager ? 'JobManager' : 'TaskManager';
  const [epoch, index, restarts] = [LABEL.attempt, LABEL.index, LABEL.restarts].map((name) => Number(labels[name]));
  if (labels[LABEL.role] !== ROLE[role] || !Number.isInteger(epoch) || !Number.isInteger(index)) return null;
  const exit = exitOf(pod);
  return {
    epoch: epoch!,
    role,
    index: index!,
    state: exit === null ? 'Running' : 'Exited',
    exit,
    restarts: restarts ?? 0,
    ...(pod.status?.phase === 'Pending' || pod.status?.phase === undefined
      ? { pending: { trouble: troubleOf(pod) } }
      : {}),
  };
}

/** Exit codes of a process that ended because the kubelet told it to, or killed it when its time was over. */
const TOLD_TO_END: readonly number[] = [143, 137];

/** The kubelet's word for pods that it has ended. */
const EVICTED = 'Evicted';

/** A pod that is being deleted runs until it is gone: its containers may still work. */
export function exitOf(pod: Pod): ProcessView['exit'] {
  const { phase, reason, message } = pod.status ?? {};
  if (phase !== 'Failed' && phase !== 'Succeeded') return null;
  const ended = mainContainer(pod)?.state?.terminated;
  const at = Date.parse(ended?.finishedAt ?? pod.metadata.creationTimestamp ?? '');
  return {
    at: Number.isNaN(at) ? 0 : at,
    asked: pod.metadata.deletionTimestamp !== undefined,
    ...(ended?.reason === 'OOMKilled' ? { outOfMemory: true } : {}),
    reason: `${pod.metadata.name} ${endedHow(pod, ended)}${reason === undefined || reason === EVICTED ? '' : ` (${reason}: ${message ?? ''})`}.`,
  };
}

/** Milliseconds after the end of its grace period at which a pod should have gone. */
const GONE_BY = 10_000;

/** Why a pod that is being deleted is still there, with the remedy; null when it is not, or not for long. `now`: milliseconds since the epoch. */
export function leftOf({ metadata, spec, status }: Pod, now: number): string | null {
  // The end of the grace period.
  const due = Date.parse(metadata.deletionTimestamp ?? '');
  if (Number.isNaN(due) || now - due < GONE_BY || spec?.nodeName === undefined) return null;
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return null;
  return `${metadata.name} was to end and is still there: its node ${spec.nodeName} does not answer, or cannot end it -> see kubectl get node ${spec.nodeName}; if it is down for good, delete it (kubectl delete node), or taint it with node.kubernetes.io/out-of-service`;
}

/** How a pod ended, in words, where it has. Also one that never began: a node may refuse it. */
export function endOf(pod: Pod): string | null {
  const { phase, reason, message } = pod.status ?? {};
  if (phase !== 'Failed' && phase !== 'Succeeded') return null;
  return reason === undefined ? `it is ${phase}` : `${reason}: ${message ?? ''}`;
}

function endedHow(pod: Pod, ended: ContainerState['terminated']): string {
  const disruption = pod.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  if (disruption !== undefined) return `was evicted: ${disruption.reason ?? ''} ${disruption.message ?? ''}`.trimEnd();
  // By the kubelet, for a folder that is larger than it may be: no DisruptionTarget tells of it.
  if (pod.status?.reason === EVICTED) return `was evicted: ${pod.status.message ?? ''}`.replace(/[.:\s]+$/, '');
  if (ended === undefined) return 'ended';
  if (ended.reason === 'OOMKilled')
    return 'was killed because it needed more memory than resources.limits.memory: raise it';
  // Its last words are about something else.
  if (pod.metadata.deletionTimestamp !== undefined && TOLD_TO_END.includes(ended.exitCode)) return 'was deleted';
  const said = ended.message?.trim().split('\n').at(-1);
  return `ended with code ${ended.exitCode}${said === undefined || said === '' ? '' : `: ${said.slice(0, 500)}`}`;
}

function mainContainer(pod: Pod) {
  const role = pod.metadata.labels?.[LABEL.role];
  return pod.status?.containerStatuses?.find(({ name }) => name === role);
}

/** Reasons that time alone does not cure, and what does. */
const REMEDIES: Record<string, string> = {
  ErrImagePull: 'correct spec.engine.image, or see that the node may pull it',
  ImagePullBackOff: 'correct spec.engine.image, or see that the node may pull it',
  InvalidImageName: 'correct spec.engine.image',
  ErrImageNeverPull: 'bring the image to the node, or allow imagePullPolicy IfNotPresent',
  CreateContainerConfigError: 'make the Secret or ConfigMap that the SQL text or podTemplate names, with that key',
  CreateContainerError: 'correct podTemplate',
  Unschedulable:
    'lower resources.requests, add nodes, or correct nodeSelector, affinity and tolerations in podTemplate',
};

/** A pod without its volume cannot be scheduled either, and no node helps. */
const VOLUME_REMEDY =
  'see that the claim finds a volume: a StorageClass with a provisioner, or a PersistentVolume that fits it; or correct spec.state.storage.persistentVolumeClaim (the claim that was made stays: delete it when its class or size was wrong)';

/** Why a pod does not start, with the remedy; null when nothing keeps it. */
export function troubleOf(pod: Pod): string | null {
  const { name } = pod.metadata;
  if (pod.status?.phase !== undefined && pod.status.phase !== 'Pending') return null;
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled?.reason === 'Unschedulable')
    return `${name} cannot be scheduled: ${unscheduled.message ?? ''} -> ${unschedulableRemedy(unscheduled.message ?? '')}`;
  for (const { state } of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const { reason, message } = state?.waiting ?? {};
    const remedy = reason === undefined ? undefined : REMEDIES[reason];
    if (remedy !== undefined) return `${name} does not start: ${reason}: ${message ?? ''} -> ${remedy}`;
  }
  return null;
}

/** A pod that restores from the volume of another job needs that volume, too. */
function unschedulableRemedy(message: string): string {
  if (/persistentvolumeclaim .* not found/.test(message))
    return 'make that claim, or correct spec.state: savepoints of another job are on the claim of that job';
  if (/volume node affinity|ReadWriteOncePod/.test(message))
    return 'bring the volumes of the job and of the savepoint that it starts from to one node, or copy the savepoint to the volume of the job';
  return /persistent ?volume/i.test(message) ? VOLUME_REMEDY : REMEDIES['Unschedulable']!;
}
