// What expressions are made of: literals, names, parentheses, CASE, rows, arrays, calls with their OVER and FILTER.
import type { Expression, IntervalUnit, WindowDefinition } from './ast.ts';
import { parseExpression } from './expressions.ts';
import { NILADIC, RESERVED_FUNCTIONS } from './keywords.ts';
import { continueQuery, parseOrderItems, parseQuery } from './query.ts';
import { atQuery, atQueryRest } from './query-start.ts';
import { parseSpecialCall } from './special-calls.ts';
import type { TokenStream } from './token-stream.ts';

type Literal = Extract<Expression, { kind: 'literal' }>;

/** Takes a term and what is attached to it: `t`, `t[1]`, `t[1].field`. */
export function parseTerm(ts: TokenStream): Expression {
  const start = ts.peek();
  let term = parseBare(ts);
  for (;;) {
    if (ts.accept('[')) {
      const index = parseExpression(ts);
      if (!ts.at(']')) throw ts.unexpected(']');
      ts.next();
      term = call('ITEM', [term, index], ts.spanFrom(start));
    } else if (ts.at('.') && term.kind !== 'identifier' && term.kind !== 'literal') {
      ts.next();
      const field = ts.name('a field name');
      const literal: Literal = { kind: 'literal', type: 'string', value: field.text, span: ts.spanFrom(field) };
      term = call('DOT', [term, literal], ts.spanFrom(start));
    } else return term;
  }
}

/** A call with plain arguments. */
export function call(
  name: string,
  args: Expression[],
  span: Expression['span'],
): Extract<Expression, { kind: 'call' }> {
  return { kind: 'call', name, args, star: false, distinct: false, filter: null, over: null, span };
}

function parseBare(ts: TokenStream): Expression {
  const token = ts.peek();
  const span = { start: token.start, end: token.end };
  switch (token.kind) {
    case 'number':
    case 'string':
      ts.next();
      return { kind: 'literal', type: token.kind, value: token.text, span };
    case 'name':
      return parseNameOrCall(ts);
    case 'symbol':
      if (token.key === '(') return parseParenthesized(ts);
      throw ts.unexpected('an expression');
    case 'end':
    case 'bad':
      throw ts.unexpected('an expression');
    case 'word':
      return parseWord(ts);
  }
}

function parseWord(ts: TokenStream): Expression {
  const token = ts.peek();
  const span = { start: token.start, end: token.end };
  const special = parseSpecialCall(ts);
  if (special !== null) return ts.at('OVER') || ts.at('FILTER') ? parseCallSuffix(ts, special, token) : special;
  switch (token.key) {
    case 'NULL':
    case 'UNKNOWN':
      ts.next();
      return { kind: 'literal', type: 'null', value: null, span };
    case 'TRUE':
    case 'FALSE':
      ts.next();
      return { kind: 'literal', type: 'boolean', value: token.key === 'TRUE', span };
    case 'DATE':
    case 'TIME':
    case 'TIMESTAMP': {
      ts.next();
      if (ts.at('WITH'))
        throw ts.unsupported(
          ts.spanFrom(token),
          `a literal ${token.key} WITH ... TIME ZONE`,
          'use TO_TIMESTAMP_LTZ(...)',
        );
      if (ts.peek().kind !== 'string')
        throw ts.error(
          token,
          `${token.text} must be followed by a string`,
          `for a literal write ${token.key} '...', for a column \`${token.text}\``,
        );
      const value = ts.next().text;
      return { kind: 'temporal', type: token.key, value, span: ts.spanFrom(token) };
    }
    case 'INTERVAL':
      return parseInterval(ts);
    case 'EXISTS': {
      ts.next();
      ts.expect('(');
      const query = parseQuery(ts);
      ts.expect(')');
      return { kind: 'exists', query, span: ts.spanFrom(token) };
    }
    case 'ROW': {
      ts.next();
      const items = ts.parenthesized(() => parseExpression(ts));
      return { kind: 'row', items, span: ts.spanFrom(token) };
    }
    case 'ARRAY':
    case 'MAP':
    case 'MULTISET':
      if (token.key === 'MAP' && !ts.at('MAP', '[')) break;
      ts.next();
      return parseCollection(ts, token.key, span.start);
    case 'CURRENT_ROW':
      throw ts.unexpected('an expression');
  }
  if (NILADIC.has(token.key) && ts.peek(1).key !== '(') {
    ts.next();
    return call(token.key, [], span);
  }
  if (ts.atName()) return parseNameOrCall(ts);
  if (RESERVED_FUNCTIONS.has(token.key) && ts.peek(1).key === '(') {
    ts.next();
    return parseCall(ts, token.key, token);
  }
  if (token.key === 'DAY' && ts.peek(1).key === '(')
    throw ts.error(token, 'DAY cannot be called', 'use DAYOFMONTH(...) or EXTRACT(DAY FROM ...)');
  throw ts.unexpected('an expression', ['SELECT', 'CASE', 'NOT', 'CAST', 'EXISTS', 'INTERVAL']);
}

