// FlinkStateSnapshot: one that is still to be taken is a FlowSavepoint; one that is there is a path to begin from.
import { show } from '../api/schema-check.ts';
import { booleanIn, canonical, textIn } from './checks.ts';
import { isMap, valueAt, type Json } from './leaves.ts';
import { mapped, nothingToDo, toDo, type LeftAlone, type Rule } from './rules.ts';

/** Null when a FlowSavepoint is made of it. */
export function leftAlone(object: Json): LeftAlone | null {
  const reason = notToBeTaken(object);
  return reason === null ? null : { reason, done: false };
}

function notToBeTaken(object: Json): string | null {
  const path = valueAt(object, ['status', 'path']);
  if (typeof path === 'string' && path !== '')
    return `has been taken: to begin a job from it, write ${show(path)} into its spec.state.restore.uri`;
  if (valueAt(object, ['spec', 'savepoint', 'alreadyExists']) === true)
    return 'is there already: to begin a job from it, write spec.savepoint.path into its spec.state.restore.uri';
  if (!isMap(valueAt(object, ['spec', 'savepoint'])))
    return 'is a checkpoint, which a FlowJob takes by its interval alone: for state at a moment of your choice make a FlowSavepoint';
  return null;
}

export const SNAPSHOT_RULES: readonly Rule[] = [
  mapped('spec.jobReference.name', 'spec.jobRef.name', 'As it is.', (value, hand) => {
    const name = textIn(value, hand);
    if (name !== null) hand.put('spec.jobRef.name', name);
  }),
  nothingToDo('spec.jobReference.kind', 'A FlowSavepoint is of a FlowJob.'),
  mapped(
    'spec.savepoint.disposeOnDelete',
    'spec.disposalPolicy',
    '`true` is Delete, `false` Retain.',
    (value, hand) => {
      const dispose = booleanIn(value, hand);
      if (dispose !== null) hand.put('spec.disposalPolicy', dispose ? 'Delete' : 'Retain');
    },
  ),
  mapped('spec.savepoint.formatType', [], 'Savepoints are taken in the canonical format.', canonical),
  toDo('spec.savepoint.path', 'Savepoints are kept in spec.state.storage of their job.'),
  nothingToDo('spec.savepoint.alreadyExists', 'It is to be taken.'),
  nothingToDo('spec.backoffLimit', 'A savepoint that failed is told of; make another one to try again.'),
  nothingToDo('status', 'Is what the other operator saw.'),
];
