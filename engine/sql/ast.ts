// The syntax tree of Flink SQL. Every node knows where it stands in the text, so that each later error can point there.

/** Offsets into the text, end exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** `catalog.database.name`, unquoted parts. */
export interface Identifier {
  kind: 'identifier';
  parts: string[];
  span: Span;
}

export interface TypeName {
  kind: 'type';
  /** Upper case: `BIGINT`, `VARCHAR`, `TIMESTAMP`, `TIMESTAMP_LTZ`, `ARRAY`, `ROW`, ... STRING stays STRING. */
  name: string;
  /** Numbers in parentheses. */
  parameters: number[];
  /** ARRAY<t>, MAP<k, v>, MULTISET<t>. */
  arguments: TypeName[];
  /** ROW<name type, ...>. */
  fields: { name: string; type: TypeName }[];
  nullable: boolean;
  span: Span;
}

export type Expression =
  | Identifier
  /** `value` is the text of a number as written, the unescaped text of a string, a boolean, or null. */
  | { kind: 'literal'; type: 'number' | 'string' | 'boolean' | 'null'; value: string | boolean | null; span: Span }
  /** DATE '...', TIME '...', TIMESTAMP '...'. */
  | { kind: 'temporal'; type: 'DATE' | 'TIME' | 'TIMESTAMP'; value: string; span: Span }
  /** INTERVAL '5' MINUTE, INTERVAL '1 02' DAY TO HOUR. */
  | { kind: 'interval'; value: string; sign: 1 | -1; from: IntervalUnit; to: IntervalUnit | null; span: Span }
  | { kind: 'unary'; operator: '-' | '+' | 'NOT'; operand: Expression; span: Span }
  /** Upper-case operator: + - * / % || = <> < <= > >= AND OR IS [NOT] DISTINCT FROM. */
  | { kind: 'binary'; operator: string; left: Expression; right: Expression; span: Span }
  /** IS [NOT] NULL | TRUE | FALSE | UNKNOWN. */
  | { kind: 'is'; operand: Expression; test: 'NULL' | 'TRUE' | 'FALSE' | 'UNKNOWN'; negated: boolean; span: Span }
  | {
      kind: 'between';
      operand: Expression;
      low: Expression;
      high: Expression;
      negated: boolean;
      symmetric: boolean;
      span: Span;
    }
  | { kind: 'like'; operand: Expression; pattern: Expression; escape: Expression | null; negated: boolean; span: Span }
  | { kind: 'in'; operand: Expression; list: Expression[]; negated: boolean; span: Span }
  | { kind: 'inQuery'; operand: Expression; query: Query; negated: boolean; span: Span }
  | { kind: 'exists'; query: Query; span: Span }
  | { kind: 'scalarQuery'; query: Query; span: Span }
  | {
      kind: 'case';
      operand: Expression | null;
      branches: { when: Expression; then: Expression }[];
      otherwise: Expression | null;
      span: Span;
    }
  | { kind: 'cast'; operand: Expression; type: TypeName; safe: boolean; span: Span }
  | { kind: 'extract'; unit: string; operand: Expression; span: Span }
  /**
   * Upper-case name. `star` is COUNT(*). Special syntax is brought to plain arguments: SUBSTRING(s FROM a FOR b) to (s, a, b), POSITION(a IN b)
   * to (a, b), OVERLAY(a PLACING b FROM c) to (a, b, c), FLOOR(t TO DAY) to (t, 'DAY'), TIMESTAMPADD(DAY, ..) to ('DAY', ..), TRIM(c FROM s)
   * to TRIM(s, c), with LEADING to LTRIM(s, c), with TRAILING to RTRIM(s, c). ARRAY[..] and MAP[..] are calls of ARRAY and MAP, a[i] is
   * ITEM(a, i), and e.f on anything but a name is DOT(e, 'f').
   */
  | {
      kind: 'call';
      name: string;
      args: Expression[];
      star: boolean;
      distinct: boolean;
      filter: Expression | null;
      over: WindowDefinition | null;
      span: Span;
    }
  | { kind: 'row'; items: Expression[]; span: Span };

export type IntervalUnit = 'YEAR' | 'MONTH' | 'WEEK' | 'QUARTER' | 'DAY' | 'HOUR' | 'MINUTE' | 'SECOND';

