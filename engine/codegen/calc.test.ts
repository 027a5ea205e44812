// Calcs over small batches: what is shared, what is gathered, what NULL does, and functions whose answers Flink's documentation gives.
import { cell, fromRows, RowKind, toRows, type CellValue, type StringColumn } from '../columnar/batch.ts';
import { gather } from '../columnar/select.ts';
import type { CalcSpec, Expr } from '../plan/exec-plan.ts';
import { sqlType, type Schema, type SqlType } from '../plan/types.ts';
import { compileCalc } from './calc.ts';
import { compileExpression } from './expression.ts';
import { compilePredicate } from './predicate.ts';

const INT = sqlType.int();
const BIGINT = sqlType.bigint();
const STRING = sqlType.string();
const BOOLEAN = sqlType.boolean();
const DOUBLE = sqlType.double();
const TIMESTAMP = sqlType.timestamp(3);

const call = (fn: string, type: SqlType, ...args: Expr[]): Expr => ({ kind: 'call', fn, args, type });
const col = (index: number, type: SqlType): Expr => ({ kind: 'column', index, type });
const lit = (value: boolean | number | string | null, type: SqlType): Expr => ({ kind: 'literal', value, type });

const schema: Schema = [
  { name: 'id', type: INT },
  { name: 'name', type: STRING },
  { name: 'big', type: BIGINT },
];
const rows: CellValue[][] = [
  [1, 'ann', 10n],
  [2, null, 20n],
  [null, 'bob', null],
  [4, 'ann', 40n],
  [5, 'zoë', -(2n ** 63n)],
];

function calc(condition: Expr | null, projections: Expr[]): CalcSpec {
  return {
    type: 'Calc',
    id: 'c',
    uid: 'c',
    name: 'Calc',
    input: null,
    inputSchema: schema,
    outputSchema: projections.map((expr, i) => ({ name: `c${i}`, type: expr.type })),
    condition,
    projections,
  };
}

/** Value of one expression over constants, and over the same values as columns: both must agree. */
function evaluate(fn: string, type: SqlType, ...args: [CellValue, SqlType][]): CellValue {
  const fields: Schema = args.map(([, argType], i) => ({ name: `a${i}`, type: argType }));
  const batch = fromRows(fields, [args.map(([value]) => value), args.map(() => null)]);
  const expr = call(fn, type, ...args.map(([, argType], i) => col(i, argType)));
  const asColumns = compileExpression(expr, fields)(batch);
  return cell({ schema: [{ name: 'r', type }], rows: 2, columns: [asColumns], kinds: null }, 0, 0);
}

test('a filter keeps rows whose condition is TRUE, with their kinds, and computes projections of those only', () => {
  const batch = fromRows(schema, rows, Uint8Array.of(0, 0, 1, 3, 2));
  const run = compileCalc(
    calc(call('>', BOOLEAN, col(0, INT), lit(1, INT)), [
      call('*', BIGINT, col(2, BIGINT), lit('2', BIGINT)),
      col(1, STRING),
      call('UPPER', STRING, col(1, STRING)),
    ]),
  );
  const result = run(batch)!;
  expect(toRows(result)).toEqual([
    [40n, null, null],
    [80n, 'ann', 'ANN'],
    [0n, 'zoë', 'ZOË'],
  ]);
  expect([...result.kinds!]).toEqual([RowKind.INSERT, RowKind.DELETE, RowKind.UPDATE_AFTER]);
});

test('no row passing gives null; all rows passing shares the columns', () => {
  const batch = fromRows(schema, rows);
  expect(compileCalc(calc(lit(false, BOOLEAN), [col(0, INT)]))(batch)).toBeNull();
  expect(compileCalc(calc(lit(null, BOOLEAN), [col(0, INT)]))(batch)).toBeNull();
  expect(compileCalc(calc(lit(true, BOOLEAN), [col(0, INT)]))(batch)!.columns[0]).toBe(batch.columns[0]);
});

