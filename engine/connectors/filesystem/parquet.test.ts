// Parquet against DuckDB, which writes the files and reads them too; and damaged files, which give an error that names the file or the right row count.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBTimeValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampValue,
  type DuckDBConnection,
  type DuckDBValue,
} from '@duckdb/node-api';
import fc from 'fast-check';
import { toRows, type CellValue } from '../../columnar/batch.ts';
import { EngineError } from '../../errors.ts';
import { sqlType, type Schema, type SqlType } from '../../plan/types.ts';
import type { SourceSplit } from '../connector.ts';
import { sourceConnector } from '../registry.ts';
import { readAll, readerContext, tableOf, withDirectory } from '../testing.ts';

const time: SqlType = { root: 'TIME', nullable: true, precision: 3 };
const small: SqlType = { root: 'SMALLINT', nullable: true };
const float: SqlType = { root: 'FLOAT', nullable: true };

/** Columns as SQL over the row number `i`, whose hash is h(i, salt), in DuckDB's type and ours. */
const columns: [name: string, sql: string, type: SqlType][] = [
  ['flag', 'h(i, 0) % 3 = 0', sqlType.boolean()],
  ['tiny', '(h(i, 0) % 100)::SMALLINT - 50::SMALLINT', small],
  ['whole', '(h(i, 1) % 4294967296 - 2147483648)::INTEGER', sqlType.int()],
  ['code', '(h(i, 2) % 17)::INTEGER', sqlType.int()],
  ['big', 'h(i, 3) - 2305843009213693952', sqlType.bigint()],
  ['near', '(1000000000000 + i * 7 + h(i, 4) % 5)::BIGINT', sqlType.bigint()],
  ['wide', '(h(i, 5) % 1000)::INTEGER', sqlType.bigint()],
  ['single', '(h(i, 6) % 100000)::FLOAT / 7', float],
  ['double', 'h(i, 7)::DOUBLE / 1e9', sqlType.double()],
  ['from_single', '(h(i, 8) % 50)::FLOAT / 4', sqlType.double()],
  ['low', "['', 'é', 'Google', 'a longer one'][1 + (h(i, 9) % 4)::INTEGER]", sqlType.string()],
  ['high', "'key-' || h(i, 10)::VARCHAR || repeat('x', (i % 40)::INTEGER)", sqlType.string()],
  ['day', "DATE '1969-01-01' + (h(i, 11) % 40000)::INTEGER", sqlType.date()],
  ['at_micros', "TIMESTAMP '1960-01-01' + to_microseconds(h(i, 12) % 3000000000000000)", sqlType.timestamp(3)],
  ['at_millis', "(TIMESTAMP '2026-01-01' + to_milliseconds(i * 250))::TIMESTAMP_MS", sqlType.timestamp(3)],
  [
    'at_nanos',
    "(TIMESTAMP '1965-01-01' + to_microseconds(h(i, 13) % 300000000000000))::TIMESTAMP_NS",
    sqlType.timestamp(3),
  ],
  ['tod', "TIME '00:00:00' + to_milliseconds(h(i, 14) % 86400000)", time],
  ['cents', '((h(i, 15) % 1999999999)::DOUBLE / 100 - 9999999)::DECIMAL(9, 2)', sqlType.decimal(9, 2)],
  ['money', '((h(i, 16) % 1000000000000)::DOUBLE - 500000000000)::DECIMAL(18, 4)', sqlType.decimal(18, 4)],
  ['nothing', 'NULL::VARCHAR', sqlType.string()],
  ['no_number', 'NULL::BIGINT', sqlType.bigint()],
];
const schema: Schema = columns.map(([name, , type]) => ({ name, type }));

