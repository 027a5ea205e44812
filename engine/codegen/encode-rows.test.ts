// Encoded lines: dictionaries shared by batches give the same bytes as plain strings, and NULL fields may be left out of JSON.
import fc from 'fast-check';
import { fromRows, stringEntries, type ColumnBatch, type StringColumn } from '../columnar/batch.ts';
import { sqlType, type Schema } from '../plan/types.ts';
import { compileCsvEncoder, compileJsonEncoder, type RowEncoder } from './encode-rows.ts';
import { ByteBuffer } from './encode-values.ts';

const schema: Schema = [
  { name: 'a"b', type: sqlType.string() },
  { name: 'n', type: sqlType.bigint() },
];
const csv = { delimiter: ',', quote: '"', nullLiteral: null, allowComments: false, ignoreErrors: false };

function encoded(encode: RowEncoder, batches: ColumnBatch[]): string {
  const out = new ByteBuffer();
  for (const batch of batches) encode(batch, out);
  return Buffer.from(out.bytes.subarray(0, out.length)).toString();
}

test('codes into dictionaries, kept or new from batch to batch, write what plain strings write', () => {
  const entry = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', 'é', '\u0001') }),
    fc.constant('x'.repeat(30_000)),
  );
  const dictionary = fc.array(entry, { minLength: 1, maxLength: 6 });
  const picks = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { maxLength: 30 });
  fc.assert(
    fc.property(
      fc.array(dictionary, { minLength: 1, maxLength: 3 }),
      fc.array(picks, { maxLength: 6 }),
      (texts, batches) => {
        const dictionaries = texts.map(stringEntries);
        const coded: ColumnBatch[] = [];
        const plain: ColumnBatch[] = [];
        for (const [index, rows] of batches.entries()) {
          const which = Math.floor(index / 2) % texts.length;
          const entries = texts[which]!;
          const cells = rows.map(([code, n, isNull]) => [isNull ? null : entries[code % entries.length]!, BigInt(n)]);
          const batch = fromRows(schema, cells);
          plain.push(batch);
          const { offsets, bytes } = dictionaries[which]!;
          const column: StringColumn = {
            physical: 'str',
            codes: Int32Array.from(rows, ([code]) => code % entries.length),
            offsets,
            // Readers may make a new view of the same bytes for every batch.
            bytes: bytes.subarray(0),
            validity: batch.columns[0]!.validity,
          };
          coded.push({ ...batch, columns: [column, batch.columns[1]!] });
        }
        for (const make of [
          () => compileCsvEncoder(schema, csv),
          () => compileJsonEncoder(schema, { timestampSeparator: ' ', ignoreNullFields: false }),
        ])
          expect(encoded(make(), coded)).toBe(encoded(make(), plain));
      },
    ),
    { numRuns: 60 },
  );
});

test('a dictionary that came as plain strings first is not taken for the one before', () => {
  const [first, second] = [stringEntries(['p', 'q']), stringEntries(['r', 's'])];
  const numbers = fromRows(schema, [
    ['', 1n],
    ['', 2n],
  ]);
  const batches = [{ ...first, codes: Int32Array.of(0, 1) }, second, { ...second, codes: Int32Array.of(0, 1) }].map(
    (strings) => ({ ...numbers, columns: [strings, numbers.columns[1]!] }),
  );
  expect(encoded(compileCsvEncoder(schema, csv), batches)).toBe('p,1\nq,2\nr,1\ns,2\nr,1\ns,2\n');
});

test('an entry that cannot be written is an error only when a row uses it', () => {
  const encode = compileCsvEncoder(schema, { ...csv, quote: null });
  const batch = fromRows(schema, [['x', 1n]]);
  const entries = stringEntries(['fine', 'a,b']);
  const using = (code: number): ColumnBatch => ({
    ...batch,
    columns: [{ ...entries, codes: Int32Array.of(code) }, batch.columns[1]!],
  });
  expect(encoded(encode, [using(0)])).toBe('fine,1\n');
  expect(() => encoded(encode, [using(1)])).toThrow("column a\"b: 'a,b' cannot be written without quotes");
});

test('JSON leaves out NULL fields when told to', () => {
  const batch = fromRows(schema, [
    ['x', 1n],
    [null, 2n],
    ['y', null],
    [null, null],
  ]);
  const lines = (ignoreNullFields: boolean): string[] =>
    encoded(compileJsonEncoder(schema, { timestampSeparator: 'T', ignoreNullFields }), [batch])
      .trimEnd()
      .split('\n');
  expect(lines(true)).toEqual(['{"a\\"b":"x","n":1}', '{"n":2}', '{"a\\"b":"y"}', '{}']);
  expect(lines(false)[3]).toBe('{"a\\"b":null,"n":null}');
});

test('a NULL that CSV of one column cannot show is an error', () => {
  const one: Schema = [{ name: 's', type: sqlType.string() }];
  const batch = fromRows(one, [['x'], ['', null], [null]]);
  expect(() => encoded(compileCsvEncoder(one, csv), [batch])).toThrow('column s is NULL');
  expect(encoded(compileCsvEncoder(one, { ...csv, nullLiteral: 'NULL' }), [batch])).toBe('x\n""\nNULL\n');
});
