// Generated code against DuckDB on random data with NULLs, for expressions where Flink and DuckDB agree.
import { DuckDBInstance } from '@duckdb/node-api';
import { fromRows, toRows, type CellValue } from '../columnar/batch.ts';
import type { Expr } from '../plan/exec-plan.ts';
import { sqlType, type Schema, type SqlType } from '../plan/types.ts';
import { compileExpression } from './expression.ts';

const [INT, BIGINT, DOUBLE, STRING, BOOLEAN, TIMESTAMP] = [
  sqlType.int(),
  sqlType.bigint(),
  sqlType.double(),
  sqlType.string(),
  sqlType.boolean(),
  sqlType.timestamp(3),
];
const DECIMAL = sqlType.decimal(9, 2);
const schema: Schema = [
  { name: 'i', type: INT },
  { name: 'j', type: INT },
  { name: 'b', type: BIGINT },
  { name: 'd', type: DOUBLE },
  { name: 's', type: STRING },
  { name: 'u', type: STRING },
  { name: 'm', type: DECIMAL },
  { name: 't', type: TIMESTAMP },
];
const call = (fn: string, type: SqlType, ...args: Expr[]): Expr => ({ kind: 'call', fn, args, type });
const lit = (value: number | string, type: SqlType): Expr => ({ kind: 'literal', value, type });
const [i, j, b, d, s, u, m, t] = schema.map((field, index): Expr => ({ kind: 'column', index, type: field.type })) as [
  Expr,
  Expr,
  Expr,
  Expr,
  Expr,
  Expr,
  Expr,
  Expr,
];
const number = (value: number): Expr => lit(value, INT);
const text = (value: string): Expr => lit(value, STRING);
const long = (expr: Expr): Expr => call('CAST', BIGINT, expr);

/** A linear congruential generator: the same rows in every run. */
function makeRows(count: number): CellValue[][] {
  let state = 42;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const words = ['', 'a', 'Flink', 'flight ORD', 'zoë 😀', 'a,b,,c', '100%', ' padded ', 'x_y'];
  const maybe = (value: CellValue): CellValue => (next(7) === 0 ? null : value);
  return Array.from({ length: count }, () => [
    maybe(next(2001) - 1000),
    maybe(next(41) - 20),
    maybe(BigInt(next(2 ** 32)) * 1_000_003n - 2_000_000_000_000_000n),
    maybe((next(20_001) - 10_000) / 8),
    maybe(words[next(words.length)]!),
    maybe(`${words[next(words.length)]}${next(5)}`),
    maybe(BigInt(next(2_000_001) - 1_000_000)),
    maybe((next(4_000_000) - 2_000_000) * 1_000_123),
  ]);
}

