// Expressions: structure by precedence, special syntax, and what is refused. Structures were compared with those of Flink's own parser.
import type { Expression, Query } from './ast.ts';
import { parseScript } from './parse.ts';

/** The first select item of `SELECT <text>`. */
function parse(text: string): Expression {
  const [statement] = parseScript(`SELECT ${text}`).statements;
  if (statement?.kind !== 'query' || statement.query.body.kind !== 'select') throw new Error('no select');
  const [item] = statement.query.body.items;
  if (item?.kind !== 'item' || item.alias !== null) throw new Error('no plain item');
  return item.expression;
}

/** `(+ a (* b 2))`. */
function dump(e: Expression): string {
  const all = (items: Expression[]): string => items.map((item) => ` ${dump(item)}`).join('');
  const query = (q: Query): string => `{${q.body.kind}}`;
  const not = (negated: boolean): string => (negated ? 'NOT ' : '');
  switch (e.kind) {
    case 'identifier':
      return e.parts.join('.');
    case 'literal':
      return e.type === 'string' ? `'${e.value}'` : String(e.value);
    case 'temporal':
      return `${e.type}'${e.value}'`;
    case 'interval':
      return `INTERVAL${e.sign < 0 ? '-' : ''}'${e.value}'${e.from}${e.to === null ? '' : `-${e.to}`}`;
    case 'unary':
      return `(${e.operator} ${dump(e.operand)})`;
    case 'binary':
      return `(${e.operator} ${dump(e.left)} ${dump(e.right)})`;
    case 'is':
      return `(IS ${not(e.negated)}${e.test} ${dump(e.operand)})`;
    case 'between':
      return `(${not(e.negated)}BETWEEN${e.symmetric ? ' SYMMETRIC' : ''}${all([e.operand, e.low, e.high])})`;
    case 'like':
      return `(${not(e.negated)}LIKE${all([e.operand, e.pattern, ...(e.escape === null ? [] : [e.escape])])})`;
    case 'in':
      return `(${not(e.negated)}IN${all([e.operand, ...e.list])})`;
    case 'inQuery':
      return `(${not(e.negated)}IN ${dump(e.operand)} ${query(e.query)})`;
    case 'exists':
      return `(EXISTS ${query(e.query)})`;
    case 'scalarQuery':
      return query(e.query);
    case 'case': {
      const branches = e.branches.map((b) => ` [${dump(b.when)} ${dump(b.then)}]`).join('');
      return `(CASE${e.operand === null ? '' : ` ${dump(e.operand)}`}${branches}${e.otherwise === null ? '' : ` ${dump(e.otherwise)}`})`;
    }
    case 'cast':
      return `(${e.safe ? 'TRY_' : ''}CAST ${dump(e.operand)} ${e.type.name}${e.type.parameters.length > 0 ? `(${e.type.parameters.join(',')})` : ''})`;
    case 'extract':
      return `(EXTRACT ${e.unit} ${dump(e.operand)})`;
    case 'row':
      return `(ROW${all(e.items)})`;
    case 'call':
      return `(${e.name}${e.star ? ' *' : ''}${e.distinct ? ' DISTINCT' : ''}${all(e.args)}${e.filter === null ? '' : ` FILTER ${dump(e.filter)}`}${e.over === null ? '' : ` OVER [${e.over.partitionBy.map(dump).join(' ')}][${e.over.orderBy.map((o) => dump(o.expression) + (o.descending ? ' DESC' : '')).join(' ')}]${e.over.frame ?? ''}`})`;
  }
}

test.each([
  ['a + b * c - d', '(- (+ a (* b c)) d)'],
  ['a - b - c', '(- (- a b) c)'],
  ["'a' || 1 + 2", "(+ (|| 'a' 1) 2)"],
  ['a || b * c', '(* (|| a b) c)'],
  ['-a * b', '(* (- a) b)'],
  ['- - +a', '(- (- (+ a)))'],
  ['a = b IS NULL', '(IS NULL (= a b))'],
  ['a IS NULL IS NOT TRUE', '(IS NOT TRUE (IS NULL a))'],
  ['a IN (1, 2) = b', '(= (IN a 1 2) b)'],
  ['a = b = c', '(= (= a b) c)'],
  ['a < b = c > d', '(> (= (< a b) c) d)'],
  ['NOT a = b AND c OR d', '(OR (AND (NOT (= a b)) c) d)'],
  ['NOT NOT a', '(NOT (NOT a))'],
  ['NOT a BETWEEN 1 AND 2 OR b', '(OR (NOT (BETWEEN a 1 2)) b)'],
  ['a BETWEEN b = c AND d', '(BETWEEN a (= b c) d)'],
  ['a NOT BETWEEN SYMMETRIC 1 + 2 AND 3 AND b', '(AND (NOT BETWEEN SYMMETRIC a (+ 1 2) 3) b)'],
  ["a LIKE b || c ESCAPE 'x' AND d", "(AND (LIKE a (|| b c) 'x') d)"],
  ['a LIKE b LIKE c', '(LIKE a (LIKE b c))'],
  ['a BETWEEN b AND c LIKE d', '(BETWEEN a b (LIKE c d))'],
  ['a BETWEEN b AND c IN (d)', '(IN (BETWEEN a b c) d)'],
  ['a IS DISTINCT FROM b AND c', '(AND (IS DISTINCT FROM a b) c)'],
  ['a + b IS NOT DISTINCT FROM c', '(IS NOT DISTINCT FROM (+ a b) c)'],
  ['a OR b AND c', '(OR a (AND b c))'],
  ['(a OR b) AND c', '(AND (OR a b) c)'],
  ['a % 2 <> 0', '(<> (% a 2) 0)'],
])('%s binds as in Calcite', (text, expected) => {
  expect(dump(parse(text))).toBe(expected);
});

