// A datagen that follows a schedule: what it reads by when, what it has pending, and how it goes on with other readers.
import fc from 'fast-check';
import { SplitEnumerator } from '../jobmanager/coordinator/split-enumerator.ts';
import { sqlType } from '../plan/types.ts';
import type { SourceReader, SourceSplit } from './connector.ts';
import { sourceConnector } from './registry.ts';
import { readerContext, tableOf } from './testing.ts';

const schema = [{ name: 'n', type: sqlType.bigint() }];
const datagen = (options: Record<string, string>) => tableOf(schema, { connector: 'datagen', ...options });

/** Readers of one source on a clock that is set by hand. */
class Readers {
  now = 0;
  readers: SourceReader[] = [];
  wakes: number[] = [];
  /** Rows read since the beginning. */
  total = 0;
  private readonly table;

  constructor(options: Record<string, string>) {
    this.table = datagen(options);
  }

  /** Begins, or goes on from a snapshot, with that many readers. */
  async start(parallelism: number, restored: SourceSplit[] | null): Promise<void> {
    const source = sourceConnector(this.table);
    const splits = restored ?? (await source.discoverSplits(this.table));
    const maxReaders = source.describe(this.table).maxParallelism;
    const enumerator = new SplitEnumerator({ operatorId: 'op', mode: 'STREAMING', parallelism, maxReaders, splits });
    this.enumerator = enumerator;
    this.readers = Array.from({ length: parallelism }, (_, subtask) => {
      const after = (ms: number): (() => void) => (this.wakes.push(this.now + ms), () => undefined);
      const reader = source.createReader(
        readerContext(this.table, { subtask, parallelism, monotonic: () => this.now, after }),
      );
      reader.addSplit(enumerator.next(subtask)!);
      // With the first look the clock begins.
      this.total += reader.poll()?.rows ?? 0;
      return reader;
    });
  }

  /** Gives each reader that has read all of its splits another one. */
  assign(): void {
    this.readers.forEach((reader, subtask) => {
      if (reader.needsSplit()) reader.addSplit(this.enumerator!.next(subtask)!);
    });
  }

  private enumerator: SplitEnumerator | null = null;

  snapshot(): SourceSplit[] {
    return [...this.readers.flatMap((reader) => reader.snapshot()), ...this.enumerator!.snapshot()];
  }

  /** Rows of at most `polls` batches of each reader. */
  read(polls = Infinity): number {
    let rows = 0;
    for (const reader of this.readers)
      for (let i = 0; i < polls; i++) {
        const batch = reader.poll();
        if (batch === null) break;
        rows += batch.rows;
      }
    this.total += rows;
    return rows;
  }

  get due(): number {
    return this.readers.reduce((sum, reader) => sum + reader.backlog().due!, 0);
  }
}

test('rows come at the rate of the moment; what is due and not read is pending, and is caught up', async () => {
  const source = new Readers({ 'rows-per-second.schedule': '0s:1000, 10s:5000, 20s:0' });
  await source.start(1, null);
  source.now = 10_000;
  expect(source.due).toBe(10_000);
  expect(source.read()).toBe(10_000);
  source.now = 12_000;
  expect(source.read(1)).toBe(8192);
  expect(source.due).toBe(1808);
  source.now = 60_000;
  expect(source.due).toBe(41_808);
  expect(source.read()).toBe(41_808);
  expect(source.due).toBe(0);
});

test('a reader is woken when rows are due or the rate changes, and by nothing else', async () => {
  const source = new Readers({ 'rows-per-second.schedule': '0s:0, 10s:1000, 10005ms:0' });
  await source.start(1, null);
  expect(source.wakes).toEqual([10_000]);
});

test('what a step leaves of a tick comes when the rate falls to nothing', async () => {
  const source = new Readers({ 'rows-per-second.schedule': '0s:1000, 5ms:0' });
  await source.start(1, null);
  source.now = 4;
  expect(source.read()).toBe(0);
  source.now = 5;
  expect(source.read()).toBe(5);
});

