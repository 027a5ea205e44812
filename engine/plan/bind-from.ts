// FROM: tables, views, subqueries, VALUES and the TUMBLE table function as logical plans with the scope that they open.
import type { Alias, Identifier, Query, Span, TableRef, TvfArgument } from '../sql/ast.ts';
import { ExpressionBinder } from './bind-expression.ts';
import type { Catalog } from './catalog.ts';
import { tableFields } from './catalog.ts';
import type { Expr } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import { column } from './expressions.ts';
import type { LogicalField, LogicalNode, TumbleWindow } from './logical-plan.ts';
import { hintOf, unsupported, type Fail } from './plan-error.ts';
import { Scope } from './scope.ts';
import { isTimeAttribute } from './type-rules.ts';
import { sqlType, typeToString } from './types.ts';

/** Named queries of WITH, innermost first in effect. */
export type Locals = ReadonlyMap<string, LogicalNode>;

export interface FromContext {
  catalog: Catalog;
  make: ExprFactory;
  mode: 'STREAMING' | 'BATCH';
  bindQuery: (query: Query, locals: Locals) => LogicalNode;
  bindValues: (rows: Extract<TableRef, { kind: 'values' }>['rows'], span: Span) => LogicalNode;
}

export interface Source {
  node: LogicalNode;
  scope: Scope;
}

export function bindFrom(ref: TableRef, locals: Locals, context: FromContext): Source {
  const { fail } = context.make;
  switch (ref.kind) {
    case 'table':
      return named(tableNode(ref.name, locals, context), ref.alias, ref.name.parts.at(-1)!, fail);
    case 'subquery':
      return named(context.bindQuery(ref.query, locals), ref.alias, null, fail);
    case 'values':
      return named(context.bindValues(ref.rows, ref.span), ref.alias, null, fail);
    case 'windowTvf':
      return named(windowTable(ref, locals, context), ref.alias, null, fail);
    case 'join':
      throw unsupported(
        fail,
        ref.span,
        ref.type === 'CROSS' ? 'a join (several tables in FROM)' : `${ref.type} JOIN`,
        'query one table; UNION ALL puts tables of one shape together',
      );
  }
}

/** A node under its alias; `name` is what it is called without one. */
function named(node: LogicalNode, alias: Alias | null, name: string | null, fail: Fail): Source {
  const renamed = alias === null || alias.columns.length === 0 ? node : rename(node, alias.columns, alias.span, fail);
  return { node: renamed, scope: Scope.of(renamed.fields, alias?.name ?? name, fail) };
}

/** The same rows under other column names. */
export function rename(node: LogicalNode, names: string[], span: Span, fail: Fail): LogicalNode {
  if (names.length !== node.fields.length)
    throw fail(
      'SQL_ARGUMENTS',
      span,
      `${names.length} column names are given for ${node.fields.length} columns`,
      `the columns are ${node.fields.map((field) => field.name).join(', ')}`,
    );
  const fields = node.fields.map((field, i) => ({ ...field, name: names[i]! }));
  return { kind: 'calc', input: node, condition: null, projections: identity(node), fields };
}

export function identity(node: LogicalNode): Expr[] {
  return node.fields.map((field, i) => column(i, field.type));
}

function tableNode(name: Identifier, locals: Locals, { catalog }: FromContext): LogicalNode {
  const local = name.parts.length === 1 ? locals.get(name.parts[0]!) : undefined;
  if (local !== undefined) return local;
  const { relation } = catalog.find(name);
  if (relation.kind === 'view') return relation.node;
  const { table } = relation;
  return { kind: 'scan', table, columns: table.columns.map((_, i) => i), fields: tableFields(table) };
}

type WindowTvf = Extract<TableRef, { kind: 'windowTvf' }>;

const OTHER_WINDOWS = ['HOP', 'CUMULATE', 'SESSION'];

/**
 * TABLE(TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset])): the columns of t, then window_start, window_end and window_time. Until the
 * aggregation these three hold the event time itself, from which the aggregation makes the window.
 */
function windowTable(ref: WindowTvf, locals: Locals, context: FromContext): LogicalNode {
  const { make } = context;
  const { fail } = make;
  if (OTHER_WINDOWS.includes(ref.function))
    throw unsupported(fail, ref.span, `the window ${ref.function}`, 'use TUMBLE');
  if (ref.function !== 'TUMBLE')
    throw fail(
      'SQL_UNKNOWN_FUNCTION',
      ref.span,
      `table function ${ref.function} does not exist`,
      hintOf(ref.function, ['TUMBLE'], 'the only table function is TUMBLE'),
    );
  const [data, time, size, offset] = argumentsOf(ref, fail);
  const input = dataOf(data!, locals, context);
  const rowtime = timeOf(time!, input, context);
  const window = tumble(
    intervalOf(size!, 'SIZE', make, ref.span),
    offset === undefined ? 0 : intervalOf(offset, 'OFFSET', make, ref.span),
    ref.span,
    fail,
  );
  const { name: timeName, type, digest } = input.fields[rowtime]!;
  const start = sqlType.timestamp(3, false);
  const windowField = (name: string, at: 'start' | 'end' | 'time'): LogicalField => ({
    name,
    type: at === 'time' ? { ...type, nullable: false } : start,
    digest,
    rowtime: at === 'time',
    window: { column: at, of: window, time: { name: timeName, type } },
  });
  const held = column(rowtime, type);
  return {
    kind: 'calc',
    input,
    condition: null,
    projections: [...identity(input), held, held, held],
    fields: [
      ...input.fields,
      windowField('window_start', 'start'),
      windowField('window_end', 'end'),
      windowField('window_time', 'time'),
    ],
  };
}

