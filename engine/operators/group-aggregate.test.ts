// GROUP BY against a Map, as batch and stream, at changing parallelism, and against DuckDB.
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { fromRows, RowKind, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import {
  ACCUMULATORS,
  Collector,
  groupSpec,
  INPUT,
  KEYS,
  reference,
  rowsArbitrary,
  Subtasks,
  textOf,
  toBatches,
} from './harness.ts';
import { createOperator } from './create.ts';
import { HELD_GROUPS } from './group-aggregate.ts';

const keysArbitrary = fc.constantFrom(...KEYS);
const cuts = fc.array(fc.nat(1000), { maxLength: 6 });
const parallelism = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(64, 127, 128) },
);

/** The table that a changelog leads to. Fails when a retraction does not match what stands there. */
function materialise(collector: Collector, keyCount: number): string[] {
  const table = new Map<string, string>();
  collector.rows.forEach((row, i) => {
    const key = textOf(row.slice(0, keyCount));
    const kind = collector.kinds[i];
    if (kind === RowKind.INSERT) expect(table.has(key)).toBe(false);
    else if (kind === RowKind.UPDATE_BEFORE) expect(table.get(key)).toBe(textOf(row));
    else {
      expect(kind).toBe(RowKind.UPDATE_AFTER);
      expect(collector.kinds[i - 1]).toBe(RowKind.UPDATE_BEFORE);
      expect(textOf(row)).not.toBe(table.get(key));
    }
    table.set(key, textOf(row));
  });
  return [...table.values()].sort();
}

