// `flowjob wait`: until a condition, a state or the end of an object.
import { CONDITION_TYPES } from '../../api/reasons.ts';
import { JOB_STATE_NAMES } from '../../api/status.ts';
import { SAVEPOINT_STATES } from '../../api/flowsavepoint.ts';
import { KINDS, type Kind } from '../../api/group.ts';
import { nearest } from '../../api/schema-check.ts';
import type { AnyObject } from '../../store/port.ts';
import { CommandError, type CliContext } from '../context.ts';
import { keyIn, type Place } from '../place.ts';
import { existing, parseTarget } from '../targets.ts';
import { currentCondition, waitFor } from '../waiting.ts';

export async function wait(
  context: CliContext,
  place: Place,
  options: { target: readonly string[]; what: string; timeoutMs: number },
): Promise<void> {
  const { kind, name } = parseTarget(options.target);
  if (name === null) throw new CommandError('say which one: flowjob wait NAME --for condition=Ready');
  const done = goal(kind, options.what);
  const { store } = place;
  const key = keyIn(place, name);
  if (options.what !== 'delete') await existing(store, kind, key);
  await waitFor(context, store, { kind, key, timeoutMs: options.timeoutMs, what: `for ${options.what}`, done });
  context.out(`${KINDS[kind].singular}/${name} ${options.what === 'delete' ? 'deleted' : `${options.what} met`}`);
}

/** What `--for` asks, as a question to the object. */
function goal(kind: Kind, what: string): (object: AnyObject | null) => boolean {
  if (what === 'delete') return (object) => object === null;
  const [form, value = '', status = 'True'] = what.split('=');
  const gone = (): never => {
    throw new CommandError('it was deleted');
  };
  if (form === 'state') {
    if (kind === 'FlowCluster') throw new CommandError('--for: a FlowCluster has no states: use condition=Ready');
    const state = oneOf('state', value, kind === 'FlowJob' ? JOB_STATE_NAMES : Object.keys(SAVEPOINT_STATES));
    return (object) => stateOf(object ?? gone()) === state;
  }
  if (form !== 'condition')
    throw new CommandError(`--for ${what}: write condition=Ready, condition=Suspended=False, state=Running or delete`);
  const type = oneOf('condition', value, Object.keys(CONDITION_TYPES[kind]));
  const wanted = oneOf('status', status, ['True', 'False', 'Unknown']);
  return (object) => {
    const condition = currentCondition(object ?? gone(), type);
    if (condition?.status === wanted) return true;
    const failed = currentCondition(object ?? gone(), 'Failed');
    // A job that failed for good will not complete: waiting on would only hide it.
    if (wanted === 'True' && failed?.status === 'True' && (type === 'Complete' || type === 'Ready'))
      throw new CommandError(`it failed: ${failed.reason}: ${failed.message}`);
    // Nor will one that was rolled back be as its spec asks.
    if (wanted === 'True' && condition?.reason === 'RolledBack')
      throw new CommandError(`it was rolled back: ${condition.message}`);
    return false;
  };
}

const stateOf = (object: AnyObject): string | undefined =>
  object.kind === 'FlowCluster' ? undefined : object.status?.state;

function oneOf(what: string, value: string, known: readonly string[]): string {
  const exact = known.find((candidate) => candidate.toLowerCase() === value.toLowerCase());
  if (exact !== undefined) return exact;
  const near = nearest(value, known);
  throw new CommandError(
    `--for: there is no ${what} "${value}": ${near === null ? `use one of ${known.join(', ')}` : `did you mean ${near}?`}`,
  );
}
