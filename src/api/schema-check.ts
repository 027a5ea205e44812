// Checks a value against a structural schema, in the words of the Kubernetes API server, with the remedy beside each complaint.
import type { StructuralSchema } from './structural.ts';

/** One thing wrong with an object. */
export interface FieldError {
  /** `spec.taskManager.slots`. */
  field: string;
  /** As JSON; undefined when the value is missing. */
  value: unknown;
  /** `Unsupported value: "Steam": supported values: "Streaming", "Batch"`. */
  problem: string;
  /** What to do, in one sentence. */
  remedy: string;
}

/** All complaints about `value`, in the order of the schema. `path` names the value in messages. */
export function checkStructure(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  if (schema['x-kubernetes-int-or-string'] === true) return checkIntOrString(schema, value, path);
  const actual = typeOf(value);
  if (schema.type !== undefined && actual !== schema.type && !(schema.type === 'number' && actual === 'integer'))
    return [wrongType(path, value, schema)];
  switch (schema.type) {
    case 'object':
      return checkObject(schema, value as Record<string, unknown>, path);
    case 'array':
      return checkArray(schema, value as unknown[], path);
    case 'string':
      return checkString(schema, value as string, path);
    case 'integer':
    case 'number':
      return checkNumber(schema, value as number, path);
    default:
      return [];
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function wrongType(field: string, value: unknown, schema: StructuralSchema): FieldError {
  const wanted = schema.type!;
  // Quotes alone would not do where the text has a form: 10 is no duration, nor is "10".
  const [alsoWrong] = wanted === 'string' && typeof value === 'number' ? checkString(schema, String(value), field) : [];
  const article = /^[aeio]/.test(wanted) ? 'an' : 'a';
  return {
    field,
    value,
    problem: `Invalid value: ${show(value)}: must be of type ${wanted}, is ${typeOf(value)}`,
    remedy:
      alsoWrong?.remedy ??
      (wanted === 'string' && (typeof value === 'number' || typeof value === 'boolean')
        ? `put it in quotes: "${value}"`
        : `write ${article} ${wanted} here`),
  };
}

function checkObject(schema: StructuralSchema, value: Record<string, unknown>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { properties, maxProperties = Infinity } = schema;
  const count = Object.keys(value).length;
  if (count > maxProperties)
    errors.push({
      field: path,
      value,
      problem: `Too many: ${count}: must have at most ${maxProperties} items`,
      remedy: 'remove some',
    });
  for (const name of schema.required ?? []) {
    if (value[name] === undefined)
      errors.push({
        field: join(path, name),
        value: undefined,
        problem: 'Required value',
        remedy: requiredRemedy(join(path, name), properties?.[name]),
      });
  }
  for (const [name, child] of Object.entries(value)) {
    const childSchema = properties?.[name] ?? schema.additionalProperties;
    // An object schema without properties (metadata) is checked elsewhere.
    if (childSchema !== undefined) errors.push(...checkStructure(childSchema, child, join(path, name)));
    else if (properties !== undefined) errors.push(unknownField(path, name, child, Object.keys(properties)));
  }
  return errors;
}

function requiredRemedy(field: string, schema: StructuralSchema | undefined): string {
  if (schema?.enum !== undefined) return `add ${field}: one of ${schema.enum.join(', ')}`;
  return `add ${field}`;
}

function unknownField(path: string, name: string, value: unknown, known: string[]): FieldError {
  const near = nearest(name, known);
  return {
    field: join(path, name),
    value,
    problem: 'unknown field',
    remedy: near === null ? `remove it; ${path} has ${known.join(', ')}` : `did you mean ${join(path, near)}?`,
  };
}

function checkArray(schema: StructuralSchema, value: unknown[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    errors.push({
      field: path,
      value,
      problem: `Too many: ${value.length}: must have at most ${schema.maxItems} items`,
      remedy: 'remove some',
    });
  value.forEach((item, index) => {
    if (schema.items !== undefined) errors.push(...checkStructure(schema.items, item, `${path}[${index}]`));
  });
  return errors;
}

function checkString(schema: StructuralSchema, value: string, path: string): FieldError[] {
  const wrong = (problem: string, remedy: string): FieldError[] => [{ field: path, value, problem, remedy }];
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    const near = nearest(value, schema.enum);
    return wrong(
      `Unsupported value: ${show(value)}: supported values: ${schema.enum.map(show).join(', ')}`,
      near === null ? 'use one of the supported values' : `did you mean ${show(near)}?`,
    );
  }
  if (schema.minLength !== undefined && value.length < schema.minLength)
    return wrong(`Invalid value: ${show(value)}: must not be empty`, 'write at least one character');
  if (schema.maxLength !== undefined && [...value].length > schema.maxLength)
    return wrong(
      `Too long: may not be more than ${schema.maxLength} characters`,
      `shorten it; it has ${[...value].length}`,
    );
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
    return wrong(`Invalid value: ${show(value)}: must match ${schema.pattern}`, patternRemedy(schema.pattern));
  if (schema.format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value))
    return wrong(`Invalid value: ${show(value)}: must be a date and time`, 'write it as 2026-01-31T12:00:00Z');
  return [];
}

function patternRemedy(pattern: string): string {
  if (pattern.includes('ms|s|m|h|d'))
    return 'write a whole number and a unit of ms, s, m, h, d: 500ms, 10s, 5m, 1h, 7d';
  if (pattern.includes('KMGTPE')) return 'write a Kubernetes quantity: 512Mi or 2Gi of memory, 500m or 2 of cpu';
  if (pattern.includes('s3:'))
    return 'write an absolute path as a file: URI, for example file:///var/lib/flowjob/state; or with engine Flink a bucket and a folder of letters, digits, - _ . and =: s3://bucket/state';
  return 'write it in that form';
}

function checkNumber(schema: StructuralSchema, value: number, path: string): FieldError[] {
  const wrong = (bound: string, limit: number): FieldError[] => [
    {
      field: path,
      value,
      problem: `Invalid value: ${value}: should be ${bound} ${limit}`,
      remedy: `write a number ${bound} ${limit}`,
    },
  ];
  if (schema.minimum !== undefined && value < schema.minimum) return wrong('greater than or equal to', schema.minimum);
  if (schema.maximum !== undefined && value > schema.maximum) return wrong('less than or equal to', schema.maximum);
  return [];
}

function checkIntOrString(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  const actual = typeOf(value);
  if (actual === 'string') return checkString(schema, value as string, path);
  if (actual === 'integer') return checkString(schema, String(value), path);
  return [
    {
      field: path,
      value,
      problem: `Invalid value: ${show(value)}: must be an integer or a string, is ${actual}`,
      remedy: actual === 'number' ? `put it in quotes: "${String(value)}"` : 'write for example 512Mi or 2',
    },
  ];
}

/** As JSON, cut at 120 characters. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** The candidate that `word` is most likely a slip of, of several that are as near the one that it begins with; null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  // A word of three letters with two that are wrong is another word.
  const most = Math.min(Math.max(2, Math.floor(word.length / 3)), word.length - 2);
  const near = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= most);
  const least = Math.min(...near.map(({ distance }) => distance));
  const best = near.filter(({ distance }) => distance === least).map(({ candidate }) => candidate);
  return best.find((candidate) => word.startsWith(candidate)) ?? best[0] ?? null;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
