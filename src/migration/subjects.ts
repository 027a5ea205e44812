// Questions about an object of the other operator that several rules ask: how large the job is, where it keeps state, what it would go on from.
import { isMap, valueAt } from './leaves.ts';
import type { Subject } from './rules.ts';

const at = (subject: Pick<Subject, 'object'>, field: string): unknown => valueAt(subject.object, field.split('.'));

/** Flink's own default. */
const FLINK_SLOTS = 1;

export function slotsOf({ settings }: Pick<Subject, 'settings'>): number {
  const slots = Number(settings.get(KEYS.slots));
  return Number.isSafeInteger(slots) && slots > 0 ? slots : FLINK_SLOTS;
}

export const KEYS = {
  slots: 'taskmanager.numberOfTaskSlots',
  parallelism: 'parallelism.default',
  mode: 'execution.runtime-mode',
  interval: 'execution.checkpointing.interval',
  checkpoints: 'execution.checkpointing.dir',
  savepoints: 'execution.checkpointing.savepoint-dir',
  restore: 'execution.state-recovery.path',
  schedule: 'kubernetes.operator.periodic.savepoint.interval',
  rollback: 'kubernetes.operator.deployment.rollback.enabled',
  templatesByName: 'kubernetes.operator.pod-template.merge-arrays-by-name',
} as const;

export const hasReplicas = (subject: Subject): boolean => typeof at(subject, 'spec.taskManager.replicas') === 'number';

/** TaskManagers that `parallelism` needs. */
export const taskManagersFor = (subject: Subject, parallelism: number): number =>
  Math.max(1, Math.ceil(parallelism / slotsOf(subject)));

/** Where checkpoints are kept, and by us savepoints as well; null when nothing says it. A path without a scheme is one of a mounted volume. */
export function storageUri({ settings }: Pick<Subject, 'settings'>): string | null {
  const folder = (settings.get(KEYS.checkpoints) ?? settings.get(KEYS.savepoints) ?? '')
    .trim()
    .replace(/(?<=[^/])\/+$/, '');
  if (folder === '') return null;
  return folder.startsWith('/') ? `file://${folder}` : asS3(folder);
}

/** One bucket under the names that it has for Flink's plugins: s3a: and s3p: choose between them. */
export const asS3 = (uri: string): string => uri.replace(/^s3[ap]:/, 's3:');

export const keepsState = (subject: Subject): boolean =>
  ['savepoint', 'last-state'].includes(String(at(subject, 'spec.job.upgradeMode'))) && subject.mode === 'Streaming';

export const isSuspended = (subject: Subject): boolean => at(subject, 'spec.job.state') === 'suspended';

/** Where the other operator has left the state of a job that is suspended in it, and has no process any more. */
export function suspendedAt(subject: Subject): string | null {
  const path = at(subject, 'status.jobStatus.upgradeSavepointPath');
  const lifecycle = at(subject, 'status.lifecycleState');
  const stopped = lifecycle === undefined || lifecycle === 'SUSPENDED';
  return isSuspended(subject) && stopped && typeof path === 'string' && isPath(path) ? path : null;
}

/** What the manifest says that the job once began with. */
export function beganAt(subject: Subject): { path: string; field: string } | null {
  const reference = at(subject, 'spec.job.initialStateReference');
  const candidates: [string, unknown][] = [
    ['spec.job.initialStateReference.path', isMap(reference) ? reference['path'] : undefined],
    ['spec.job.initialSavepointPath', at(subject, 'spec.job.initialSavepointPath')],
    [KEYS.restore, subject.settings.get(KEYS.restore)],
  ];
  for (const [field, path] of candidates) if (typeof path === 'string' && path.trim() !== '') return { field, path };
  return null;
}

/** The other operator writes a word in place of a path when state is in its high-availability metadata. */
const isPath = (text: string): boolean => text.includes('/');
