// State that jobs may start from, or start from again, so that nobody clears it away. Pure.
import type { FlowJob } from '../api/flowjob.ts';
import { plainPath } from '../api/plain-path.ts';
import { isS3 } from '../api/s3.ts';
import { namedPath, restoreCounts } from '../lifecycle/first-start.ts';
import type { NamedSavepoint, Restorer } from '../lifecycle/observation.ts';

type Job = Pick<FlowJob, 'spec' | 'status'>;

/** Paths. What the run began from is also where a rollback starts the version before it (status.previous), which has left it. */
export function neededState(job: Job, named: NamedSavepoint | null): string[] {
  const { attempt, lastSavepoint } = job.status ?? {};
  const paths = [attempt?.restoreFrom, attempt?.resumeFrom, lastSavepoint?.path, ...origins(job, named)];
  return paths.filter((path) => path !== undefined);
}

/**
 * Where jobs are to start that have no state of their own yet, as far as it may be a checkpoint of the job of that name on Flink: what others name is no
 * question of its storage. Sorted, so that the same state is the same question.
 */
export function neededByNewJobs(name: string, jobs: readonly FlowJob[]): string[] {
  const paths = jobs.flatMap((job) => origins(job, null)).filter((path) => path.includes(`/${name}/flink/`));
  return [...new Set(paths)].sort();
}

/**
 * Who is to start from a checkpoint that goes with the state of `job`; undefined: nobody is. One that is being deleted starts no more. Of other namespaces only
 * what is on S3 can be the same: elsewhere paths are those in pods.
 */
export function restorerOf(
  { metadata: { namespace, name, uid } }: FlowJob,
  jobs: readonly FlowJob[],
): Restorer | undefined {
  const isIts = (path: string): boolean =>
    [`/${name}/checkpoints/`, `/${name}/flink/checkpoints/`].some((folder) => path.includes(folder));
  for (const other of jobs) {
    const { metadata, spec } = other;
    if (metadata.uid === uid || metadata.deletionTimestamp !== undefined || spec.mode === 'Batch') continue;
    const path = origins(other, null)
      .map(plainPath)
      .find((one) => isIts(one) && (metadata.namespace === namespace || isS3(one)));
    if (path !== undefined) return { job: metadata.name, path };
  }
  return undefined;
}

function origins({ spec, status }: Job, named: NamedSavepoint | null): string[] {
  if (!restoreCounts(status ?? {})) return [];
  return [status?.restored?.path, namedPath(spec.state.restore, named)].filter((path) => path !== undefined);
}
