// Group tables: hashes that agree with key groups, growth, records, and the heaps of strings.
import fc from 'fast-check';
import { cell, stringEntries, type ColumnBatch } from '../columnar/batch.ts';
import { compileAggregate, lookupShape, recordGroups, wholeBatch } from '../codegen/aggregate-update.ts';
import { INPUT, KEYS, rowsArbitrary, textOf, toBatches } from '../operators/harness.ts';
import { sqlType, type Field } from '../plan/types.ts';
import { GroupTable } from './group-table.ts';
import { hashColumns, keyGroupOf } from './key-groups.ts';
import { HASH_AT, layoutRecord } from './records.ts';
import { StringHeap } from './string-heap.ts';
import { StringStore } from './string-store.ts';
import { sequence } from './validity.ts';

function keysOf(names: readonly string[]): { indexes: number[]; fields: Field[] } {
  const indexes = names.map((name) => INPUT.findIndex((field) => field.name === name));
  return { indexes, fields: indexes.map((index) => INPUT[index]!) };
}

function groupsOf(table: GroupTable, fields: Field[], batch: ColumnBatch, indexes: number[]): Int32Array {
  const groups = new Int32Array(batch.rows);
  const lookup = compileAggregate(lookupShape({ keys: fields, accumulators: [] }));
  lookup(table, wholeBatch(batch, indexes), recordGroups(groups));
  return groups;
}

test('room is reserved for groups that will come, unless they are more than the budget allows', () => {
  const roomy = new GroupTable([sqlType.bigint()], [sqlType.bigint()]);
  roomy.reserve(10_000);
  expect(roomy.room(10_000)).toBe(10_000);
  const tight = new GroupTable([sqlType.bigint()], [sqlType.bigint()], { budget: 100_000 });
  const { capacity } = tight;
  tight.reserve(10_000);
  expect(tight.capacity).toBe(capacity);
});

test('equal keys and only they share a group; its hash and its key are those of the columns', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KEYS),
      rowsArbitrary(5),
      fc.array(fc.nat(200), { maxLength: 3 }),
      (names, rows, cuts) => {
        const { indexes, fields } = keysOf(names);
        const table = new GroupTable(
          fields.map(({ type }) => type),
          [],
        );
        const groupOf = new Map<string, number>();
        for (const batch of toBatches(rows, cuts)) {
          const groups = groupsOf(table, fields, batch, indexes);
          const hashes = new Int32Array(batch.rows);
          const columns = indexes.map((index) => batch.columns[index]!);
          hashColumns(columns, batch.rows, hashes);
          const picked = { schema: fields, rows: batch.rows, columns: table.stateColumns(groups), kinds: null };
          for (let row = 0; row < batch.rows; row++) {
            const key = textOf(indexes.map((index) => cell(batch, index, row)));
            if (!groupOf.has(key)) groupOf.set(key, groupOf.size);
            expect(groups[row]).toBe(groupOf.get(key));
            expect(table.records[groups[row]! * table.layout.width + HASH_AT]).toBe(hashes[row]);
            expect(textOf(fields.map((_field, i) => cell(picked, i, row)))).toBe(key);
          }
        }
        expect(table.size).toBe(groupOf.size);
      },
    ),
    { numRuns: 100 },
  );
});

test('groups sorted by key group are all there, each in its own', () => {
  const { indexes, fields } = keysOf(['id']);
  const table = new GroupTable([fields[0]!.type], []);
  const values = BigInt64Array.from({ length: 5000 }, (_, i) => BigInt(i) * 1_000_003n);
  const columns = INPUT.map(() => ({ physical: 'i64' as const, values, validity: null }));
  groupsOf(table, fields, { schema: INPUT, rows: 5000, columns, kinds: null }, indexes);
  const { order, starts } = table.freeze().byKeyGroup();
  expect([...order].sort((a, b) => a - b)).toEqual([...sequence(0, 5000)]);
  for (let keyGroup = 0; keyGroup < 128; keyGroup++)
    for (const group of order.subarray(starts[keyGroup], starts[keyGroup + 1]))
      expect(keyGroupOf(table.records[group * table.layout.width + HASH_AT]!)).toBe(keyGroup);
  expect(table.allocatedBytes).toBeGreaterThan(5000 * 8);
});

test('a record has room for every field, doubles on even words, more than 32 fields with their own bits', () => {
  const types = Array.from({ length: 40 }, (_, i) =>
    i % 3 === 0 ? sqlType.double() : i % 3 === 1 ? sqlType.int() : sqlType.string(),
  );
  const layout = layoutRecord(types, types);
  const fields = [...layout.keys, ...layout.accumulators.filter((field) => field !== null)];
  const words = fields.flatMap(({ physical, at }) => (physical === 'f64' ? [at, at + 1] : [at]));
  expect(new Set(words).size).toBe(words.length);
  expect(fields.every(({ physical, at }) => physical !== 'f64' || at % 2 === 0)).toBe(true);
  const bits = fields.map(({ validAt, validBit }) => validAt * 32 + validBit);
  expect(new Set(bits).size).toBe(fields.length);
  expect(layout.width % 2).toBe(0);
  expect(Math.max(...words, ...fields.map(({ validAt }) => validAt))).toBeLessThan(layout.width);
});

test('a heap gives equal strings one id, and ids that nobody looks up', () => {
  const heap = new StringHeap();
  const texts = Array.from({ length: 3000 }, (_, i) => `${i % 1000}-é`);
  const { bytes, offsets } = stringEntries(texts);
  const ids = texts.map((_text, i) => {
    if (i === 7) expect(heap.addUnlisted()).toBe(7);
    return heap.intern(bytes, offsets[i]!, offsets[i + 1]!);
  });
  expect(heap.size).toBe(1001);
  expect(ids.slice(1000, 2000)).toEqual(ids.slice(0, 1000));
  expect(heap.intern(bytes, 0, 0)).toBe(1001);
  const column = heap.column(Int32Array.from(ids.slice(0, 5)), 5, null);
  const batch = { schema: [{ name: 's', type: sqlType.string() }], rows: 5, columns: [column], kinds: null };
  expect([0, 1, 2, 3, 4].map((row) => cell(batch, 0, row))).toEqual(texts.slice(0, 5));
});

test('replaced strings do not pile up', () => {
  const store = new StringStore(4);
  const text = new TextEncoder().encode('x'.repeat(100));
  for (let i = 0; i < 10_000; i++) store.set(i % 4, text, 0, 50 + (i % 50));
  expect(store.allocatedBytes).toBeLessThan(4096);
  const { offsets } = store.column(Int32Array.of(3, 0), 2);
  expect([...offsets]).toEqual([0, 99, 195]);
});