/** `(e)`, `(a, b)`, `(SELECT ...)`, `((SELECT ...) UNION ...)`. */
function parseParenthesized(ts: TokenStream): Expression {
  const open = ts.expect('(');
  if (atQuery(ts)) {
    const query = parseQuery(ts);
    ts.expect(')');
    return { kind: 'scalarQuery', query, span: ts.spanFrom(open) };
  }
  const items = ts.list(() => parseExpression(ts));
  const [first] = items;
  if (items.length === 1 && first?.kind === 'scalarQuery' && atQueryRest(ts)) {
    const query = continueQuery(ts, first.query);
    ts.expect(')');
    return { kind: 'scalarQuery', query, span: ts.spanFrom(open) };
  }
  if (!ts.at(')')) throw ts.unexpected(', or )', ['AND', 'OR', 'IS', 'IN', 'LIKE', 'BETWEEN']);
  ts.next();
  return items.length === 1 ? first! : { kind: 'row', items, span: ts.spanFrom(open) };
}

function parseCollection(ts: TokenStream, name: string, start: number): Expression {
  if (ts.at('(')) throw ts.unsupported(ts.peek(), `${name} with a subquery`);
  if (!ts.at('[')) throw ts.unexpected('[');
  ts.next();
  const items = ts.at(']') ? [] : ts.list(() => parseExpression(ts));
  if (!ts.at(']')) throw ts.unexpected(', or ]');
  ts.next();
  return call(name, items, ts.spanFrom({ start, end: start }));
}

const UNITS: Record<string, IntervalUnit> = {
  YEAR: 'YEAR',
  QUARTER: 'QUARTER',
  MONTH: 'MONTH',
  WEEK: 'WEEK',
  DAY: 'DAY',
  HOUR: 'HOUR',
  MINUTE: 'MINUTE',
  SECOND: 'SECOND',
};

function parseInterval(ts: TokenStream): Expression {
  const start = ts.expect('INTERVAL');
  const sign = ts.accept('-') ? -1 : 1;
  if (sign === 1) ts.accept('+');
  if (ts.peek().kind === 'number')
    throw ts.error(ts.peek(), 'the amount of an INTERVAL stands in quotes', `write INTERVAL '${ts.peek().text}' ...`);
  const value = ts.string('the amount').text;
  const from = parseUnit(ts);
  const to = ts.accept('TO') ? parseUnit(ts) : null;
  return { kind: 'interval', value, sign, from, to, span: ts.spanFrom(start) };
}

/** A unit, singular or plural, with or without a precision: the values decide how many digits there are. */
function parseUnit(ts: TokenStream): IntervalUnit {
  const key = ts.peek().key;
  const name = Object.hasOwn(UNITS, key) ? key : key.replace(/S$/, '');
  if (!Object.hasOwn(UNITS, name)) throw ts.unexpected('a unit of time', Object.keys(UNITS));
  ts.next();
  if (ts.at('(')) ts.parenthesized(() => ts.integer('a precision'));
  return UNITS[name]!;
}

function parseNameOrCall(ts: TokenStream): Expression {
  const start = ts.peek();
  const identifier = ts.identifier('a name');
  if (!ts.at('(')) return identifier;
  if (identifier.parts.length > 1)
    throw ts.unsupported(
      identifier.span,
      `the function ${identifier.parts.join('.')}`,
      'functions of catalogs do not exist here',
    );
  return parseCall(ts, identifier.parts[0]!.toUpperCase(), start);
}