/** Rows of the test's table: 6000 in all, NULLs scattered, in runs, and none at all in rows 2100 to 4999. */
const source = (rows: number): string =>
  `SELECT ${columns
    .map(
      ([name, sql], index) =>
        `CASE WHEN (i < 2100 OR i >= 5000) AND (h(i, ${index} + 100) % 9 = 0 OR i % 500 < 20) THEN NULL ELSE ${sql} END AS ${name}`,
    )
    .join(', ')} FROM range(${rows}) t(i)`;

async function withDuckDB<T>(body: (connection: DuckDBConnection, directory: string) => Promise<T>): Promise<T> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run('CREATE MACRO h(i, salt) AS (hash(i, salt) >> 2)::BIGINT');
  try {
    return await withDirectory((directory) => body(connection, directory));
  } finally {
    connection.closeSync();
  }
}

const floorTo = (value: bigint, divisor: bigint): number =>
  Number((value - (((value % divisor) + divisor) % divisor)) / divisor);

/** DuckDB's value as the cell that we should have read. */
function cellOf(value: DuckDBValue, type: SqlType): CellValue {
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimestampValue) return floorTo(value.micros, 1000n);
  if (value instanceof DuckDBTimestampMillisecondsValue) return Number(value.millis);
  if (value instanceof DuckDBTimestampNanosecondsValue) return floorTo(value.nanos, 1_000_000n);
  if (value instanceof DuckDBTimeValue) return floorTo(value.micros, 1000n);
  if (value instanceof DuckDBDecimalValue) return value.value;
  return type.root === 'BIGINT' && typeof value === 'number' ? BigInt(value) : (value as CellValue);
}

async function duckdbRows(connection: DuckDBConnection, sql: string): Promise<CellValue[][]> {
  const answer = await connection.runAndReadAll(sql);
  return answer.getRows().map((row) => row.map((value, index) => cellOf(value, schema[index]!.type)));
}

/** As toEqual, which is slow on many rows. */
function expectSame(rows: CellValue[][], expected: CellValue[][]): void {
  expect(rows.length).toBe(expected.length);
  const wrong = rows.findIndex((row, index) => !row.every((value, at) => Object.is(value, expected[index]![at])));
  if (wrong >= 0) expect(rows[wrong]).toEqual(expected[wrong]);
  expect(wrong).toBe(-1);
}

test.each([
  ['uncompressed', 'V1'],
  ['snappy', 'V1'],
  ['zstd', 'V1'],
  ['gzip', 'V1'],
  ['brotli', 'V1'],
  ['uncompressed', 'V2'],
  ['snappy', 'V2'],
  ['zstd', 'V2'],
  ['gzip', 'V2'],
])('every type reads as DuckDB reads it: %s, pages %s', async (codec, version) => {
  await withDuckDB(async (connection, directory) => {
    const path = join(directory, 'rows.parquet');
    await connection.run(
      `COPY (${source(6000)}) TO '${path}' (FORMAT parquet, CODEC '${codec}', PARQUET_VERSION ${version}, ROW_GROUP_SIZE 2048)`,
    );
    const expected = await duckdbRows(connection, `SELECT * FROM '${path}'`);
    const table = tableOf(schema, { path, format: 'parquet' });
    const connector = sourceConnector(table);
    const splits = await connector.discoverSplits(table);
    expect(splits.length).toBeGreaterThan(2);
    const rows = readAll(connector.createReader(readerContext(table)), splits);
    expectSame(rows, expected);
  });
});

/** Reads `splits`, of which each batch may be the last one of its reader: the next reader goes on from the snapshot. */
function readWithRestores(
  table: ReturnType<typeof tableOf>,
  splits: SourceSplit[],
  restores: boolean[],
): CellValue[][] {
  const connector = sourceConnector(table);
  const rows: CellValue[][] = [];
  let left = splits;
  for (let step = 0; left.length > 0; step++) {
    const reader = connector.createReader(readerContext(table));
    for (const split of left) reader.addSplit(split);
    left = [];
    for (let batch = reader.poll(); batch !== null; batch = reader.poll()) {
      rows.push(...toRows(batch));
      if (restores[step % restores.length] !== true) continue;
      left = reader.snapshot();
      break;
    }
    reader.close();
  }
  return rows;
}

