// The aggregates of one SELECT as its expressions name them, and what each is made of: accumulators, and a final value over them.
import type { Span } from '../sql/ast.ts';
import type { AccumulatorSpec, Expr } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import { column, literal } from './expressions.ts';
import { bareDigest, digestOf } from './digest.ts';
import { unsupported } from './plan-error.ts';
import { accumulationType, avgType, isInterval, isNumeric, nullable, sumType } from './type-rules.ts';
import { sqlType, typeToString, type SqlType } from './types.ts';

export const AGGREGATES: ReadonlySet<string> = new Set(['COUNT', 'SUM', 'AVG', 'MIN', 'MAX']);

/** Functions of the window in GROUP BY TUMBLE(...), and its column that each is. */
export const AUXILIARY: Record<string, 'start' | 'end' | 'time'> = {
  TUMBLE_START: 'start',
  TUMBLE_END: 'end',
  TUMBLE_ROWTIME: 'time',
};

/** An aggregate call, over the columns of the scope. */
export interface AggregateCall {
  kind: 'aggregate';
  name: string;
  argument: Expr | null;
  filter: Expr | null;
  /** Of the final value, nullable as in a query without GROUP BY. */
  type: SqlType;
  span: Span;
}

/** TUMBLE_START(...) and its like. */
export interface AuxiliaryCall {
  kind: 'auxiliary';
  name: string;
  args: Expr[];
  type: SqlType;
  span: Span;
}

export class AggregateCollector {
  readonly calls: (AggregateCall | AuxiliaryCall)[] = [];
  private readonly offset: number;
  private readonly make: ExprFactory;

  /** Calls are numbered as columns from `offset` on. */
  constructor(offset: number, make: ExprFactory) {
    this.offset = offset;
    this.make = make;
  }

  add(name: string, argument: Expr | null, filter: Expr | null, span: Span): Expr {
    const type = this.resultType(name, argument, span);
    return this.push({ kind: 'aggregate', name, argument, filter, type, span });
  }

  addAuxiliary(name: string, args: Expr[], span: Span): Expr {
    const rowtime = args[0]?.type ?? sqlType.timestamp(3);
    const type = AUXILIARY[name] === 'time' ? nullable(rowtime, false) : sqlType.timestamp(3, false);
    return this.push({ kind: 'auxiliary', name, args, type, span });
  }

  /** The same call written again is the same column. */
  private push(call: AggregateCall | AuxiliaryCall): Expr {
    const key = JSON.stringify({ ...call, span: null });
    const known = this.calls.findIndex((other) => JSON.stringify({ ...other, span: null }) === key);
    return column(this.offset + (known >= 0 ? known : this.calls.push(call) - 1), call.type);
  }

  private resultType(name: string, argument: Expr | null, span: Span): SqlType {
    if (name === 'COUNT' || argument === null) return sqlType.bigint(false);
    const { type } = argument;
    if (type.root === 'NULL')
      throw this.make.fail('SQL_TYPE', span, `${name}(NULL) has no type`, 'CAST the NULL to the type that is meant');
    if (name === 'MIN' || name === 'MAX') return nullable(type, true);
    if (isInterval(type))
      throw unsupported(this.make.fail, span, `${name} of an INTERVAL`, 'aggregate the seconds as a number');
    if (!isNumeric(type))
      throw this.make.fail(
        'SQL_TYPE',
        span,
        `${name} takes a number, not ${typeToString({ ...type, nullable: true })}`,
        'CAST the operand to a number, or use COUNT, MIN or MAX',
      );
    return nullable(name === 'SUM' ? sumType(type) : avgType(type), true);
  }
}

/** Accumulators by name, each held once. */
export class Accumulators {
  readonly all: AccumulatorSpec[] = [];
  private readonly digests: readonly string[];
  private readonly place: (expr: Expr) => Expr;

  /** `digests` name the columns that calls read; `place` gives the input column in which the operator finds an expression over them. */
  constructor(digests: readonly string[], place: (expr: Expr) => Expr) {
    this.digests = digests;
    this.place = place;
  }

