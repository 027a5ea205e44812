// Parses FROM: tables, subqueries, joins, window table functions.
import type { Alias, Query, Span, TableRef, TvfArgument } from './ast.ts';
import { parseExpression } from './expressions.ts';
import { continueQuery, parseQuery, unexpectedAfterQuery } from './query.ts';
import { atQuery, atQueryRest } from './query-start.ts';
import type { TokenStream } from './token-stream.ts';

type JoinType = Extract<TableRef, { kind: 'join' }>['type'];

/** Takes what stands after FROM. A comma joins like CROSS JOIN, from left to right, as in Calcite. */
export function parseFrom(ts: TokenStream): TableRef {
  const start = ts.peek();
  let left = parsePrimary(ts);
  for (;;) {
    if (ts.accept(',')) {
      const right = parsePrimary(ts);
      left = { kind: 'join', type: 'CROSS', left, right, on: null, using: [], span: ts.spanFrom(start) };
      continue;
    }
    const type = acceptJoin(ts);
    if (type === null) return left;
    const right = parsePrimary(ts);
    const { on, using } = type === 'CROSS' ? { on: null, using: [] } : parseCondition(ts);
    left = { kind: 'join', type, left, right, on, using, span: ts.spanFrom(start) };
  }
}

function acceptJoin(ts: TokenStream): JoinType | null {
  if (ts.at('NATURAL')) throw ts.unsupported(ts.peek(), 'NATURAL JOIN', 'name the columns: JOIN ... USING (...)');
  if (ts.accept('JOIN') || ts.accept('INNER', 'JOIN')) return 'INNER';
  if (ts.accept('CROSS', 'JOIN')) return 'CROSS';
  if (ts.at('CROSS', 'APPLY') || ts.at('OUTER', 'APPLY')) throw ts.unsupported(ts.peek(), 'APPLY');
  for (const type of ['LEFT', 'RIGHT', 'FULL'] as const)
    if (ts.accept(type)) {
      ts.accept('OUTER');
      if (ts.at('SEMI') || ts.at('ANTI'))
        throw ts.unsupported(ts.peek(), `${type} ${ts.peek().key} JOIN`, 'use IN or EXISTS');
      ts.expect('JOIN');
      return type;
    }
  return null;
}

function parseCondition(ts: TokenStream): Pick<Extract<TableRef, { kind: 'join' }>, 'on' | 'using'> {
  if (ts.accept('ON')) return { on: parseExpression(ts), using: [] };
  if (ts.accept('USING')) return { on: null, using: ts.parenthesized(() => ts.name('a column name').text) };
  throw ts.unexpected('ON or USING', ['ON', 'USING']);
}

function parsePrimary(ts: TokenStream): TableRef {
  return ts.nested(() => {
    const start = ts.peek();
    switch (start.key) {
      case '(':
        return parseParenthesized(ts);
      case 'TABLE':
        return parseTableFunction(ts);
      case 'LATERAL':
      case 'UNNEST':
        throw ts.unsupported(start, `${start.key} in FROM`);
    }
    const name = ts.identifier('a table name');
    if (ts.at('(')) {
      if (name.parts.length > 1) throw ts.unsupported(name.span, `the table function ${name.parts.join('.')}`);
      const args = parseArguments(ts);
      return { kind: 'windowTvf', function: name.parts[0]!.toUpperCase(), args, ...aliasAndSpan(ts, start) };
    }
    if (ts.at('FOR', 'SYSTEM_TIME'))
      throw ts.unsupported(ts.peek(), 'FOR SYSTEM_TIME AS OF (temporal and lookup joins)');
    const table: TableRef = { kind: 'table', name, ...aliasAndSpan(ts, start) };
    if (['TABLESAMPLE', 'MATCH_RECOGNIZE', 'PIVOT', 'UNPIVOT'].includes(ts.peek().key))
      throw ts.unsupported(ts.peek(), ts.peek().key);
    return table;
  });
}

