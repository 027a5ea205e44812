// WITH options of a table, checked against what its connector knows: typed values out, errors that name table, option, value and remedy.
import { EngineError } from '../errors.ts';
import type { TableSpec } from '../plan/exec-plan.ts';
import { hasMalformedReference, secretReferences } from '../secret-references.ts';

/** What an option takes. `#` in a name stands for one column name: `fields.#.min`. */
export interface OptionSpec {
  kind: 'string' | 'integer' | 'number' | 'boolean' | 'character' | 'enum' | 'size';
  required?: boolean;
  /** Of `enum`: the values, written as users write them. */
  values?: readonly string[];
  /** Of `string`: its value is put on record or shown, so it may hold no secret. */
  public?: true;
  /** Of `integer` and `number`: the least value allowed. */
  min?: number;
}

export type OptionSpecs = Record<string, OptionSpec>;

const sizeUnits: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
};

/** The checked options of one table. */
export class TableOptions {
  private readonly table: TableSpec;

  /** Throws EngineError (OPTION_UNKNOWN, OPTION_MISSING, OPTION_INVALID) unless every option of `table` is one of `specs` and well-formed. */
  constructor(table: TableSpec, specs: OptionSpecs) {
    this.table = table;
    const columns = table.schema.map((field) => field.name);
    const names = Object.keys(specs).flatMap((name) =>
      name.includes('#') ? columns.map((column) => name.replace('#', column)) : [name],
    );
    for (const [name, value] of Object.entries(table.options)) {
      const spec = Object.hasOwn(specs, name) ? specs[name] : specFor(name, specs, columns);
      if (spec === undefined) throw unknownOption(table, name, names);
      check(table, name, value, spec);
    }
    for (const [name, spec] of Object.entries(specs))
      if (spec.required === true && table.options[name] === undefined)
        throw new EngineError(
          'OPTION_MISSING',
          `table ${table.name}: connector '${table.connector}' needs the option '${name}'`,
          { hint: `add '${name}' = '${spec.values?.join("' or '") ?? '...'}' to the WITH clause` },
        );
  }

  string(name: string): string | undefined {
    return this.table.options[name];
  }

  number(name: string): number | undefined {
    const value = this.table.options[name];
    return value === undefined ? undefined : Number(value);
  }

  boolean(name: string): boolean {
    return this.table.options[name]?.toLowerCase() === 'true';
  }

  /** A size such as `128MB` in bytes. */
  size(name: string): number | undefined {
    const value = this.table.options[name];
    return value === undefined ? undefined : parseSize(value)!;
  }

  /** A value of `enum` in the spelling of its spec's values, lower case. */
  choice(name: string): string | undefined {
    return this.table.options[name]?.toLowerCase();
  }

  /** An OPTION_INVALID error for a value that only its connector can judge. */
  invalid(name: string, reason: string, hint: string): EngineError {
    return invalidOption(this.table, name, this.table.options[name] ?? '', reason, hint);
  }
}

/** An error that says which option of which table has a bad value. */
export function invalidOption(
  table: TableSpec,
  name: string,
  value: string,
  reason: string,
  hint: string,
): EngineError {
  return new EngineError('OPTION_INVALID', `table ${table.name}: option '${name}' = '${value}' ${reason}`, { hint });
}

/** The nearest of `candidates` by edits, when near enough to be what was meant. */
export function didYouMean(name: string, candidates: string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function specFor(name: string, specs: OptionSpecs, columns: string[]): OptionSpec | undefined {
  for (const [pattern, spec] of Object.entries(specs)) {
    if (pattern.includes('#') && columns.some((column) => pattern.replace('#', column) === name)) return spec;
  }
  return undefined;
}

function unknownOption(table: TableSpec, name: string, known: string[]): EngineError {
  const guess = didYouMean(name, known);
  return new EngineError(
    'OPTION_UNKNOWN',
    `table ${table.name}: connector '${table.connector}' has no option '${name}'`,
    {
      hint: guess === undefined ? `its options are: ${known.sort().join(', ')}` : `did you mean '${guess}'?`,
    },
  );
}

function check(table: TableSpec, name: string, value: string, spec: OptionSpec): void {
  const fail = (reason: string, hint: string): never => {
    throw invalidOption(table, name, value, reason, hint);
  };
  if (hasMalformedReference(value))
    fail(
      'has a reference to a secret that is not well-formed',
      'write ${secret:NAME:KEY} with the name of a Secret and a key in it',
    );
  if (secretReferences(value).length > 0 && (spec.kind !== 'string' || spec.public === true))
    fail('holds a secret, which this option cannot', `write the value of '${name}' itself`);
  switch (spec.kind) {
    case 'string':
      if (value === '' && spec.required === true) fail('is empty', `give '${name}' a value`);
      return;
    case 'integer':
    case 'number': {
      const number = Number(value);
      if (value.trim() === '' || !Number.isFinite(number))
        fail('is not a number', `write digits, as in '${name}' = '100'`);
      if (spec.kind === 'integer' && !Number.isSafeInteger(number))
        fail('is not a whole number', `write digits without a point, as in '${name}' = '100'`);
      if (spec.min !== undefined && number < spec.min)
        fail(`is less than ${spec.min}`, `choose ${spec.min} or more for '${name}'`);
      return;
    }
    case 'boolean':
      if (!/^(true|false)$/i.test(value)) fail('is neither true nor false', `write '${name}' = 'true' or 'false'`);
      return;
    case 'character':
      if (value.length !== 1 || value.charCodeAt(0) > 126)
        fail('is not one ASCII character', `write one character, as in '${name}' = ';'`);
      return;
    case 'size':
      if (parseSize(value) === undefined) fail('is not a size', `write a number and a unit, as in '${name}' = '128MB'`);
      return;
    case 'enum': {
      const values = spec.values ?? [];
      if (values.some((known) => known.toLowerCase() === value.toLowerCase())) return;
      const guess = didYouMean(value, [...values]);
      fail(
        'is not supported',
        `${guess === undefined ? '' : `did you mean '${guess}'? `}it takes '${values.join("', '")}'`,
      );
    }
  }
}

function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match === null ? undefined : sizeUnits[match[2]!.toLowerCase()];
  return unit === undefined ? undefined : Math.floor(Number(match![1]) * unit);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    previous = row;
  }
  return previous[b.length]!;
}