test('restored at any batch, and from any row within a row group, the rows are the same', async () => {
  await withDuckDB(async (connection, directory) => {
    const path = join(directory, 'rows.parquet');
    await connection.run(
      `COPY (${source(30_000)}) TO '${path}' (FORMAT parquet, CODEC 'snappy', ROW_GROUP_SIZE 20000)`,
    );
    const picked = ['low', 'high', 'big', 'code', 'cents'];
    const table = tableOf(
      schema.filter((field) => picked.includes(field.name)),
      { path, format: 'parquet' },
    );
    const connector = sourceConnector(table);
    const splits = await connector.discoverSplits(table);
    const all = readAll(connector.createReader(readerContext(table)), splits);
    const whole = (await connection.runAndReadAll(`SELECT count(*) FROM '${path}'`)).getRows()[0]![0];
    expect(BigInt(all.length)).toBe(whole);
    for (const restores of [[true], [false], [false, true], [true, true, false]])
      expectSame(readWithRestores(table, splits, restores), all);
    const first = splits[0]!;
    const groupRows = readAll(connector.createReader(readerContext(table)), [first]).length;
    fc.assert(
      fc.property(fc.nat(groupRows), (row) => {
        const split = { ...first, position: { ...first.position, row } };
        expectSame(readAll(connector.createReader(readerContext(table)), [split]), all.slice(row, groupRows));
      }),
      { numRuns: 12, examples: [[0], [8192], [groupRows - 1], [groupRows]] },
    );
  });
});

test('a column that a file lacks is NULL there; one that no file has, or that is NOT NULL, is an error', async () => {
  await withDuckDB(async (connection, directory) => {
    await connection.run(`COPY (SELECT 1 AS a) TO '${join(directory, 'old.parquet')}' (FORMAT parquet)`);
    await connection.run(
      `COPY (SELECT 2 AS a, 'x' AS later) TO '${join(directory, 'young.parquet')}' (FORMAT parquet)`,
    );
    const read = async (fields: Schema): Promise<CellValue[][]> => {
      const table = tableOf(fields, { path: directory, format: 'parquet' });
      const connector = sourceConnector(table);
      return readAll(connector.createReader(readerContext(table)), await connector.discoverSplits(table));
    };
    const a = { name: 'a', type: sqlType.int() };
    expect(await read([a, { name: 'later', type: sqlType.string() }])).toEqual([
      [1, null],
      [2, 'x'],
    ]);
    await expect(read([a, { name: 'latter', type: sqlType.string() }])).rejects.toMatchObject({
      code: 'PARQUET_SCHEMA',
      message: 'table t: none of its 2 files has a column latter',
    });
    await expect(read([a, { name: 'later', type: sqlType.string(false) }])).rejects.toThrow(
      'old.parquet has no column later, which is declared NOT NULL',
    );
  });
});

test('a declared type that the file does not have is refused by name, before any row is read', async () => {
  await withDuckDB(async (connection, directory) => {
    const path = join(directory, 'rows.parquet');
    await connection.run(`COPY (${source(100)}) TO '${path}' (FORMAT parquet)`);
    const wrong: Record<string, SqlType> = {
      flag: sqlType.int(),
      big: sqlType.int(),
      double: float,
      low: sqlType.bigint(),
      day: sqlType.int(),
      at_micros: sqlType.bigint(),
      cents: sqlType.decimal(9, 3),
      tod: sqlType.timestamp(3),
    };
    for (const [name, type] of Object.entries(wrong)) {
      const table = tableOf([{ name, type }], { path, format: 'parquet' });
      const error: unknown = await sourceConnector(table)
        .discoverSplits(table)
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'PARQUET_SCHEMA', position: { file: path } });
      expect((error as Error).message).toMatch(new RegExp(`rows.parquet: column ${name} is .*, declared as`));
    }
    const narrow = tableOf([{ name: 'money', type: sqlType.decimal(9, 4) }], { path, format: 'parquet' });
    const splits = await sourceConnector(narrow).discoverSplits(narrow);
    expect(() => readAll(sourceConnector(narrow).createReader(readerContext(narrow)), splits)).toThrow(
      /column money, .*more digits than DECIMAL\(9, 4\) holds/,
    );
  });
});

