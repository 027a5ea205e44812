// Parses queries: WITH, set operations, SELECT, VALUES, ORDER BY, LIMIT. FROM is in from.ts.
import type { Expression, OrderItem, Query, Select, SelectItem, TableRef } from './ast.ts';
import { parseExpression } from './expressions.ts';
import { parseFrom } from './from.ts';
import type { TokenStream } from './token-stream.ts';

/** Keywords that may follow in a query, for the hint about a misspelt one. */
const CLAUSES = [
  ...['FROM', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'OFFSET', 'FETCH', 'UNION', 'INTERSECT', 'EXCEPT', 'JOIN'],
  ...['LEFT', 'INNER', 'RIGHT', 'FULL', 'CROSS', 'ON', 'AS', 'AND', 'OR', 'BETWEEN', 'LIKE', 'DISTINCT'],
];

const SET_OPERATORS: Record<string, { operator: 'UNION' | 'INTERSECT' | 'EXCEPT'; power: number }> = {
  UNION: { operator: 'UNION', power: 1 },
  EXCEPT: { operator: 'EXCEPT', power: 1 },
  INTERSECT: { operator: 'INTERSECT', power: 2 },
};

/**
 * Takes a query with its WITH, ORDER BY and LIMIT.
 * @throws EngineError SQL_SYNTAX, SQL_UNSUPPORTED, SQL_TOO_DEEP
 */
export function parseQuery(ts: TokenStream): Query {
  return ts.nested(() => {
    const start = ts.peek();
    const items = ts.at('WITH') ? parseWith(ts) : [];
    const query = parseRest(ts, parseOperand(ts), start);
    if (items.length === 0) return query;
    // A WITH of a query in parentheses is inside: the outer one's names are seen there too.
    return { ...query, with: [...items, ...query.with], span: ts.spanFrom(start) };
  });
}

/** Goes on after an operand that was already read: `((SELECT ...) UNION ...)`. */
export function continueQuery(ts: TokenStream, first: Query): Query {
  return parseRest(ts, first, first.span);
}

/** Fails with a hint when a statement or a parenthesis does not end where a query ends. */
export function unexpectedAfterQuery(ts: TokenStream, expected: string): Error {
  return ts.unexpected(expected, CLAUSES);
}

function plain(body: Query['body'], span: Query['span']): Query {
  return { kind: 'query', with: [], body, orderBy: [], limit: null, offset: null, span };
}

function parseWith(ts: TokenStream): Query['with'] {
  ts.expect('WITH');
  if (ts.at('RECURSIVE')) throw ts.unsupported(ts.peek(), 'WITH RECURSIVE');
  return ts.list(() => {
    const name = ts.name('a name');
    const columns = ts.at('(') ? ts.parenthesized(() => ts.name('a column name').text) : [];
    if (!ts.at('AS')) throw ts.unexpected('AS');
    ts.next();
    return { name: name.text, columns, query: parseInParentheses(ts), span: ts.spanFrom(name) };
  });
}

function parseInParentheses(ts: TokenStream): Query {
  ts.expect('(');
  const query = parseQuery(ts);
  if (!ts.at(')')) throw unexpectedAfterQuery(ts, ')');
  ts.next();
  return query;
}

/** Set operations, ORDER BY, LIMIT after the first operand. */
function parseRest(ts: TokenStream, first: Query, start: { start: number; end: number }): Query {
  const query = parseSetOperations(ts, first, 0);
  const orderBy = ts.accept('ORDER', 'BY') ? parseOrderItems(ts) : [];
  const { limit, offset } = parseLimit(ts);
  if (orderBy.length === 0 && limit === null && offset === null) return query;
  const ordered = query.orderBy.length > 0 || query.limit !== null || query.offset !== null;
  // A query in parentheses may have an order, a limit or names of its own: those apply first.
  const inner =
    ordered || query.with.length > 0
      ? selectAllFrom({ kind: 'subquery', query, alias: null, span: query.span })
      : query;
  return { ...inner, orderBy, limit, offset, span: ts.spanFrom(start) };
}

/** SELECT * FROM `from`. */
function selectAllFrom(from: TableRef): Query {
  const { span } = from;
  const select: Select = {
    kind: 'select',
    distinct: false,
    items: [{ kind: 'star', qualifier: null, span }],
    from,
    where: null,
    groupBy: null,
    having: null,
    span,
  };
  return plain(select, span);
}

function parseSetOperations(ts: TokenStream, first: Query, minimum: number): Query {
  let left = first;
  for (;;) {
    if (ts.at('MINUS')) throw ts.error(ts.peek(), 'MINUS is not Flink SQL', 'write EXCEPT');
    const found = Object.hasOwn(SET_OPERATORS, ts.peek().key) ? SET_OPERATORS[ts.peek().key]! : undefined;
    if (found === undefined || found.power <= minimum) return left;
    ts.next();
    const all = ts.accept('ALL');
    if (!all) ts.accept('DISTINCT');
    const right = parseSetOperations(ts, parseOperand(ts), found.power);
    const span = ts.spanFrom(left.span);
    left = plain({ kind: 'setOperation', operator: found.operator, all, left, right, span }, span);
  }
}

/** SELECT ..., VALUES ..., TABLE t, or a query in parentheses. */
function parseOperand(ts: TokenStream): Query {
  const start = ts.peek();
  switch (start.key) {
    case 'SELECT': {
      const select = parseSelect(ts);
      return plain(select, select.span);
    }
    case 'VALUES': {
      const rows = parseValues(ts);
      const span = ts.spanFrom(start);
      return plain({ kind: 'valuesBody', rows, span }, span);
    }
    case 'TABLE': {
      ts.next();
      const name = ts.identifier('a table name');
      return selectAllFrom({ kind: 'table', name, alias: null, span: name.span });
    }
    case '(':
      return ts.nested(() => parseInParentheses(ts));
    default:
      throw ts.unexpected('a query', ['SELECT', 'VALUES', 'WITH', 'TABLE']);
  }
}

