// Snapshots read late, page by page or key group by key group, against copies of a Map made at their barriers: whatever is updated, frozen, grown,
// cleared and read in between.
import fc from 'fast-check';
import { cell, stringEntries, type Column } from '../columnar/batch.ts';
import { decodeBatch } from '../columnar/wire.ts';
import { compileAggregate, recordGroups, type AccumulatorShape } from '../codegen/aggregate-update.ts';
import type { PageRef } from '../operators/operator.ts';
import { physical, sqlType, type Field, type SqlType } from '../plan/types.ts';
import { GroupTable } from './group-table.ts';
import { keyGroupOf, hashColumns } from './key-groups.ts';
import { TablesSnapshot } from './keyed-snapshot.ts';
import { sectionSchema, type StateSchema } from './schema.ts';
import { sequence } from './validity.ts';

/** Enough of them that a page has 128 groups only. */
const SUMS = 60;
const sums = Array.from({ length: SUMS }, (): AccumulatorShape => ({
  fn: 'SUM',
  type: sqlType.double(),
  argument: 0,
  filter: null,
}));
const greatest: AccumulatorShape = { fn: 'MAX', type: sqlType.string(), argument: 1, filter: null };

/** What a group holds: the sum, and in tables with strings the greatest one. */
type Model = Map<number, { sum: number; text: string }>;

/** A table and its model. */
class Kept {
  readonly model: Model = new Map();
  readonly schema: StateSchema;
  table: GroupTable;
  private tables = 0;
  private readonly key: Field;
  private readonly accumulators: AccumulatorShape[];
  private readonly update: ReturnType<typeof compileAggregate>;

  constructor(keyType: SqlType, strings: boolean) {
    this.accumulators = strings ? [...sums, greatest] : sums;
    const { accumulators } = this;
    this.key = { name: 'k', type: keyType };
    const fields = accumulators.map(({ type }, i): Field => ({ name: `a${i}`, type }));
    this.schema = { formatVersion: 1, kind: 'GROUPS', keys: [this.key], accumulators: fields };
    this.update = compileAggregate({
      keys: [keyType],
      args: ['f64', 'str'],
      filters: 0,
      accumulators,
      names: fields.map(({ name }) => name),
      mode: 'all',
    });
    this.table = this.create();
  }

  add(keys: readonly number[], value: number): void {
    const texts = keys.map((key) => `${'x'.repeat((key + value) % 40)}${value}`);
    const args: Column[] = [
      { physical: 'f64', values: new Float64Array(keys.length).fill(value), validity: null },
      stringEntries(texts),
    ];
    const input = { selection: null, count: keys.length, keys: [this.keyColumn(keys)], args, filters: [] };
    this.update(this.table, input, recordGroups(new Int32Array(0)));
    keys.forEach((key, i) => {
      const held = this.model.get(key);
      const text = this.accumulators === sums ? '' : texts[i]!;
      this.model.set(key, {
        sum: (held?.sum ?? 0) + value,
        text: held !== undefined && held.text > text ? held.text : text,
      });
    });
  }

  /** As a window that has fired does with its table. */
  clear(): void {
    if (!this.table.clear()) this.table = this.create();
    this.model.clear();
  }

  keyColumn(keys: readonly number[]): Column {
    return physical(this.key.type) === 'str'
      ? stringEntries(keys.map((key) => `key ${key}`))
      : { physical: 'i64', values: BigInt64Array.from(keys, BigInt), validity: null };
  }

  private create(): GroupTable {
    const types = this.accumulators.map(({ type }) => type);
    return new GroupTable([this.key.type], types, { id: this.tables++ });
  }
}

/** A snapshot on its way, what has been read of it, and what it has to be. */
class Reading {
  readonly version = new Map<string, number>();
  private readonly kept: Kept;
  private readonly snapshot: TablesSnapshot;
  private readonly expected: Model;
  private readonly found: Model = new Map();
  private readonly left: PageRef[];
  private readonly sections: Iterator<{ keyGroup: number; bytes: Uint8Array }> | null;

  constructor(kept: Kept, form: 'PAGES' | 'SECTIONS') {
    this.kept = kept;
    this.snapshot = new TablesSnapshot(kept.schema, [{ table: kept.table, windowEnd: null }]);
    this.expected = new Map(kept.model);
    this.left = form === 'PAGES' ? [...this.snapshot.pages()] : [];
    for (const { id, version } of this.left) this.version.set(id, version);
    this.sections = form === 'SECTIONS' ? this.snapshot.sections()[Symbol.iterator]() : null;
  }

