// Constants are computed when the plan is made, by the same generated code that would compute them for every row.
import { cell, type ColumnBatch } from '../columnar/batch.ts';
import { compileExpression } from '../codegen/expression.ts';
import { EngineError } from '../errors.ts';
import type { Expr } from './exec-plan.ts';
import { physical, type SqlType } from './types.ts';

/** Functions whose value depends on the clock. */
const VOLATILE = new Set(['CURRENT_TIMESTAMP', 'LOCALTIMESTAMP', 'CURRENT_DATE']);

const ONE_ROW: ColumnBatch = { schema: [], rows: 1, columns: [], kinds: null };

/**
 * `expr`, or the literal it amounts to when its operands are literals. An expression that fails stays: whether a row reaches it is known only at run
 * time.
 */
export function fold(expr: Expr): Expr {
  if (expr.kind !== 'call') return expr;
  if (expr.fn === 'AND' || expr.fn === 'OR') return foldConnective(expr);
  const isVolatile = VOLATILE.has(expr.fn) || (expr.fn === 'UNIX_TIMESTAMP' && expr.args.length === 0);
  if (isVolatile || !expr.args.every((arg) => arg.kind === 'literal')) return expr;
  if (expr.type.root === 'NULL') return expr;
  try {
    const value = cell({ ...ONE_ROW, columns: [compileExpression(expr, [])(ONE_ROW)] }, 0, 0);
    return value === null
      ? { kind: 'literal', value: null, type: { ...expr.type, nullable: true } }
      : (literalOf(value, expr.type) ?? expr);
  } catch (error) {
    if (error instanceof EngineError) return expr;
    throw error;
  }
}

/** A cell as the plan writes it; null when JSON cannot hold it. */
function literalOf(value: boolean | number | bigint | string, type: SqlType): Expr | null {
  // The type stays as it was declared: TRY_CAST('1' AS INT) is nullable in Flink, though its value is known.
  if (typeof value === 'bigint')
    return {
      kind: 'literal',
      value: type.root.startsWith('INTERVAL')
        ? Number(value)
        : decimalText(value, type.root === 'DECIMAL' ? (type.scale ?? 0) : 0),
      type,
    };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return null;
  if (physical(type) === 'u8') return { kind: 'literal', value: Boolean(value), type };
  return { kind: 'literal', value, type };
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** TRUE AND x is x, FALSE AND x is FALSE, and the same for OR. */
function foldConnective(expr: Extract<Expr, { kind: 'call' }>): Expr {
  const neutral = expr.fn === 'AND';
  const rest: Expr[] = [];
  for (const arg of expr.args) {
    if (arg.kind !== 'literal' || arg.value === null) rest.push(arg);
    else if (arg.value !== neutral) return { ...arg, type: expr.type };
  }
  if (rest.length === 0) return expr.args[0]!;
  return rest.length === 1 ? rest[0]! : rest.length === expr.args.length ? expr : { ...expr, args: rest };
}