test('a string function over dictionary codes keeps its dictionary while the input keeps its own', () => {
  const plain = fromRows(schema, rows);
  const coded = gather(plain, Int32Array.of(0, 2, 0, 1, 4));
  const run = compileCalc(calc(null, [call('SUBSTRING', STRING, col(1, STRING), lit(1, INT), lit(2, INT))]));
  const [first, second] = [run(coded)!, run(coded)!];
  expect(toRows(first)).toEqual([['an'], ['bo'], ['an'], [null], ['zo']]);
  expect(toRows(second)).toEqual(toRows(first));
  const [a, b] = [first.columns[0] as StringColumn, second.columns[0] as StringColumn];
  expect(b.offsets).toBe(a.offsets);
  expect(a.offsets.length - 1).toBeLessThan(5);
});

test('CASE with string branches takes literals, columns and computed strings', () => {
  const expr = call(
    'CASE',
    STRING,
    call('>', BOOLEAN, col(0, INT), lit(3, INT)),
    lit('late', STRING),
    call('=', BOOLEAN, col(0, INT), lit(1, INT)),
    col(1, STRING),
    call('||', STRING, col(1, STRING), call('CAST', STRING, col(0, INT))),
  );
  expect(toRows(compileCalc(calc(null, [expr]))(fromRows(schema, rows))!)).toEqual([
    ['ann'],
    [null],
    [null],
    ['late'],
    ['late'],
  ]);
});

test('division by zero fails only where it is computed', () => {
  const batch = fromRows([{ name: 'x', type: INT }], [[0], [2]]);
  const quotient = call('/', INT, lit(10, INT), col(0, INT));
  const guarded = call(
    'AND',
    BOOLEAN,
    call('<>', BOOLEAN, col(0, INT), lit(0, INT)),
    call('>', BOOLEAN, quotient, lit(1, INT)),
  );
  const selection = new Int32Array(2);
  expect(compilePredicate(guarded, batch.schema)(batch, selection)).toBe(1);
  expect(selection[0]).toBe(1);
  expect(() => compileExpression(quotient, batch.schema)(batch)).toThrow('division by zero');
});

test('IN and equality with literals, with and without NULL in the list', () => {
  const batch = gather(fromRows(schema, rows), Int32Array.of(0, 1, 2, 4));
  const column = (expr: Expr): CellValue[] =>
    toRows({
      schema: [{ name: 'r', type: BOOLEAN }],
      rows: 4,
      columns: [compileExpression(expr, schema)(batch)],
      kinds: null,
    }).map(([v]) => v!);
  const name = col(1, STRING);
  expect(column(call('=', BOOLEAN, name, lit('zoë', STRING)))).toEqual([false, null, false, true]);
  expect(column(call('IN', BOOLEAN, name, lit('ann', STRING), lit('bob', STRING)))).toEqual([true, null, true, false]);
  expect(column(call('IN', BOOLEAN, name, lit('ann', STRING), lit(null, STRING)))).toEqual([true, null, null, null]);
  expect(column(call('IS NULL', BOOLEAN, name))).toEqual([false, true, false, false]);
  const many = Array.from({ length: 12 }, (_, i) => lit(String(i + 1), BIGINT));
  expect(column(call('IN', BOOLEAN, call('CAST', BIGINT, col(0, INT)), ...many))).toEqual([true, true, null, true]);
});

const ts = (text: string): number => Date.parse(`${text}Z`);

