// Evaluates the CRD's CEL rules where no API server does it: the same texts, the same scope (self, oldSelf), Kubernetes' own functions added.
import {
  CelScalar,
  celEnv,
  celFunc,
  celMethod,
  isCelError,
  parse,
  plan,
  type CelInput,
  type CelResult,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import type { CelRule } from './schema-kit.ts';
import { show, type FieldError } from './schema-check.ts';
import type { StructuralSchema } from './structural.ts';

const QUANTITY = /^([0-9]+)(?:\.([0-9]+))?([KMGTPE]i|[munkMGTPE])?$/;
const DECIMAL: Record<string, bigint> = { n: -9n, u: -6n, m: -3n, k: 3n, M: 6n, G: 9n, T: 12n, P: 15n, E: 18n };

/** A quantity in thousandths, rounded up; Kubernetes compares no finer than that here. Null when it is none. */
function milliQuantity(text: string): bigint | null {
  const match = QUANTITY.exec(text);
  if (match === null) return null;
  const [, whole, fraction = '', unit = ''] = match;
  let numerator = BigInt(whole! + fraction) * 1000n;
  let denominator = 10n ** BigInt(fraction.length);
  const exponent = DECIMAL[unit] ?? 0n;
  if (unit.endsWith('i')) numerator *= 1024n ** BigInt('KMGTPE'.indexOf(unit[0]!) + 1);
  else if (exponent >= 0n) numerator *= 10n ** exponent;
  else denominator *= 10n ** -exponent;
  return (numerator + denominator - 1n) / denominator;
}

/** The part of Kubernetes' quantity library that our rules use. Quantities are ints of thousandths in here. */
const kubernetesFunctions = [
  celFunc('quantity', [CelScalar.STRING], CelScalar.INT, (text) => {
    const value = milliQuantity(text);
    if (value === null) throw new Error(`"${text}" is not a quantity`);
    return value;
  }),
  celMethod('compareTo', CelScalar.INT, [CelScalar.INT], CelScalar.INT, function (other) {
    return this < other ? -1n : this > other ? 1n : 0n;
  }),
];

const environment = celEnv({ funcs: [...strings, ...kubernetesFunctions] });
const programs = new Map<string, (bindings: Record<string, CelInput>) => CelResult>();

/** A rule that speaks of oldSelf is judged on updates only. */
export function isTransitionRule(rule: CelRule): boolean {
  return /\boldSelf\b/.test(rule.rule);
}

/** Whether `rule` holds. An error of evaluation counts as "does not hold", as on the API server; its text is returned. */
export function evaluateRule(
  rule: CelRule,
  bindings: { self: CelInput; oldSelf?: CelInput },
): { holds: boolean; error?: string } {
  let program = programs.get(rule.rule);
  if (program === undefined) {
    program = plan(environment, parse(rule.rule));
    programs.set(rule.rule, program);
  }
  const result = program({ ...bindings });
  if (isCelError(result)) return { holds: false, error: result.message };
  return { holds: result === true };
}

/**
 * Complaints of all rules in `schema` about `value`, which has passed the structural check and has its defaults. `old` is the value before an update;
 * undefined on creation, and then transition rules rest.
 */
export function checkRules(schema: StructuralSchema, value: unknown, old: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const rule of schema['x-kubernetes-validations'] ?? []) {
    const transition = isTransitionRule(rule);
    if (transition && old === undefined) continue;
    const bindings = transition
      ? { self: celValue(schema, value), oldSelf: celValue(schema, old) }
      : { self: celValue(schema, value) };
    const { holds, error } = evaluateRule(rule, bindings);
    if (holds) continue;
    // Rules on the whole object without a place below it are about the name: the only part of metadata that CEL may read.
    const fieldPath = rule.fieldPath ?? (path === '' ? '.metadata.name' : '');
    const field = `${path}${fieldPath}`.replace(/^\./, '');
    const shown = at(value, fieldPath);
    const [what, remedy] = splitMessage(rule.message);
    errors.push({
      field,
      value: shown,
      problem: `Invalid value: ${typeof shown === 'object' && shown !== null ? 'object' : show(shown)}: ${what}${error === undefined ? '' : ` (${error})`}`,
      remedy,
    });
  }
  const { items } = schema;
  // What an item was before a change is not known: our rules about changes are not about items.
  if (items !== undefined && Array.isArray(value))
    value.forEach((item, index) => errors.push(...checkRules(items, item, undefined, `${path}[${index}]`)));
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const childValue = at(value, `.${name}`);
    if (childValue !== undefined)
      errors.push(...checkRules(child, childValue, at(old, `.${name}`), path === '' ? name : `${path}.${name}`));
  }
  return errors;
}

/** Rule messages read "what is wrong: what to do". */
function splitMessage(message: string): [string, string] {
  const colon = message.indexOf(': ');
  return colon < 0 ? [message, ''] : [message.slice(0, colon), message.slice(colon + 2)];
}

function at(value: unknown, path: string | undefined): unknown {
  return (path ?? '')
    .split('.')
    .filter((part) => part !== '')
    .reduce<unknown>((inner, part) => (inner as Record<string, unknown> | null | undefined)?.[part], value);
}

/** CEL tells ints from doubles; JSON does not, so the schema says which a number is. */
function celValue(schema: StructuralSchema, value: unknown): CelInput {
  if (typeof value === 'number')
    return schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? {}, item));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [
        name,
        celValue(schema.properties?.[name] ?? schema.additionalProperties ?? {}, child),
      ]),
    );
  return value as CelInput;
}
