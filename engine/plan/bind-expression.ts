// Binds an expression of the text over the columns of a scope.
import type { Expression } from '../sql/ast.ts';
import { AGGREGATES, AUXILIARY, type AggregateCollector } from './aggregate-calls.ts';
import { FunctionBinder } from './bind-functions.ts';
import { OperatorBinder } from './bind-operators.ts';
import type { Expr } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import { forEachColumn } from './expressions.ts';
import { bindInterval, bindLiteral, bindTemporal } from './literals.ts';
import { unsupported, type Fail } from './plan-error.ts';
import type { Scope } from './scope.ts';
import { resolveType } from './type-names.ts';

type Call = Extract<Expression, { kind: 'call' }>;

/** Functions of Flink that are neither scalar nor one of our aggregates, and what to do instead. */
const REFUSED_FUNCTIONS: Record<string, string> = {
  ...Object.fromEntries(
    [
      'STDDEV_POP',
      'STDDEV_SAMP',
      'VAR_POP',
      'VAR_SAMP',
      'VARIANCE',
      'COLLECT',
      'LISTAGG',
      'FIRST_VALUE',
      'LAST_VALUE',
    ].map((name) => [name, 'the aggregates are COUNT, SUM, AVG, MIN and MAX']),
  ),
  ...Object.fromEntries(
    ['ROW_NUMBER', 'RANK', 'DENSE_RANK', 'NTILE', 'LAG', 'LEAD', 'CUME_DIST', 'PERCENT_RANK', 'NTH_VALUE'].map(
      (name) => [name, 'OVER windows are not supported'],
    ),
  ),
  PROCTIME: 'use CURRENT_TIMESTAMP for a value; windows go by event time: declare a WATERMARK',
  TUMBLE_PROCTIME: 'windows go by event time: use TUMBLE_ROWTIME',
};

export class ExpressionBinder {
  readonly make: ExprFactory;
  private readonly fail: Fail;
  private readonly scope: Scope;
  private readonly clause: string;
  private readonly aggregates: AggregateCollector | null;
  private readonly operators: OperatorBinder;
  private readonly functions: FunctionBinder;

  /**
   * `clause` names the place in errors. Where aggregates may stand, `aggregates` collects them, and the expression refers to the i-th of them as
   * column `scope.columns.length + i`.
   */
  constructor(scope: Scope, make: ExprFactory, clause: string, aggregates: AggregateCollector | null = null) {
    this.scope = scope;
    this.make = make;
    this.fail = make.fail;
    this.clause = clause;
    this.aggregates = aggregates;
    this.operators = new OperatorBinder(make, (node) => this.bind(node));
    this.functions = new FunctionBinder(make, this.operators);
  }

  bind(node: Expression): Expr {
    const { make, fail } = this;
    switch (node.kind) {
      case 'identifier':
        return make.at(this.scope.resolve(node), node.span);
      case 'literal':
        return make.at(bindLiteral(node, false, fail), node.span);
      case 'temporal':
        return make.at(bindTemporal(node, fail), node.span);
      case 'interval':
        return make.at(bindInterval(node, fail), node.span);
      case 'unary':
        // The minus belongs to the number: -2147483648 is an INT.
        if (node.operator === '-' && node.operand.kind === 'literal' && node.operand.type === 'number')
          return make.at(bindLiteral(node.operand, true, fail), node.span);
        return this.operators.unary(node);
      case 'binary':
        return this.operators.binary(node);
      case 'is':
        return this.operators.is(node);
      case 'between':
        return this.operators.between(node);
      case 'like':
        return this.operators.like(node);
      case 'in':
        return this.operators.in(node);
      case 'case':
        return this.operators.case(node);
      case 'cast':
        return make.explicitCast(this.bind(node.operand), resolveType(node.type, fail), node.safe, node.span);
      case 'extract':
        return this.functions.extract(node.unit, this.bind(node.operand), node.span);
      case 'call':
        return this.call(node);
      case 'inQuery':
        throw unsupported(fail, node.span, 'IN with a subquery', 'list the values: x IN (1, 2)');
      case 'exists':
        throw unsupported(fail, node.span, 'EXISTS', 'put the condition into WHERE');
      case 'scalarQuery':
        throw unsupported(fail, node.span, 'a subquery as a value', 'compute it in FROM or in a view');
      case 'row':
        throw unsupported(fail, node.span, 'a ROW value', 'give each field a column of its own');
    }
  }

