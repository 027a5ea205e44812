// The tables, views and settings that a script declares, in the order of its statements.
import type { Expression, Identifier, Span, Statement } from '../sql/ast.ts';
import { closest } from '../sql/hints.ts';
import { ExpressionBinder } from './bind-expression.ts';
import { columnDigest, nameDigest } from './digest.ts';
import type { Expr, TableSpec } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import { column } from './expressions.ts';
import type { LogicalField, LogicalNode } from './logical-plan.ts';
import { hintOf, unsupported, type Fail } from './plan-error.ts';
import { Scope } from './scope.ts';
import { resolveType } from './type-names.ts';
import { isTimeAttribute, nullable } from './type-rules.ts';
import { typeToString, type SqlType } from './types.ts';

type CreateTable = Extract<Statement, { kind: 'createTable' }>;

export interface TableColumn {
  name: string;
  type: SqlType;
  /** Index in `spec.schema`, or null for a computed column. */
  physical: number | null;
  /** A computed column, over the physical columns. */
  expression: Expr | null;
}

export interface TableDefinition {
  spec: TableSpec;
  /** In the order of the declaration. */
  columns: TableColumn[];
  /** `column` and the columns of `expression` count in `columns`. */
  watermark: { column: number; expression: Expr } | null;
  /** Where its name stands. */
  span: Span;
}

/** A table or a view. */
export type Relation = { kind: 'table'; table: TableDefinition } | { kind: 'view'; node: LogicalNode };

const PREFIX = ['default_catalog', 'default_database'];

export class Catalog {
  private readonly relations = new Map<string, Relation>();
  private readonly make: ExprFactory;
  private readonly fail: Fail;
  /** Values of SET, by key. */
  readonly settings = new Map<string, { value: string; span: Span }>();

  constructor(make: ExprFactory) {
    this.make = make;
    this.fail = make.fail;
  }

  /** The name without the default catalog and database, which are the only ones. */
  nameOf(identifier: Identifier): string {
    const { parts, span } = identifier;
    const prefix = parts.slice(0, -1);
    const expected = PREFIX.slice(PREFIX.length - prefix.length);
    if (prefix.length > PREFIX.length || prefix.some((part, i) => part !== expected[i]))
      throw unsupported(
        this.fail,
        span,
        `the catalog or database ${prefix.join('.')}`,
        `there is only ${PREFIX.join('.')}: leave it out`,
      );
    return parts[parts.length - 1]!;
  }

  /** @throws EngineError SQL_UNKNOWN_TABLE with the names that exist */
  find(identifier: Identifier): { name: string; relation: Relation } {
    const name = this.nameOf(identifier);
    const relation = this.relations.get(name);
    if (relation !== undefined) return { name, relation };
    const names = [...this.relations.keys()];
    const rest = names.length === 0 ? 'declare it with CREATE TABLE' : `declared are ${names.join(', ')}`;
    throw this.fail('SQL_UNKNOWN_TABLE', identifier.span, `table ${name} does not exist`, hintOf(name, names, rest));
  }

  has(name: string): boolean {
    return this.relations.has(name);
  }

  createTable(statement: CreateTable): void {
    const name = this.nameOf(statement.name);
    if (!this.isNew(name, statement)) return;
    this.relations.set(name, { kind: 'table', table: this.define(name, statement) });
  }

  createView(statement: Extract<Statement, { kind: 'createView' }>, bind: () => LogicalNode): void {
    const name = this.nameOf(statement.name);
    if (this.isNew(name, statement)) this.relations.set(name, { kind: 'view', node: bind() });
  }

  private isNew(name: string, { ifNotExists, name: identifier }: { ifNotExists: boolean; name: Identifier }): boolean {
    if (!this.relations.has(name)) return true;
    if (ifNotExists) return false;
    throw this.fail(
      'SQL_DUPLICATE_NAME',
      identifier.span,
      `a table or view named ${name} exists already`,
      'choose another name, or write IF NOT EXISTS',
    );
  }

  private define(name: string, statement: CreateTable): TableDefinition {
    const { fail } = this;
    const { span } = statement.name;
    if (statement.partitionedBy.length > 0)
      throw unsupported(fail, span, 'PARTITIONED BY', 'write one table for each partition, or leave it out');
    const options = this.options(statement);
    const { columns, schema } = this.columns(statement);
    const { connector } = options;
    if (connector === undefined) {
      const meant = statement.options.find(({ key }) => closest(key.toLowerCase(), ['connector']) !== undefined);
      throw meant === undefined
        ? fail('SQL_TABLE', span, `table ${name} has no connector`, "add WITH ('connector' = 'filesystem', ...)")
        : fail('SQL_TABLE', meant.span, `table ${name} has no connector`, `write 'connector' for '${meant.key}'`);
    }
    const spec: TableSpec = { name, connector, options, schema };
    const watermark = statement.watermark === null ? null : this.watermark(statement.watermark, columns);
    return { spec, columns, watermark, span };
  }

