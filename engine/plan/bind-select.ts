// SELECT: filter, grouping, projection, HAVING and DISTINCT of one query block, with the order that is asked of it.
import type { Expression, OrderItem, Select, SelectItem, Span } from '../sql/ast.ts';
import { AggregateCollector } from './aggregate-calls.ts';
import { aggregate, bindGrouping, type Grouping } from './bind-aggregate.ts';
import { ExpressionBinder } from './bind-expression.ts';
import { bindFrom, identity, type FromContext, type Locals, type Source } from './bind-from.ts';
import { emitsUpdates } from './changelog.ts';
import { columnDigest } from './digest.ts';
import type { Expr, SortKey } from './exec-plan.ts';
import { column } from './expressions.ts';
import type { LogicalField, LogicalNode } from './logical-plan.ts';
import { unsupported } from './plan-error.ts';
import { Scope } from './scope.ts';

interface Item {
  expr: Expr;
  name: string;
  span: Span;
}

/** A bound SELECT. Columns behind the first `visible` are there for the order alone. */
export interface BoundSelect {
  node: LogicalNode;
  visible: number;
  order: SortKey[];
}

const NOTHING: Grouping = { keys: [], window: null, windowColumns: new Map() };

export function bindSelect(select: Select, orderBy: OrderItem[], locals: Locals, context: FromContext): BoundSelect {
  const { make, mode } = context;
  const source = select.from === null ? oneRow(make.fail) : bindFrom(select.from, locals, context);
  const { scope } = source;
  const condition = select.where === null ? null : new ExpressionBinder(scope, make, 'WHERE').condition(select.where);
  const collector = new AggregateCollector(scope.columns.length, make);
  const items = bindItems(select.items, scope, new ExpressionBinder(scope, make, 'SELECT', collector));
  const grouping = select.groupBy === null ? NOTHING : bindGrouping(select.groupBy, scope, mode, make);
  const havingNode = select.having;
  const having = havingNode === null ? null : bindHaving(havingNode, scope, collector, context);
  const visible = items.length;
  const order = bindOrder(orderBy, items, scope, collector, context, select.distinct);

  const grouped = select.groupBy !== null && select.groupBy.length > 0;
  const aggregates = select.groupBy !== null || having !== null || collector.calls.length > 0;
  let projected: LogicalNode;
  if (aggregates) {
    checkInserts(source.node, select.span, context);
    const { calls } = collector;
    const { node, rewrite } = aggregate({ ...source, condition, grouping, grouped, calls, mode, make });
    const outputs = items.map((item) => ({ ...item, expr: rewrite(item.expr, item.span) }));
    const filter = having === null ? null : rewrite(having, havingNode!.span);
    projected = project(node, filter, outputs);
  } else {
    for (const { expr, span } of items)
      if (expr.kind !== 'column')
        new ExpressionBinder(scope, make, 'an expression').refuseWindowColumns(make.at(expr, span), spanNode(span));
    projected = project(source.node, condition, items);
  }
  return { node: select.distinct ? distinct(projected, select.span, context) : projected, visible, order };
}

/** SELECT without FROM has one row without columns. */
function oneRow(fail: FromContext['make']['fail']): Source {
  return { node: { kind: 'values', rows: [[]], fields: [] }, scope: new Scope([], fail) };
}

/** A node of the syntax tree that only says where it stands. */
function spanNode(span: Span): Expression {
  return { kind: 'literal', type: 'null', value: null, span };
}

function bindItems(items: SelectItem[], scope: Scope, binder: ExpressionBinder): Item[] {
  return items.flatMap((item, i): Item[] => {
    if (item.kind === 'star')
      return scope.star(item.qualifier, item.span).map((index) => {
        const { field } = scope.columns[index]!;
        return { expr: binder.make.at(column(index, field.type), item.span), name: field.name, span: item.span };
      });
    const { expression, alias, span } = item;
    const name = alias ?? (expression.kind === 'identifier' ? expression.parts.at(-1)! : `EXPR$${i}`);
    return [{ expr: binder.bind(expression), name, span }];
  });
}

