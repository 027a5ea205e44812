// The Pratt parser for expressions: operators by binding power. What an expression is made of stands in terms.ts.
import type { Expression } from './ast.ts';
import { parseQuery } from './query.ts';
import { atQuery } from './query-start.ts';
import { parseTerm } from './terms.ts';
import type { TokenStream } from './token-stream.ts';

/** Binding powers as in Calcite's SqlStdOperatorTable; note that `||` binds as tightly as `*`. */
const POWER = {
  OR: 22,
  AND: 24,
  NOT: 26,
  IS: 28,
  COMPARISON: 30,
  RANGE: 32,
  LIKE: 33,
  ADDITIVE: 40,
  MULTIPLICATIVE: 60,
  UNARY: 80,
} as const;

const BINARY: Record<string, number> = {
  OR: POWER.OR,
  AND: POWER.AND,
  '=': POWER.COMPARISON,
  '<>': POWER.COMPARISON,
  '<': POWER.COMPARISON,
  '<=': POWER.COMPARISON,
  '>': POWER.COMPARISON,
  '>=': POWER.COMPARISON,
  '+': POWER.ADDITIVE,
  '-': POWER.ADDITIVE,
  '*': POWER.MULTIPLICATIVE,
  '/': POWER.MULTIPLICATIVE,
  '%': POWER.MULTIPLICATIVE,
  '||': POWER.MULTIPLICATIVE,
};

/** Operators of Flink SQL that are refused by name. */
const REFUSED: Record<string, string> = {
  SIMILAR: 'use LIKE or REGEXP_EXTRACT',
  OVERLAPS: 'compare the ends of the periods',
  CONTAINS: 'compare the ends of the periods',
  MEMBER: 'use IN',
  SUBMULTISET: 'use IN',
  ILIKE: 'use LOWER(...) LIKE',
  RLIKE: 'use REGEXP_EXTRACT',
};

/**
 * Takes an expression whose operators all bind tighter than `minimum`.
 * @throws EngineError SQL_SYNTAX, SQL_UNSUPPORTED, SQL_TOO_DEEP
 */
export function parseExpression(ts: TokenStream, minimum = 0): Expression {
  return ts.nested(() => {
    const start = ts.peek();
    let left = parsePrefix(ts);
    for (;;) {
      const next = parseInfix(ts, left, start.start, minimum);
      if (next === null) return left;
      left = next;
    }
  });
}

function parsePrefix(ts: TokenStream): Expression {
  const token = ts.peek();
  const operator = token.key;
  if (operator !== 'NOT' && operator !== '-' && operator !== '+') return parseTerm(ts);
  ts.next();
  const operand = parseExpression(ts, operator === 'NOT' ? POWER.NOT : POWER.UNARY);
  return { kind: 'unary', operator, operand, span: ts.spanFrom(token) };
}

/** One operator after `left` with its right side, or null when none follows that binds tighter than `minimum`. */
function parseInfix(ts: TokenStream, left: Expression, from: number, minimum: number): Expression | null {
  const token = ts.peek();
  const start = { start: from, end: from };
  const power = Object.hasOwn(BINARY, token.key) ? BINARY[token.key] : undefined;
  if (power !== undefined) {
    if (power <= minimum) return null;
    ts.next();
    if ((ts.at('ANY', '(') || ts.at('SOME', '(') || ts.at('ALL', '(')) && power === POWER.COMPARISON)
      throw ts.unsupported(
        ts.peek(),
        `${token.key} ${ts.peek().key}`,
        'use IN, or compare with MIN or MAX in a subquery',
      );
    const right = parseExpression(ts, power);
    return { kind: 'binary', operator: token.key, left, right, span: ts.spanFrom(start) };
  }
  if (token.key === 'IS') return POWER.IS <= minimum ? null : parseIs(ts, left, start, minimum);
  const negated = token.key === 'NOT';
  const operator = negated ? ts.peek(1) : token;
  if (Object.hasOwn(REFUSED, operator.key)) throw ts.unsupported(operator, operator.key, REFUSED[operator.key]);
  if (!['BETWEEN', 'IN', 'LIKE'].includes(operator.key)) return null;
  if ((operator.key === 'LIKE' ? POWER.LIKE : POWER.RANGE) <= minimum) return null;
  if (negated) ts.next();
  ts.next();
  if (operator.key === 'BETWEEN') {
    const symmetric = ts.accept('SYMMETRIC');
    if (!symmetric) ts.accept('ASYMMETRIC');
    const low = parseExpression(ts, POWER.AND);
    if (!ts.at('AND')) throw ts.unexpected('AND');
    ts.next();
    const high = parseExpression(ts, POWER.RANGE);
    return { kind: 'between', operand: left, low, high, negated, symmetric, span: ts.spanFrom(start) };
  }
  if (operator.key === 'LIKE') {
    // From right to left: a LIKE b LIKE c is a LIKE (b LIKE c).
    const pattern = parseExpression(ts, POWER.RANGE - 1);
    const escape = ts.accept('ESCAPE') ? parseExpression(ts, POWER.RANGE) : null;
    return { kind: 'like', operand: left, pattern, escape, negated, span: ts.spanFrom(start) };
  }
  if (ts.at('(') && atQuery(ts, 1)) {
    ts.next();
    const query = parseQuery(ts);
    ts.expect(')');
    return { kind: 'inQuery', operand: left, query, negated, span: ts.spanFrom(start) };
  }
  const list = ts.parenthesized(() => parseExpression(ts));
  return { kind: 'in', operand: left, list, negated, span: ts.spanFrom(start) };
}

function parseIs(
  ts: TokenStream,
  operand: Expression,
  start: { start: number; end: number },
  minimum: number,
): Expression | null {
  const negated = ts.at('IS', 'NOT');
  const distinct = ts.peek(negated ? 2 : 1).key === 'DISTINCT';
  if (distinct && POWER.COMPARISON <= minimum) return null;
  ts.next();
  if (negated) ts.next();
  if (distinct) {
    ts.next();
    ts.expect('FROM');
    const right = parseExpression(ts, POWER.COMPARISON);
    const operator = negated ? 'IS NOT DISTINCT FROM' : 'IS DISTINCT FROM';
    return { kind: 'binary', operator, left: operand, right, span: ts.spanFrom(start) };
  }
  const test = ts.peek().key;
  if (test !== 'NULL' && test !== 'TRUE' && test !== 'FALSE' && test !== 'UNKNOWN')
    throw ts.unexpected(
      negated ? 'NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM' : 'NOT, NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM',
      ['NOT', 'NULL', 'TRUE', 'FALSE', 'UNKNOWN', 'DISTINCT'],
    );
  ts.next();
  return { kind: 'is', operand, test, negated, span: ts.spanFrom(start) };
}