/** `(query) [AS alias]`, or a join in parentheses. */
function parseParenthesized(ts: TokenStream): TableRef {
  const start = ts.expect('(');
  let query: Query;
  if (atQuery(ts)) query = parseQuery(ts);
  else {
    const inner = parseFrom(ts);
    if (inner.kind === 'join') {
      closeParenthesis(ts);
      if (ts.at('AS') || ts.atName())
        throw ts.unsupported(ts.peek(), 'an alias of a join', 'give each table its alias');
      return inner;
    }
    const unnamed = inner.kind === 'subquery' && inner.alias === null;
    const values = inner.kind === 'values' && inner.alias === null;
    if (unnamed) query = atQueryRest(ts) ? continueQuery(ts, inner.query) : inner.query;
    else if (values) query = continueQuery(ts, valuesQuery(inner));
    else throw ts.error(inner.span, 'only a query or a join stands in parentheses here', 'remove the parentheses');
  }
  closeParenthesis(ts);
  const rest = aliasAndSpan(ts, start);
  const { body } = query;
  const bare = query.with.length === 0 && query.orderBy.length === 0 && query.limit === null && query.offset === null;
  if (body.kind === 'valuesBody' && bare) return { kind: 'values', rows: body.rows, ...rest };
  return { kind: 'subquery', query, ...rest };
}

function valuesQuery(values: Extract<TableRef, { kind: 'values' }>): Query {
  const { rows, span } = values;
  const body = { kind: 'valuesBody' as const, rows, span };
  return { kind: 'query', with: [], body, orderBy: [], limit: null, offset: null, span };
}

function closeParenthesis(ts: TokenStream): void {
  if (!ts.at(')')) throw unexpectedAfterQuery(ts, ')');
  ts.next();
}

/** TABLE(TUMBLE(...)). */
function parseTableFunction(ts: TokenStream): TableRef {
  const start = ts.expect('TABLE');
  if (!ts.at('('))
    throw ts.error(
      start,
      'TABLE must be followed by a function in parentheses',
      'write TABLE(TUMBLE(...)), or only the name of the table',
    );
  ts.expect('(');
  const name = ts.name('the name of a table function');
  const args = parseArguments(ts);
  closeParenthesis(ts);
  return { kind: 'windowTvf', function: name.text.toUpperCase(), args, ...aliasAndSpan(ts, start) };
}

function parseArguments(ts: TokenStream): TvfArgument[] {
  if (ts.at('(', ')')) {
    ts.accept('(', ')');
    return [];
  }
  return ts.parenthesized(() => {
    let name: string | null = null;
    if (ts.atName() && ts.peek(1).key === '=>') {
      name = ts.next().text.toUpperCase();
      ts.next();
    }
    return { name, value: parseArgumentValue(ts) };
  });
}

function parseArgumentValue(ts: TokenStream): TvfArgument['value'] {
  const start = ts.peek();
  if (ts.accept('DESCRIPTOR')) {
    const columns = ts.parenthesized(() => ts.name('a column name').text);
    return { kind: 'descriptor', columns, span: ts.spanFrom(start) };
  }
  const table = parseTableArgument(ts);
  if (table === null) return parseExpression(ts);
  if (ts.at('PARTITION') || ts.at('ORDER')) throw ts.unsupported(ts.peek(), `${ts.peek().key} BY of a table argument`);
  return { kind: 'tableArgument', table, span: ts.spanFrom(start) };
}

/** TABLE t, TABLE(query) or (query). */
function parseTableArgument(ts: TokenStream): Extract<TvfArgument['value'], { kind: 'tableArgument' }>['table'] | null {
  if (!ts.at('TABLE') && !(ts.at('(') && atQuery(ts, 1))) return null;
  if (ts.accept('TABLE') && !ts.at('(')) return ts.identifier('a table name');
  ts.expect('(');
  const query = parseQuery(ts);
  closeParenthesis(ts);
  return query;
}

/** `[AS] name [(column, ...)]`, and the span from `start` on. */
function aliasAndSpan(ts: TokenStream, start: Span): { alias: Alias | null; span: Span } {
  let alias: Alias | null = null;
  const at = ts.peek();
  if (ts.accept('AS') || ts.atName()) {
    const name = ts.name('a name').text;
    const columns = ts.at('(') ? ts.parenthesized(() => ts.name('a column name').text) : [];
    alias = { name, columns, span: ts.spanFrom(at) };
  }
  return { alias, span: ts.spanFrom(start) };
}
