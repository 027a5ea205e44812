// TUMBLE windows against a Map: out of order, late, across restores at another parallelism, as stream and as batch.
import fc from 'fast-check';
import { fromRows, toRows, type CellValue } from '../columnar/batch.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import { createOperator } from './create.ts';
import {
  ACCUMULATORS,
  Collector,
  INPUT,
  KEYS,
  reference,
  rowsArbitrary,
  Subtasks,
  textOf,
  toBatches,
  TS,
  windowSpec,
} from './harness.ts';
import { MAX_WATERMARK, MIN_WATERMARK } from './operator.ts';

const SPAN = 1000;
const COUNT = ACCUMULATORS.slice(0, 1);
const cuts = fc.array(fc.nat(1000), { maxLength: 6 });
const parallelism = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(64, 127, 128) },
);
const windows = fc.tuple(
  fc.constantFrom(...KEYS),
  fc.constantFrom(1, 7, 100, 250, SPAN),
  fc.integer({ min: -9, max: 9 }),
);

function rowAt(ts: number | null, id = 1n): CellValue[] {
  return INPUT.map((field) => (field.name === 'ts' ? ts : field.name === 'id' ? id : null));
}

describe('TUMBLE', () => {
  test('as a batch gives what a Map gives', () => {
    fc.assert(
      fc.property(windows, rowsArbitrary(SPAN), cuts, parallelism, ([keys, size, offset], rows, at, subtasks) => {
        const spec = windowSpec(keys, size, offset);
        const run = new Subtasks(spec, 'BATCH', subtasks);
        for (const batch of toBatches(rows, at)) run.process(batch);
        run.watermark(MAX_WATERMARK);
        run.finish();
        expect(run.outputs[0]!.rows.map(textOf).sort()).toEqual(reference(spec, rows));
      }),
      { numRuns: 60 },
    );
  });

  test('as a stream gives the same rows but for late ones, across a restore at another parallelism', async () => {
    await fc.assert(
      fc.asyncProperty(
        windows,
        rowsArbitrary(SPAN),
        cuts,
        fc.tuple(parallelism, parallelism),
        fc.nat(6),
        fc.constantFrom(0, 50, SPAN),
        fc.constantFrom<'PAGES' | 'SECTIONS'>('PAGES', 'SECTIONS'),
        async ([keys, size, offset], rows, at, [before, after], snapshotAt, delay, form) => {
          const spec = windowSpec(keys, size, offset);
          let run = new Subtasks(spec, 'STREAMING', before);
          let watermark = MIN_WATERMARK;
          const onTime: CellValue[][] = [];
          for (const [i, batch] of toBatches(rows, at).entries()) {
            if (i === snapshotAt) run = await run.rescale(after, 'STREAMING', { form });
            run.process(batch);
            const cells = toRows(batch);
            const endOf = (ts: number): number => (Math.floor((ts - offset) / size) + 1) * size + offset;
            onTime.push(...cells.filter((row) => endOf(Number(row[TS])) - 1 > watermark));
            watermark = Math.max(watermark, ...cells.map((row) => Number(row[TS]) - delay - 1));
            run.watermark(watermark);
          }
          run.watermark(MAX_WATERMARK);
          run.finish();
          expect(run.outputs[0]!.rows.map(textOf).sort()).toEqual(reference(spec, onTime));
          expect(run.outputs[0]!.late).toBe(rows.length - onTime.length);
        },
      ),
      { numRuns: 80 },
    );
  });

  test('state taken from a stream is finished by a batch, and the other way round', async () => {
    await fc.assert(
      fc.asyncProperty(
        windows,
        rowsArbitrary(SPAN),
        cuts,
        fc.nat(6),
        fc.boolean(),
        async ([keys, size, offset], rows, at, cut, first) => {
          const spec = windowSpec(keys, size, offset);
          let run = new Subtasks(spec, first ? 'STREAMING' : 'BATCH', 2);
          for (const [i, batch] of toBatches(rows, at).entries()) {
            if (i === cut) run = await run.rescale(3, first ? 'BATCH' : 'STREAMING');
            run.process(batch);
          }
          run.watermark(MAX_WATERMARK);
          run.finish();
          expect(run.outputs[0]!.rows.map(textOf).sort()).toEqual(reference(spec, rows));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('fires at end - 1, in order of the ends, before it passes the watermark on', () => {
    const collector = new Collector();
    const operator = createOperator(windowSpec(['id'], 10, 0, COUNT), collector.context('STREAMING'));
    operator.processBatch(fromRows(INPUT, [rowAt(25), rowAt(5), rowAt(15), rowAt(9), rowAt(-1)]), collector);
    operator.processWatermark(8, collector);
    expect(collector.rows).toEqual([[1n, 1n, -10, 0, -1]]);
    operator.processWatermark(19, collector);
    expect(collector.rows.slice(1)).toEqual([
      [1n, 2n, 0, 10, 9],
      [1n, 1n, 10, 20, 19],
    ]);
    expect(collector.watermarks).toEqual([8, 19]);
    operator.processBatch(fromRows(INPUT, [rowAt(19), rowAt(20)]), collector);
    expect(collector.late).toBe(1);
    operator.processWatermark(29, collector);
    expect(collector.rows.slice(3)).toEqual([[1n, 2n, 20, 30, 29]]);
  });

  test('emits a large window in batches of 8192 rows', () => {
    const collector = new Collector();
    const operator = createOperator(windowSpec(['id'], 10, 0, COUNT), collector.context('STREAMING'));
    operator.processBatch(
      fromRows(
        INPUT,
        Array.from({ length: 10_000 }, (_, i) => rowAt(3, BigInt(i))),
      ),
      collector,
    );
    operator.processWatermark(MAX_WATERMARK, collector);
    expect(collector.batches.map(({ rows }) => rows)).toEqual([8192, 1808]);
    expect(new Set(collector.rows.map((cells) => cells[0])).size).toBe(10_000);
  });

  test('refuses a row without event time and names the column', () => {
    const operator = createOperator(windowSpec(['id'], 10), new Collector().context('STREAMING'));
    expect(() => operator.processBatch(fromRows(INPUT, [rowAt(1), rowAt(null)]), new Collector())).toThrow(
      expect.objectContaining({
        code: 'ROWTIME_NULL',
        message: expect.stringContaining('event time ts') as string,
      }) as Error,
    );
  });

  test('is restored with the lowest watermark of all subtasks', async () => {
    const spec = windowSpec(['id'], 10, 0, COUNT);
    const collector = new Collector();
    const snapshots = [35, 20].map((watermark) => {
      const operator = createOperator(spec, collector.context('STREAMING'));
      operator.processWatermark(watermark, collector);
      return operator.snapshot()!;
    });
    const restored = createOperator(spec, collector.context('STREAMING'));
    await restored.restore({
      stateSchema: snapshots[0]!.stateSchema,
      keyed: [],
      keyGroups: keyGroupRange(0, 1),
      union: snapshots.flatMap(({ union }) => union),
    });
    restored.processBatch(fromRows(INPUT, [rowAt(19), rowAt(25)]), collector);
    expect(collector.late).toBe(1);
    restored.processWatermark(40, collector);
    expect(collector.rows).toEqual([[1n, 1n, 20, 30, 29]]);
  });
});