  /** Index of the accumulator, which is added unless it is there. `named` is what the name says it is of, when that is not `argument` itself. */
  index(fn: AccumulatorSpec['fn'], argument: Expr | null, filter: Expr | null, named: Expr | null = argument): number {
    const name = this.nameOf(fn, named, filter);
    const known = this.all.findIndex((accumulator) => accumulator.name === name);
    if (known >= 0) return known;
    const type = fn === 'COUNT' || argument === null ? sqlType.bigint(false) : nullable(argument.type, true);
    const placed = {
      argument: argument === null ? null : this.place(argument),
      filter: filter === null ? null : this.place(filter),
    };
    return this.all.push({ name, fn, type, ...placed }) - 1;
  }

  /** `COUNT(*)` under `filter`, asked for as the count of `argument`, which is never NULL. */
  countAll(argument: Expr | null, filter: Expr | null): number {
    const index = this.index('COUNT', null, filter);
    const spec = this.all[index]!;
    const alias = argument === null ? null : this.nameOf('COUNT', argument, filter);
    if (alias !== null && spec.aliases?.includes(alias) !== true)
      spec.aliases = [...(spec.aliases ?? []), alias].sort();
    return index;
  }

  private nameOf(fn: string, argument: Expr | null, filter: Expr | null): string {
    const text = (expr: Expr): string => bareDigest(digestOf(expr, this.digests));
    const of = argument === null ? '*' : text(argument);
    return `${fn.toLowerCase()}(${of})${filter === null ? '' : ` filter (${text(filter)})`}`;
  }
}

/**
 * Adds the accumulators of `call` and returns its final value over the operator's output, in which accumulator i is column `first + i`.
 * `grouped`: every group has a row, so that an aggregate of what is never NULL is not NULL either.
 */
export function finalValue(
  call: AggregateCall,
  accumulators: Accumulators,
  first: number,
  grouped: boolean,
  make: ExprFactory,
): Expr {
  const { argument, filter, span } = call;
  const held = (index: number): Expr => column(first + index, accumulators.all[index]!.type);
  const notNull = argument === null || !argument.type.nullable;
  // `counted` is NULL where the argument is: a column that is there for another accumulator anyway.
  const count = (counted: Expr | null): Expr =>
    notNull
      ? held(accumulators.countAll(argument === null ? null : countable(argument), filter))
      : held(accumulators.index('COUNT', counted, filter, countable(argument)));
  if (call.name === 'COUNT' || argument === null) return count(argument);
  const type = nullable(call.type, !(grouped && notNull && filter === null));
  const sure = (expr: Expr): Expr =>
    expr.type.nullable === type.nullable ? expr : { ...expr, type: nullable(expr.type, type.nullable) };
  if (call.name === 'MIN' || call.name === 'MAX') return sure(held(accumulators.index(call.name, argument, filter)));
  const wide = make.cast(argument, accumulationType(argument.type), span);
  const sum = sure(held(accumulators.index('SUM', wide, filter, argument)));
  // Every sum holds its count, so that the mean can be asked of a state that was built for the total.
  const counted = count(wide);
  if (call.name === 'SUM') return make.cast(sum, type, span);
  // Without values the sum is NULL, and so is the mean.
  const divisor = make.call('NULLIF', [counted, literal('0', sqlType.bigint(false))], sqlType.bigint(true), span);
  const operands = [sum, wide.type.root === 'DOUBLE' ? make.cast(divisor, wide.type, span) : divisor];
  const mean = make.call('/', operands, avgType(sum.type), span);
  return sure(make.cast(mean, type, span));
}

/** What is NULL exactly when `expr` is: casts between numbers lose no rows, so that count(x) serves AVG(CAST(x AS DOUBLE)) too. */
function countable(expr: Expr): Expr {
  if (expr.kind !== 'call' || expr.fn !== 'CAST' || expr.type.root === 'DECIMAL') return expr;
  const [operand] = expr.args as [Expr];
  return isNumeric(expr.type) && isNumeric(operand.type) ? countable(operand) : expr;
}