  /** A condition of the clause: a BOOLEAN that reads no window column. */
  condition(node: Expression): Expr {
    const expr = this.make.condition(this.bind(node), node.span, this.clause);
    this.refuseWindowColumns(expr, node);
    return expr;
  }

  /** Columns of a window table function have no value before their aggregation: they may only be grouped by and passed on. */
  refuseWindowColumns(expr: Expr, node: Expression): void {
    forEachColumn(expr, (index) => {
      const column = this.scope.columns[index];
      if (column === undefined || column.field.window === null) return;
      throw unsupported(
        this.fail,
        this.make.spanOf(expr, node.span),
        `${column.field.name} in ${this.clause}, before its window is aggregated,`,
        `aggregate first (GROUP BY window_start, window_end), and use ${column.field.name} in the SELECT list, in HAVING or in a query around it`,
      );
    });
  }

  private call(node: Call): Expr {
    const { fail } = this;
    const { name, span } = node;
    if (node.over !== null)
      throw unsupported(fail, span, `${name} OVER`, 'aggregate with GROUP BY, or over a TUMBLE window');
    if (AGGREGATES.has(name)) return this.aggregate(node);
    if (Object.hasOwn(REFUSED_FUNCTIONS, name)) throw unsupported(fail, span, name, REFUSED_FUNCTIONS[name]!);
    if (Object.hasOwn(AUXILIARY, name)) return this.auxiliary(node);
    if (['TUMBLE', 'HOP', 'SESSION', 'CUMULATE'].includes(name))
      throw fail(
        'SQL_WINDOW',
        span,
        `${name} stands in GROUP BY, not in ${this.clause}`,
        'write TUMBLE_START(...) or TUMBLE_END(...) with the same operands here',
      );
    if (node.distinct || node.filter !== null)
      throw fail(
        'SQL_AGGREGATE',
        span,
        `${name} is no aggregate: it takes no ${node.distinct ? 'DISTINCT' : 'FILTER'}`,
        'remove it',
      );
    return this.functions.bind(
      node,
      node.args.map((arg) => this.bind(arg)),
    );
  }

  private aggregate(node: Call): Expr {
    const { fail } = this;
    const { name, span, args } = node;
    if (this.aggregates === null)
      throw fail(
        'SQL_AGGREGATE',
        span,
        `the aggregate ${name} cannot stand in ${this.clause}`,
        this.clause === 'WHERE' ? 'conditions on aggregates stand in HAVING' : 'aggregate in a subquery first',
      );
    if (node.distinct)
      throw unsupported(fail, span, `${name}(DISTINCT ...)`, 'SELECT DISTINCT in a subquery, then aggregate');
    const count = node.star ? 1 : args.length;
    if (count !== 1)
      throw count > 1 && name === 'COUNT'
        ? unsupported(
            fail,
            span,
            'COUNT of several operands',
            'COUNT(*) FILTER (WHERE a IS NOT NULL AND b IS NOT NULL)',
          )
        : fail('SQL_ARGUMENTS', span, `${name} takes 1 operand, not ${count}`, `write ${name}(x)`);
    const inner = new ExpressionBinder(this.scope, this.make, `${name}(...)`);
    const argument = node.star ? null : inner.bind(args[0]!);
    if (argument !== null) inner.refuseWindowColumns(argument, args[0]!);
    const filter =
      node.filter === null ? null : new ExpressionBinder(this.scope, this.make, 'FILTER').condition(node.filter);
    return this.make.at(this.aggregates.add(name, argument, filter, span), span);
  }

  /** TUMBLE_START, TUMBLE_END, TUMBLE_ROWTIME of a GROUP BY TUMBLE(...). */
  private auxiliary(node: Call): Expr {
    const { aggregates } = this;
    if (aggregates === null)
      throw this.fail(
        'SQL_WINDOW',
        node.span,
        `${node.name} cannot stand in ${this.clause}`,
        'it belongs to GROUP BY TUMBLE(...): use it in the SELECT list or in HAVING',
      );
    const inner = new ExpressionBinder(this.scope, this.make, node.name);
    const args = node.args.map((arg) => inner.bind(arg));
    return this.make.at(aggregates.addAuxiliary(node.name, args, node.span), node.span);
  }
}