const cases: [string, Expr][] = [
  ['CAST(i AS BIGINT) * b', call('*', BIGINT, long(i), b)],
  ['i + j', call('+', INT, i, j)],
  ['i // NULLIF(j, 0)', call('/', INT, i, call('NULLIF', INT, j, number(0)))],
  ['i % NULLIF(j, 0)', call('%', INT, i, call('NULLIF', INT, j, number(0)))],
  ['b % 1000007', call('%', BIGINT, b, lit('1000007', BIGINT))],
  ['-b', call('NEGATE', BIGINT, b)],
  ['abs(i)', call('ABS', INT, i)],
  ['sign(i)', call('SIGN', INT, i)],
  ['CAST(b AS DOUBLE)', call('CAST', DOUBLE, b)],
  ['d / 3', call('/', DOUBLE, d, lit(3, DOUBLE))],
  ['floor(d)', call('FLOOR', DOUBLE, d)],
  ['round(d, 1)', call('ROUND', DOUBLE, d, number(1))],
  ['CAST(trunc(d) AS INT)', call('CAST', INT, d)],
  [
    'm + CAST(m * 2 AS DECIMAL(9, 2))',
    call('+', sqlType.decimal(10, 2), m, call('*', DECIMAL, m, lit('2', sqlType.decimal(1, 0)))),
  ],
  ['m * CAST(1.25 AS DECIMAL(3, 2))', call('*', sqlType.decimal(12, 4), m, lit('1.25', sqlType.decimal(3, 2)))],
  ['CAST(m AS DOUBLE)', call('CAST', DOUBLE, m)],
  ['CAST(m AS DECIMAL(9, 1))', call('CAST', sqlType.decimal(9, 1), m)],
  ['CAST(m AS VARCHAR)', call('CAST', STRING, m)],
  ['CAST(b AS VARCHAR)', call('CAST', STRING, b)],
  ['TRY_CAST(s AS INT)', call('TRY_CAST', INT, s)],
  ['i < j', call('<', BOOLEAN, i, j)],
  ['s < u', call('<', BOOLEAN, s, u)],
  ['s >= u', call('>=', BOOLEAN, s, u)],
  ["s = 'Flink'", call('=', BOOLEAN, s, text('Flink'))],
  ['s IS DISTINCT FROM u', call('IS DISTINCT FROM', BOOLEAN, s, u)],
  ["s IN ('a', 'Flink', 'zoë 😀')", call('IN', BOOLEAN, s, text('a'), text('Flink'), text('zoë 😀'))],
  ["s LIKE 'fl%R_'", call('LIKE', BOOLEAN, s, text('fl%R_'))],
  ["s LIKE '%li%'", call('LIKE', BOOLEAN, s, text('%li%'))],
  ["s LIKE '_%😀'", call('LIKE', BOOLEAN, s, text('_%😀'))],
  ['upper(s) || lower(u)', call('||', STRING, call('UPPER', STRING, s), call('LOWER', STRING, u))],
  ['length(s)', call('CHAR_LENGTH', INT, s)],
  ['trim(s)', call('TRIM', STRING, s)],
  ['ltrim(s)', call('LTRIM', STRING, s)],
  ['substring(s, 2, 3)', call('SUBSTRING', STRING, s, number(2), number(3))],
  ['left(s, 3)', call('LEFT', STRING, s, number(3))],
  ['right(s, 3)', call('RIGHT', STRING, s, number(3))],
  // Only the first characters, which UTF-16 holds in one unit each: those are what Flink counts.
  [
    "lpad(substring(s, 1, 3), 6, 'ab')",
    call('LPAD', STRING, call('SUBSTRING', STRING, s, number(1), number(3)), number(6), text('ab')),
  ],
  [
    "rpad(substring(s, 1, 3), 6, 'ab')",
    call('RPAD', STRING, call('SUBSTRING', STRING, s, number(1), number(3)), number(6), text('ab')),
  ],
  ["replace(s, 'l', 'LL')", call('REPLACE', STRING, s, text('l'), text('LL'))],
  ["position('l' IN s)", call('POSITION', INT, text('l'), s)],
  ["concat_ws('-', s, u)", call('CONCAT_WS', STRING, text('-'), s, u)],
  ["regexp_replace(s, '[aeiou]', '*', 'g')", call('REGEXP_REPLACE', STRING, s, text('[aeiou]'), text('*'))],
  [
    'CASE WHEN i > j THEN s WHEN i = j THEN u END',
    call('CASE', STRING, call('>', BOOLEAN, i, j), s, call('=', BOOLEAN, i, j), u, {
      kind: 'literal',
      value: null,
      type: STRING,
    }),
  ],
  ["coalesce(s, u, 'none')", call('COALESCE', STRING, s, u, text('none'))],
  ['NULLIF(i, j)', call('NULLIF', INT, i, j)],
  ...['year', 'quarter', 'month', 'week', 'day', 'doy', 'hour', 'minute'].map((unit): [string, Expr] => [
    `CAST(date_part('${unit}', t) AS BIGINT)`,
    call('EXTRACT', BIGINT, text(unit.toUpperCase()), t),
  ]),
  ['dayofweek(t) + 1', call('EXTRACT', BIGINT, text('DOW'), t)],
  ...['year', 'quarter', 'month', 'day', 'hour', 'minute', 'second'].map((unit): [string, Expr] => [
    `epoch_ms(date_trunc('${unit}', t)::TIMESTAMP)::DOUBLE`,
    call('FLOOR_TIME', TIMESTAMP, t, text(unit.toUpperCase())),
  ]),
  ["strftime(t, '%Y-%m-%d %H:%M:%S.%g')", call('CAST', STRING, t)],
  ["strftime(t, '%d/%m/%Y %I:%M %p')", call('DATE_FORMAT', STRING, t, text('dd/MM/yyyy hh:mm a'))],
  [
    'epoch_ms(t + INTERVAL 1 MONTH)::DOUBLE',
    call('TEMPORAL_PLUS', TIMESTAMP, t, lit(1, { root: 'INTERVAL_YEAR_MONTH', nullable: false })),
  ],
  ["CAST(t AS DATE) - DATE '1970-01-01'", call('CAST', sqlType.date(), t)],
];

test('expressions over random rows give what DuckDB gives', async () => {
  const rows = makeRows(400);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const quote = (value: CellValue, index: number): string => {
    if (value === null) return 'NULL';
    if (typeof value === 'string') return `'${value}'`;
    if (index === 6) return `(${value}::DECIMAL(18, 0) / 100)::DECIMAL(9, 2)`;
    return index === 7 ? `epoch_ms(${value}::BIGINT)` : `${value}`;
  };
  await connection.run(
    'CREATE TABLE r (row INT, i INT, j INT, b BIGINT, d DOUBLE, s VARCHAR, u VARCHAR, m DECIMAL(9, 2), t TIMESTAMP)',
  );
  await connection.run(
    `INSERT INTO r VALUES ${rows.map((row, at) => `(${at}, ${row.map(quote).join(', ')})`).join(', ')}`,
  );
  const batch = fromRows(schema, rows);
  for (const [sql, expr] of cases) {
    const answer = await connection.runAndReadAll(`SELECT ${sql} FROM r ORDER BY row`);
    const expected = answer.getRowsJS().map(([value]) => value);
    const column = compileExpression(expr, schema)(batch);
    const result = { schema: [{ name: 'r', type: expr.type }], rows: rows.length, columns: [column], kinds: null };
    const actual = toRows(result).map(([value]) =>
      // DECIMALs come from DuckDB as doubles.
      expr.type.root === 'DECIMAL' && value !== null ? Number(value) / 10 ** expr.type.scale! : value,
    );
    const same = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value === 0 ? 0 : value);
    expect({ sql, values: actual.map(same) }).toEqual({ sql, values: expected.map(same) });
  }
  connection.closeSync();
});