/** A window of `size` ms shifted by `offset` ms, which is brought into [0, size). */
export function tumble(size: number, offset: number, span: Span, fail: Fail): TumbleWindow {
  if (size <= 0)
    throw fail(
      'SQL_WINDOW',
      span,
      `the size of a TUMBLE window is ${size} ms`,
      "write for example INTERVAL '1' MINUTE",
    );
  if (Math.abs(offset) >= size)
    throw fail(
      'SQL_WINDOW',
      span,
      `the offset of a TUMBLE window is ${offset} ms, its size ${size} ms`,
      'the offset is shorter than the size',
    );
  return { size, offset: ((offset % size) + size) % size };
}

const PARAMETERS = ['DATA', 'TIMECOL', 'SIZE', 'OFFSET'];

/** The arguments in the order of PARAMETERS, given by place or by name. */
function argumentsOf(ref: WindowTvf, fail: Fail): (TvfArgument['value'] | undefined)[] {
  const shape = "TUMBLE(TABLE t, DESCRIPTOR(time), INTERVAL '1' MINUTE [, offset])";
  const values: (TvfArgument['value'] | undefined)[] = [];
  for (const [i, { name, value }] of ref.args.entries()) {
    const place = name === null ? i : PARAMETERS.indexOf(name);
    if (place < 0 || place >= PARAMETERS.length || values[place] !== undefined)
      throw fail(
        'SQL_ARGUMENTS',
        value.span,
        name === null ? 'TUMBLE takes 3 or 4 arguments' : `TUMBLE has no argument ${name} here`,
        `write ${shape}`,
      );
    values[place] = value;
  }
  if (values[0] === undefined || values[1] === undefined || values[2] === undefined)
    throw fail('SQL_ARGUMENTS', ref.span, 'TUMBLE needs a table, a DESCRIPTOR and a size', `write ${shape}`);
  return values;
}

function dataOf(value: TvfArgument['value'], locals: Locals, context: FromContext): LogicalNode {
  if (value.kind !== 'tableArgument')
    throw context.make.fail('SQL_ARGUMENTS', value.span, 'the first argument of TUMBLE is a table', 'write TABLE t');
  return value.table.kind === 'identifier'
    ? tableNode(value.table, locals, context)
    : context.bindQuery(value.table, locals);
}

function timeOf(value: TvfArgument['value'], input: LogicalNode, { make, mode }: FromContext): number {
  const { fail } = make;
  if (value.kind !== 'descriptor' || value.columns.length !== 1)
    throw fail(
      'SQL_ARGUMENTS',
      value.span,
      'the second argument of TUMBLE names the event time',
      'write DESCRIPTOR(time)',
    );
  const name: Identifier = { kind: 'identifier', parts: value.columns, span: value.span };
  const { index } = Scope.of(input.fields, null, fail).resolve(name) as Extract<Expr, { kind: 'column' }>;
  checkRowtime(input.fields[index]!, value.span, mode, fail);
  return index;
}

/** A window goes by event time: in a stream a column with a watermark, in a batch any timestamp. */
export function checkRowtime(field: LogicalField, span: Span, mode: 'STREAMING' | 'BATCH', fail: Fail): void {
  if (field.window === null && isTimeAttribute(field.type) && (mode === 'BATCH' || field.rowtime)) return;
  throw fail(
    'SQL_TIME_ATTRIBUTE',
    span,
    `a window over ${field.name}: it is ${typeToString({ ...field.type, nullable: true })}${field.rowtime ? '' : ' without a watermark'}, not an event time`,
    `declare it in CREATE TABLE: WATERMARK FOR ${field.name} AS ${field.name} - INTERVAL '5' SECOND, and select the column as it is`,
  );
}

function intervalOf(value: TvfArgument['value'], what: string, make: ExprFactory, span: Span): number {
  if (value.kind === 'tableArgument' || value.kind === 'descriptor')
    throw make.fail(
      'SQL_ARGUMENTS',
      value.span,
      `the ${what} of TUMBLE is an INTERVAL`,
      "write for example INTERVAL '1' MINUTE",
    );
  const binder = new ExpressionBinder(new Scope([], make.fail), make, `the ${what} of TUMBLE`);
  return intervalMillis(binder.bind(value), what, make, value.span ?? span);
}

/** The milliseconds of a constant interval. */
export function intervalMillis(expr: Expr, what: string, make: ExprFactory, span: Span): number {
  if (expr.kind === 'literal' && expr.type.root === 'INTERVAL_DAY_TIME') return Number(expr.value);
  throw make.fail(
    'SQL_WINDOW',
    span,
    `the ${what} of TUMBLE is a constant INTERVAL of days or less, not ${typeToString({ ...expr.type, nullable: true })}`,
    "write for example INTERVAL '1' MINUTE",
  );
}
