// Random schemas and batches for property tests.
import * as fc from 'fast-check';
import { physical, sqlType, type Schema, type SqlType } from '../plan/types.ts';
import { fromRows, type CellValue, type ColumnBatch } from './batch.ts';
import { gather } from './select.ts';

const TYPES: SqlType[] = [
  sqlType.boolean(),
  sqlType.int(),
  sqlType.bigint(),
  { root: 'FLOAT', nullable: true },
  sqlType.double(),
  sqlType.string(),
];

function cellOf(type: SqlType): fc.Arbitrary<CellValue> {
  switch (physical(type)) {
    case 'u8':
      return fc.boolean();
    case 'i32':
      return fc.integer();
    case 'i64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'f32':
      return fc.float();
    case 'f64':
      return fc.double();
    case 'str':
      return fc.oneof(fc.constantFrom('a', 'b', ''), fc.string({ unit: 'grapheme', maxLength: 40 }));
  }
}

/** Rows of cells of a random schema; now and then NULLs, no rows, row kinds. */
export const rowsArbitrary: fc.Arbitrary<{ schema: Schema; rows: CellValue[][]; kinds: Uint8Array | null }> = fc
  .array(fc.tuple(fc.constantFrom(...TYPES), fc.boolean()), { minLength: 1, maxLength: 5 })
  .chain((columns) => {
    const cells = columns.map(([type, nulls]) => (nulls ? fc.option(cellOf(type), { nil: null }) : cellOf(type)));
    return fc.tuple(fc.array(fc.tuple(...cells), { maxLength: 40 }), fc.boolean()).map(([rows, withKinds]) => ({
      schema: columns.map(([type], index) => ({ name: `c${index}`, type })),
      rows,
      kinds: withKinds ? Uint8Array.from(rows, (_row, index) => index & 3) : null,
    }));
  });

/** Batches; half of them with dictionary codes. */
export const batchArbitrary: fc.Arbitrary<ColumnBatch> = fc
  .tuple(rowsArbitrary, fc.boolean())
  .map(([{ schema, rows, kinds }, coded]) => {
    const batch = fromRows(schema, rows, kinds);
    return coded
      ? gather(
          batch,
          Int32Array.from(rows, (_row, index) => index),
        )
      : batch;
  });