test.each<[string, SqlType, [CellValue, SqlType][], CellValue]>([
  [
    '+',
    INT,
    [
      [2147483647, INT],
      [1, INT],
    ],
    -2147483648,
  ],
  [
    '*',
    BIGINT,
    [
      [2n ** 62n, BIGINT],
      [2n, BIGINT],
    ],
    -(2n ** 63n),
  ],
  [
    '/',
    INT,
    [
      [-7, INT],
      [2, INT],
    ],
    -3,
  ],
  [
    '%',
    INT,
    [
      [-7, INT],
      [3, INT],
    ],
    -1,
  ],
  [
    '/',
    sqlType.decimal(10, 3),
    [
      [1000n, sqlType.decimal(5, 2)],
      [300n, sqlType.decimal(5, 2)],
    ],
    3333n,
  ],
  [
    '*',
    sqlType.decimal(4, 2),
    [
      [9999n, sqlType.decimal(4, 2)],
      [200n, sqlType.decimal(4, 2)],
    ],
    null,
  ],
  ['CAST', STRING, [[1e10, DOUBLE]], '1.0E10'],
  ['CAST', STRING, [[0.1, DOUBLE]], '0.1'],
  ['CAST', STRING, [[100, DOUBLE]], '100.0'],
  ['CAST', STRING, [[true, BOOLEAN]], 'TRUE'],
  ['CAST', STRING, [[-5n, sqlType.decimal(5, 2)]], '-0.05'],
  ['CAST', STRING, [[ts('2020-02-29T01:02:03.040'), TIMESTAMP]], '2020-02-29 01:02:03.040'],
  ['CAST', INT, [['12.9', STRING]], 12],
  ['CAST', INT, [[1e12, DOUBLE]], 2147483647],
  ['CAST', BIGINT, [[-1.9, DOUBLE]], -1n],
  ['CAST', INT, [[2n ** 32n + 5n, BIGINT]], 5],
  ['TRY_CAST', INT, [['twelve', STRING]], null],
  ['CAST', sqlType.decimal(5, 1), [['12.25', STRING]], 123n],
  ['CAST', TIMESTAMP, [['2001-02-03 04:05:00', STRING]], ts('2001-02-03T04:05:00')],
  ['TRY_CAST', sqlType.date(), [['2001-02-30', STRING]], null],
  [
    'ROUND',
    DOUBLE,
    [
      [2.5, DOUBLE],
      [0, INT],
    ],
    3,
  ],
  [
    'ROUND',
    DOUBLE,
    [
      [1.005, DOUBLE],
      [2, INT],
    ],
    1.01,
  ],
  [
    'ROUND',
    INT,
    [
      [1250, INT],
      [-2, INT],
    ],
    1300,
  ],
  [
    'TRUNCATE',
    DOUBLE,
    [
      [-1.999, DOUBLE],
      [1, INT],
    ],
    -1.9,
  ],
  ['FLOOR', sqlType.decimal(5, 0), [[-150n, sqlType.decimal(5, 2)]], -2n],
  ['CEIL', sqlType.decimal(5, 0), [[-150n, sqlType.decimal(5, 2)]], -1n],
  [
    'SUBSTRING',
    STRING,
    [
      ['flink', STRING],
      [-3, INT],
      [2, INT],
    ],
    'in',
  ],
  [
    'SUBSTRING',
    STRING,
    [
      ['flink', STRING],
      [2, INT],
      [-1, INT],
    ],
    null,
  ],
  [
    'LPAD',
    STRING,
    [
      ['hi', STRING],
      [4, INT],
      ['??', STRING],
    ],
    '??hi',
  ],
  [
    'LPAD',
    STRING,
    [
      ['hi', STRING],
      [1, INT],
      ['??', STRING],
    ],
    'h',
  ],
  [
    'POSITION',
    INT,
    [
      ['k', STRING],
      ['flink', STRING],
    ],
    5,
  ],
  ['CHAR_LENGTH', INT, [['a😀b', STRING]], 3],
  ['REVERSE', STRING, [['a😀b', STRING]], 'b😀a'],
  [
    'SPLIT_INDEX',
    STRING,
    [
      ['a,b,c', STRING],
      [',', STRING],
      [2, INT],
    ],
    'c',
  ],
  [
    'SPLIT_INDEX',
    STRING,
    [
      ['a,b,c', STRING],
      [',', STRING],
      [3, INT],
    ],
    null,
  ],
  [
    'REGEXP_REPLACE',
    STRING,
    [
      ['foobar', STRING],
      ['oo|ar', STRING],
      ['$1', STRING],
    ],
    'f$1b$1',
  ],
  [
    'REGEXP_EXTRACT',
    STRING,
    [
      ['foothebar', STRING],
      ['foo(.*?)(bar)', STRING],
      [2, INT],
    ],
    'bar',
  ],
  [
    'CONCAT_WS',
    STRING,
    [
      ['-', STRING],
      ['a', STRING],
      ['b', STRING],
    ],
    'a-b',
  ],
  [
    'LIKE',
    BOOLEAN,
    [
      ['50% off', STRING],
      ['50!%%', STRING],
      ['!', STRING],
    ],
    true,
  ],
  [
    'LIKE',
    BOOLEAN,
    [
      ['a.c', STRING],
      ['a_c', STRING],
    ],
    true,
  ],
  [
    'GREATEST',
    INT,
    [
      [1, INT],
      [3, INT],
      [2, INT],
    ],
    3,
  ],
  [
    'DATE_FORMAT',
    STRING,
    [
      [ts('2024-03-05T16:07:08.009'), TIMESTAMP],
      ["yyyy-MM-dd'T'hh:mm:ss.SSS a, EEE", STRING],
    ],
    '2024-03-05T04:07:08.009 PM, Tue',
  ],
  [
    'TO_TIMESTAMP',
    TIMESTAMP,
    [
      ['05.03.2024 16h', STRING],
      ["dd.MM.yyyy HH'h'", STRING],
    ],
    ts('2024-03-05T16:00:00'),
  ],
  ['TO_TIMESTAMP', TIMESTAMP, [['nonsense', STRING]], null],
  ['TO_DATE', sqlType.date(), [['1970-01-03', STRING]], 2],
  ['UNIX_TIMESTAMP', BIGINT, [['1970-01-01 00:01:00', STRING]], 60n],
  ['FROM_UNIXTIME', STRING, [[60n, BIGINT]], '1970-01-01 00:01:00'],
])('%s gives %s of %j', (fn, type, args, expected) => {
  expect(evaluate(fn, type, ...args)).toEqual(expected);
});

