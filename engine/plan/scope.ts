// Which columns a name can mean at a place in a query.
import type { Identifier, Span } from '../sql/ast.ts';
import type { Expr } from './exec-plan.ts';
import { column } from './expressions.ts';
import type { LogicalField } from './logical-plan.ts';
import { hintOf, type Fail } from './plan-error.ts';

/** A column and the name or alias of the table that it comes from. */
export interface ScopeColumn {
  relation: string | null;
  field: LogicalField;
}

export class Scope {
  readonly columns: readonly ScopeColumn[];
  private readonly fail: Fail;

  /** Columns in the order of the input's, which is what bound expressions count. */
  constructor(columns: readonly ScopeColumn[], fail: Fail) {
    this.columns = columns;
    this.fail = fail;
  }

  static of(fields: readonly LogicalField[], relation: string | null, fail: Fail): Scope {
    return new Scope(
      fields.map((field) => ({ relation, field })),
      fail,
    );
  }

  get fields(): LogicalField[] {
    return this.columns.map(({ field }) => field);
  }

  /**
   * The column that `name`, `table.name` or `catalog.database.table.name` means. Names are case-sensitive, as in Flink.
   * @throws EngineError SQL_UNKNOWN_COLUMN, SQL_AMBIGUOUS_COLUMN
   */
  resolve(name: Identifier): Expr {
    const { parts, span } = name;
    const wanted = parts[parts.length - 1]!;
    const relation = parts.length === 1 ? null : parts[parts.length - 2]!;
    const found = [...this.columns.entries()].filter(
      ([, c]) => c.field.name === wanted && (relation === null || c.relation === relation),
    );
    const [first, second] = found;
    if (first === undefined) throw this.unknown(parts, span);
    if (second !== undefined)
      throw this.fail(
        'SQL_AMBIGUOUS_COLUMN',
        span,
        `column ${parts.join('.')} is ambiguous: ${found.length} columns have that name`,
        'name the table before the column, or give the columns of the subquery different aliases',
      );
    return column(first[0], first[1].field.type);
  }

  /** Indexes of the columns that `*` or `relation.*` stands for. */
  star(qualifier: Identifier | null, span: Span): number[] {
    const relation = qualifier === null ? null : qualifier.parts[qualifier.parts.length - 1]!;
    const indexes = [...this.columns.keys()].filter((i) => relation === null || this.columns[i]!.relation === relation);
    if (indexes.length === 0) throw this.unknownRelation(relation ?? '*', span);
    return indexes;
  }

  private unknown(parts: string[], span: Span): Error {
    const relation = parts.length === 1 ? null : parts[parts.length - 2]!;
    if (relation !== null && !this.columns.some((c) => c.relation === relation))
      return this.unknownRelation(relation, span);
    const names = this.columns.filter((c) => relation === null || c.relation === relation).map((c) => c.field.name);
    const wanted = parts[parts.length - 1]!;
    const rest =
      names.length === 0 ? 'there are no columns here: the query has no FROM' : `the columns are ${names.join(', ')}`;
    return this.fail(
      'SQL_UNKNOWN_COLUMN',
      span,
      `column ${parts.join('.')} does not exist`,
      hintOf(wanted, names, rest),
    );
  }

  private unknownRelation(relation: string, span: Span): Error {
    const relations = [...new Set(this.columns.flatMap((c) => (c.relation === null ? [] : [c.relation])))];
    const rest = relations.length === 0 ? 'the query has no FROM' : `FROM names ${relations.join(', ')}`;
    return this.fail(
      'SQL_UNKNOWN_TABLE',
      span,
      relation === '*' ? 'there are no columns for * to stand for' : `table ${relation} is not in FROM`,
      hintOf(relation, relations, rest),
    );
  }
}
