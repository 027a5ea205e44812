// A whole query: WITH, the query block or set operation, ORDER BY and LIMIT.
import type { Expression, Query, SetOperation, Span } from '../sql/ast.ts';
import { ExpressionBinder } from './bind-expression.ts';
import { identity, rename, type FromContext, type Locals } from './bind-from.ts';
import { bindSelect, distinct, orderColumn, sortKey } from './bind-select.ts';
import type { Catalog } from './catalog.ts';
import type { Expr, SortKey } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import { column } from './expressions.ts';
import { weightOf, type LogicalField, type LogicalNode } from './logical-plan.ts';
import { unsupported, type Fail } from './plan-error.ts';
import { Scope } from './scope.ts';
import { commonType } from './type-rules.ts';
import { typeToString, type SqlType } from './types.ts';

/** Nodes of one query, views written out. */
const MAX_NODES = 2_000;

export class QueryBinder {
  private readonly make: ExprFactory;
  private readonly fail: Fail;
  private readonly mode: 'STREAMING' | 'BATCH';
  private readonly context: FromContext;

  constructor(catalog: Catalog, make: ExprFactory, mode: 'STREAMING' | 'BATCH') {
    this.make = make;
    this.fail = make.fail;
    this.mode = mode;
    this.context = {
      catalog,
      make,
      mode,
      bindQuery: (query, locals) => this.query(query, locals),
      bindValues: (rows, span) => this.values(rows, span),
    };
  }

  /** @throws EngineError SQL_* with the place in the text */
  bind(query: Query): LogicalNode {
    return this.query(query, new Map());
  }

  private query(query: Query, outer: Locals): LogicalNode {
    const locals = this.locals(query, outer);
    const { body, orderBy } = query;
    if (body.kind === 'select') {
      const { node, visible, order } = bindSelect(body, orderBy, locals, this.context);
      return this.drop(this.sort(node, order, query), visible);
    }
    const node = body.kind === 'valuesBody' ? this.values(body.rows, body.span) : this.setOperation(body, locals);
    const scope = Scope.of(node.fields, null, this.fail);
    const order = orderBy.map((item): SortKey => {
      const named = orderColumn(item, node.fields, this.fail);
      if (named !== null) return sortKey(item, named);
      const expr = new ExpressionBinder(scope, this.make, 'ORDER BY').bind(item.expression);
      if (expr.kind === 'column') return sortKey(item, expr.index);
      throw unsupported(
        this.fail,
        item.span,
        'ORDER BY of an expression after a set operation',
        'put the set operation into FROM, and compute the expression there',
      );
    });
    return this.sort(node, order, query);
  }

  private locals(query: Query, outer: Locals): Locals {
    if (query.with.length === 0) return outer;
    const locals = new Map(outer);
    for (const { name, columns, query: inner, span } of query.with) {
      const node = this.query(inner, locals);
      locals.set(name, columns.length === 0 ? node : rename(node, columns, span, this.fail));
    }
    return locals;
  }

  private sort(input: LogicalNode, keys: SortKey[], query: Query): LogicalNode {
    const { orderBy, limit, offset } = query;
    const first = orderBy[0]?.span ?? limit?.span ?? offset?.span;
    if (first === undefined) return input;
    const clause = orderBy.length > 0 ? 'ORDER BY' : limit === null ? 'OFFSET' : 'LIMIT';
    if (this.mode === 'STREAMING')
      throw unsupported(
        this.fail,
        first,
        `${clause} in a stream, which has no end,`,
        'leave it out, or run the job with mode Batch',
      );
    return {
      kind: 'sort',
      input,
      keys,
      limit: limit === null ? null : this.count(limit, 'LIMIT'),
      offset: offset === null ? 0 : this.count(offset, 'OFFSET'),
      fields: input.fields,
    };
  }

  private count(node: Expression, what: string): number {
    const value = node.kind === 'literal' && node.type === 'number' ? Number(node.value) : NaN;
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw this.fail('SQL_LITERAL', node.span, `${what} takes a whole number`, `write for example ${what} 10`);
  }

  /** Without the columns that only the order needed. */
  private drop(node: LogicalNode, visible: number): LogicalNode {
    if (node.fields.length === visible) return node;
    const projections = identity(node).slice(0, visible);
    return { kind: 'calc', input: node, condition: null, projections, fields: node.fields.slice(0, visible) };
  }

