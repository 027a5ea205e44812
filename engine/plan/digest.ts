// The canonical text of an expression. It names accumulators and keys in savepoints: what it gives for an expression must never change.
import { createHash } from 'node:crypto';
import type { Expr } from './exec-plan.ts';
import { typeToString, type SqlType } from './types.ts';

const INFIX = new Set([
  '+',
  '-',
  '*',
  '/',
  '%',
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  '||',
  'AND',
  'OR',
  'IS DISTINCT FROM',
  'IS NOT DISTINCT FROM',
]);
/** Functions whose operands have one type. */
const ALIKE = new Set(['IN', 'NULLIF', 'COALESCE', 'GREATEST', 'LEAST']);
const POSTFIX = new Set(['IS NULL', 'IS NOT NULL', 'IS TRUE', 'IS NOT TRUE', 'IS FALSE', 'IS NOT FALSE']);
const ALIASED: Record<string, string> = { TEMPORAL_PLUS: '+', TEMPORAL_MINUS: '-' };

/** `expr` with columns by their digests: `(delay + 10)`, `CAST(delay AS DOUBLE)`, `(origin = 'SFO')`. Different values have different texts. */
export function digestOf(expr: Expr, columns: readonly string[]): string {
  switch (expr.kind) {
    case 'column':
      return columns[expr.index]!;
    case 'literal':
      return literalDigest(expr.value, expr.type, null);
    case 'call':
      return callDigest(expr, columns);
  }
}

/** A digest that is longer than this is replaced by its hash: views that use one another twice would double it each time. */
const MAX_COLUMN_DIGEST = 1_000;

/** The digest of a computed column. */
export function columnDigest(expr: Expr, columns: readonly string[]): string {
  const digest = digestOf(expr, columns);
  if (digest.length <= MAX_COLUMN_DIGEST) return digest;
  return `sha256:${createHash('sha256').update(digest).digest('hex')}`;
}

/** A name as it stands in a digest: in backquotes unless it is a plain word, so that no name can look like an expression. */
export function nameDigest(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}

/** A digest as it stands in parentheses or commas: `(a + b)` without its own parentheses. */
export function bareDigest(digest: string): string {
  if (!digest.startsWith('(')) return digest;
  let depth = 0;
  let quote = '';
  for (let i = 0; i < digest.length; i++) {
    const character = digest[i]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '`') quote = character;
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0 && i < digest.length - 1) return digest;
  }
  return digest.slice(1, -1);
}

function callDigest(expr: Extract<Expr, { kind: 'call' }>, columns: readonly string[]): string {
  const { fn, args, type } = expr;
  // A literal beside an operand of its own type needs no type.
  const sibling = args.find((arg) => arg.kind !== 'literal')?.type ?? null;
  const operator = ALIASED[fn] ?? fn;
  const comparesAlike = INFIX.has(operator) || ALIKE.has(fn);
  const texts = args.map((arg) =>
    arg.kind === 'literal'
      ? literalDigest(arg.value, arg.type, comparesAlike ? sibling : null)
      : digestOf(arg, columns),
  );
  if (INFIX.has(operator)) return `(${texts.join(` ${operator} `)})`;
  if (POSTFIX.has(fn)) return `(${texts[0]} ${fn})`;
  switch (fn) {
    case 'NOT':
      return `(NOT ${texts[0]})`;
    case 'NEGATE':
      return `(-${texts[0]})`;
    case 'LIKE':
      return `(${texts[0]} LIKE ${texts[1]}${texts[2] === undefined ? '' : ` ESCAPE ${texts[2]}`})`;
    case 'IN':
      return `(${texts[0]} IN (${texts.slice(1).join(', ')}))`;
    case 'CAST':
    case 'TRY_CAST':
      return `${fn}(${texts[0]} AS ${typeToString({ ...type, nullable: true })})`;
    default:
      return `${fn}(${texts.join(', ')})`;
  }
}

/** The type is added where the text alone, or an operand beside it, does not tell it. */
function literalDigest(value: boolean | number | string | null, type: SqlType, sibling: SqlType | null): string {
  const name = typeToString({ ...type, nullable: true });
  if (value === null) return type.root === 'NULL' ? 'NULL' : `NULL:${name}`;
  const plain = sibling !== null && sibling.root === type.root;
  switch (type.root) {
    case 'BOOLEAN':
      return value === true ? 'TRUE' : 'FALSE';
    case 'CHAR':
      return quoted(String(value));
    case 'VARCHAR':
      return plain ? quoted(String(value)) : `${quoted(String(value))}:${name}`;
    case 'INT':
    case 'DECIMAL':
      return String(value);
    case 'INTERVAL_DAY_TIME':
      return `${value}:INTERVAL SECOND`;
    case 'INTERVAL_YEAR_MONTH':
      return `${value}:INTERVAL MONTH`;
    default:
      return plain ? String(value) : `${value}:${name}`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
