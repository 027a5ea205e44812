// What the columns of an aggregation's state are: stored beside it as JSON, and matched by name when state is restored.
import { EngineError } from '../errors.ts';
import type { GroupAggregateSpec, WindowAggregateSpec } from '../plan/exec-plan.ts';
import { sqlType, typeToString, type Field, type Schema } from '../plan/types.ts';

/** The columns of a section, in this order: keys, accumulators, for windows the window's end, and with a time to live the last update. */
export interface StateSchema {
  formatVersion: 1;
  kind: 'GROUPS' | 'WINDOWS';
  keys: Field[];
  /** Named by their canonical text: `sum(delay)`. */
  accumulators: AccumulatorField[];
  /** Milliseconds after its last update at which a group is gone; absent when groups stay. Never of windows. */
  timeToLive?: number;
}

export interface AccumulatorField extends Field {
  /** Other names of the same values (AccumulatorSpec.aliases); absent when there are none. */
  aliases?: string[];
}

/** The columns of an aggregation's state. */
export function stateSchemaOf(
  spec: GroupAggregateSpec | WindowAggregateSpec,
  kind: StateSchema['kind'] = spec.type === 'WindowAggregate' ? 'WINDOWS' : 'GROUPS',
): StateSchema {
  return {
    formatVersion: 1,
    kind,
    keys: spec.keys.map((index) => spec.inputSchema[index]!),
    accumulators: spec.accumulators.map(({ name, type, aliases }) => ({
      name,
      type,
      ...(aliases === undefined ? {} : { aliases }),
    })),
  };
}

/** Last column of a window's state: its end, exclusive, in milliseconds since the epoch. */
export const WINDOW_END: Field = { name: 'window_end', type: sqlType.timestamp(3, false) };

/** Last column of state with a time to live: when the group was last updated, in milliseconds since the epoch. */
export const LAST_UPDATE: Field = { name: 'last_update', type: sqlType.timestamp(3, false) };

/** The columns of a section under this schema. */
export function sectionSchema({ kind, keys, accumulators, timeToLive }: StateSchema): Schema {
  return [
    ...keys,
    ...accumulators,
    ...(kind === 'WINDOWS' ? [WINDOW_END] : []),
    ...(timeToLive === undefined ? [] : [LAST_UPDATE]),
  ];
}

/**
 * Where the accumulators of `wanted` stand among those of `stored`. What is stored and not wanted is dropped. Keys must be the same, by
 * position and type: a key's name may change, and NULL may become possible or impossible. Throws STATE_INCOMPATIBLE that names the operator,
 * the column and the remedy. docs/reference/state-compatibility.md has the rules.
 */
export function matchAccumulators(wanted: StateSchema, stored: unknown, operator: string): number[] {
  if (!isStateSchema(stored) || stored.formatVersion !== wanted.formatVersion)
    throw incompatible(
      operator,
      'its schema is of a form that this engine does not read',
      'restore it with the engine that wrote it',
    );
  if (stored.kind !== wanted.kind)
    throw incompatible(operator, `it holds ${named(stored.kind)}, the query needs ${named(wanted.kind)}`, START_EMPTY);
  if (keysText(stored.keys) !== keysText(wanted.keys))
    throw incompatible(
      operator,
      `its keys are (${keysText(stored.keys)}), those of the query (${keysText(wanted.keys)})`,
      `group by the columns that the savepoint was taken with, or ${START_EMPTY}`,
    );
  return wanted.accumulators.map((field) => {
    const named = stored.accumulators.findIndex(({ name }) => name === field.name);
    const index = named >= 0 ? named : stored.accumulators.findIndex(({ aliases }) => aliases?.includes(field.name));
    if (index < 0)
      throw incompatible(
        operator,
        `${field.name} is not in the savepoint, which holds ${listed(stored.accumulators.map((held) => held.name))}`,
        `remove it from the query, or ${START_EMPTY}`,
      );
    const held = stored.accumulators[index]!.type;
    if (valueType(held) !== valueType(field.type))
      throw incompatible(
        operator,
        `${field.name} is ${valueType(held)} in the savepoint and ${valueType(field.type)} in the query`,
        `cast its argument to the type in the savepoint, or ${START_EMPTY}`,
      );
    return index;
  });
}

const START_EMPTY = 'start without state';

function incompatible(operator: string, reason: string, remedy: string): EngineError {
  return new EngineError('STATE_INCOMPATIBLE', `state of ${operator} cannot be restored: ${reason}`, { hint: remedy });
}

function named(kind: StateSchema['kind']): string {
  return kind === 'WINDOWS' ? 'windows' : 'groups without windows';
}

function listed(names: string[]): string {
  return names.length === 0 ? 'no accumulators' : names.join(', ');
}

function keysText(keys: readonly Field[]): string {
  return keys.map((key) => valueType(key.type)).join(', ');
}

/** The type without its nullability: state keeps validity in any case. */
function valueType(type: Field['type']): string {
  return typeToString({ ...type, nullable: true });
}

function isStateSchema(value: unknown): value is StateSchema {
  const schema = value as Partial<StateSchema> | null;
  return (
    schema !== null && typeof schema === 'object' && Array.isArray(schema.keys) && Array.isArray(schema.accumulators)
  );
}