  private setOperation(body: SetOperation, locals: Locals): LogicalNode {
    const { operator, all, span } = body;
    if (operator !== 'UNION')
      throw unsupported(
        this.fail,
        span,
        operator,
        operator === 'EXCEPT' ? 'filter with WHERE' : 'join conditions into one WHERE',
      );
    const node = this.union([this.query(body.left, locals), this.query(body.right, locals)], span);
    return all ? node : distinct(node, span, this.context);
  }

  /** Rows of all inputs, one after another in no order, in the common types of their columns and with the names of the first. */
  private union(inputs: LogicalNode[], span: Span): LogicalNode {
    const [first] = inputs as [LogicalNode];
    for (const input of inputs)
      if (input.fields.length !== first.fields.length)
        throw this.fail(
          'SQL_TYPE',
          span,
          `the parts of a UNION have ${first.fields.length} and ${input.fields.length} columns`,
          'select the same columns in each part',
        );
    const types = first.fields.map((field, i) => this.unionType(field, inputs, i, span));
    const fields = first.fields.map((field, i): LogicalField => {
      const digests = [...new Set(inputs.map((input) => input.fields[i]!.digest))];
      const rowtime = inputs.every((input) => input.fields[i]!.rowtime);
      return { name: field.name, type: types[i]!, digest: digests.join('|'), rowtime, window: null };
    });
    const node: LogicalNode = { kind: 'union', inputs: inputs.map((input) => this.as(input, fields, span)), fields };
    if (weightOf(node) > MAX_NODES)
      throw this.fail(
        'SQL_TOO_DEEP',
        span,
        `this query has more than ${MAX_NODES} parts once its views are written out`,
        'use each view less often',
      );
    return node;
  }

  private unionType(field: LogicalField, inputs: LogicalNode[], index: number, span: Span): SqlType {
    for (const { fields } of inputs)
      if (fields[index]!.window !== null)
        throw unsupported(
          this.fail,
          span,
          `UNION over ${fields[index]!.name}, before its window is aggregated,`,
          'aggregate each part first, or put the UNION into TABLE(TUMBLE(TABLE ...)) by way of a view',
        );
    const types = inputs.map((input) => input.fields[index]!.type);
    const type = commonType(types);
    if (type === null)
      throw this.fail(
        'SQL_TYPE',
        span,
        `column ${field.name} of this UNION is ${types.map((t) => typeToString({ ...t, nullable: true })).join(' and ')}`,
        'CAST them to one type',
      );
    this.make.checkType(type, span);
    return type;
  }

  private as(input: LogicalNode, fields: LogicalField[], span: Span): LogicalNode {
    const projections = identity(input).map((expr, i) => this.make.cast(expr, fields[i]!.type, span));
    return { kind: 'calc', input, condition: null, projections, fields };
  }

  /** VALUES: literals where all cells are constants, else one part of a union for each row. */
  private values(rows: Expression[][], span: Span): LogicalNode {
    const binder = new ExpressionBinder(new Scope([], this.fail), this.make, 'VALUES');
    const bound = rows.map((row) => row.map((cell) => binder.bind(cell)));
    const width = bound[0]?.length ?? 0;
    if (bound.some((row) => row.length !== width))
      throw this.fail(
        'SQL_TYPE',
        span,
        'the rows of VALUES have different numbers of columns',
        'give each row the same',
      );
    const columns = Array.from({ length: width }, (_, i) =>
      this.make.common(
        bound.map((row) => row[i]!),
        span,
        `column ${i + 1} of VALUES`,
      ),
    );
    const fields = columns.map(({ type }, i): LogicalField => {
      const name = `EXPR$${i}`;
      return { name, type, digest: name, rowtime: false, window: null };
    });
    const cells = bound.map((_, row) => columns.map(({ exprs }) => exprs[row]!));
    if (cells.every((row) => row.every((cell) => cell.kind === 'literal')))
      return { kind: 'values', rows: cells.map((row) => row.map(literalValue)), fields };
    const inputs = cells.map((projections): LogicalNode => {
      const input: LogicalNode = { kind: 'values', rows: [[]], fields: [] };
      return { kind: 'calc', input, condition: null, projections, fields };
    });
    return inputs.length === 1 ? inputs[0]! : this.union(inputs, span);
  }
}

function literalValue(expr: Expr): boolean | number | string | null {
  return expr.kind === 'literal' ? expr.value : null;
}

/** Column `index` of a node. */
export function columnOf(node: LogicalNode, index: number): Expr {
  return column(index, node.fields[index]!.type);
}
