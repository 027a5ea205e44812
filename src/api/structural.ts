// Kubernetes' structural schema: the subset of OpenAPI v3 that a CRD may hold, and the walk from a TypeBox schema to it.
import type { TSchema } from '@sinclair/typebox';
import type { CelRule } from './schema-kit.ts';

export interface StructuralSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  required?: string[];
  items?: StructuralSchema;
  enum?: string[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  maxProperties?: number;
  anyOf?: StructuralSchema[];
  default?: unknown;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: CelRule[];
}

/**
 * The structural schema of a TypeBox schema. A property with a default is never required: the API server fills it in before it validates. `report`
 * schemas (status) keep neither defaults nor rules: what the operator writes is written in full.
 */
export function toStructural(schema: TSchema, use: 'input' | 'report' = 'input'): StructuralSchema {
  // The round trip through JSON drops TypeBox's symbols, and makes this a copy.
  return convert(JSON.parse(JSON.stringify(schema)) as StructuralSchema, use);
}

function convert(schema: StructuralSchema, use: 'input' | 'report'): StructuralSchema {
  const { properties, required, items, ...rest } = schema;
  const converted: StructuralSchema = Object.fromEntries(
    Object.entries(rest).filter(([key]) => {
      if (key.startsWith('x-flowjob-')) return false;
      return use === 'input' || (key !== 'default' && key !== 'x-kubernetes-validations');
    }),
  );
  if (properties !== undefined) {
    converted.properties = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, convert(property, use)]),
    );
    const needed = (required ?? []).filter((name) => converted.properties?.[name]?.default === undefined);
    if (needed.length > 0) converted.required = needed;
  }
  if (items !== undefined) converted.items = convert(items, use);
  return converted;
}

/** A copy of `value` in which absent properties have their defaults, at all depths, as the API server fills them in. */
export function withDefaults(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown) => (schema.items === undefined ? item : withDefaults(schema.items, item)));
  if (value === null || typeof value !== 'object' || schema.properties === undefined) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [name, property] of Object.entries(schema.properties)) {
    // A null stands for "not set", as in a manifest with `resources:` and nothing below.
    const given = filled[name] ?? structuredClone(property.default);
    if (given === undefined) delete filled[name];
    else filled[name] = withDefaults(property, given);
  }
  return filled;
}
