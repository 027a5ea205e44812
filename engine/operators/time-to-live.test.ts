// table.exec.state.ttl against a plain model with a clock that moves: a group is gone so long after its last update, and comes again as a new one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { fromRows, toRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { decodeBatch } from '../columnar/wire.ts';
import { sectionSchema, type StateSchema } from '../state/schema.ts';
import { createOperator } from './create.ts';
import {
  ACCUMULATORS,
  Collector,
  groupSpec,
  INPUT,
  KEYS,
  keyedBytes,
  reference,
  rowsArbitrary,
  Subtasks,
  textOf,
  toBatches,
} from './harness.ts';
import type { Operator } from './operator.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowjob-ttl-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const spillDirectory = (): string => mkdtempSync(join(folder, 'operator-'));

/** What a stream should tell. Groups by their keys: the rows that count, and when the last one came. */
class Model {
  private readonly groups = new Map<string, { rows: CellValue[][]; last: number }>();
  private readonly spec: ReturnType<typeof groupSpec>;

  constructor(spec: ReturnType<typeof groupSpec>) {
    this.spec = spec;
  }

  /** Changes as `kind row`, sorted. */
  add(batch: ColumnBatch, now: number, timeToLive: number | null): string[] {
    const before = new Map<string, string | null>();
    for (const row of toRows(batch)) {
      const key = textOf(this.spec.keys.map((index) => row[index]!));
      let group = this.groups.get(key);
      if (group !== undefined && timeToLive !== null && group.last + timeToLive <= now) group = undefined;
      if (!before.has(key)) before.set(key, group === undefined ? null : this.valuesOf(group.rows));
      if (group === undefined) this.groups.set(key, (group = { rows: [], last: now }));
      group.rows.push(row);
      group.last = now;
    }
    return [...before]
      .flatMap(([key, old]) => {
        const values = this.valuesOf(this.groups.get(key)!.rows);
        return old === null ? [`0 ${values}`] : old === values ? [] : [`1 ${old}`, `2 ${values}`];
      })
      .sort();
  }

  /** A restore: what is out of date is gone, and what had no time to live gets one that begins now. */
  restore(now: number, timeToLive: number | null): void {
    for (const [key, group] of this.groups) {
      if (timeToLive === null) group.last = now;
      else if (group.last + timeToLive <= now) this.groups.delete(key);
    }
  }

  private valuesOf(rows: CellValue[][]): string {
    return reference(this.spec, rows)[0]!;
  }
}

function changesSince(collector: Collector, from: number): string[] {
  return collector.rows
    .slice(from)
    .map((row, i) => `${collector.kinds[from + i]} ${textOf(row)}`)
    .sort();
}

const timesToLive = fc.constantFrom(1, 40, 100, null);

test('a stream tells what a model tells, with any budget, across restores that set, change or remove the time to live', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...KEYS),
      rowsArbitrary(10, { minLength: 40, maxLength: 200 }),
      fc.array(fc.nat(1000), { minLength: 5, maxLength: 25 }),
      fc.infiniteStream(fc.constantFrom(0, 1, 13, 39, 40, 41, 100, 250)),
      fc.tuple(timesToLive, timesToLive),
      fc.tuple(fc.nat(25), fc.constantFrom('PAGES' as const, 'SECTIONS' as const)),
      fc.constantFrom(1, 6_000, Infinity),
      async (keys, rows, cuts, steps, [first, second], [restoreAt, form], stateBudget) => {
        const spec = groupSpec(keys);
        const model = new Model(spec);
        let now = 1_700_000_000_000;
        let timeToLive = first;
        const limits = { stateBudget, spillDirectory, now: () => now, stateTimeToLive: first };
        const collector = new Collector(limits);
        let run = new Subtasks(spec, 'STREAMING', 2, [collector]);
        let i = 0;
        for (const batch of toBatches(rows, cuts)) {
          now += steps.next().value;
          if (i++ === restoreAt) {
            collector.limits.stateTimeToLive = second;
            run = await run.rescale(3, 'STREAMING', { form });
            model.restore(now, timeToLive);
            timeToLive = second;
          }
          const told = collector.rows.length;
          run.process(batch);
          run.flush();
          expect(changesSince(collector, told)).toEqual(model.add(batch, now, timeToLive));
        }
        run.close();
      },
    ),
    { numRuns: 60 },
  );
});

const COUNT = ACCUMULATORS.slice(0, 1);
const rowOf = (id: bigint): CellValue[] => INPUT.map(({ name }) => (name === 'id' ? id : name === 'ts' ? 0 : null));

test('changes that are held back are told before their groups come again as new ones', () => {
  let now = 1000;
  const collector = new Collector({ now: () => now, stateTimeToLive: 100 });
  const operator = createOperator(groupSpec(['id'], COUNT), collector.context('STREAMING'));
  operator.processBatch(fromRows(INPUT, [rowOf(1n), rowOf(1n)]), collector);
  now += 100;
  operator.processBatch(fromRows(INPUT, [rowOf(1n)]), collector);
  operator.flush!(collector);
  expect(collector.rows).toEqual([
    [1n, 2n],
    [1n, 1n],
  ]);
  expect(collector.kinds).toEqual([0, 0]);
});

function groupsHeld(operator: Operator): number {
  const snapshot = operator.snapshot()!;
  const schema = sectionSchema(snapshot.stateSchema as StateSchema);
  return keyedBytes(snapshot, 'SECTIONS').reduce((sum, bytes) => sum + decodeBatch(schema, bytes).rows, 0);
}

test.each([Infinity, 50_000])(
  'groups that nobody touches any more are given up, with a budget of %d bytes',
  (stateBudget) => {
    let now = 0;
    const collector = new Collector({ now: () => now, stateTimeToLive: 1000, stateBudget, spillDirectory });
    const operator = createOperator(groupSpec(['id'], COUNT), collector.context('STREAMING'));
    for (let batch = 0; batch < 100; batch++) {
      now += 50;
      const ids = Array.from({ length: 300 }, (_, i) => rowOf(BigInt(batch * 300 + i)));
      operator.processBatch(fromRows(INPUT, ids), collector);
      operator.flush!(collector);
    }
    // 6,000 of 30,000 groups are alive. Of the others a table holds as many at the most, and runs what has not been merged since.
    expect(groupsHeld(operator)).toBeGreaterThanOrEqual(6000);
    expect(groupsHeld(operator)).toBeLessThan(22_000);
    operator.close();
  },
);

test('a table is looked over in steps, and compacted once most of its groups are out of date', () => {
  let now = 0;
  const collector = new Collector({ now: () => now, stateTimeToLive: 10 });
  const operator = createOperator(groupSpec(['id'], COUNT), collector.context('STREAMING'));
  const ids = Array.from({ length: 20_000 }, (_, i) => rowOf(BigInt(i)));
  operator.processBatch(fromRows(INPUT, ids), collector);
  operator.flush!(collector);
  expect(groupsHeld(operator)).toBe(20_000);
  now = 10;
  for (let batch = 0; batch < 6; batch++) {
    operator.processBatch(fromRows(INPUT, [rowOf(-1n)]), collector);
    operator.flush!(collector);
  }
  expect(groupsHeld(operator)).toBe(1);
});