test.each([
  ['CASE WHEN a THEN b ELSE c END', '(CASE [a b] c)'],
  ['CASE a WHEN 1, 2 THEN 3 END', '(CASE a [1 3] [2 3])'],
  ['CAST(a AS DECIMAL(10, 2))', '(CAST a DECIMAL(10,2))'],
  ['TRY_CAST(a AS VARCHAR(3))', '(TRY_CAST a VARCHAR(3))'],
  ['CAST(a AS DOUBLE PRECISION)', '(CAST a DOUBLE)'],
  ['CAST(a AS TIMESTAMP(3) WITH LOCAL TIME ZONE)', '(CAST a TIMESTAMP_LTZ(3))'],
  ['EXTRACT(HOUR FROM a)', '(EXTRACT HOUR a)'],
  ['FLOOR(a TO DAY) || CEIL(b)', "(|| (FLOOR a 'DAY') (CEIL b))"],
  ['TIMESTAMPADD(DAY, 1, a)', "(TIMESTAMPADD 'DAY' 1 a)"],
  ["TRIM(a) || TRIM(LEADING 'x' FROM a) || TRIM('y' FROM a)", "(|| (|| (TRIM a) (LTRIM a 'x')) (TRIM a 'y'))"],
  ['SUBSTRING(a FROM 1 FOR 2)', '(SUBSTRING a 1 2)'],
  ['SUBSTRING(a, 1)', '(SUBSTRING a 1)'],
  ["POSITION('a' IN b)", "(POSITION 'a' b)"],
  ['OVERLAY(a PLACING b FROM 1)', '(OVERLAY a b 1)'],
  ["INTERVAL '5' MINUTES + INTERVAL -'1-2' YEAR TO MONTH", "(+ INTERVAL'5'MINUTE INTERVAL-'1-2'YEAR-MONTH)"],
  ["TIMESTAMP '2020-01-01 00:00:00'", "TIMESTAMP'2020-01-01 00:00:00'"],
  ['COUNT(*)', '(COUNT *)'],
  ['COUNT(DISTINCT a) FILTER (WHERE b > 1)', '(COUNT DISTINCT a FILTER (> b 1))'],
  [
    "SUM(x) OVER (PARTITION BY a, b ORDER BY ts DESC RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)",
    "(SUM x OVER [a b][ts DESC]RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)",
  ],
  ['ROW_NUMBER() OVER (ORDER BY a)', '(ROW_NUMBER OVER [][a])'],
  ['IF(a, b, c) + MOD(a, 2) + left(a, 3)', '(+ (+ (IF a b c) (MOD a 2)) (LEFT a 3))'],
  ['CURRENT_TIMESTAMP', '(CURRENT_TIMESTAMP)'],
  ['NULL', 'null'],
  ['TRUE AND UNKNOWN', '(AND true null)'],
  ['(a, b) = ROW(1, 2)', '(= (ROW a b) (ROW 1 2))'],
  ["ARRAY[1, 2][1] + MAP['a', 1]['a']", "(+ (ITEM (ARRAY 1 2) 1) (ITEM (MAP 'a' 1) 'a'))"],
  ['a.b[2].c', "(DOT (ITEM a.b 2) 'c')"],
  ['a IN (SELECT 1) AND NOT EXISTS (VALUES 1)', '(AND (IN a {select}) (NOT (EXISTS {valuesBody})))'],
  ['(SELECT 1) + 2', '(+ {select} 2)'],
  ['((SELECT 1) UNION (SELECT 2))', '{setOperation}'],
  ['((SELECT 1) + 2)', '(+ {select} 2)'],
  ["'it''s' || `a``b`", "(|| 'it's' a`b)"],
  ['1.5e3 + .5 + 1.', '(+ (+ 1.5e3 .5) 1.)'],
])('%s', (text, expected) => {
  expect(dump(parse(text))).toBe(expected);
});

test('the span of each expression is its text', () => {
  const text = 'SELECT a + b * f(c, d)';
  const [statement] = parseScript(text).statements;
  if (statement?.kind !== 'query' || statement.query.body.kind !== 'select') throw new Error('no select');
  const [item] = statement.query.body.items;
  if (item?.kind !== 'item' || item.expression.kind !== 'binary') throw new Error('no sum');
  const show = (e: Expression): string => text.slice(e.span.start, e.span.end);
  expect([show(item.expression), show(item.expression.left), show(item.expression.right)]).toEqual([
    'a + b * f(c, d)',
    'a',
    'b * f(c, d)',
  ]);
});
