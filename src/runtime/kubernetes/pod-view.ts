// What the lifecycle is told of a pod, and what keeps a pod from starting, in words.
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { ProcessView } from '../../lifecycle/observation.ts';
import { lastWords } from '../../engine-client/flink/last-words.ts';
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
  const deleted = exit === null && pod.metadata.deletionTimestamp !== undefined;
  return {
    epoch: epoch!,
    role,
    index: index!,
    state: exit === null ? 'Running' : 'Exited',
    exit,
    restarts: restarts ?? 0,
    ...(deleted ? { deleted: whyDeleted(pod) } : {}),
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
  const ended = mainContainer(pod)?.state?.terminated ?? failedBefore(pod)?.state?.terminated;
  const at = Date.parse(ended?.finishedAt ?? pod.metadata.creationTimestamp ?? '');
  return {
    at: Number.isNaN(at) ? 0 : at,
    asked: pod.metadata.deletionTimestamp !== undefined,
    ...(ended?.reason === 'OOMKilled' ? { outOfMemory: true } : {}),
    reason: `${pod.metadata.name} ${endedHow(pod, ended)}${reason === undefined || reason === EVICTED ? '' : ` (${reason}: ${message ?? ''})`}.`,
  };
}

/** Of a pod that somebody has deleted while it ran, in words. */
export const whyDeleted = (pod: Pod): string => `${pod.metadata.name} ${evictedHow(pod) ?? 'was deleted'}.`;

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

/**
 * Why nothing is heard of a pod that was to run, with the remedy; null when nothing is wrong with its node. The node controller takes the pod's readiness away
 * and leaves that of its containers: to look at nodes the operator has no right.
 */
export function nodeTroubleOf({ metadata, spec, status }: Pod): string | null {
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type);
  if (status?.phase !== 'Running' || spec?.nodeName === undefined) return null;
  const ready = condition('Ready');
  if (ready?.status !== 'False' || condition('ContainersReady')?.status !== 'True') return null;
  // Of somebody who has a say in when the pod is ready.
  if (ready.reason === 'ReadinessGatesNotReady') return null;
  return `${metadata.name} is on node ${spec.nodeName}, which is not ready -> see kubectl describe node ${spec.nodeName}; its pods are replaced once the node controller has given it up (after 5 minutes, unless tolerations in podTemplate say otherwise)`;
}

/** How a pod ended, in words, where it has. Also one that never began: a node may refuse it. */
export function endOf(pod: Pod): string | null {
  const { phase, reason, message } = pod.status ?? {};
  if (phase !== 'Failed' && phase !== 'Succeeded') return null;
  return reason === undefined ? `it is ${phase}` : `${reason}: ${message ?? ''}`;
}

function evictedHow(pod: Pod): string | null {
  const disruption = pod.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  if (disruption !== undefined) return `was evicted: ${disruption.reason ?? ''} ${disruption.message ?? ''}`.trimEnd();
  // By the kubelet, for a folder that is larger than it may be: no DisruptionTarget tells of it.
  if (pod.status?.reason === EVICTED) return `was evicted: ${pod.status.message ?? ''}`.replace(/[.:\s]+$/, '');
  return null;
}

function endedHow(pod: Pod, ended: ContainerState['terminated']): string {
  const evicted = evictedHow(pod);
  if (evicted !== null) return evicted;
  if (ended === undefined) return 'ended';
  if (ended.reason === 'OOMKilled')
    return 'was killed because it needed more memory than resources.limits.memory: raise it';
  // Its last words are about something else.
  if (pod.metadata.deletionTimestamp !== undefined && TOLD_TO_END.includes(ended.exitCode)) return 'was deleted';
  const log = ended.message?.trim() ?? '';
  const said = lastWords(log) ?? finalLine(log);
  const before = failedBefore(pod);
  const what = before === undefined ? 'ended' : `did not start: its init container ${before.name} ended`;
  return `${what} with code ${ended.exitCode}${said === '' ? '' : `: ${said.slice(0, 500)}`}`;
}

/** What a process says last before it fails is why; a line of Flink's log that tells of nothing bad is not. */
function finalLine(log: string): string {
  const line = log.split('\n').at(-1)!;
  return /^\S+ \S+ (?:INFO|DEBUG|TRACE) /.test(line) ? '' : line;
}

/** The init container for whose failure the pod never came to its own. */
function failedBefore(pod: Pod) {
  if (mainContainer(pod)?.state?.terminated !== undefined) return undefined;
  return pod.status?.initContainerStatuses?.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
}

function mainContainer(pod: Pod) {
  const role = pod.metadata.labels?.[LABEL.role];
  return pod.status?.containerStatuses?.find(({ name }) => name === role);
}

/** Reasons that time alone does not cure, and what does. */
const IMAGE_REMEDIES: Record<string, string> = {
  ErrImagePull: 'correct spec.engine.image, or see that the node may pull it',
  ImagePullBackOff: 'correct spec.engine.image, or see that the node may pull it',
  RegistryUnavailable: 'correct spec.engine.image, or see that the node may pull it',
  SignatureValidationFailed: 'sign the image as the nodes want it, or correct spec.engine.image',
  InvalidImageName: 'correct spec.engine.image',
  ErrImageNeverPull: 'bring the image to the node, or allow imagePullPolicy IfNotPresent',
};
const REMEDIES: Record<string, string> = {
  ...IMAGE_REMEDIES,
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

/** What a container waits for before anything is known of its image. */
const NOT_YET: readonly (string | undefined)[] = [undefined, 'ContainerCreating', 'PodInitializing'];

/**
 * What a pod tells of its images: why one of them cannot be had, with the remedy; null once all are there, whatever became of the containers that were to be
 * made from them; undefined while the node has not said anything.
 */
export function imageTroubleOf({ metadata, status }: Pod): string | null | undefined {
  const states = (status?.containerStatuses ?? []).map(({ state }) => state ?? {});
  for (const { waiting } of states) {
    const { reason = '', message = '' } = waiting ?? {};
    const remedy = IMAGE_REMEDIES[reason];
    if (remedy !== undefined) return `${metadata.name} does not start: ${reason}: ${message} -> ${remedy}`;
  }
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return null;
  const unsaid = states.some(({ waiting, running, terminated }) => {
    const begun = running !== undefined || terminated !== undefined;
    return !begun && NOT_YET.includes(waiting?.reason);
  });
  return states.length === 0 || unsaid ? undefined : null;
}

/** A pod that restores from the volume of another job needs that volume, too. */
function unschedulableRemedy(message: string): string {
  if (/persistentvolumeclaim .* not found/.test(message))
    return 'make that claim, or correct spec.state: savepoints of another job are on the claim of that job';
  if (/volume node affinity|ReadWriteOncePod/.test(message))
    return 'bring the volumes of the job and of the savepoint that it starts from to one node, or copy the savepoint to the volume of the job';
  return /persistent ?volume/i.test(message) ? VOLUME_REMEDY : REMEDIES['Unschedulable']!;
}
