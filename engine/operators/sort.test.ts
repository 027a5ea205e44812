// ORDER BY against Array.sort, with limits, NULLs first and last, and more rows than are held.
import fc from 'fast-check';
import { toRows, type CellValue } from '../columnar/batch.ts';
import type { SortKey, SortSpec } from '../plan/exec-plan.ts';
import { createOperator } from './create.ts';
import { Collector, INPUT, rowsArbitrary, textOf, toBatches } from './harness.ts';

function sortSpec(keys: SortKey[], limit: number | null, offset: number): SortSpec {
  return {
    type: 'Sort',
    id: 'b'.repeat(32),
    uid: 'sort:test',
    name: 'Sort',
    input: null,
    inputSchema: INPUT,
    outputSchema: INPUT,
    keys,
    limit,
    offset,
  };
}

function compareCells(a: CellValue, b: CellValue): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(String(b)));
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}

function compareRows(keys: SortKey[], a: CellValue[], b: CellValue[]): number {
  for (const { index, descending, nullsFirst } of keys) {
    const [x, y] = [a[index]!, b[index]!];
    if (x === null && y === null) continue;
    if (x === null || y === null) return (x === null) === nullsFirst ? -1 : 1;
    const order = compareCells(x, y) * (descending ? -1 : 1);
    if (order !== 0) return order;
  }
  return 0;
}

const keysArbitrary = fc.array(
  fc.record({ index: fc.nat(INPUT.length - 1), descending: fc.boolean(), nullsFirst: fc.boolean() }),
  { maxLength: 3 },
);

test('rows come in the order of the keys, equal ones in that of the input, cut by offset and limit', () => {
  fc.assert(
    fc.property(
      keysArbitrary,
      rowsArbitrary(20),
      fc.array(fc.nat(1000), { maxLength: 4 }),
      fc.option(fc.nat(30)),
      fc.nat(5),
      (keys, rows, cuts, limit, offset) => {
        const collector = new Collector();
        const operator = createOperator(sortSpec(keys, limit, offset), collector.context('BATCH'));
        const batches = toBatches(rows, cuts);
        for (const batch of batches) operator.processBatch(batch, collector);
        operator.finish(collector);
        const sorted = batches.flatMap(toRows).sort((a, b) => compareRows(keys, a, b));
        const expected = sorted.slice(offset, limit === null ? undefined : offset + limit);
        expect(collector.rows.map(textOf)).toEqual(expected.map(textOf));
      },
    ),
    { numRuns: 200 },
  );
});

test('a limit bounds what is held, whatever comes', () => {
  const collector = new Collector();
  const keys = [{ index: 2, descending: true, nullsFirst: false }];
  const operator = createOperator(sortSpec(keys, 3, 0), collector.context('BATCH'));
  const level = (value: number): CellValue[] => INPUT.map((field) => (field.name === 'level' ? value : null));
  for (let batch = 0; batch < 30; batch++) {
    const rows = Array.from({ length: 5000 }, (_, i) => level(((batch * 5000 + i) * 7919) % 150_000));
    for (const part of toBatches(rows, [])) operator.processBatch(part, collector);
  }
  operator.finish(collector);
  expect(collector.rows.map((cells) => cells[2])).toEqual([149_999, 149_998, 149_997]);
});

test('the rows held are told as memory until they are in order and gone; what batches share counts once', () => {
  const collector = new Collector();
  const operator = createOperator(sortSpec([], null, 0), collector.context('BATCH'));
  expect(operator.stateBytes).toBe(0);
  const [batch] = toBatches([INPUT.map((field) => (field.name === 'level' ? 7 : null))], []);
  operator.processBatch(batch!, collector);
  const first = operator.stateBytes!;
  expect(first).toBeGreaterThan(0);
  operator.processBatch({ ...batch! }, collector);
  expect(operator.stateBytes).toBe(first);
  const [another] = toBatches([INPUT.map(() => null)], []);
  operator.processBatch(another!, collector);
  expect(operator.stateBytes).toBeGreaterThan(first);
  operator.finish(collector);
  expect(operator.stateBytes).toBe(0);
});

test('a stream cannot be sorted', () => {
  expect(() => createOperator(sortSpec([], null, 0), new Collector().context('STREAMING'))).toThrow(
    expect.objectContaining({ code: 'SORT_STREAMING' }) as Error,
  );
});
