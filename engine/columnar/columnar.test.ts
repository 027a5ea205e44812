// Batches come back from the wire, from builders, slices, gathers and concatenations as the rows that went in.
import * as fc from 'fast-check';
import { EngineError } from '../errors.ts';
import { batchArbitrary, rowsArbitrary } from './arbitraries.ts';
import { fromRows, toRows, type ColumnBatch, type StringColumn } from './batch.ts';
import { BatchBuilder } from './builder.ts';
import { compactStrings, concatBatches, emptyBatch } from './concat.ts';
import { gather, slice } from './select.ts';
import { StringDictionary } from './string-builder.ts';
import { decodeBatch, encodeBatch, encodedSize } from './wire.ts';

const kindsOf = (batch: ColumnBatch): number[] => [
  ...(batch.kinds ?? new Uint8Array(batch.rows)).subarray(0, batch.rows),
];

function expectSame(actual: ColumnBatch, expected: ColumnBatch): void {
  expect(toRows(actual)).toEqual(toRows(expected));
  expect(kindsOf(actual)).toEqual(kindsOf(expected));
}

test('a batch survives the wire, aligned or not, at any offset of a buffer', () => {
  fc.assert(
    fc.property(batchArbitrary, fc.nat(9), (batch, shift) => {
      const encoded = encodeBatch(batch);
      expect(encoded.length).toBe(encodedSize(batch));
      expectSame(decodeBatch(batch.schema, encoded), batch);
      const moved = new Uint8Array(encoded.length + shift);
      moved.set(encoded, shift);
      expectSame(decodeBatch(batch.schema, moved.subarray(shift)), batch);
      const buffer = new ArrayBuffer(encoded.length + 16);
      expectSame(decodeBatch(batch.schema, encodeBatch(batch, buffer, 16)), batch);
    }),
  );
});

test('every truncation of an encoded batch is refused', () => {
  fc.assert(
    fc.property(batchArbitrary, (batch) => {
      const encoded = encodeBatch(batch);
      for (let length = 0; length < encoded.length; length++)
        expect(() => decodeBatch(batch.schema, encoded.slice(0, length))).toThrow(EngineError);
    }),
    { numRuns: 30 },
  );
});

test('damaged bytes give an EngineError or a batch whose every cell can be read', () => {
  fc.assert(
    fc.property(
      batchArbitrary,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (batch, damage) => {
        const encoded = encodeBatch(batch);
        for (const [at, value] of damage) encoded[at % encoded.length] = value;
        let decoded: ColumnBatch;
        try {
          decoded = decodeBatch(batch.schema, encoded);
        } catch (error) {
          expect(error).toBeInstanceOf(EngineError);
          return;
        }
        toRows(decoded);
      },
    ),
    { numRuns: 500 },
  );
});

test('a builder gives the batch of its rows, again and again', () => {
  fc.assert(
    fc.property(rowsArbitrary, ({ schema, rows, kinds }) => {
      const builder = new BatchBuilder(schema);
      for (let round = 0; round < 2; round++) {
        rows.forEach((row, index) => builder.appendRow(row, kinds?.[index] ?? 0));
        expectSame(builder.finish(), fromRows(schema, rows, kinds));
      }
    }),
  );
});

test('gather, slice and concat give the rows that they name', () => {
  fc.assert(
    fc.property(batchArbitrary, fc.array(fc.nat()), fc.nat(), fc.nat(), (batch, picks, from, to) => {
      const all = toRows(batch);
      const indexes = Int32Array.from(batch.rows === 0 ? [] : picks.map((pick) => pick % batch.rows));
      const gathered = gather(batch, indexes);
      expect(toRows(gathered)).toEqual([...indexes].map((index) => all[index]));
      const [start, end] = [from % (batch.rows + 1), to % (batch.rows + 1)].sort((a, b) => a - b) as [number, number];
      const sliced = slice(batch, start, end);
      expect(toRows(sliced)).toEqual(all.slice(start, end));
      expectSame(decodeBatch(batch.schema, encodeBatch(sliced)), sliced);
      const joined = concatBatches(batch.schema, [batch, sliced, emptyBatch(batch.schema), gathered]);
      expect(toRows(joined)).toEqual([...all, ...toRows(sliced), ...toRows(gathered)]);
      expect(kindsOf(joined)).toEqual([...kindsOf(batch), ...kindsOf(sliced), ...kindsOf(gathered)]);
    }),
  );
});

test('a compacted dictionary holds only what is used', () => {
  const batch = fromRows(
    [{ name: 's', type: { root: 'VARCHAR', length: 9, nullable: true } }],
    [['a'], ['b'], ['c'], ['d']],
  );
  const picked = gather(batch, Int32Array.of(3, 1, 3)).columns[0] as StringColumn;
  const compact = compactStrings(picked, 3);
  expect(compact.offsets).toEqual(Int32Array.of(0, 1, 2));
  expect(compact.codes).toEqual(Int32Array.of(0, 1, 0));
});

test('a dictionary builder finds strings again, gives up when they do not repeat, and never changes what it gave out', () => {
  const repeating = new StringDictionary();
  for (let i = 0; i < 5000; i++) expect(repeating.add(`s${i % 10}`)).toBe(i % 10);
  const first = repeating.finish();
  const copy = Buffer.from(first.bytes).toString();
  expect(repeating.finish()).toBe(first);
  for (let i = 0; i < 5000; i++) repeating.add(`more ${i}`);
  expect(Buffer.from(first.bytes).toString()).toBe(copy);
  const distinct = new StringDictionary();
  for (let i = 0; i < 5000; i++) distinct.add(`d${i}`);
  expect(distinct.add('d1')).toBe(5000);
});
