// Objects of the other operator as they come in: which there are, and what makes one that cannot be imported at all.
import { nearest, show, type FieldError } from '../api/schema-check.ts';
import { isMap, valueAt, type Json } from './leaves.ts';
import { SOURCE_KINDS, type SourceKind } from './rules.ts';

export const SOURCE_GROUP = 'flink.apache.org';
export const SOURCE_VERSION = `${SOURCE_GROUP}/v1beta1`;

/** One object, and where it stands: `jobs.yaml (document 2)`. */
export interface Given {
  source: string;
  object: Json;
}

/** `Ours`: can be imported. `Other`: an object of something else, which is left as it is. Else what is wrong. */
export function judge(item: unknown): 'Ours' | 'Other' | FieldError[] {
  if (!isMap(item)) return [wrong('document', item, 'must be an object', 'write apiVersion, kind, metadata and spec')];
  const { apiVersion, kind } = item;
  const missing = (['apiVersion', 'kind'] as const).filter((field) => typeof item[field] !== 'string');
  if (missing.length > 0)
    return missing.map((field) => ({
      field,
      value: item[field],
      problem: 'Required value',
      remedy: `add ${field}: ${field === 'kind' ? SOURCE_KINDS.join(' or ') : SOURCE_VERSION}`,
    }));
  if (!(apiVersion as string).startsWith(`${SOURCE_GROUP}/`)) return 'Other';
  if (apiVersion !== SOURCE_VERSION)
    return [
      wrong(
        'apiVersion',
        apiVersion,
        `supported values: ${show(SOURCE_VERSION)}`,
        `set apiVersion to ${SOURCE_VERSION}`,
      ),
    ];
  if (kind === 'FlinkBlueGreenDeployment')
    return [
      wrong(
        'kind',
        kind,
        'two deployments that take turns have no counterpart',
        'make a FlinkDeployment of its spec.template.spec, and import that',
      ),
    ];
  if (!isSourceKind(kind)) {
    const near = nearest(kind as string, SOURCE_KINDS);
    const remedy =
      near === null ? `write ${SOURCE_KINDS.join(' or ')}, or leave it out` : `did you mean ${show(near)}?`;
    return [wrong('kind', kind, `supported values: ${SOURCE_KINDS.map(show).join(', ')}`, remedy)];
  }
  return shapeErrors(item, kind);
}

const isSourceKind = (kind: unknown): kind is SourceKind => SOURCE_KINDS.some((known) => known === kind);

export const kindOf = (object: Json): SourceKind => object['kind'] as SourceKind;
export const nameOf = (object: Json): string => String(valueAt(object, ['metadata', 'name']));

/** An empty FlinkDeployment by which the other operator sees whether it is alive. */
export const isCanary = (object: Json): boolean =>
  kindOf(object) === 'FlinkDeployment' && valueAt(object, ['metadata', 'labels', CANARY_LABEL]) === 'true';
const CANARY_LABEL = 'flink.apache.org/canary';

function wrong(field: string, value: unknown, problem: string, remedy: string): FieldError {
  return { field, value, problem: `Unsupported value: ${show(value)}: ${problem}`, remedy };
}

/** Maps that the rules take for granted. */
const MAPS: Readonly<Record<SourceKind, readonly string[]>> = {
  FlinkDeployment: [
    ...['spec.flinkConfiguration', 'spec.job', 'spec.podTemplate', 'spec.podTemplate.spec'],
    ...['spec.jobManager', 'spec.jobManager.podTemplate', 'spec.jobManager.podTemplate.spec'],
    ...['spec.taskManager', 'spec.taskManager.podTemplate', 'spec.taskManager.podTemplate.spec'],
  ],
  FlinkSessionJob: ['spec.flinkConfiguration'],
  FlinkStateSnapshot: ['spec.savepoint'],
};
const NEEDED: Readonly<Record<SourceKind, readonly (readonly [string, string])[]>> = {
  FlinkDeployment: [['spec.flinkVersion', 'add flinkVersion, for example v1_20']],
  FlinkSessionJob: [
    ['spec.deploymentName', 'add the name of the FlinkDeployment that runs the session'],
    ['spec.job', 'add job with jarURI'],
  ],
  FlinkStateSnapshot: [],
};

function shapeErrors(object: Json, kind: SourceKind): 'Ours' | FieldError[] {
  const errors: FieldError[] = [];
  const at = (field: string): unknown => valueAt(object, field.split('.'));
  const needMap = (field: string, remedy: string): void => {
    if (!isMap(at(field)))
      errors.push({
        field,
        value: at(field),
        problem: at(field) === undefined ? 'Required value' : `Invalid value: ${show(at(field))}: must be a map`,
        remedy,
      });
  };
  const { metadata } = object;
  if (!isMap(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '')
    errors.push({
      field: 'metadata.name',
      value: undefined,
      problem: 'Required value',
      remedy: 'add metadata with a name',
    });
  if (isCanary(object)) return errors.length > 0 ? errors : 'Ours';
  needMap('spec', 'add spec');
  if (errors.length > 0) return errors;
  for (const field of MAPS[kind])
    if (at(field) !== undefined && at(field) !== null) needMap(field, 'write fields below it, or remove it');
  for (const [field, remedy] of NEEDED[kind]) {
    if (field === 'spec.job') needMap(field, remedy);
    else if (typeof at(field) !== 'string' || at(field) === '')
      errors.push({
        field,
        value: at(field),
        problem: at(field) === undefined ? 'Required value' : `Invalid value: ${show(at(field))}: must be a text`,
        remedy,
      });
  }
  return errors.length > 0 ? errors : 'Ours';
}
