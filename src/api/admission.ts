// What the API server does with an object before it is stored, for places without one: unknown fields, defaults, structure, CEL rules.
import type { FlowJob } from './flowjob.ts';
import type { FlowSavepoint } from './flowsavepoint.ts';
import type { FlowCluster } from './flowcluster.ts';
import { API_VERSION, KINDS, type Kind } from './group.ts';
import { checkRules } from './cel.ts';
import { objectSchema } from './crd.ts';
import { checkStructure, nearest, show, type FieldError } from './schema-check.ts';
import { withDefaults, type StructuralSchema } from './structural.ts';
import { scheduleFaults } from './windows.ts';

type Admitted = FlowJob | FlowSavepoint | FlowCluster;

/** An object that breaks the rules of its kind. `errors` has each complaint with field, value and remedy. */
export class InvalidObjectError extends Error {
  readonly errors: readonly FieldError[];

  constructor(kind: string, name: string, errors: readonly FieldError[]) {
    super(`${kind} "${name}" is invalid:\n${errors.map(describeFieldError).join('\n')}`);
    this.name = 'InvalidObjectError';
    this.errors = errors;
  }
}

/** `  spec.mode: Unsupported value: ...` and its remedy on the next line. */
export function describeFieldError(error: FieldError): string {
  const line = `  ${error.field}: ${error.problem}`;
  return error.remedy === '' ? line : `${line}\n    ${error.remedy}`;
}

const schemas: Record<Kind, StructuralSchema> = {
  FlowJob: objectSchema('FlowJob'),
  FlowSavepoint: objectSchema('FlowSavepoint'),
  FlowCluster: objectSchema('FlowCluster'),
};

/**
 * The object as it would be stored: defaults filled in, every rule checked. `old` is the stored object on an update. Metadata that only the store writes
 * (uid, generation, ...) passes unchecked. Throws InvalidObjectError with all complaints.
 */
export function admit(input: unknown, old?: Admitted): Admitted {
  const kind = kindOf(input);
  const object = input as { metadata: { name: string } };
  const metadataErrors = checkMetadata(kind, object.metadata);
  const schema = schemas[kind];
  const filled = withDefaults(schema, object) as Admitted;
  const errors = [...metadataErrors, ...checkStructure(schema, filled, '')];
  // Rules may take for granted what the structure promises, so they are asked only when it holds.
  if (errors.length === 0) errors.push(...checkRules(schema, filled, old, ''));
  if (errors.length === 0 && filled.kind === 'FlowJob') errors.push(...checkSchedules(filled));
  if (errors.length > 0) throw new InvalidObjectError(kind, nameOf(object), errors);
  return filled;
}

/** What no rule of the CRD can say: in a cluster a condition of the job tells of it. */
const checkSchedules = ({ spec }: FlowJob): FieldError[] =>
  scheduleFaults(spec).map(({ field, value, what, remedy }) => ({
    ...{ field, value, remedy },
    problem: `Invalid value: ${show(value)}: ${what}`,
  }));

/** Throws InvalidObjectError when `object.status` is not what the schema of its kind says: a defect of the operator, found before it is stored. */
export function checkStatus(object: Admitted): void {
  const errors = checkStructure(schemas[object.kind].properties!.status!, object.status, 'status');
  if (errors.length > 0) throw new InvalidObjectError(object.kind, object.metadata.name, errors);
}

/** The schema that objects of `kind` are checked against. */
export function schemaOf(kind: Kind): StructuralSchema {
  return schemas[kind];
}

/** The kind of a manifest of ours. Throws InvalidObjectError when it is something else. */
export function kindOf(input: unknown): Kind {
  if (input === null || typeof input !== 'object' || Array.isArray(input))
    throw new InvalidObjectError('document', '', [
      {
        field: 'document',
        value: input,
        problem: `Invalid value: ${show(input)}: must be an object`,
        remedy: 'write apiVersion, kind, metadata and spec',
      },
    ]);
  const { apiVersion, kind } = input as { apiVersion?: unknown; kind?: unknown };
  const errors: FieldError[] = [];
  if (apiVersion !== API_VERSION) errors.push(mismatch('apiVersion', apiVersion, [API_VERSION]));
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) errors.push(mismatch('kind', kind, Object.keys(KINDS)));
  if (errors.length > 0)
    throw new InvalidObjectError(typeof kind === 'string' ? kind : 'object', nameOf(input), errors);
  return kind as Kind;
}

function mismatch(field: string, value: unknown, supported: string[]): FieldError {
  if (value === undefined)
    return { field, value, problem: 'Required value', remedy: `add ${field}: ${supported.join(' or ')}` };
  const near = typeof value === 'string' ? nearest(value, supported) : null;
  return {
    field,
    value,
    problem: `Unsupported value: ${show(value)}: supported values: ${supported.map(show).join(', ')}`,
    remedy: near === null ? `set ${field} to ${supported.join(' or ')}` : `did you mean ${show(near)}?`,
  };
}

function nameOf(input: unknown): string {
  const name = (input as { metadata?: { name?: unknown } | null }).metadata?.name;
  return typeof name === 'string' ? name : '';
}

const stringMap: StructuralSchema = { type: 'object', additionalProperties: { type: 'string' } };
const metadataSchema: StructuralSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: {
      type: 'string',
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
      maxLength: 253,
    },
    namespace: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 },
    uid: { type: 'string' },
    resourceVersion: { type: 'string' },
    generation: { type: 'integer' },
    creationTimestamp: { type: 'string' },
    deletionTimestamp: { type: 'string' },
    labels: stringMap,
    annotations: stringMap,
    finalizers: { type: 'array', items: { type: 'string' } },
  },
};

/** FlowJobs and FlowClusters name services: their rule (crd.ts) is stricter than that of names in general. */
const GENERAL_NAME = metadataSchema.properties!['name']!.pattern!;
const NAME_OF_JOB = '^[a-z]([-a-z0-9]*[a-z0-9])?$';

const namesServices = (kind: Kind): boolean => kind !== 'FlowSavepoint';

function checkMetadata(kind: Kind, metadata: unknown): FieldError[] {
  if (metadata === undefined || metadata === null)
    return [
      { field: 'metadata.name', value: undefined, problem: 'Required value', remedy: 'add metadata with a name' },
    ];
  return checkStructure(metadataSchema, metadata, 'metadata').map((error) =>
    error.field === 'metadata.name' && typeof error.value === 'string'
      ? {
          ...error,
          problem: namesServices(kind) ? error.problem.replace(GENERAL_NAME, () => NAME_OF_JOB) : error.problem,
          remedy: `write lower case letters, digits and dashes${namesServices(kind) ? ', beginning with a letter' : ''}, for example flights-per-hour`,
        }
      : error,
  );
}