test.each([
  ['YEAR', '1969-01-01T00:00:00', '1970-01-01T00:00:00', 1969n],
  ['QUARTER', '1969-10-01T00:00:00', '1970-01-01T00:00:00', 4n],
  ['MONTH', '1969-12-01T00:00:00', '1970-01-01T00:00:00', 12n],
  ['WEEK', '1969-12-28T00:00:00', '1970-01-04T00:00:00', 1n],
  ['DAY', '1969-12-31T00:00:00', '1970-01-01T00:00:00', 31n],
  ['HOUR', '1969-12-31T22:00:00', '1969-12-31T23:00:00', 22n],
  ['MINUTE', '1969-12-31T22:33:00', '1969-12-31T22:34:00', 33n],
])('FLOOR, CEIL and EXTRACT of %s hold before 1970', (unit, floor, ceil, part) => {
  const moment: [CellValue, SqlType] = [ts('1969-12-31T22:33:44.555'), TIMESTAMP];
  const fields: Schema = [{ name: 't', type: TIMESTAMP }];
  const batch = fromRows(fields, [[moment[0]]]);
  const value = (expr: Expr): CellValue =>
    cell(
      {
        schema: [{ name: 'r', type: expr.type }],
        rows: 1,
        columns: [compileExpression(expr, fields)(batch)],
        kinds: null,
      },
      0,
      0,
    );
  const unitLiteral = lit(unit, STRING);
  expect(value(call('FLOOR_TIME', TIMESTAMP, col(0, TIMESTAMP), unitLiteral))).toBe(ts(floor));
  expect(value(call('CEIL_TIME', TIMESTAMP, col(0, TIMESTAMP), unitLiteral))).toBe(ts(ceil));
  expect(value(call('EXTRACT', BIGINT, unitLiteral, col(0, TIMESTAMP)))).toBe(part);
});

test('text that cannot be converted fails with the text and the type', () => {
  expect(() => evaluate('CAST', INT, ['twelve', STRING])).toThrow("cannot cast 'twelve' to INT");
});

test('the clock is the one passed in', () => {
  const batch = fromRows([{ name: 'x', type: INT }], [[0]]);
  const expr = call('CURRENT_TIMESTAMP', TIMESTAMP);
  expect(compileExpression(expr, batch.schema, { now: () => 42 })(batch)).toMatchObject({
    values: Float64Array.of(42),
  });
});
