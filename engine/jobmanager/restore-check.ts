// Whether a plan can go on from a savepoint: asked before anything of the job runs, so that a refusal is one error and not a job that restarts.
import type { Manifest } from '../checkpoint/storage.ts';
import { EngineError } from '../errors.ts';
import type { ExecPlan, OperatorSpec } from '../plan/exec-plan.ts';
import { matchAccumulators, stateSchemaOf } from '../state/schema.ts';

/**
 * Throws STATE_NOT_RESTORED when there is state that no operator takes up and `allowNonRestoredState` is not given (Flink's rule: it would be lost
 * without a word), and STATE_INCOMPATIBLE when an operator cannot go on from its state. `path` is for the messages.
 */
export function checkRestore(manifest: Manifest, path: string, plan: ExecPlan, allowNonRestoredState: boolean): void {
  const operators = plan.vertices.flatMap((vertex) => vertex.operators);
  const schemas = new Map(
    manifest.files.flatMap((file) => file.operators.map(({ operatorId, stateSchema }) => [operatorId, stateSchema])),
  );
  const withState = new Set([...schemas.keys(), ...manifest.sources.map(({ operatorId }) => operatorId)]);
  const known = new Set(operators.map(({ id }) => id));
  const lost = [...withState].filter((id) => !known.has(id));
  if (lost.length > 0 && !allowNonRestoredState) throw notRestored(manifest, path, lost, operators, withState);
  for (const operator of operators)
    if ((operator.type === 'GroupAggregate' || operator.type === 'WindowAggregate') && schemas.has(operator.id))
      matchAccumulators(stateSchemaOf(operator), schemas.get(operator.id), operator.uid);
}

function notRestored(
  manifest: Manifest,
  path: string,
  lost: string[],
  operators: OperatorSpec[],
  withState: ReadonlySet<string>,
): EngineError {
  const fresh = operators.filter(({ id }) => !withState.has(id)).map(({ uid }) => uid);
  const names = lost.map((id) => {
    const operator = manifest.operators.find(({ operatorId }) => operatorId === id);
    if (operator === undefined) return id;
    // `agg:sink/source:[keys]`: the same aggregation by other keys or in another window.
    const kin = fresh.find((uid) => /agg:/.test(uid) && uid.split(':[')[0] === operator.uid.split(':[')[0]);
    return `${operator.uid} (${operator.name})${kin === undefined ? '' : `, in whose place the job has ${kin}`}`;
  });
  return new EngineError(
    'STATE_NOT_RESTORED',
    `the state in ${path} belongs to operators that the job does not have any more: ${names.join('; ')}`,
    {
      hint:
        'bring the query back that they belong to; or drop that state on purpose, of a job that starts from a savepoint by ' +
        'state.restore.allowNonRestoredState (the engine alone: --allow-non-restored-state); or start without any state on purpose: ' +
        'upgrade.strategy Stateless and a raised restartNonce',
    },
  );
}
