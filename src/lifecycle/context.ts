// What every state asks of the input, worked out once: the spec as it is asked for, and what the change to it comes to.
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { FlowJobStatus, Scaling, Version } from '../api/status.ts';
import { withDecision } from './autoscaled.ts';
import { changeBetween, desiredSpec } from './change.ts';
import type { Change, Context, DecideInput } from './model.ts';
import { invalidByEngine, wantedPrepared } from './prepared.ts';
import { changeWithoutSql, referencedSql } from './sql-source.ts';
import { inItsPlace, stillGivenUp } from './version-before.ts';

export function contextOf(input: DecideInput): Context {
  const status = input.job.status ?? { observedGeneration: -1, conditions: [] };
  const accepted = status.accepted?.spec;
  const { text, missing } = referencedSql(input.observation, accepted);
  // Where it is when nobody can say any more: with a cluster its jobs' state does not go.
  const storage = input.observation.cluster?.storage ?? accepted?.state.storage;
  const asked = desiredSpec(input.job, { sql: text, storage });
  const rolledBack = stillGivenUp(status, missing === null ? asked : null);
  const instead = rolledBack === undefined ? undefined : (status.previous ?? status.accepted);
  if (instead !== undefined) return runInstead({ ...input, status, asked, rolledBack, sqlMissing: missing }, instead);
  const desired = withDecision(asked, status.autoscaling);
  const change: Change =
    accepted === undefined
      ? { kind: 'None' }
      : missing !== null
        ? changeWithoutSql(missing)
        : changeOf(status, accepted, desired, input.observation.sqlError);
  return withPrepared({ ...input, status, asked, desired, instead, rolledBack, change, sqlMissing: missing });
}

/** What is asked for is not carried out, but `version`: whether what is asked for could be planned is no matter then. */
export function runInstead(c: Omit<Context, 'desired' | 'change' | 'instead' | 'prepared'>, version: Version): Context {
  const { status, asked, rolledBack, sqlMissing } = c;
  const spec = inItsPlace(asked, version.spec, rolledBack?.size !== undefined);
  const desired = withDecision(spec, status.autoscaling);
  const change: Change =
    sqlMissing === null
      ? changeOf(status, status.accepted?.spec ?? desired, desired, null)
      : changeWithoutSql(sqlMissing);
  return withPrepared({ ...c, desired, change, instead: version, observation: { ...c.observation, sqlError: null } });
}

const withPrepared = (c: Omit<Context, 'prepared'>): Context => ({ ...c, prepared: wantedPrepared(c) });

function changeOf(
  status: FlowJobStatus,
  accepted: ResolvedFlowJobSpec,
  desired: ResolvedFlowJobSpec,
  sqlError: string | null,
): Change {
  const failure = failureOf(status.scaling, desired);
  const change = changeBetween(accepted, desired, sqlError, failure);
  // A recovery began in a size that the state has not which it went on from, and the engine does not take it while it runs.
  if (change.kind === 'None' && failure !== null && status.scaling?.vertices === undefined)
    return { kind: 'Restart', paths: [], why: failure };
  return change.kind === 'Restart' ? (invalidByEngine(status, desired) ?? change) : change;
}

/** Why a rescaling in place to that size came to nothing; null when it was not tried, or goes on. */
function failureOf(scaling: Scaling | undefined, { taskManager, job }: ResolvedFlowJobSpec): string | null {
  return scaling?.replicas === taskManager.replicas && scaling.parallelism === job.parallelism
    ? (scaling.failure ?? null)
    : null;
}