export interface WindowDefinition {
  partitionBy: Expression[];
  orderBy: OrderItem[];
  /** The frame's text as written; null when absent. */
  frame: string | null;
  span: Span;
}

export type SelectItem =
  | { kind: 'star'; qualifier: Identifier | null; span: Span }
  | { kind: 'item'; expression: Expression; alias: string | null; span: Span };

export interface OrderItem {
  expression: Expression;
  descending: boolean;
  /** null: Flink's default (NULLs are the smallest values). */
  nullsFirst: boolean | null;
  span: Span;
}

export type TableRef =
  | { kind: 'table'; name: Identifier; alias: Alias | null; span: Span }
  | { kind: 'subquery'; query: Query; alias: Alias | null; span: Span }
  /** TABLE(TUMBLE(TABLE t, DESCRIPTOR(c), INTERVAL ...)), also with named arguments (DATA => ..., TIMECOL => ..., SIZE => ...). */
  | { kind: 'windowTvf'; function: string; args: TvfArgument[]; alias: Alias | null; span: Span }
  | {
      kind: 'join';
      type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | 'CROSS';
      left: TableRef;
      right: TableRef;
      on: Expression | null;
      using: string[];
      span: Span;
    }
  | { kind: 'values'; rows: Expression[][]; alias: Alias | null; span: Span };

export interface TvfArgument {
  /** Upper-case name of a named argument, or null. */
  name: string | null;
  value:
    | { kind: 'tableArgument'; table: Identifier | Query; span: Span }
    | { kind: 'descriptor'; columns: string[]; span: Span }
    | Expression;
}

export interface Alias {
  name: string;
  columns: string[];
  span: Span;
}

export interface Select {
  kind: 'select';
  distinct: boolean;
  items: SelectItem[];
  from: TableRef | null;
  where: Expression | null;
  /** null: no GROUP BY; each item an expression (a legacy TUMBLE(...) call among them stays a call). */
  groupBy: Expression[] | null;
  having: Expression | null;
  span: Span;
}

/** A select, VALUES or set operation with its WITH, ORDER BY and LIMIT. */
export interface Query {
  kind: 'query';
  with: { name: string; columns: string[]; query: Query; span: Span }[];
  body: Select | { kind: 'valuesBody'; rows: Expression[][]; span: Span } | SetOperation;
  orderBy: OrderItem[];
  limit: Expression | null;
  offset: Expression | null;
  span: Span;
}

export interface SetOperation {
  kind: 'setOperation';
  operator: 'UNION' | 'INTERSECT' | 'EXCEPT';
  all: boolean;
  left: Query;
  right: Query;
  span: Span;
}

export type ColumnDefinition =
  | { kind: 'physical'; name: string; type: TypeName; primaryKey: boolean; comment: string | null; span: Span }
  | { kind: 'computed'; name: string; expression: Expression; comment: string | null; span: Span }
  | {
      kind: 'metadata';
      name: string;
      type: TypeName;
      from: string | null;
      virtual: boolean;
      comment: string | null;
      span: Span;
    };

export interface TableOption {
  key: string;
  value: string;
  span: Span;
}

export type Statement =
  | {
      kind: 'createTable';
      name: Identifier;
      temporary: boolean;
      ifNotExists: boolean;
      columns: ColumnDefinition[];
      watermark: { column: string; expression: Expression; span: Span } | null;
      primaryKey: string[];
      partitionedBy: string[];
      comment: string | null;
      options: TableOption[];
      span: Span;
    }
  | {
      kind: 'createView';
      name: Identifier;
      temporary: boolean;
      ifNotExists: boolean;
      columns: string[];
      query: Query;
      span: Span;
    }
  | { kind: 'insert'; target: Identifier; columns: string[]; overwrite: boolean; query: Query; span: Span }
  /** EXECUTE STATEMENT SET BEGIN ... END, and BEGIN STATEMENT SET; ... END. */
  | { kind: 'statementSet'; inserts: Extract<Statement, { kind: 'insert' }>[]; span: Span }
  /** A bare query: allowed by `flowjob run`, which prints its result. */
  | { kind: 'query'; query: Query; span: Span }
  | { kind: 'set'; key: string; value: string; span: Span }
  | { kind: 'reset'; key: string | null; span: Span };

export interface Script {
  text: string;
  statements: Statement[];
}
