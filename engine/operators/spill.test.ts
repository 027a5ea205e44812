// State that is larger than its share of memory: whatever goes to disk, the results are those of state that is all in memory.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { CellValue } from '../columnar/batch.ts';
import {
  Collector,
  groupSpec,
  KEYS,
  reference,
  rowsArbitrary,
  Subtasks,
  textOf,
  toBatches,
  TS,
  windowSpec,
} from './harness.ts';
import { MAX_WATERMARK, MIN_WATERMARK, type OperatorContext } from './operator.ts';

const SPAN = 1000;
const folder = mkdtempSync(join(tmpdir(), 'flowjob-spill-test-'));
let folders = 0;
afterAll(() => rmSync(folder, { recursive: true }));

/** A context whose state may take so many bytes; each operator spills into a folder of its own. */
function limits(stateBudget: number): Partial<OperatorContext> {
  return { stateBudget, spillDirectory: () => mkdtempSync(join(folder, `${folders++}-`)) };
}

function collector(stateBudget: number): Collector[] {
  return [new Collector(limits(stateBudget))];
}

/** Rows with more keys than rowsArbitrary's, so that tables outgrow their budget. */
const manyRows = fc
  .tuple(rowsArbitrary(SPAN, { minLength: 100, maxLength: 400 }), fc.integer({ min: 1, max: 300 }))
  .map(([rows, keys]) =>
    rows.map((row, i): CellValue[] => {
      const key = (i * 7919) % keys;
      return row.map((value, column) =>
        column === 0 && key % 9 !== 0 ? BigInt(key) : column === 1 && key % 7 === 0 ? `name ${key}` : value,
      );
    }),
  );
const budgets = fc.constantFrom(1, 4_000, 16_000, 40_000);
const cuts = fc.array(fc.nat(1000), { minLength: 3, maxLength: 30 });
const subtasks = fc.integer({ min: 1, max: 3 });
const forms = fc.constantFrom('PAGES' as const, 'SECTIONS' as const);

/** The table that a changelog leads to, checked on the way: what is retracted must be there, what is new must not. */
function materialize({ rows, kinds }: Collector, keys: number): string[] {
  const table = new Map<string, string>();
  rows.forEach((row, i) => {
    const key = textOf(row.slice(0, keys));
    const text = textOf(row);
    if (kinds[i] === 0) expect(table.get(key)).toBeUndefined();
    else if (kinds[i] === 1) expect(table.get(key)).toBe(text);
    else expect(table.get(key)).toBe('retracted');
    table.set(key, kinds[i] === 1 ? 'retracted' : text);
  });
  return [...table.values()].sort();
}

test('a batch gives the same groups with any budget', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KEYS), manyRows, cuts, subtasks, budgets, (keys, rows, at, parallelism, budget) => {
      const spec = groupSpec(keys);
      const run = new Subtasks(spec, 'BATCH', parallelism, collector(budget));
      for (const batch of toBatches(rows, at)) run.process(batch);
      run.finish();
      run.close();
      expect(run.outputs[0]!.rows.map(textOf).sort()).toEqual(reference(spec, rows));
    }),
    { numRuns: 30 },
  );
});

test('a stream tells exact changes with any budget, across restores at other parallelisms', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...KEYS),
      manyRows,
      cuts,
      fc.tuple(subtasks, subtasks),
      fc.nat(20),
      fc.tuple(budgets, budgets),
      forms,
      async (keys, rows, at, [before, after], snapshotAt, [budget, laterBudget], form) => {
        const spec = groupSpec(keys);
        let run = new Subtasks(spec, 'STREAMING', before, collector(budget));
        let i = 0;
        for (const batch of toBatches(rows, at)) {
          if (i === snapshotAt) {
            run.outputs[0]!.limits.stateBudget = laterBudget;
            run = await run.rescale(after, 'STREAMING', { form });
          }
          run.process(batch);
          if (i++ % 3 === 0) run.flush();
        }
        run.finish();
        run.close();
        expect(materialize(run.outputs[0]!, keys.length)).toEqual(reference(spec, rows));
      },
    ),
    { numRuns: 40 },
  );
});

test('a stream tells the very changes that it tells with all its state in memory, when they are told at the same moments', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KEYS), manyRows, cuts, budgets, (keys, rows, at, budget) => {
      const [limited, unlimited] = [budget, Infinity].map((stateBudget) => {
        const run = new Subtasks(groupSpec(keys), 'STREAMING', 1, collector(stateBudget));
        for (const batch of toBatches(rows, at)) {
          run.process(batch);
          run.flush();
        }
        run.close();
        return run.outputs[0]!.rows.map((row, i) => `${run.outputs[0]!.kinds[i]} ${textOf(row)}`).sort();
      });
      expect(limited).toEqual(unlimited);
    }),
    { numRuns: 30 },
  );
});

test('windows give the same rows with any budget, as a stream and as a batch, across restores', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(7, 100, 250, SPAN), fc.integer({ min: -9, max: 9 })),
      manyRows,
      cuts,
      fc.tuple(subtasks, subtasks),
      fc.nat(20),
      fc.tuple(budgets, budgets),
      fc.tuple(forms, fc.constantFrom('STREAMING' as const, 'BATCH' as const)),
      async ([keys, size, offset], rows, at, [before, after], snapshotAt, [budget, laterBudget], [form, mode]) => {
        const spec = windowSpec(keys, size, offset);
        let run = new Subtasks(spec, mode, before, collector(budget));
        let i = 0;
        let watermark = MIN_WATERMARK;
        const ordered = rows.toSorted((a, b) => Number(a[TS]) - Number(b[TS]));
        for (const batch of toBatches(ordered, at)) {
          if (i++ === snapshotAt && mode === 'STREAMING') {
            run.outputs[0]!.limits.stateBudget = laterBudget;
            run = await run.rescale(after, mode, { form });
          }
          run.process(batch);
          const last = batch.columns[TS]!;
          if (last.physical === 'f64') watermark = Math.max(watermark, Number(last.values[batch.rows - 1]) - 60);
          run.watermark(watermark);
        }
        run.watermark(MAX_WATERMARK);
        run.finish();
        run.close();
        expect(run.outputs[0]!.late).toBe(0);
        expect(run.outputs[0]!.rows.map(textOf).sort()).toEqual(reference(spec, rows));
      },
    ),
    { numRuns: 40 },
  );
});

test('nothing is left on disk by operators that are closed', () => {
  const left = readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)));
  expect(folders).toBeGreaterThan(50);
  expect(left).toEqual([]);
});
