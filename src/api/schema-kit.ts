// The building blocks of our schemas: enums, durations, quantities, and what a field carries besides its type (CEL rules, change class).
import { Type, type TUnsafe } from '@sinclair/typebox';

/** One entry of `x-kubernetes-validations`. `message` tells what to do, not only what is wrong. */
export interface CelRule {
  rule: string;
  message: string;
  /** Path below the rule's own place that the error is shown for, e.g. `.parallelism`. */
  fieldPath?: string;
}

/**
 * What a change of a field does to a running job. `none`: it counts from the next time that it is looked at. `in-place`: the operator acts on it, the
 * running version stays. `rescale`: a stream that runs takes another parallelism in place; where that cannot be, as `restart`. `restart`: the running version
 * is replaced by `upgrade.strategy`. `refused-while-running`: suspend first.
 */
export type ChangeClass = 'none' | 'in-place' | 'rescale' | 'restart' | 'refused-while-running';

/** Keys that our schemas carry besides JSON Schema's; `x-flowjob-*` are ours alone and do not reach the CRD. */
export interface FieldExtras {
  description: string;
  'x-kubernetes-validations'?: CelRule[];
  'x-flowjob-change'?: ChangeClass;
  /** What holds when the field is left out and no fixed default can say it. */
  'x-flowjob-default'?: string;
}

/** A string that is one of `values`. */
export function stringEnum<const T extends readonly string[]>(
  values: T,
  extras: FieldExtras & { default?: T[number] },
): TUnsafe<T[number]> {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...extras });
}

const DURATION_PATTERN = '^[0-9]+(ms|s|m|h|d)$';
const NOT_ZERO: CelRule = { rule: "!self.matches('^0+[a-z]+$')", message: 'must be longer than zero, for example 10s' };

/** A duration: digits and one unit of ms, s, m, h, d. `positive` refuses zero. */
export function duration(extras: FieldExtras & { default?: string; positive?: boolean }): TUnsafe<string> {
  const { positive, ...rest } = extras;
  return Type.Unsafe<string>({
    type: 'string',
    pattern: DURATION_PATTERN,
    maxLength: 16,
    ...rest,
    ...(positive === true ? { 'x-kubernetes-validations': [NOT_ZERO] } : {}),
  });
}

/** A Kubernetes quantity: `512Mi`, `500m`, `2`. */
export function quantity(extras: FieldExtras & { default?: string }): TUnsafe<string | number> {
  return Type.Unsafe<string | number>({
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    pattern: '^[0-9]+(\\.[0-9]+)?([KMGTPE]i|[munkMGTPE])?$',
    maxLength: 32,
    'x-kubernetes-int-or-string': true,
    ...extras,
  });
}

/** Strings by name. */
export function stringMap(extras: FieldExtras & { maxProperties: number }): TUnsafe<Record<string, string>> {
  return Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 4096 },
    ...extras,
  });
}

/** An object of Kubernetes' own whose fields are checked where it is used: by the API server when it becomes part of a pod. */
export function kubernetesObject<T extends object>(extras: FieldExtras): TUnsafe<T> {
  return Type.Unsafe<T>({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true, ...extras });
}

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration that the schema admits. */
export function durationMs(text: string): number {
  const match = /^([0-9]+)(ms|s|m|h|d)$/.exec(text);
  if (match === null)
    throw new RangeError(`"${text}" is not a duration: write digits and one of ms, s, m, h, d, for example 10s`);
  return Number(match[1]) * durationUnits[match[2]!]!;
}

/** The other way round, in the largest unit that says it: `1d`, `90s`. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(durationUnits).findLast(([, each]) => ms % each === 0 && ms >= each) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

const quantityUnits: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity stands for: bytes of memory, cores of CPU. */
export function quantityValue(value: string | number): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)((?:[KMGTPE]i)|[numkMGTPE])?$/.exec(String(value));
  if (match === null) throw new RangeError(`"${value}" is not a quantity: write for example 512Mi or 500m`);
  return Number(match[1]) * quantityUnits[match[2] ?? '']!;
}