  /** Up to `parts` pages, of which the last ones come first, or sections. */
  read(parts: number): void {
    for (let i = 0; i < parts; i++) {
      if (this.sections === null) {
        const page = this.left.pop();
        if (page === undefined) return;
        this.take(this.snapshot.readPage(page));
        continue;
      }
      const next = this.sections.next();
      if (next.done === true) return;
      this.take(next.value.bytes, next.value.keyGroup);
    }
  }

  /** Reads the rest, compares, and releases. */
  finish(): void {
    this.read(Infinity);
    expect(this.found).toEqual(this.expected);
    this.release();
  }

  release(): void {
    this.snapshot.release();
  }

  private take(bytes: Uint8Array, keyGroup?: number): void {
    const batch = decodeBatch(sectionSchema(this.kept.schema), bytes);
    const hashes = new Int32Array(batch.rows);
    hashColumns([batch.columns[0]!], batch.rows, hashes);
    for (let row = 0; row < batch.rows; row++) {
      const key = Number(String(cell(batch, 0, row)).replace('key ', ''));
      expect(this.found.has(key)).toBe(false);
      const sum = Number(cell(batch, 1, row));
      expect(cell(batch, SUMS, row)).toBe(sum);
      const text = this.kept.schema.accumulators.length === SUMS ? '' : String(cell(batch, SUMS + 1, row));
      this.found.set(key, { sum, text });
      if (keyGroup !== undefined) expect(keyGroupOf(hashes[row]!)).toBe(keyGroup);
    }
  }
}

const update = fc.record({
  type: fc.constant('update' as const),
  first: fc.nat(1500),
  count: fc.integer({ min: 1, max: 200 }),
  stride: fc.integer({ min: 1, max: 7 }),
  value: fc.integer({ min: 1, max: 99 }),
});
const step = fc.oneof(
  { weight: 5, arbitrary: update },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('barrier' as const),
      form: fc.constantFrom<'PAGES' | 'SECTIONS'>('PAGES', 'SECTIONS'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('read' as const),
      which: fc.nat(3),
      parts: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('giveUp' as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const) }) },
);

test('a snapshot is the state at its barrier, however late and in which pieces it is read', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(sqlType.bigint(), sqlType.string()),
      fc.boolean(),
      fc.array(step, { maxLength: 30, size: 'max' }),
      (keyType, strings, steps) => {
        const kept = new Kept(keyType, strings);
        const open: Reading[] = [];
        for (const one of steps)
          switch (one.type) {
            case 'update':
              kept.add(
                Array.from({ length: one.count }, (_, i) => one.first + i * one.stride),
                one.value,
              );
              break;
            case 'barrier':
              open.push(new Reading(kept, one.form));
              break;
            case 'read':
              open[one.which]?.read(one.parts);
              break;
            case 'giveUp':
              for (const reading of open.splice(one.which, 1)) reading.release();
              break;
            case 'clear':
              kept.clear();
          }
        for (const reading of open) reading.finish();
      },
    ),
    { numRuns: 60 },
  );
});

test('pages that were not written between two barriers keep their versions, and those that were do not', () => {
  const kept = new Kept(sqlType.bigint(), true);
  kept.add([...sequence(0, 640)], 1);
  const perPage = 2 ** kept.table.layout.pageShift;
  const first = new Reading(kept, 'PAGES');
  kept.add([3 * perPage], 1);
  kept.add([...sequence(640, perPage)], 1);
  const second = new Reading(kept, 'PAGES');
  const pages = [...second.version.keys()];
  const changed = pages.filter((id) => first.version.get(id) !== second.version.get(id));
  expect(perPage).toBe(128);
  expect(changed).toEqual(['0.3', '0.5']);
  first.finish();
  second.finish();
});

test('before there is a snapshot, as in a batch, nothing is guarded', () => {
  const kept = new Kept(sqlType.bigint(), true);
  for (let value = 1; value <= 3; value++) kept.add([...sequence(0, 1000)], value);
  expect(kept.table.guard.every((guarded) => guarded === 0)).toBe(true);
  new Reading(kept, 'PAGES').finish();
  expect(kept.table.guard.every((guarded) => guarded === 1)).toBe(true);
});

test('a page that is not needed any more is not copied', () => {
  const kept = new Kept(sqlType.bigint(), true);
  kept.add([...sequence(0, 640)], 1);
  const snapshot = kept.table.freeze();
  for (let page = 0; page < 5; page++) if (page !== 4) snapshot.skip(page);
  const slice = jest.spyOn(kept.table.records, 'slice');
  kept.add([...sequence(0, 640)], 1);
  expect(slice).toHaveBeenCalledTimes(1);
  const batch = { schema: kept.schema.accumulators, rows: 128, columns: snapshot.columns(4).slice(1), kinds: null };
  expect([0, 127].map((row) => cell(batch, 0, row))).toEqual([1, 1]);
  snapshot.release();
});
