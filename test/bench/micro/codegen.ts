// Rows per second of generated code over warm batches, one core: `node test/bench/micro/codegen.ts`.
import { compileCalc } from '../../../engine/codegen/calc.ts';
import { compilePartitioner } from '../../../engine/codegen/partition.ts';
import { BATCH_ROWS, fromRows, type ColumnBatch } from '../../../engine/columnar/batch.ts';
import { gather } from '../../../engine/columnar/select.ts';
import type { Expr } from '../../../engine/plan/exec-plan.ts';
import { sqlType, type Schema, type SqlType } from '../../../engine/plan/types.ts';

const [INT, BIGINT, DOUBLE, STRING, BOOLEAN] = [
  sqlType.int(),
  sqlType.bigint(),
  sqlType.double(),
  sqlType.string(),
  sqlType.boolean(),
];
const DECIMAL = sqlType.decimal(12, 2);
const TIMESTAMP = sqlType.timestamp(3);
const schema: Schema = [
  { name: 'auction', type: INT },
  { name: 'price', type: BIGINT },
  { name: 'distance', type: DOUBLE },
  { name: 'origin', type: STRING },
  { name: 'amount', type: DECIMAL },
  { name: 'time', type: TIMESTAMP },
];
const call = (fn: string, type: SqlType, ...args: Expr[]): Expr => ({ kind: 'call', fn, args, type });
const col = (index: number): Expr => ({ kind: 'column', index, type: schema[index]!.type });
const lit = (value: number | string, type: SqlType): Expr => ({ kind: 'literal', value, type });

function makeBatch(nulls: boolean): ColumnBatch {
  const rows = Array.from({ length: BATCH_ROWS }, (_, i) => [
    nulls && i % 10 === 0 ? null : (i * 7919) % 100_000,
    nulls && i % 10 === 1 ? null : BigInt((i * 104_729) % 1_000_000),
    nulls && i % 10 === 2 ? null : i * 0.5,
    nulls && i % 10 === 3 ? null : `airport ${i % 300}`,
    nulls && i % 10 === 4 ? null : BigInt(i),
    nulls && i % 10 === 5 ? null : 1_700_000_000_000 + i * 1000,
  ]);
  const plain = fromRows(schema, rows);
  const firsts = Int32Array.from({ length: BATCH_ROWS }, (_, i) => i % 300);
  // The airports as codes of a dictionary of 300 entries.
  const dictionary = gather(fromRows([schema[3]!], rows.slice(0, 300)), firsts).columns[0]!;
  return {
    ...plain,
    columns: plain.columns.map((column, i) => (i === 3 ? { ...dictionary, validity: column.validity } : column)),
  };
}

const calc = (condition: Expr | null, projections: Expr[]): ((batch: ColumnBatch) => unknown) =>
  compileCalc({
    type: 'Calc',
    id: '',
    uid: '',
    name: '',
    input: null,
    inputSchema: schema,
    outputSchema: projections.map((expr, i) => ({ name: `c${i}`, type: expr.type })),
    condition,
    projections,
  });

const origin = col(3);
const late = call('>', BOOLEAN, col(1), lit('500000', BIGINT));
const cases: [string, () => (batch: ColumnBatch) => unknown][] = [
  ['BIGINT * 908', () => calc(null, [call('*', BIGINT, col(1), lit('908', BIGINT))])],
  ['INT + 1', () => calc(null, [call('+', INT, col(0), lit(1, INT))])],
  ['CAST(INT AS BIGINT)', () => calc(null, [call('CAST', BIGINT, col(0))])],
  ['CAST(BIGINT AS DOUBLE)', () => calc(null, [call('CAST', DOUBLE, col(1))])],
  [
    'MOD(auction, 123) = 0, 3 columns',
    () => calc(call('=', BOOLEAN, call('MOD', INT, col(0), lit(123, INT)), lit(0, INT)), [col(0), col(1), col(2)]),
  ],
  ['price > 500000 (half), 4 columns', () => calc(late, [col(0), col(1), col(2), col(3)])],
  [
    '4 expressions',
    () =>
      calc(null, [
        call('*', BIGINT, col(1), lit('2', BIGINT)),
        call('+', INT, col(0), lit(1, INT)),
        call('/', DOUBLE, col(2), lit(3, DOUBLE)),
        call('-', DOUBLE, col(2), lit(1, DOUBLE)),
      ]),
  ],
  ['DECIMAL + DECIMAL', () => calc(null, [call('+', sqlType.decimal(13, 2), col(4), col(4))])],
  ["origin = 'airport 7'", () => calc(call('=', BOOLEAN, origin, lit('airport 7', STRING)), [col(0)])],
  ['UPPER(origin)', () => calc(null, [call('UPPER', STRING, origin)])],
  [
    "CASE WHEN price > 500000 THEN 'a' ELSE 'b'",
    () => calc(null, [call('CASE', STRING, late, lit('a', STRING), lit('b', STRING))]),
  ],
  ['origin || CAST(auction AS STRING)', () => calc(null, [call('||', STRING, origin, call('CAST', STRING, col(0)))])],
  ['FLOOR(time TO HOUR)', () => calc(null, [call('FLOOR_TIME', TIMESTAMP, col(5), lit('HOUR', STRING))])],
  ['partition by BIGINT, 4 targets, 6 columns', () => partition([1])],
  ['partition by STRING, 4 targets, 6 columns', () => partition([3])],
];

function partition(keys: number[]): (batch: ColumnBatch) => unknown {
  const split = compilePartitioner(schema, keys, 4);
  return (batch) => split(batch, () => undefined);
}

function rate(run: (batch: ColumnBatch) => unknown, batch: ColumnBatch): number {
  let best = 0;
  for (let round = 0; round < 4; round++) {
    const start = performance.now();
    let rows = 0;
    while (performance.now() - start < 100) {
      for (let i = 0; i < 10; i++) run(batch);
      rows += 10 * batch.rows;
    }
    best = Math.max(best, rows / (performance.now() - start) / 1000);
  }
  return best;
}

const [full, holed] = [makeBatch(false), makeBatch(true)];
console.log('million rows/s'.padEnd(50), 'no NULLs'.padStart(9), 'NULLs'.padStart(9));
for (const [name, make] of cases)
  console.log(name.padEnd(50), rate(make(), full).toFixed(0).padStart(9), rate(make(), holed).toFixed(0).padStart(9));