describe('GROUP BY', () => {
  test('as a batch gives what a Map gives, for every kind of key', () => {
    fc.assert(
      fc.property(keysArbitrary, rowsArbitrary(10), cuts, parallelism, (keys, rows, at, subtasks) => {
        const spec = groupSpec(keys);
        const run = new Subtasks(spec, 'BATCH', subtasks);
        for (const batch of toBatches(rows, at)) run.process(batch);
        run.finish();
        const expected = reference(spec, rows);
        if (keys.length > 0 || rows.length > 0) expect(run.outputs[0]!.rows.map(textOf).sort()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('as a stream leads to the same table, whenever it flushes, across a restore at another parallelism', async () => {
    await fc.assert(
      fc.asyncProperty(
        keysArbitrary,
        rowsArbitrary(10),
        cuts,
        fc.tuple(parallelism, parallelism),
        fc.nat(6),
        fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
        fc.constantFrom<'PAGES' | 'SECTIONS'>('PAGES', 'SECTIONS'),
        async (keys, rows, at, [before, after], snapshotAt, flushAfter, form) => {
          const spec = groupSpec(keys);
          let run = new Subtasks(spec, 'STREAMING', before);
          for (const [i, batch] of toBatches(rows, at).entries()) {
            if (i === snapshotAt) run = await run.rescale(after, 'STREAMING', { form });
            run.process(batch);
            if (flushAfter[i] === true) run.flush();
          }
          run.finish();
          expect(materialise(run.outputs[0]!, keys.length)).toEqual(reference(spec, rows));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('changes each key at most once between two flushes, however many batches come', () => {
    const collector = new Collector();
    const operator = createOperator(groupSpec(['id']), collector.context('STREAMING'));
    const row = (id: bigint | null, amount: bigint): CellValue[] =>
      INPUT.map((field) =>
        field.name === 'id' ? id : field.name === 'amount' ? amount : field.name === 'ts' ? 0 : null,
      );
    operator.processBatch(fromRows(INPUT, [row(1n, 1n), row(null, 2n), row(1n, 3n)]), collector);
    operator.processBatch(fromRows(INPUT, [row(null, 1n)]), collector);
    expect(collector.kinds).toEqual([]);
    expect(operator.pending).toBe(true);
    operator.flush!(collector);
    expect(operator.pending).toBe(false);
    expect(collector.kinds).toEqual([RowKind.INSERT, RowKind.INSERT]);
    operator.processBatch(fromRows(INPUT, [row(1n, 1n), row(2n, 2n)]), collector);
    operator.processBatch(fromRows(INPUT, [row(2n, 2n), row(1n, 3n)]), collector);
    operator.flush!(collector);
    expect(collector.kinds.slice(2)).toEqual([RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER, RowKind.INSERT]);
    operator.flush!(collector);
    expect(collector.kinds).toHaveLength(5);
  });

  const counts = groupSpec(['id'], ACCUMULATORS.slice(0, 1));
  const ids = (from: number, count: number): ColumnBatch =>
    fromRows(
      INPUT,
      Array.from({ length: count }, (_, i) =>
        INPUT.map((f) => (f.name === 'id' ? BigInt(from + i) : f.name === 'ts' ? 0 : null)),
      ),
    );

  test('lets no watermark overtake changes that it holds back', () => {
    const collector = new Collector();
    const operator = createOperator(counts, collector.context('STREAMING'));
    operator.processWatermark(5, collector);
    expect(collector.watermarks).toEqual([5]);
    operator.processBatch(ids(0, 1), collector);
    operator.processWatermark(6, collector);
    operator.processWatermark(7, collector);
    expect([collector.watermarks, collector.rows]).toEqual([[5], []]);
    const passed: string[] = [];
    operator.flush!({ emit: () => passed.push('rows'), emitWatermark: (watermark) => passed.push(`${watermark}`) });
    expect(passed).toEqual(['rows', '7']);
  });

  test('holds back a bounded number of changes', () => {
    const collector = new Collector();
    const operator = createOperator(counts, collector.context('STREAMING'));
    const half = HELD_GROUPS / 2;
    operator.processBatch(ids(0, half), collector);
    expect(collector.batches).toEqual([]);
    operator.processBatch(ids(half, half), collector);
    expect(operator.pending).toBe(false);
    expect(collector.rows).toHaveLength(HELD_GROUPS);
  });

  test('refuses a snapshot that would hide changes', () => {
    const operator = createOperator(counts, new Collector().context('STREAMING'));
    operator.processBatch(ids(0, 1), new Collector());
    expect(() => operator.snapshot()).toThrow(/while changes are held back/);
  });

  test('tells nothing when values stay as they were', () => {
    const collector = new Collector();
    const spec = groupSpec(
      ['id'],
      ACCUMULATORS.filter(({ name }) => name === 'max(amount)'),
    );
    const operator = createOperator(spec, collector.context('STREAMING'));
    const batch = (amount: bigint): ColumnBatch =>
      fromRows(INPUT, [
        INPUT.map((f) => (f.name === 'id' ? 1n : f.name === 'amount' ? amount : f.name === 'ts' ? 0 : null)),
      ]);
    const process = (amount: bigint): void => {
      operator.processBatch(batch(amount), collector);
      operator.flush!(collector);
    };
    for (const amount of [5n, 5n, 3n, -9n]) process(amount);
    expect(collector.rows).toEqual([[1n, 5n]]);
    process(6n);
    expect(collector.rows.slice(1)).toEqual([
      [1n, 5n],
      [1n, 6n],
    ]);
  });

  test('without keys gives one row for no input in batch mode, by the first subtask only', () => {
    const spec = groupSpec([], ACCUMULATORS.slice(0, 3));
    const batch = new Subtasks(spec, 'BATCH', 3);
    batch.finish();
    expect(batch.outputs[0]!.rows).toEqual([[0n, 0n, null]]);
    const stream = new Subtasks(spec, 'STREAMING', 1);
    stream.finish();
    expect(stream.outputs[0]!.rows).toEqual([]);
  });

  test('emits many groups in batches of 8192 rows, and survives growth', () => {
    const collector = new Collector();
    const spec = groupSpec(['name', 'id'], ACCUMULATORS.slice(0, 3));
    const operator = createOperator(spec, collector.context('BATCH'));
    const row = (i: number): CellValue[] =>
      INPUT.map((f) => (f.name === 'id' ? BigInt(i) : f.name === 'name' ? `n${i % 100}` : f.name === 'ts' ? 0 : null));
    for (let from = 0; from < 20_000; from += 5000)
      for (let again = 0; again < 2; again++)
        operator.processBatch(
          fromRows(
            INPUT,
            Array.from({ length: 5000 }, (_, i) => row(from + i)),
          ),
          collector,
        );
    operator.finish(collector);
    expect(collector.batches.map(({ rows }) => rows)).toEqual([8192, 8192, 3616]);
    expect(new Set(collector.rows.map(textOf)).size).toBe(20_000);
    expect(collector.rows.every((cells) => cells[2] === 2n)).toBe(true);
  });

  test('refuses rows that are retracted', () => {
    const operator = createOperator(groupSpec(['id']), new Collector().context('STREAMING'));
    const rows = [INPUT.map((field) => (field.name === 'ts' ? 0 : null))];
    expect(() => operator.processBatch(fromRows(INPUT, rows, new Uint8Array([3])), new Collector())).toThrow(
      expect.objectContaining({ code: 'CHANGELOG_INPUT' }) as Error,
    );
  });

  test('fails when a DECIMAL sum outgrows its type', () => {
    const spec = groupSpec(
      [],
      ACCUMULATORS.filter(({ name }) => name === 'sum(price)'),
    );
    const collector = new Collector();
    const operator = createOperator(spec, collector.context('BATCH'));
    const row = (price: bigint): CellValue[] =>
      INPUT.map((f) => (f.name === 'price' ? price : f.name === 'ts' ? 0 : null));
    operator.processBatch(fromRows(INPUT, [row(9_999_999_998n), row(1n)]), collector);
    expect(() => operator.processBatch(fromRows(INPUT, [row(1n)]), collector)).toThrow(EngineError);
    operator.processBatch(fromRows(INPUT, [row(-2n), row(-9_999_999_999n)]), collector);
  });
});

describe('state of GROUP BY', () => {
  const rows = [
    INPUT.map((field, i): CellValue => (field.name === 'amount' ? 4n : i === 0 ? 9n : field.name === 'ts' ? 0 : null)),
  ];
  const named = (...names: string[]) => ACCUMULATORS.filter(({ name }) => names.includes(name));
  const started = (): Subtasks => {
    const run = new Subtasks(groupSpec(['id'], named('count(*)', 'sum(amount)', 'max(label)')), 'STREAMING', 2);
    run.process(fromRows(INPUT, rows));
    return run;
  };

  test('is matched by name: order does not matter, what is not asked for is dropped', async () => {
    const spec = groupSpec(['id'], named('sum(amount)', 'count(*)').toReversed());
    const run = await started().rescale(3, 'BATCH', { spec });
    run.finish();
    expect(run.outputs[0]!.rows.at(-1)).toEqual([9n, 4n, 1n]);
  });

  test('that lacks an accumulator is refused with its name, the operator and the remedy', async () => {
    const spec = groupSpec(['id'], named('count(*)', 'min(amount)'));
    await expect(started().rescale(1, 'STREAMING', { spec })).rejects.toThrow(
      expect.objectContaining({
        code: 'STATE_INCOMPATIBLE',
        message: expect.stringMatching(/agg:test:\[id\].*min\(amount\) is not in the savepoint/) as string,
        hint: 'remove it from the query, or start without state',
      }) as Error,
    );
  });

  test('under other keys is refused', async () => {
    const spec = groupSpec(['name'], named('count(*)'));
    await expect(started().rescale(1, 'STREAMING', { spec })).rejects.toThrow(/its keys are/);
  });
});

test('batch aggregates equal those of DuckDB on random data', async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  const names = [
    'count(*)',
    'count(label)',
    'min(amount)',
    'max(amount)',
    'sum(price)',
    'sum(weight)',
    'min(label)',
    'max(label)',
  ];
  const accumulators = ACCUMULATORS.filter(({ name }) => names.includes(name));
  const [rows] = fc.sample(rowsArbitrary(10, { minLength: 1500, maxLength: 2000 }), { numRuns: 1, seed: 20260 });
  const usable = rows!.filter((row) => !Number.isNaN(row[3]));
  const quote = (value: CellValue, i: number): string => {
    if (value === null) return 'NULL';
    if (typeof value === 'string') return `'${value.replaceAll("'", "''").replaceAll('\0', ' ')}'`;
    if (INPUT[i]!.name === 'price') return `${Number(value) / 100}`;
    return typeof value === 'number' ? `'${value}'::DOUBLE` : String(value);
  };
  const types =
    'id BIGINT, name VARCHAR, level INT, ratio DOUBLE, flag BOOLEAN, single FLOAT, amount BIGINT, price DECIMAL(10,2), weight DOUBLE, small SMALLINT, label VARCHAR, ts DOUBLE';
  await connection.run(`CREATE TABLE t (${types})`);
  await connection.run(`INSERT INTO t VALUES ${usable.map((row) => `(${row.map(quote).join(', ')})`).join(', ')}`);
  for (const keys of KEYS.filter((of) => !of.includes('single'))) {
    const run = new Subtasks(groupSpec(keys, accumulators), 'BATCH', 2);
    for (const batch of toBatches(usable, [100, 200, 300])) run.process(batch);
    run.finish();
    const columns = [
      ...keys,
      ...accumulators.map(({ name }) => (name === 'sum(price)' ? '(sum(price) * 100)::BIGINT' : name)),
    ];
    const groupBy = keys.length === 0 ? '' : `GROUP BY ${keys.join(', ')}`;
    const result = await connection.runAndReadAll(`SELECT ${columns.join(', ')} FROM t ${groupBy}`);
    const theirs = result
      .getRows()
      .map((row) => textOf(row as CellValue[]))
      .sort();
    expect(run.outputs[0]!.rows.map(textOf).sort()).toEqual(theirs);
  }
  connection.closeSync();
});