/** Number of rows read from the file, or the error, which names the file and is none of the language's own. */
async function outcome(path: string): Promise<number | EngineError> {
  const table = tableOf(schema, { path, format: 'parquet' });
  const connector = sourceConnector(table);
  const reader = connector.createReader(readerContext(table));
  try {
    let rows = 0;
    for (const split of await connector.discoverSplits(table)) reader.addSplit(split);
    for (let batch = reader.poll(); batch !== null; batch = reader.poll()) {
      rows += batch.rows;
      toRows(batch);
    }
    return rows;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(error.position?.file).toBe(path);
    expect(error.message).toContain(basename(path));
    if (error.code !== 'PARQUET_SCHEMA') expect(error.code).toBe('PARQUET_CORRUPT');
    return error;
  } finally {
    reader.close();
  }
}

test.each([
  ['uncompressed', 'V1'],
  ['snappy', 'V1'],
  ['uncompressed', 'V2'],
  ['zstd', 'V2'],
])('damaged files (%s, pages %s) give an error that names them, or all of their rows', async (codec, version) => {
  await withDuckDB(async (connection, directory) => {
    const path = join(directory, 'rows.parquet');
    const rows = 300;
    await connection.run(
      `COPY (${source(rows)}) TO '${path}' (FORMAT parquet, CODEC '${codec}', PARQUET_VERSION ${version})`,
    );
    const bytes = readFileSync(path);
    expect(await outcome(path)).toBe(rows);
    const footer = bytes.readUInt32LE(bytes.length - 8);
    const flip = fc.record({
      // Half of them in the footer, where a byte does most.
      at: fc.oneof(fc.nat(bytes.length - 1), fc.integer({ min: bytes.length - footer - 8, max: bytes.length - 1 })),
      bits: fc.integer({ min: 1, max: 255 }),
    });
    const damaged = join(directory, 'damaged.parquet');
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 3 }), async (flips) => {
        const copy = Buffer.from(bytes);
        for (const { at, bits } of flips) copy[at]! ^= bits;
        writeFileSync(damaged, copy);
        const answer = await outcome(damaged);
        if (!(answer instanceof EngineError)) expect(answer).toBe(rows);
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        writeFileSync(damaged, bytes.subarray(0, length));
        expect(await outcome(damaged)).toMatchObject({ code: 'PARQUET_CORRUPT' });
      }),
      { numRuns: 60, examples: [[0], [1], [11], [12], [bytes.length - 1]] },
    );
    // The footer stays: pages are missing from the middle, or only what we do not read (bloom filters).
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length - footer - 9 }), async (length) => {
        writeFileSync(damaged, Buffer.concat([bytes.subarray(0, length), bytes.subarray(bytes.length - footer - 8)]));
        const answer = await outcome(damaged);
        if (!(answer instanceof EngineError)) expect(answer).toBe(rows);
      }),
      { numRuns: 40 },
    );
  });
});

test('what is no Parquet file at all is refused by name', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'rows.parquet');
    for (const content of ['', 'PAR1', 'PAR1PAR1PAR1', 'a,b\n1,2\n'.repeat(100), `PAR1${'\0'.repeat(50)}PAR1`]) {
      writeFileSync(path, content);
      expect(await outcome(path)).toMatchObject({ code: 'PARQUET_CORRUPT', position: { file: path } });
    }
  });
});
