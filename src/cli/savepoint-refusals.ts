// What is said before a savepoint is ordered of, or looked for under the name of, a job that cannot have it.
import type { FlowJob } from '../api/flowjob.ts';
import type { ObjectKey } from '../api/object.ts';
import type { Store } from '../store/port.ts';
import { CommandError } from './context.ts';

/** Why no savepoint can be taken of the job, ever; null when one can, now or when it runs. */
export function refusalOf({ metadata, spec, status }: FlowJob): string | null {
  const job = `flowjob "${metadata.name}"`;
  if (spec.mode === 'Batch') return `${job} is a batch job, which takes no savepoints`;
  if (status?.state !== 'Finished' && status?.state !== 'Failed') return null;
  const last = status.lastSavepoint === undefined ? '' : `; its last one is at ${status.lastSavepoint.path}`;
  return `${job} ${status.state === 'Finished' ? 'has finished' : 'has failed'}: there is nothing left to take a savepoint of${last}`;
}

/** Throws what to write instead when `key` names a FlowJob and no FlowSavepoint. */
export async function refuseNameOfJob(store: Store, key: ObjectKey): Promise<void> {
  if ((await store.get('FlowSavepoint', key)) !== null) return;
  const job = await store.get('FlowJob', key);
  if (job === null) return;
  const { items } = await store.list('FlowSavepoint');
  const ofJob = items.filter(
    ({ metadata, spec }) => metadata.namespace === key.namespace && spec.jobRef.name === key.name,
  );
  const names = ofJob.map(({ metadata }) => metadata.name);
  const path = job.status?.lastSavepoint?.path;
  const there = [
    ...(names.length === 0 ? [] : [`its FlowSavepoints are ${names.join(', ')}`]),
    ...(path === undefined ? [] : [`its last savepoint is at ${path}`]),
  ];
  const which = there.length === 0 ? 'it has no savepoint yet' : there.join('; ');
  throw new CommandError(`"${key.name}" is a flowjob, not a flowsavepoint: ${which}`);
}
