// Tables beyond the processor's caches are looked up with their memory asked for ahead: the groups must be those that a Map gives.
import fc from 'fast-check';
import { fromRows, type CellValue } from '../columnar/batch.ts';
import { sqlType, type Schema, type SqlType } from '../plan/types.ts';
import { GroupTable } from '../state/group-table.ts';
import { compileAggregate, FAR_SLOTS, recordGroups } from './aggregate-update.ts';

const ROWS = 4096;
const KEY_TYPES: SqlType[][] = [
  [sqlType.bigint()],
  [sqlType.int()],
  [sqlType.double()],
  [sqlType.bigint(), sqlType.double()],
  [sqlType.int(), sqlType.boolean(), sqlType.bigint()],
];

function valueOf(type: SqlType, key: number): CellValue {
  switch (type.root) {
    case 'BIGINT':
      return BigInt(key) * 4_294_967_291n;
    case 'DOUBLE':
      return key / 3;
    case 'BOOLEAN':
      return key % 2 === 0;
    default:
      return key;
  }
}

test.each(KEY_TYPES.map((types) => [types.map(({ root }) => root).join(' and '), types] as const))(
  'rows find the group of their key while the table grows beyond the caches: %s',
  (_name, types) => {
    const schema: Schema = types.map((type, i) => ({ name: `k${i}`, type }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.boolean(), fc.boolean(), (seed, nulls, selected) => {
        const table = new GroupTable(types, []);
        const lookup = compileAggregate({
          keys: types,
          args: [],
          filters: 0,
          accumulators: [],
          names: [],
          mode: 'lookup',
        });
        const known = new Map<string, number>();
        let state = seed;
        for (let batch = 0; batch < 12; batch++) {
          const rows = Array.from({ length: ROWS }, (): CellValue[] => {
            state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
            const key = state % 40_000;
            return types.map((type) => (nulls && key % 1000 === 7 ? null : valueOf(type, key)));
          });
          const taken = rows.flatMap((_row, i) => (selected && i % 3 === 0 ? [] : [i]));
          const groups = new Int32Array(ROWS);
          lookup(
            table,
            {
              selection: selected ? Int32Array.from(taken) : null,
              count: taken.length,
              keys: fromRows(schema, rows).columns,
              args: [],
              filters: [],
            },
            recordGroups(groups),
          );
          taken.forEach((row, i) => {
            const key = rows[row]!.map(String).join('/');
            if (!known.has(key)) known.set(key, known.size);
            if (groups[i] !== known.get(key))
              throw new Error(
                `row ${row} of batch ${batch} with key ${key} is in group ${groups[i]}, not ${known.get(key)}`,
              );
          });
        }
        expect(table.size).toBe(known.size);
        // Otherwise nothing was looked up ahead.
        expect(table.slots.length).toBeGreaterThan(FAR_SLOTS);
      }),
      { numRuns: 4 },
    );
  },
);
