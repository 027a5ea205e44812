// What an edited spec asks for, by the change class of each field that differs from the version that runs.
import { specChanges } from '../api/change-class.ts';
import { resolveSpec, type ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { idOf } from './ids.ts';
import type { Change } from './model.ts';

/** `sql`: the text where it does not stand inline. */
export function desiredSpec(job: FlowJob, sql?: string): ResolvedFlowJobSpec {
  return resolveSpec(job.spec, sql);
}

/** A field as people know it: a text that stands in a ConfigMap is looked for there. */
export function fieldName(path: string, spec: ResolvedFlowJobSpec): string {
  const ref = spec.job.sql.configMapKeyRef;
  return path === 'job.sql.inline' && ref !== undefined
    ? `spec.job.sql (ConfigMap "${ref.name}", key "${ref.key}")`
    : `spec.${path}`;
}

/** Names a version: equal for specs between which nothing has to be restarted. 32 hex digits. */
export function specHash(spec: ResolvedFlowJobSpec): string {
  const { engine, mode, job, restartNonce, jobManager, taskManager } = spec;
  // Where the first start was from, and when savepoints are taken, is nothing that the version runs.
  const { savepoints: _savepoints, restore: _restore, ...state } = spec.state;
  return idOf(canonical({ engine, mode, job, restartNonce, state, jobManager, taskManager }));
}

/** JSON with keys in order. */
export const canonical = (value: unknown): string => JSON.stringify(value, sortKeys);

const sortKeys = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** `sqlError`: what is wrong with the desired version's SQL, or null. */
export function changeBetween(
  accepted: ResolvedFlowJobSpec,
  desired: ResolvedFlowJobSpec,
  sqlError: string | null,
): Change {
  const changes = specChanges(accepted, desired);
  const refused = changes.filter((change) => change.changeClass === 'refused-while-running');
  if (refused.length > 0) {
    const fields = refused.map((change) => `spec.${change.path} (${text(change.before)} to ${text(change.after)})`);
    return {
      kind: 'Refused',
      message: `${fields.join(', ')} cannot change while a version of the job runs. Suspend the job, change it, resume it; the accepted version goes on.`,
    };
  }
  const paths = changes
    .filter((change) => change.changeClass === 'restart')
    .map((change) => fieldName(change.path, desired));
  if (paths.length === 0) return { kind: 'None' };
  if (sqlError !== null)
    return {
      kind: 'Invalid',
      reason: 'InvalidSpec',
      message: `The new version cannot run, so the accepted one goes on. ${sqlError}`,
    };
  return { kind: 'Restart', paths };
}

const text = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));
