import { fromRows, toRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { sqlType } from '../plan/types.ts';
import { MINI_BATCH_ROWS, MiniBatch } from './mini-batch.ts';
import type { Operator, Output } from './operator.ts';

const schema = [{ name: 'v', type: sqlType.int() }];
const rows = (...values: number[]): ColumnBatch =>
  fromRows(
    schema,
    values.map((value) => [value]),
  );

/** Passes on what it gets and remembers it. */
function recorder(): { operator: Operator; seen: CellValue[][]; output: Output } {
  const seen: CellValue[][] = [];
  const operator: Operator = {
    processBatch: (batch) => void seen.push(toRows(batch).flat()),
    processWatermark: (watermark) => void seen.push(['watermark', watermark]),
    finish: () => void seen.push(['finish']),
    snapshot: () => null,
    restore: () => undefined,
    close: () => undefined,
  };
  return { operator, seen, output: { emit: () => undefined, emitWatermark: () => undefined } };
}

test('small batches wait and go on as one when the task flushes', () => {
  const { operator, seen, output } = recorder();
  const batches = new MiniBatch(operator);
  batches.processBatch(rows(1, 2), output);
  batches.processBatch(rows(3), output);
  expect(seen).toEqual([]);
  expect(batches.pending).toBe(true);
  batches.flush(output);
  expect(seen).toEqual([[1, 2, 3]]);
  expect(batches.pending).toBe(false);
  batches.flush(output);
  expect(seen).toHaveLength(1);
});

test('a watermark and the end never overtake rows that wait', () => {
  const { operator, seen, output } = recorder();
  const batches = new MiniBatch(operator);
  batches.processBatch(rows(1), output);
  batches.processWatermark(7, output);
  batches.processBatch(rows(2), output);
  batches.finish(output);
  expect(seen).toEqual([[1], ['watermark', 7], [2], ['finish']]);
});

test('memory is bounded: a full mini-batch goes on by itself', () => {
  const { operator, seen, output } = recorder();
  const batches = new MiniBatch(operator);
  const half = fromRows(
    schema,
    Array.from({ length: MINI_BATCH_ROWS / 2 }, (_, index) => [index]),
  );
  batches.processBatch(half, output);
  expect(batches.pending).toBe(true);
  batches.processBatch(half, output);
  expect(batches.pending).toBe(false);
  expect(seen.map((batch) => batch.length)).toEqual([MINI_BATCH_ROWS]);
});

test('a snapshot that would miss waiting rows is refused', () => {
  const { operator, output } = recorder();
  const batches = new MiniBatch(operator);
  batches.processBatch(rows(1), output);
  expect(() => batches.snapshot()).toThrow(/mini-batch waits/);
});