  private options({ options }: CreateTable): Record<string, string> {
    const values: Record<string, string> = {};
    for (const { key, value, span } of options) {
      if (Object.hasOwn(values, key))
        throw this.fail('SQL_DUPLICATE_NAME', span, `option '${key}' is given twice`, 'remove one of them');
      Object.defineProperty(values, key, { value, enumerable: true, writable: true, configurable: true });
    }
    return values;
  }

  private columns(statement: CreateTable): { columns: TableColumn[]; schema: TableSpec['schema'] } {
    const { fail } = this;
    const names = new Set<string>();
    const schema: TableSpec['schema'] = [];
    const keys = new Set(statement.primaryKey);
    for (const definition of statement.columns) {
      if (names.has(definition.name))
        throw fail(
          'SQL_DUPLICATE_NAME',
          definition.span,
          `column ${definition.name} is declared twice`,
          'rename one of them',
        );
      names.add(definition.name);
      if (definition.kind === 'metadata') throw unsupported(fail, definition.span, 'a METADATA column', 'leave it out');
      if (definition.kind === 'computed') continue;
      const type = resolveType(definition.type, fail);
      const inKey = definition.primaryKey || keys.has(definition.name);
      schema.push({ name: definition.name, type: inKey ? nullable(type, false) : type });
    }
    for (const key of keys)
      if (!schema.some((field) => field.name === key))
        throw fail(
          'SQL_UNKNOWN_COLUMN',
          statement.name.span,
          `PRIMARY KEY names ${key}, which is no physical column`,
          hintOf(key, [...names], `the columns are ${[...names].join(', ')}`),
        );
    if (schema.length === 0)
      throw fail('SQL_TABLE', statement.name.span, 'a table needs a physical column', 'declare one: name TYPE');
    const scope = Scope.of(schema.map(fieldOf), statement.name.parts.at(-1)!, fail);
    const columns = statement.columns.map((definition): TableColumn => {
      const physical = schema.findIndex((field) => field.name === definition.name);
      const field = schema[physical];
      if (field !== undefined) return { ...field, physical, expression: null };
      const node = (definition as { expression: Expression }).expression;
      const expression = this.bindIn(scope, node, `the computed column ${definition.name}`);
      return { name: definition.name, type: expression.type, physical: null, expression };
    });
    return { columns, schema };
  }

  private bindIn(scope: Scope, node: Expression, clause: string): Expr {
    const expr = new ExpressionBinder(scope, this.make, clause).bind(node);
    if (expr.type.root !== 'NULL') return expr;
    throw this.fail('SQL_TYPE', node.span, `${clause} is NULL, which has no type`, 'CAST the NULL to a type');
  }

  private watermark(
    { column: name, expression: node, span }: NonNullable<CreateTable['watermark']>,
    columns: TableColumn[],
  ): NonNullable<TableDefinition['watermark']> {
    const { fail } = this;
    const index = columns.findIndex((candidate) => candidate.name === name);
    const rowtime = columns[index];
    const names = columns.map((candidate) => candidate.name);
    if (rowtime === undefined)
      throw fail(
        'SQL_UNKNOWN_COLUMN',
        span,
        `WATERMARK FOR ${name}: there is no such column`,
        hintOf(name, names, `the columns are ${names.join(', ')}`),
      );
    if (!isTimeAttribute(rowtime.type))
      throw fail(
        'SQL_TIME_ATTRIBUTE',
        span,
        `WATERMARK FOR ${name}: an event time is TIMESTAMP(3) or TIMESTAMP_LTZ(3), not ${typeToString({ ...rowtime.type, nullable: true })}`,
        `add a computed column: ${name}_time AS TO_TIMESTAMP(...) or TO_TIMESTAMP_LTZ(..., 3)`,
      );
    const scope = Scope.of(columns.map(fieldOf), null, fail);
    const expression = this.bindIn(scope, node, `the watermark of ${name}`);
    if (!isTimeAttribute(expression.type))
      throw fail(
        'SQL_TIME_ATTRIBUTE',
        node.span,
        `the watermark of ${name} is ${typeToString({ ...expression.type, nullable: true })}, not a timestamp`,
        `write for example ${name} - INTERVAL '5' SECOND`,
      );
    return { column: index, expression };
  }
}

function fieldOf({ name, type }: { name: string; type: SqlType }): LogicalField {
  return { name, type, digest: name, rowtime: false, window: null };
}

/** The columns of a table as a query sees them. */
export function tableFields(table: TableDefinition): LogicalField[] {
  const physical = table.spec.schema.map((field) => nameDigest(field.name));
  return table.columns.map(({ name, type, expression }, i) => ({
    name,
    type,
    // A computed column is what it computes: under another expression it is other state.
    digest: expression === null ? nameDigest(name) : columnDigest(expression, physical),
    rowtime: table.watermark?.column === i,
    window: null,
  }));
}

/** The expression of a column of the table over its physical columns. */
export function columnExpression({ physical, expression, type }: TableColumn): Expr {
  return expression ?? column(physical!, type);
}
