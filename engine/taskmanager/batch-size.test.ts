import { BATCH_ROWS } from '../columnar/batch.ts';
import { BatchSize } from './batch-size.ts';

/** Time of the batches that a source gives whose rows take so many milliseconds each. */
function batches(size: BatchSize, perRow: number, count: number): number[] {
  return Array.from({ length: count }, () => {
    const { rows } = size;
    size.took(rows, rows * perRow);
    return rows * perRow;
  });
}

test('rows that take long come in batches of a tenth of a second, after the first one', () => {
  for (const perRow of [0.1, 1, 10, 60]) {
    const [, ...times] = batches(new BatchSize(), perRow, 6);
    for (const time of times) expect(time).toBeLessThanOrEqual(100);
    expect(times.at(-1)).toBeGreaterThan(50);
  }
});

test('a row that takes longer than that comes alone', () => {
  const size = new BatchSize();
  batches(size, 5_000, 2);
  expect(size.rows).toBe(1);
});

test('rows that take little come in whole batches, and do so again soon after they took long', () => {
  const size = new BatchSize();
  batches(size, 0.001, 3);
  expect(size.rows).toBe(BATCH_ROWS);
  batches(size, 10, 2);
  expect(size.rows).toBe(10);
  batches(size, 0.001, 10);
  expect(size.rows).toBe(BATCH_ROWS);
});

test('few rows that took no time, for no more were due, leave the size as it is', () => {
  const size = new BatchSize();
  size.took(3, 0);
  expect(size.rows).toBe(BATCH_ROWS);
});