/** A call from its parenthesis on. */
function parseCall(ts: TokenStream, name: string, start: { start: number; end: number }): Expression {
  ts.expect('(');
  let distinct = false;
  let star = false;
  let args: Expression[] = [];
  if (ts.accept('*')) star = true;
  else if (!ts.at(')')) {
    distinct = ts.accept('DISTINCT');
    if (!distinct) ts.accept('ALL');
    if (atQuery(ts)) throw ts.unexpected('an argument');
    args = ts.list(() => parseArgument(ts, name));
  }
  if (!ts.at(')')) throw ts.unexpected(star ? ')' : ', or )', ['FROM', 'ORDER', 'AND', 'OR', 'IS']);
  ts.next();
  if (star && name !== 'COUNT')
    throw ts.error(ts.spanFrom(start), `${name}(*) does not exist`, 'only COUNT(*) takes a star');
  return parseCallSuffix(ts, { ...call(name, args, ts.spanFrom(start)), star, distinct }, start);
}

function parseArgument(ts: TokenStream, name: string): Expression {
  if (ts.atName() && ts.peek(1).key === '=>')
    throw ts.unsupported(ts.peek(), `a named argument of ${name}`, 'give the arguments in their order');
  return parseExpression(ts);
}

/** FILTER (WHERE ...) and OVER (...). */
function parseCallSuffix(ts: TokenStream, called: Expression, start: { start: number; end: number }): Expression {
  if (called.kind !== 'call') throw ts.unexpected('');
  for (const [words, what] of [
    [['WITHIN', 'GROUP'], 'WITHIN GROUP'],
    [['IGNORE', 'NULLS'], 'IGNORE NULLS'],
    [['RESPECT', 'NULLS'], 'RESPECT NULLS'],
  ] as const)
    if (ts.at(...words)) throw ts.unsupported(ts.peek(), what);
  let filter: Expression | null = null;
  if (ts.at('FILTER', '(')) {
    ts.accept('FILTER', '(');
    ts.expect('WHERE');
    filter = parseExpression(ts);
    ts.expect(')');
  }
  const over = ts.at('OVER') ? parseOver(ts) : null;
  return { ...called, filter, over, span: ts.spanFrom(start) };
}

function parseOver(ts: TokenStream): WindowDefinition {
  const start = ts.expect('OVER');
  if (!ts.at('('))
    throw ts.unsupported(ts.peek(), 'a named window', 'write the window itself after OVER: OVER (PARTITION BY ...)');
  ts.expect('(');
  const partitionBy = ts.accept('PARTITION', 'BY') ? ts.list(() => parseExpression(ts)) : [];
  const orderBy = ts.accept('ORDER', 'BY') ? parseOrderItems(ts) : [];
  const frame = ts.at('ROWS') || ts.at('RANGE') ? parseFrame(ts) : null;
  if (!ts.at(')')) throw ts.unexpected(')', ['PARTITION', 'ORDER', 'ROWS', 'RANGE', 'BY']);
  ts.next();
  return { partitionBy, orderBy, frame, span: ts.spanFrom(start) };
}

/** ROWS or RANGE with one bound or two; kept as text. */
function parseFrame(ts: TokenStream): string {
  const start = ts.next();
  if (ts.accept('BETWEEN')) {
    parseBound(ts);
    if (!ts.at('AND')) throw ts.unexpected('AND');
    ts.next();
  }
  parseBound(ts);
  const { end } = ts.spanFrom(start);
  return ts.text.slice(start.start, end);
}

function parseBound(ts: TokenStream): void {
  if (ts.accept('CURRENT', 'ROW')) return;
  // PRECEDING and FOLLOWING are names too: they end an amount because no operator stands before them.
  if (!ts.accept('UNBOUNDED')) parseExpression(ts, 24);
  if (!ts.accept('PRECEDING') && !ts.accept('FOLLOWING'))
    throw ts.unexpected('PRECEDING or FOLLOWING', ['PRECEDING', 'FOLLOWING', 'UNBOUNDED', 'CURRENT']);
}
