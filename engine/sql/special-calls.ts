// Functions with a syntax of their own: CASE, CAST, EXTRACT, TRIM, SUBSTRING, POSITION, OVERLAY, FLOOR and CEIL of times, TIMESTAMPADD.
import type { Expression } from './ast.ts';
import { parseExpression } from './expressions.ts';
import { call } from './terms.ts';
import type { TokenStream } from './token-stream.ts';
import { parseType } from './types.ts';

/** Units of EXTRACT, FLOOR, CEIL, TIMESTAMPADD and TIMESTAMPDIFF. */
const UNITS = [
  ...[
    'YEAR',
    'QUARTER',
    'MONTH',
    'WEEK',
    'DAY',
    'HOUR',
    'MINUTE',
    'SECOND',
    'MILLISECOND',
    'MICROSECOND',
    'NANOSECOND',
  ],
  ...['DOW', 'ISODOW', 'DOY', 'ISOYEAR', 'EPOCH', 'DECADE', 'CENTURY', 'MILLENNIUM'],
];

type Parser = (ts: TokenStream, start: { start: number; end: number }) => Expression;

const PARSERS: Record<string, Parser> = {
  CASE: parseCase,
  CAST: (ts, start) => parseCast(ts, start, false),
  TRY_CAST: (ts, start) => parseCast(ts, start, true),
  EXTRACT: (ts, start) => {
    ts.expect('(');
    const unit = parseUnit(ts);
    ts.expect('FROM');
    const operand = parseExpression(ts);
    ts.expect(')');
    return { kind: 'extract', unit, operand, span: ts.spanFrom(start) };
  },
  TRIM: parseTrim,
  SUBSTRING: (ts, start) => parseKeywordArguments(ts, start, 'SUBSTRING', ['FROM', 'FOR'], 2),
  POSITION: (ts, start) => {
    ts.expect('(');
    // IN separates the arguments here, so the first one may only hold what binds tighter.
    const args = [parseExpression(ts, 32)];
    ts.expect('IN');
    args.push(parseExpression(ts));
    if (ts.accept('FROM')) args.push(parseExpression(ts));
    ts.expect(')');
    return call('POSITION', args, ts.spanFrom(start));
  },
  OVERLAY: (ts, start) => parseKeywordArguments(ts, start, 'OVERLAY', ['PLACING', 'FROM', 'FOR'], 3),
  FLOOR: (ts, start) => parseRounding(ts, start, 'FLOOR'),
  CEIL: (ts, start) => parseRounding(ts, start, 'CEIL'),
  CEILING: (ts, start) => parseRounding(ts, start, 'CEIL'),
  TIMESTAMPADD: (ts, start) => parseTimestampCall(ts, start, 'TIMESTAMPADD'),
  TIMESTAMPDIFF: (ts, start) => parseTimestampCall(ts, start, 'TIMESTAMPDIFF'),
};

/** Takes one of these when it comes next, else returns null. */
export function parseSpecialCall(ts: TokenStream): Expression | null {
  const token = ts.peek();
  const parser = Object.hasOwn(PARSERS, token.key) ? PARSERS[token.key] : undefined;
  if (parser === undefined || (token.key !== 'CASE' && ts.peek(1).key !== '(')) return null;
  ts.next();
  return parser(ts, token);
}

function parseCase(ts: TokenStream, start: { start: number; end: number }): Expression {
  const operand = ts.at('WHEN') ? null : parseExpression(ts);
  const branches: { when: Expression; then: Expression }[] = [];
  while (ts.accept('WHEN')) {
    // CASE x WHEN 1, 2 THEN ...: one branch for each value.
    const values = operand === null ? [parseExpression(ts)] : ts.list(() => parseExpression(ts));
    if (!ts.at('THEN')) throw ts.unexpected('THEN');
    ts.next();
    const then = parseExpression(ts);
    for (const when of values) branches.push({ when, then });
  }
  if (branches.length === 0) throw ts.unexpected('WHEN');
  const otherwise = ts.accept('ELSE') ? parseExpression(ts) : null;
  if (!ts.at('END')) throw ts.unexpected(otherwise === null ? 'WHEN, ELSE or END' : 'END', ['WHEN', 'ELSE', 'END']);
  ts.next();
  return { kind: 'case', operand, branches, otherwise, span: ts.spanFrom(start) };
}

