// What the tests of connectors share: tables, contexts, arbitrary rows, and reading a source to its end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { systemClock } from '../clock.ts';
import { toRows, type CellValue } from '../columnar/batch.ts';
import type { TableSpec } from '../plan/exec-plan.ts';
import { sqlType, type Schema, type SqlType } from '../plan/types.ts';
import type { ReaderContext, SourceReader, SourceSplit, WriterContext } from './connector.ts';

/** A table of `connector` 'filesystem' unless the options say otherwise. */
export function tableOf(schema: Schema, options: Record<string, string>): TableSpec {
  const all = { connector: 'filesystem', ...options };
  return { name: 't', connector: all.connector, options: all, schema };
}

export function readerContext(table: TableSpec, more: Partial<ReaderContext> = {}): ReaderContext {
  const projection = more.projection ?? table.schema.map((_, index) => index);
  return {
    table,
    projection,
    outputSchema: projection.map((index) => table.schema[index]!),
    subtask: 0,
    parallelism: 1,
    now: () => 0,
    monotonic: () => 0,
    after: systemClock.after,
    count: () => undefined,
    wake: () => undefined,
    ...more,
  };
}

export function writerContext(table: TableSpec, more: Partial<WriterContext> = {}): WriterContext {
  return {
    table,
    subtask: 0,
    parallelism: 1,
    jobKey: 'job-1',
    attemptTag: '1',
    attempt: 0,
    operatorId: '0123456789abcdef0123456789abcdef',
    now: () => 0,
    count: () => undefined,
    print: () => undefined,
    ...more,
  };
}

/** Gives the reader all splits and polls until nothing comes. */
export function readAll(reader: SourceReader, splits: SourceSplit[]): CellValue[][] {
  for (const split of splits) reader.addSplit(split);
  const rows: CellValue[][] = [];
  for (let batch = reader.poll(); batch !== null; batch = reader.poll())
    for (const row of toRows(batch)) rows.push(row);
  return rows;
}

/** Runs `body` with a directory of its own, which is removed at the end. */
export async function withDirectory<T>(body: (directory: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'connectors-'));
  try {
    return await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'b', ',', '"', '\n', '\r\n', '\\', 'é', '😀', ' ', '#', '\t', '/'),
    maxLength: 12,
  }),
  fc.constantFrom('', 'null', 'NULL', 'x'.repeat(300), 'Google', 'Apple', '\u0001'),
);

const cells: [SqlType, fc.Arbitrary<CellValue>][] = [
  [sqlType.boolean(), fc.boolean()],
  [{ root: 'TINYINT', nullable: true }, fc.integer({ min: -128, max: 127 })],
  [{ root: 'SMALLINT', nullable: true }, fc.integer({ min: -32768, max: 32767 })],
  [sqlType.int(), fc.integer()],
  [
    sqlType.bigint(),
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -9999n, max: 9999n })),
  ],
  [{ root: 'FLOAT', nullable: true }, fc.float({ noNaN: true })],
  [
    sqlType.double(),
    fc.oneof(
      fc.double({ noNaN: true }),
      fc.integer().map((n) => n / 100),
    ),
  ],
  [sqlType.decimal(18, 0), fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n })],
  [sqlType.decimal(9, 3), fc.bigInt({ min: -999999999n, max: 999999999n })],
  [sqlType.date(), fc.integer({ min: -700000, max: 2900000 })],
  [{ root: 'TIME', nullable: true, precision: 3 }, fc.integer({ min: 0, max: 86399999 })],
  [sqlType.timestamp(3), fc.integer({ min: -62135596800000, max: 253402300799999 })],
  [{ root: 'TIMESTAMP_LTZ', nullable: true, precision: 3 }, fc.integer({ min: 0, max: 4102444800000 })],
  [sqlType.string(), text],
];

/** A schema of one to eight columns with rows that fit it, NULLs among them. */
export function tables(): fc.Arbitrary<{ schema: Schema; rows: CellValue[][] }> {
  return fc.array(fc.constantFrom(...cells), { minLength: 1, maxLength: 8 }).chain((chosen) =>
    fc.record({
      schema: fc.constant(chosen.map(([type], index) => ({ name: `c${index}`, type }))),
      rows: fc.array(fc.tuple(...chosen.map(([, value]) => fc.option(value, { nil: null, freq: 6 }))), {
        maxLength: 60,
      }),
    }),
  );
}
