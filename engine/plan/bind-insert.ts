// INSERT INTO: the query's columns brought to those of the table, with the casts that Flink makes unasked, and nothing else.
import type { Query, Span, Statement } from '../sql/ast.ts';
import type { QueryBinder } from './bind-query.ts';
import { columnOf } from './bind-query.ts';
import type { Catalog } from './catalog.ts';
import type { Expr, TableSpec } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import { literal } from './expressions.ts';
import type { LogicalField, LogicalNode } from './logical-plan.ts';
import { hintOf, unsupported } from './plan-error.ts';
import { typeToString, type SqlType } from './types.ts';

type InsertStatement = Extract<Statement, { kind: 'insert' }>;

/** A bound INSERT: the columns of `node` are those of `table.schema`. */
export interface Insert {
  table: TableSpec;
  node: LogicalNode;
  /** Where the table's name stands in the INSERT. */
  span: Span;
  /** Where it stands in its CREATE TABLE. */
  declaration: Span;
}

export function bindInsert(
  statement: InsertStatement,
  catalog: Catalog,
  queries: QueryBinder,
  make: ExprFactory,
): Insert {
  const { fail } = make;
  const { target, query } = statement;
  const { name, relation } = catalog.find(target);
  if (relation.kind === 'view')
    throw fail('SQL_INSERT', target.span, `${name} is a view: nothing can be inserted into it`, 'insert into a table');
  if (statement.overwrite)
    throw unsupported(fail, target.span, 'INSERT OVERWRITE', 'write INSERT INTO, into an empty place');
  const { spec, span: declaration } = relation.table;
  const node = queries.bind(query);
  const given = columnsOf(statement, spec, make);
  if (given.length !== node.fields.length)
    throw fail(
      'SQL_INSERT',
      target.span,
      `the query gives ${node.fields.length} column${node.fields.length === 1 ? '' : 's'}, the table ${name} takes ${given.length}`,
      `the table's columns are ${given.map((i) => `${spec.schema[i]!.name} ${typeToString(spec.schema[i]!.type)}`).join(', ')}`,
    );
  refuseOpenWindow(node, query, make);
  const projections = spec.schema.map(({ name: field, type }, i) => {
    const from = given.indexOf(i);
    return from < 0
      ? missing(field, type, name, statement, make)
      : assigned(node, from, field, type, name, query, make);
  });
  return { table: spec, node: project(node, projections, spec), span: target.span, declaration };
}

/** A query on its own: printed, as Flink's SQL client does. */
export function bindQueryStatement(query: Query, catalog: Catalog, queries: QueryBinder, make: ExprFactory): Insert {
  const node = queries.bind(query);
  refuseOpenWindow(node, query, make);
  const names = new Set<string>();
  const schema = node.fields.map((field, i) => {
    if (field.type.root === 'NULL')
      throw make.fail(
        'SQL_TYPE',
        itemSpan(query, i),
        `column ${field.name} is NULL, which has no type`,
        'CAST the NULL to a type',
      );
    let name = field.name;
    for (let n = 0; names.has(name); n++) name = `${field.name}${n}`;
    names.add(name);
    return { name, type: field.type };
  });
  let name = 'query_result';
  while (catalog.has(name)) name += '_';
  const table: TableSpec = { name, connector: 'print', options: { connector: 'print' }, schema };
  const projections = schema.map((_, i) => columnOf(node, i));
  const span = { start: query.span.start, end: Math.min(query.span.end, query.span.start + 6) };
  return { table, node: project(node, projections, table), span, declaration: span };
}

function project(input: LogicalNode, projections: Expr[], table: TableSpec): LogicalNode {
  const fields = projections.map((expr, i): LogicalField => {
    const { name } = table.schema[i]!;
    return { name, type: expr.type, digest: name, rowtime: false, window: null };
  });
  return { kind: 'calc', input, condition: null, projections, fields };
}

/** For each column of the query, the column of the table that it goes to. */
function columnsOf(statement: InsertStatement, { schema, name }: TableSpec, { fail }: ExprFactory): number[] {
  if (statement.columns.length === 0) return schema.map((_, i) => i);
  const names = schema.map((field) => field.name);
  return statement.columns.map((column, i) => {
    const index = names.indexOf(column);
    if (index < 0)
      throw fail(
        'SQL_UNKNOWN_COLUMN',
        statement.target.span,
        `table ${name} has no column ${column} to insert into`,
        hintOf(column, names, `its columns are ${names.join(', ')}`),
      );
    if (statement.columns.indexOf(column) < i)
      throw fail('SQL_INSERT', statement.target.span, `column ${column} is given twice`, 'remove one of them');
    return index;
  });
}

function missing(field: string, type: SqlType, table: string, { target }: InsertStatement, make: ExprFactory): Expr {
  if (type.nullable) return literal(null, type);
  throw make.fail(
    'SQL_INSERT',
    target.span,
    `column ${field} of ${table} is NOT NULL, but the INSERT gives it no value`,
    `add ${field} to the columns of the INSERT`,
  );
}

function assigned(
  node: LogicalNode,
  from: number,
  field: string,
  type: SqlType,
  table: string,
  query: Query,
  make: ExprFactory,
): Expr {
  const span = itemSpan(query, from);
  const expr = columnOf(node, from);
  const show = (t: SqlType): string => typeToString({ ...t, nullable: true });
  const cast = make.assign(expr, type, span);
  if (cast === null)
    throw make.fail(
      'SQL_INSERT',
      span,
      `column ${field} of ${table} is ${show(type)}, the query gives ${show(expr.type)}`,
      `write CAST(... AS ${show(type)})`,
    );
  if (!type.nullable && cast.type.nullable)
    throw make.fail(
      'SQL_INSERT',
      span,
      `column ${field} of ${table} is NOT NULL, but the query may give NULL`,
      'write COALESCE(..., value), or declare the column without NOT NULL',
    );
  return cast;
}

/** Where column `index` of the query stands in the text, as well as can be told. */
function itemSpan({ body, span }: Query, index: number): Span {
  if (body.kind === 'select' && body.items.every((item) => item.kind === 'item'))
    return body.items[index]?.span ?? span;
  if (body.kind === 'valuesBody') return body.rows[0]?.[index]?.span ?? span;
  return body.kind === 'select' ? (body.items[0]?.span ?? span) : span;
}

function refuseOpenWindow(node: LogicalNode, query: Query, make: ExprFactory): void {
  const index = node.fields.findIndex((field) => field.window !== null);
  if (index < 0) return;
  throw unsupported(
    make.fail,
    itemSpan(query, index),
    `${node.fields[index]!.name} of a TUMBLE window that is not aggregated`,
    'write GROUP BY window_start, window_end',
  );
}