function parseCast(ts: TokenStream, start: { start: number; end: number }, safe: boolean): Expression {
  ts.expect('(');
  const operand = parseExpression(ts);
  if (!ts.at('AS')) throw ts.unexpected('AS');
  ts.next();
  const type = parseType(ts, false);
  if (ts.at('NOT', 'NULL')) throw ts.error(ts.peek(), 'CAST takes a type without NOT NULL', 'remove NOT NULL');
  ts.expect(')');
  return { kind: 'cast', operand, type, safe, span: ts.spanFrom(start) };
}

/** TRIM(s), TRIM(c FROM s), TRIM(LEADING | TRAILING | BOTH [c] FROM s). */
function parseTrim(ts: TokenStream, start: { start: number; end: number }): Expression {
  ts.expect('(');
  const side = ts.accept('LEADING') ? 'LTRIM' : ts.accept('TRAILING') ? 'RTRIM' : 'TRIM';
  const sided = side !== 'TRIM' || ts.accept('BOTH');
  const first = sided && ts.at('FROM') ? null : parseExpression(ts);
  const args = first === null ? [] : [first];
  if (sided || ts.at('FROM')) {
    ts.expect('FROM');
    args.unshift(parseExpression(ts));
  }
  ts.expect(')');
  return call(side, args, ts.spanFrom(start));
}

/** `f(a, b, c)` or the same with keywords in place of the commas. */
function parseKeywordArguments(
  ts: TokenStream,
  start: { start: number; end: number },
  name: string,
  keywords: string[],
  required: number,
): Expression {
  ts.expect('(');
  const args = [parseExpression(ts)];
  const comma = ts.at(',');
  for (const keyword of keywords) if (ts.accept(comma ? ',' : keyword)) args.push(parseExpression(ts));
  if (!ts.at(')') || args.length < required)
    throw ts.unexpected(args.length < required ? `, or ${keywords.join(', ')}` : ')', keywords);
  ts.next();
  return call(name, args, ts.spanFrom(start));
}

/** FLOOR(number) or FLOOR(time TO unit). */
function parseRounding(ts: TokenStream, start: { start: number; end: number }, name: string): Expression {
  ts.expect('(');
  const args = [parseExpression(ts)];
  if (ts.at('TO')) {
    ts.next();
    args.push(parseUnitLiteral(ts));
  } else if (ts.accept(',')) args.push(parseExpression(ts));
  ts.expect(')');
  return call(name, args, ts.spanFrom(start));
}

function parseTimestampCall(ts: TokenStream, start: { start: number; end: number }, name: string): Expression {
  ts.expect('(');
  const args = [parseUnitLiteral(ts)];
  for (let i = 0; i < 2; i++) {
    if (!ts.at(',')) throw ts.unexpected(',');
    ts.next();
    args.push(parseExpression(ts));
  }
  ts.expect(')');
  return call(name, args, ts.spanFrom(start));
}

function parseUnitLiteral(ts: TokenStream): Expression {
  const token = ts.peek();
  return { kind: 'literal', type: 'string', value: parseUnit(ts), span: { start: token.start, end: token.end } };
}

function parseUnit(ts: TokenStream): string {
  const key = ts.peek().key;
  const unit = UNITS.includes(key) ? key : key.replace(/^SQL_TSI_/, '');
  if (!UNITS.includes(unit)) throw ts.unexpected('a unit of time', UNITS);
  ts.next();
  return unit;
}