/** VALUES (1, 'a'), (2, 'b'), also `VALUES 1, 2` and `VALUES ROW(1, 2)`. */
export function parseValues(ts: TokenStream): Expression[][] {
  ts.expect('VALUES');
  return ts.list(() => {
    const row = parseExpression(ts);
    return row.kind === 'row' ? row.items : [row];
  });
}

function parseSelect(ts: TokenStream): Select {
  const start = ts.expect('SELECT');
  if (ts.at('STREAM')) throw ts.error(ts.peek(), 'SELECT STREAM is not Flink SQL', 'remove STREAM');
  const distinct = ts.accept('DISTINCT');
  if (!distinct) ts.accept('ALL');
  const items = ts.list(() => parseSelectItem(ts));
  const from = ts.accept('FROM') ? parseFrom(ts) : null;
  if (from === null && ['WHERE', 'GROUP', 'HAVING'].includes(ts.peek().key)) throw ts.unexpected('FROM');
  const where = ts.accept('WHERE') ? parseExpression(ts) : null;
  const groupBy = ts.at('GROUP') ? parseGroupBy(ts) : null;
  const having = ts.accept('HAVING') ? parseExpression(ts) : null;
  if (ts.at('WINDOW') || ts.at('QUALIFY')) throw ts.unsupported(ts.peek(), `the clause ${ts.peek().key}`);
  return { kind: 'select', distinct, items, from, where, groupBy, having, span: ts.spanFrom(start) };
}

function parseSelectItem(ts: TokenStream): SelectItem {
  const start = ts.peek();
  if (ts.accept('*')) return { kind: 'star', qualifier: null, span: ts.spanFrom(start) };
  if (start.key === 'FROM') throw ts.unexpected('an expression');
  if (ts.atName()) {
    let ahead = 1;
    while (ts.peek(ahead).key === '.' && ts.atName(ahead + 1)) ahead += 2;
    if (ts.peek(ahead).key === '.' && ts.peek(ahead + 1).key === '*') {
      const qualifier = ts.identifier('a table name');
      ts.expect('.', '*');
      return { kind: 'star', qualifier, span: ts.spanFrom(start) };
    }
  }
  const expression = parseExpression(ts);
  const alias = parseAlias(ts, 'a column name');
  return { kind: 'item', expression, alias, span: ts.spanFrom(start) };
}

/** `AS name` or just `name`. */
function parseAlias(ts: TokenStream, what: string): string | null {
  if (ts.accept('AS')) {
    if (ts.peek().kind === 'string')
      throw ts.error(ts.peek(), 'a name stands in backquotes, not in quotes', 'write AS `...`');
    return ts.name(what).text;
  }
  return ts.atName() ? ts.next().text : null;
}

function parseGroupBy(ts: TokenStream): Expression[] {
  ts.expect('GROUP', 'BY');
  if (ts.at('(', ')')) {
    ts.accept('(', ')');
    return [];
  }
  return ts.list(() => {
    const token = ts.peek();
    if (ts.at('GROUPING', 'SETS') || ts.at('CUBE', '(') || ts.at('ROLLUP', '('))
      throw ts.unsupported(
        token,
        `GROUP BY ${token.key === 'GROUPING' ? 'GROUPING SETS' : token.key}`,
        'combine several queries with UNION ALL',
      );
    return parseExpression(ts);
  });
}

/** The items after ORDER BY. */
export function parseOrderItems(ts: TokenStream): OrderItem[] {
  return ts.list(() => {
    const start = ts.peek();
    const expression = parseExpression(ts);
    const descending = ts.accept('DESC');
    if (!descending) ts.accept('ASC');
    const nullsFirst = ts.accept('NULLS', 'FIRST') ? true : ts.accept('NULLS', 'LAST') ? false : null;
    return { expression, descending, nullsFirst, span: ts.spanFrom(start) };
  });
}

/** LIMIT n [OFFSET m], OFFSET m [ROWS] [FETCH FIRST | NEXT n ROWS ONLY]. */
function parseLimit(ts: TokenStream): { limit: Expression | null; offset: Expression | null } {
  let limit: Expression | null = null;
  let offset: Expression | null = null;
  if (ts.accept('LIMIT')) {
    limit = ts.accept('ALL') ? null : parseCount(ts);
    if (ts.at(',')) throw ts.error(ts.peek(), 'LIMIT start, count is not Flink SQL', 'write LIMIT count OFFSET start');
  }
  if (ts.accept('OFFSET')) {
    offset = parseCount(ts);
    if (!ts.accept('ROWS')) ts.accept('ROW');
    if (ts.at('LIMIT')) throw ts.error(ts.peek(), 'OFFSET stands after LIMIT', 'write LIMIT count OFFSET start');
  }
  if (limit === null && ts.accept('FETCH')) {
    if (!ts.accept('FIRST') && !ts.accept('NEXT')) throw ts.unexpected('FIRST or NEXT', ['FIRST', 'NEXT']);
    limit = parseCount(ts);
    if (!ts.accept('ROWS') && !ts.accept('ROW')) throw ts.unexpected('ROWS', ['ROWS', 'ROW']);
    ts.expect('ONLY');
  }
  return { limit, offset };
}

function parseCount(ts: TokenStream): Expression {
  const token = ts.peek();
  if (token.kind !== 'number' || !/^\d{1,15}$/.test(token.text)) throw ts.unexpected('a whole number');
  return parseExpression(ts, 100);
}
