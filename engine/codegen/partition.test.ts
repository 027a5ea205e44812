// The generated partitioner sends every row where the reference hash says, in order.
import * as fc from 'fast-check';
import { batchArbitrary } from '../columnar/arbitraries.ts';
import { entryCount, fromRows, toRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { gather } from '../columnar/select.ts';
import { sqlType } from '../plan/types.ts';
import { hashColumns, keyGroupOf, subtaskOfKeyGroup } from '../state/key-groups.ts';
import { compilePartitioner } from './partition.ts';

test('rows go to the subtask of their key group, as the reference hash has it', () => {
  fc.assert(
    fc.property(
      batchArbitrary,
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      (batch, targets, picks) => {
        const keys = picks.map((pick) => pick % batch.schema.length);
        const hashes = new Int32Array(batch.rows);
        hashColumns(
          keys.map((key) => batch.columns[key]!),
          batch.rows,
          hashes,
        );
        const expected = Array.from({ length: targets }, (): CellValue[][] => []);
        toRows(batch).forEach((row, index) =>
          expected[subtaskOfKeyGroup(keyGroupOf(hashes[index]!), targets)]!.push(row),
        );
        const actual = Array.from({ length: targets }, (): CellValue[][] => []);
        const split = compilePartitioner(batch.schema, keys, targets);
        split(batch, (target, part) => actual[target]!.push(...toRows(part)));
        expect(actual).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('a dictionary with more entries than a part has rows is cut down; a small one is shared', () => {
  const schema = [{ name: 's', type: sqlType.string() }];
  const many = fromRows(
    schema,
    Array.from({ length: 1000 }, (_, i) => [`key ${i}`]),
  );
  const parts: ColumnBatch[] = [];
  const split = compilePartitioner(schema, [0], 4);
  split(many, (_target, part) => parts.push(part));
  expect(parts).toHaveLength(4);
  for (const part of parts) expect(part.columns[0]).toMatchObject({ offsets: { length: part.rows + 1 } });

  const few = gather(
    many,
    Int32Array.from({ length: 4000 }, (_, i) => i % 16),
  );
  const dictionary = {
    ...few.columns[0]!,
    offsets: (few.columns[0] as { offsets: Int32Array }).offsets.subarray(0, 17),
  };
  split({ ...few, columns: [dictionary] }, (_target, part) => {
    const [column] = part.columns;
    expect(column?.physical === 'str' && entryCount(column)).toBe(16);
  });
});