function bindHaving(node: Expression, scope: Scope, collector: AggregateCollector, { make }: FromContext): Expr {
  return make.condition(new ExpressionBinder(scope, make, 'HAVING', collector).bind(node), node.span, 'HAVING');
}

/** ORDER BY names a column of the result, counts it, or computes something over the input: then the column is added to `items`. */
function bindOrder(
  orderBy: OrderItem[],
  items: Item[],
  scope: Scope,
  collector: AggregateCollector,
  { make }: FromContext,
  isDistinct: boolean,
): SortKey[] {
  const visible = items.length;
  const binder = new ExpressionBinder(scope, make, 'ORDER BY', collector);
  return orderBy.map((item) => {
    const named = orderColumn(item, items.slice(0, visible), make.fail);
    if (named !== null) return sortKey(item, named);
    const expr = binder.bind(item.expression);
    const text = JSON.stringify(expr);
    const known = items.findIndex((candidate) => JSON.stringify(candidate.expr) === text);
    if (known >= 0) return sortKey(item, known);
    if (isDistinct)
      throw make.fail(
        'SQL_AGGREGATE',
        item.span,
        'ORDER BY of a SELECT DISTINCT names a column that is not selected',
        'order by a column of the SELECT list',
      );
    return sortKey(item, items.push({ expr, name: `$order${items.length}`, span: item.span }) - 1);
  });
}

/** The result column that an item of ORDER BY names by alias or number, or null. */
export function orderColumn(
  item: OrderItem,
  columns: { name: string }[],
  fail: FromContext['make']['fail'],
): number | null {
  const { expression } = item;
  if (expression.kind === 'literal' && expression.type === 'number') {
    const place = Number(expression.value);
    if (Number.isInteger(place) && place >= 1 && place <= columns.length) return place - 1;
    throw fail(
      'SQL_UNKNOWN_COLUMN',
      expression.span,
      `ORDER BY ${String(expression.value)}: there is no such column`,
      `the columns are numbered from 1 to ${columns.length}`,
    );
  }
  if (expression.kind !== 'identifier' || expression.parts.length !== 1) return null;
  const place = columns.findIndex((candidate) => candidate.name === expression.parts[0]);
  return place < 0 ? null : place;
}

/** NULLs are the smallest values, as in Flink, unless NULLS FIRST or LAST is written. */
export function sortKey(item: OrderItem, index: number): SortKey {
  return { index, descending: item.descending, nullsFirst: item.nullsFirst ?? !item.descending };
}

function project(input: LogicalNode, condition: Expr | null, items: Item[]): LogicalNode {
  const digests = input.fields.map((field) => field.digest);
  const fields = items.map(({ expr, name }): LogicalField => {
    const field = expr.kind === 'column' ? input.fields[expr.index]! : null;
    return {
      name,
      type: expr.type,
      digest: columnDigest(expr, digests),
      rowtime: field?.rowtime ?? false,
      window: field?.window ?? null,
    };
  });
  return { kind: 'calc', input, condition, projections: items.map(({ expr }) => expr), fields };
}

/** DISTINCT groups by all columns. */
export function distinct(input: LogicalNode, span: Span, context: FromContext): LogicalNode {
  const { make } = context;
  checkInserts(input, span, context);
  const windowColumn = input.fields.find((field) => field.window !== null);
  if (windowColumn !== undefined)
    throw unsupported(
      make.fail,
      span,
      `DISTINCT over ${windowColumn.name}, before its window is aggregated,`,
      'write GROUP BY window_start, window_end and the other columns',
    );
  const fields = input.fields.map((field) => ({ ...field, rowtime: false }));
  const keys = identity(input).map((_, i) => i);
  return { kind: 'aggregate', input, keys, window: null, accumulators: [], fields };
}

/** An aggregation cannot take back what it has counted. */
function checkInserts(input: LogicalNode, span: Span, { make, mode }: FromContext): void {
  if (emitsUpdates(input, mode))
    throw make.fail(
      'SQL_CHANGELOG',
      { start: span.start, end: span.start + 6 },
      'this aggregates the result of another GROUP BY, whose rows are updated as the stream goes on: that is not supported',
      'aggregate the source itself, group the inner query by a TUMBLE window, or run the job with mode Batch',
    );
}
