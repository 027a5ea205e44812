// The version before an upgrade: when it is kept to go back to, and what is run in place of a version that was given up.
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { FlowJobStatus, RolledBack, Version } from '../api/status.ts';
import { changeBetween, specHash, withVersionOf } from './change.ts';
import { isStreaming, newestOfRun } from './facts.ts';
import type { Context } from './model.ts';

/**
 * The current run has state of its own, so that it has proven itself, whatever its status says: a checkpoint may have completed without anybody
 * seeing it. To be asked when its processes are gone, or the answer may be out of date.
 */
export function hasOwnState(c: Context): boolean {
  const { attempt, lastSavepoint } = c.status;
  if (attempt === undefined) return false;
  if (attempt.healthy || attempt.checkpointed === true || lastSavepoint?.jobId === attempt.jobId) return true;
  return newestOfRun(c) !== null || c.observation.storage.unreadable.checkpoints !== null;
}

/** What is kept beside the version that is about to start from state: the last one that has proven itself; undefined when there is nothing to go back to. */
export function versionBefore(c: Context): Version | undefined {
  const { attempt, accepted, previous } = c.status;
  if (attempt === undefined || accepted === undefined || !isStreaming(c)) return undefined;
  if (c.desired.upgrade.rollback?.enabled !== true) return undefined;
  const before = hasOwnState(c) ? accepted : previous;
  // One that has failed itself is nothing to go back to.
  if (before === undefined || (attempt.ended === 'Failed' && before.specHash === attempt.specHash)) return undefined;
  // Of fields that may only change while no version runs one may belong to the other, so nobody goes back behind them.
  return changeBetween(before.spec, c.desired, null).kind === 'Refused' ? undefined : before;
}

/** Something else is run, and not only the same once more. */
export const isAnother = (a: ResolvedFlowJobSpec, b: ResolvedFlowJobSpec): boolean =>
  specHash({ ...a, restartNonce: b.restartNonce }) !== specHash(b);

/** The record of a version that was given up, as long as the spec asks for it. `asked`: the spec; null when its SQL text is missing, so that nobody knows. */
export function stillGivenUp({ rolledBack }: FlowJobStatus, asked: ResolvedFlowJobSpec | null): RolledBack | undefined {
  if (rolledBack === undefined || asked === null) return rolledBack;
  if (specHash(asked) !== rolledBack.specHash) return undefined;
  const { size, ...rest } = rolledBack;
  const { job, taskManager } = asked;
  const isOfSize = size?.replicas === taskManager.replicas && size.parallelism === job.parallelism;
  return size === undefined || isOfSize ? rolledBack : rest;
}

/** `before` in place of the version that is asked for. Its size is the one that it had, until somebody asks for another. */
export function inItsPlace(
  asked: ResolvedFlowJobSpec,
  before: ResolvedFlowJobSpec,
  sizeStays: boolean,
): ResolvedFlowJobSpec {
  const spec = withVersionOf(asked, before);
  const { replicas } = sizeStays ? before.taskManager : asked.taskManager;
  const wanted = sizeStays ? before.job.parallelism : asked.job.parallelism;
  const isShared = spec.engine.clusterRef !== undefined;
  const parallelism = isShared ? wanted : Math.min(wanted, replicas * spec.taskManager.slots);
  return { ...spec, job: { ...spec.job, parallelism }, taskManager: { ...spec.taskManager, replicas } };
}
