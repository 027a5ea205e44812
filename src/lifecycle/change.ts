// What an edited spec asks for, by the change class of each field that differs from the version that runs.
import { specChanges } from '../api/change-class.ts';
import { resolveSpec, type Referenced, type ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { idOf } from './ids.ts';
import type { Change } from './model.ts';

export function desiredSpec(job: FlowJob, referenced: Referenced = {}): ResolvedFlowJobSpec {
  return resolveSpec(job.spec, referenced);
}

/** A field as people know it: a text that stands in a ConfigMap is looked for there. */
export function fieldName(path: string, spec: ResolvedFlowJobSpec): string {
  const ref = spec.job.sql?.configMapKeyRef;
  return path === 'job.sql.inline' && ref !== undefined
    ? `spec.job.sql (ConfigMap "${ref.name}", key "${ref.key}")`
    : `spec.${path}`;
}

/** What of a spec is a version: how many TaskManagers and subtasks run it is none, or an autoscaler would make one each hour. */
export function versionOf(spec: ResolvedFlowJobSpec): object {
  const { parallelism: _parallelism, ...job } = spec.job;
  const { replicas: _replicas, ...taskManager } = spec.taskManager;
  return { ...spec, job, taskManager };
}

/** Names a version: equal for specs between which nothing has to be restarted. 32 hex digits. */
export function specHash(spec: ResolvedFlowJobSpec): string {
  const { engine, mode, job, restartNonce, jobManager, taskManager } = versionOf(spec) as ResolvedFlowJobSpec;
  // Where the first start was from, and when savepoints are taken, is nothing that the version runs.
  const { savepoints: _savepoints, restore: _restore, ...state } = spec.state;
  return idOf(canonical({ engine, mode, job, restartNonce, state, jobManager, taskManager }));
}

/** `spec` with the version of `other`, and all else as it was. Its size is its own: that is no version. */
export function withVersionOf(spec: ResolvedFlowJobSpec, other: ResolvedFlowJobSpec): ResolvedFlowJobSpec {
  const { engine, mode, job, restartNonce, state, jobManager, taskManager } = other;
  const { savepoints: _savepoints, restore: _restore, ...kept } = state;
  const { savepoints, restore } = spec.state;
  return {
    ...spec,
    engine,
    mode,
    restartNonce,
    job: { ...job, parallelism: spec.job.parallelism },
    state: {
      ...kept,
      ...(savepoints === undefined ? {} : { savepoints }),
      ...(restore === undefined ? {} : { restore }),
    },
    jobManager,
    taskManager: { ...taskManager, replicas: spec.taskManager.replicas },
  };
}

/** JSON with keys in order. */
export const canonical = (value: unknown): string => JSON.stringify(value, sortKeys);

const sortKeys = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/**
 * `sqlError`: what is wrong with the desired version's SQL, or null. `failure`: why the desired size was tried in place in vain, or null.
 */
export function changeBetween(
  accepted: ResolvedFlowJobSpec,
  desired: ResolvedFlowJobSpec,
  sqlError: string | null,
  failure: string | null = null,
): Change {
  const changes = specChanges(accepted, desired);
  const refused = changes.filter((change) => change.changeClass === 'refused-while-running');
  const kinds = [kindOf(accepted), kindOf(desired)];
  if (refused.length > 0 || kinds[0] !== kinds[1]) {
    const fields = refused.map((change) => `spec.${change.path} (${text(change.before)} to ${text(change.after)})`);
    if (kinds[0] !== kinds[1]) fields.push(`spec.job (${kinds.join(' to ')})`);
    return {
      kind: 'Refused',
      message: `${fields.join(', ')} cannot change while a version of the job runs. Suspend the job, change it, resume it; the accepted version goes on.`,
    };
  }
  const other = ofAnotherPlan(accepted, desired);
  if (other !== null && desired.upgrade.strategy !== 'Stateless')
    return { kind: 'Refused', message: `${other} The accepted version goes on.` };
  const replacing = changes.filter(({ changeClass }) => changeClass === 'restart' || changeClass === 'rescale');
  const paths = replacing.map(({ path }) => fieldName(path, desired));
  if (paths.length === 0) return { kind: 'None' };
  const onlySize = replacing.every(({ changeClass }) => changeClass === 'rescale');
  const why = onlySize ? (failure ?? outOfPlace(accepted, desired)) : null;
  if (onlySize && why === null) return { kind: 'Scale', paths };
  if (sqlError !== null)
    return {
      kind: 'Invalid',
      reason: 'InvalidSpec',
      message: `The new version cannot run, so the accepted one goes on. ${sqlError}`,
    };
  return { kind: 'Restart', paths, ...(why === null ? {} : { why }) };
}

/** Why state that one version has kept is not found by the other; null when that is not so. */
export function ofAnotherPlan(accepted: ResolvedFlowJobSpec, desired: ResolvedFlowJobSpec): string | null {
  const plans = [accepted, desired].map(({ job }) => job.sql?.plan ?? 'AtEachStart');
  if (plans[0] === plans[1] || desired.job.sql === undefined || accepted.job.sql === undefined) return null;
  return `spec.job.sql.plan (${plans.join(' to ')}) cannot change with the state of the job: what the one kind of plan has kept is not found by the other. Set spec.upgrade.strategy to Stateless for this change, which then starts without state, or take it back.`;
}

const kindOf = ({ job }: ResolvedFlowJobSpec): string => (job.jar === undefined ? 'sql' : 'jar');

/** The version stays what it is: its size alone is another. */
export const isOfSize = (change: Change): boolean =>
  change.kind === 'Scale' || (change.kind === 'Restart' && change.why !== undefined);

/** Why a change of size alone is none that the engine could carry out in place; null when it is one. */
function outOfPlace(accepted: ResolvedFlowJobSpec, desired: ResolvedFlowJobSpec): string | null {
  if (desired.mode === 'Batch') return 'a batch is not rescaled while it runs';
  if (desired.engine.clusterRef !== undefined) return 'the cluster that it runs on is shared';
  const { parallelism } = desired.job;
  const { replicas, slots } = desired.taskManager;
  if (parallelism === accepted.job.parallelism)
    return `the parallelism stays ${parallelism}, and running tasks do not move to other TaskManagers`;
  // Otherwise tasks would have to be spread over TaskManagers that are not needed, while those that are to go have to be left without any.
  return replicas === Math.ceil(parallelism / slots)
    ? null
    : `parallelism ${parallelism} does not need ${replicas} TaskManagers with ${slots} slots`;
}

const text = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));
