// Small things done with bound expressions: making them, walking them, moving them onto other columns.
import type { Expr } from './exec-plan.ts';
import type { FunctionName } from './functions.ts';
import { sqlType, type SqlType } from './types.ts';

export function column(index: number, type: SqlType): Expr {
  return { kind: 'column', index, type };
}

export function call(fn: FunctionName, args: Expr[], type: SqlType): Expr {
  return { kind: 'call', fn, args, type };
}

export function literal(value: boolean | number | string | null, type: SqlType): Expr {
  return { kind: 'literal', value, type };
}

export function and(left: Expr, right: Expr): Expr {
  return call('AND', [left, right], sqlType.boolean(left.type.nullable || right.type.nullable));
}

/** Calls `visit` with the index of every column that `expr` reads. */
export function forEachColumn(expr: Expr, visit: (index: number) => void): void {
  if (expr.kind === 'column') visit(expr.index);
  else if (expr.kind === 'call') for (const arg of expr.args) forEachColumn(arg, visit);
}

/**
 * `expr` with parts replaced: `replace` is asked for every part from the outside in, and null means to look inside. The whole is the same
 * object when nothing changed.
 */
export function rewrite(expr: Expr, replace: (part: Expr) => Expr | null): Expr {
  const replaced = replace(expr);
  if (replaced !== null) return replaced;
  if (expr.kind !== 'call') return expr;
  const args = expr.args.map((arg) => rewrite(arg, replace));
  return args.every((arg, i) => arg === expr.args[i]) ? expr : { ...expr, args };
}

/** `expr` over other columns: column i becomes `columns[i]`. */
export function substitute(expr: Expr, columns: readonly Expr[]): Expr {
  return rewrite(expr, (part) => (part.kind === 'column' ? columns[part.index]! : null));
}

/** Number of calls, columns and literals in it. */
export function sizeOf(expr: Expr): number {
  return expr.kind === 'call' ? expr.args.reduce((size, arg) => size + sizeOf(arg), 1) : 1;
}

/** Expressions without duplicates: `add` gives the place of the equal one that is there already. */
export class ExprList {
  readonly all: Expr[] = [];
  private readonly places = new Map<string, number>();

  add(expr: Expr): number {
    const key = JSON.stringify(expr);
    let place = this.places.get(key);
    if (place === undefined) {
      place = this.all.push(expr) - 1;
      this.places.set(key, place);
    }
    return place;
  }
}
