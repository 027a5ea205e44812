// Makes typed expressions: folds constants, inserts casts, remembers where in the text each part came from, and bounds their size.
import { EngineError } from '../errors.ts';
import { parseDate, parseTime, parseTimestamp } from '../codegen/runtime/time.ts';
import type { Span } from '../sql/ast.ts';
import { fold } from './constant-folding.ts';
import type { Expr } from './exec-plan.ts';
import { call, literal } from './expressions.ts';
import type { FunctionName } from './functions.ts';
import type { Fail } from './plan-error.ts';
import {
  canAssign,
  canCast,
  commonType,
  isTemporal,
  isText,
  MAX_DECIMAL_PRECISION,
  nullable,
  sameType,
} from './type-rules.ts';
import { typeToString, type SqlType } from './types.ts';

/** Parts of one expression, counted as often as they are evaluated. Views and CASE can repeat a part, so that short text makes large plans. */
const MAX_SIZE = 20_000;

export class ExprFactory {
  readonly fail: Fail;
  private readonly spans = new WeakMap<Expr, Span>();
  private readonly sizes = new WeakMap<Expr, number>();

  constructor(fail: Fail) {
    this.fail = fail;
  }

  /** Remembers where `expr` stands; returns it. */
  at(expr: Expr, span: Span): Expr {
    this.spans.set(expr, span);
    return expr;
  }

  spanOf(expr: Expr, otherwise: Span): Span {
    return this.spans.get(expr) ?? otherwise;
  }

  /** A call; a literal when all its operands are. */
  call(fn: FunctionName, args: Expr[], type: SqlType, span: Span): Expr {
    this.checkType(type, span);
    const size = args.reduce((sum, arg) => sum + (this.sizes.get(arg) ?? 1), 1);
    if (size > MAX_SIZE)
      throw this.fail(
        'SQL_TOO_DEEP',
        span,
        `this expression has more than ${MAX_SIZE} parts once CASE and BETWEEN are written out`,
        'compute its parts in a view first',
      );
    const expr = fold(call(fn, args, type));
    if (expr.kind === 'call') this.sizes.set(expr, size);
    return this.at(expr, span);
  }

  /** `expr` as `type`, whose nullability is ignored. No cast when it has the type already. */
  cast(expr: Expr, type: SqlType, span: Span): Expr {
    const target = nullable(type, expr.type.nullable);
    if (sameType(expr.type, target)) return expr;
    if (expr.kind === 'literal' && expr.value === null)
      return this.at(literal(null, { ...type, nullable: true }), span);
    return this.call('CAST', [expr], target, this.spanOf(expr, span));
  }

  /** CAST and TRY_CAST as written. @throws EngineError SQL_TYPE when the types have no conversion */
  explicitCast(expr: Expr, type: SqlType, safe: boolean, span: Span): Expr {
    this.checkType(type, span);
    if (!canCast(expr.type, type))
      throw this.fail(
        'SQL_TYPE',
        span,
        `${typeToString(expr.type)} cannot be cast to ${typeToString(type)}`,
        castHint(expr.type, type),
      );
    if (!safe) return this.at(this.cast(expr, type, span), span);
    return this.call('TRY_CAST', [expr], nullable(type, true), span);
  }

  /** What INSERT and UNION do: only conversions that Flink makes without being asked. Null when there is none. */
  assign(expr: Expr, type: SqlType, span: Span): Expr | null {
    return canAssign(expr.type, type) ? this.cast(expr, type, span) : null;
  }

  /** All of `exprs` as their common type; `what` names the place for the error. String literals become times beside times. */
  common(exprs: Expr[], span: Span, what: string): { exprs: Expr[]; type: SqlType } {
    const known = this.literalsAsTimes(exprs, span);
    const type = commonType(known.map((expr) => expr.type));
    if (type === null)
      throw this.fail(
        'SQL_TYPE',
        span,
        `${what} have no common type: ${[...new Set(known.map((expr) => typeToString({ ...expr.type, nullable: true })))].join(', ')}`,
        'write a CAST so that all have one type',
      );
    this.checkType(type, span);
    return { exprs: known.map((expr) => this.cast(expr, type, span)), type };
  }

  /** Where there is a time among `exprs`, string literals are times too: `ts > '2024-01-01'`. */
  literalsAsTimes(exprs: Expr[], span: Span): Expr[] {
    const time = exprs.find((expr) => isTemporal(expr.type));
    if (time === undefined) return exprs;
    return exprs.map((expr) => {
      if (expr.kind !== 'literal' || !isText(expr.type)) return expr;
      const parse = time.type.root === 'DATE' ? parseDate : time.type.root === 'TIME' ? parseTime : parseTimestamp;
      const value = parse(String(expr.value));
      if (value === null)
        throw this.fail(
          'SQL_LITERAL',
          this.spanOf(expr, span),
          `'${expr.value}' is no ${typeToString({ ...time.type, nullable: true })}`,
          "write times as '2024-03-31 08:30:00', dates as '2024-03-31'",
        );
      const type = time.type.root === 'DATE' ? time.type : { ...time.type, precision: 3 };
      return this.at(literal(value, nullable(type, false)), this.spanOf(expr, span));
    });
  }

  /** A BOOLEAN, for the clause or operator `what`. */
  condition(expr: Expr, span: Span, what: string): Expr {
    if (expr.type.root === 'BOOLEAN') return expr;
    if (expr.type.root === 'NULL') return this.cast(expr, { root: 'BOOLEAN', nullable: true }, span);
    throw this.fail(
      'SQL_TYPE',
      this.spanOf(expr, span),
      `${what} takes a BOOLEAN, not ${typeToString({ ...expr.type, nullable: true })}`,
      'write a comparison, for example x <> 0',
    );
  }

  /** Refuses DECIMALs that 64 bits do not hold. */
  checkType(type: SqlType, span: Span): void {
    if (type.root === 'DECIMAL' && (type.precision ?? 10) > MAX_DECIMAL_PRECISION)
      throw this.fail(
        'SQL_UNSUPPORTED',
        span,
        `this is a ${typeToString({ ...type, nullable: true })}: more than ${MAX_DECIMAL_PRECISION} digits are not supported`,
        'CAST an operand to DOUBLE, or to a DECIMAL with fewer digits',
      );
  }
}

function castHint(from: SqlType, to: SqlType): string {
  if (isTemporal(to) && ['INT', 'BIGINT', 'TINYINT', 'SMALLINT'].includes(from.root))
    return 'use TO_TIMESTAMP_LTZ(number, 3) for milliseconds since 1970, or FROM_UNIXTIME';
  if (isTemporal(from)) return 'use UNIX_TIMESTAMP, EXTRACT(EPOCH FROM ...) or TIMESTAMPDIFF';
  return 'cast by way of STRING, or use a conversion function';
}

/** An EngineError from elsewhere (a connector), shown at its place in the text. Its code stays. */
export function located(error: unknown, fail: Fail, span: Span): unknown {
  if (!(error instanceof EngineError) || error.position?.line !== undefined) return error;
  const shown = fail('SQL_TABLE', span, error.message, error.hint);
  const { hint, position } = shown;
  return new EngineError(error.code, shown.message, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(position === undefined ? {} : { position }),
  });
}