test('a schedule goes on where it was, with other readers too, and owes what it owed', async () => {
  const source = new Readers({ 'rows-per-second.schedule': '0s:1000, 10s:4000' });
  await source.start(2, null);
  source.now = 9_000;
  expect(source.read(1)).toBe(9_000);
  source.now = 10_000;
  const snapshot = source.snapshot();
  source.now = 70_000;
  await source.start(4, snapshot);
  // The first look found what was behind, a quarter of it with each.
  expect(source.total).toBe(10_000);
  expect(source.readers.map((reader) => reader.backlog().due)).toEqual([0, 0, 0, 0]);
  source.now += 1_000;
  expect(source.due).toBe(4_000);
});

test('a schedule goes on where it was when the readers have read their splits and not been given others', async () => {
  const source = new Readers({ 'rows-per-second.schedule': '0s:1000, 1s:4000', 'number-of-rows': '16000' });
  await source.start(2, null);
  source.now = 2_000;
  // Splits of a thousand rows: each reader has one, and is 1,500 rows behind.
  expect(source.read()).toBe(2_000);
  expect(source.readers.map((reader) => reader.needsSplit())).toEqual([true, true]);
  const snapshot = source.snapshot();
  source.now = 70_000;
  await source.start(2, snapshot);
  source.now += 1_000;
  for (let splits = 0; splits < 5; splits++) {
    source.assign();
    source.read();
  }
  expect(source.total).toBe(9_000);
});

test('positions of a version without schedules begin with the schedule', async () => {
  const source = new Readers({ 'rows-per-second.schedule': '0s:1000' });
  await source.start(1, [{ id: 'rows-0', ordinal: 0, group: 'rows-0', position: { next: 7, step: 128, end: null } }]);
  expect(source.due).toBe(0);
  source.now = 100;
  expect(source.read()).toBe(100);
});

test('whenever it is read, restored and rescaled: what is read and what is pending are what was due while it ran', async () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 5_000 }),
    polls: fc.integer({ min: 0, max: 3 }),
    restore: fc.option(fc.record({ parallelism: fc.integer({ min: 1, max: 9 }), away: fc.nat(100_000) }), { freq: 2 }),
  });
  // Without an end, and in so many rows that nobody runs out of splits although most are read to their end.
  const ends = fc.constantFrom({}, { 'number-of-rows': '400000' });
  await fc.assert(
    fc.asyncProperty(ends, fc.array(step, { minLength: 1, maxLength: 12 }), async (end, steps) => {
      const source = new Readers({ 'rows-per-second.schedule': '0s:3000, 4s:20000, 9s:0, 12s:500', ...end });
      await source.start(3, null);
      let [ran, restores] = [0, 0];
      for (const { wait, polls, restore } of steps) {
        source.now += wait;
        ran += wait;
        source.assign();
        source.read(polls);
        if (restore === null) continue;
        restores++;
        const snapshot = source.snapshot();
        source.now += restore.away;
        await source.start(restore.parallelism, snapshot);
      }
      const parts: [number, number][] = [
        [4_000, 3],
        [9_000, 20],
        [12_000, 0],
        [Infinity, 0.5],
      ];
      let [due, from] = [0, 0];
      for (const [to, perMs] of parts) {
        due += Math.max(0, Math.min(ran, to) - from) * perMs;
        from = to;
      }
      source.assign();
      // Each reader counts whole rows.
      expect(Math.abs(due - source.total - source.due)).toBeLessThanOrEqual(9 * (restores + 1));
    }),
  );
});

test('a rate, unlike a schedule, begins anew with each reader', async () => {
  const source = new Readers({ 'rows-per-second': '1000' });
  await source.start(1, null);
  source.now = 10_000;
  expect(source.due).toBe(10_000);
  const snapshot = source.snapshot();
  expect(snapshot[0]).not.toHaveProperty('pace');
  await source.start(1, snapshot);
  expect(source.due).toBe(0);
});
