// Chains of incremental checkpoints, some of them given up, of an operator that goes on: each completed one restores to the state at its barrier.
import fc from 'fast-check';
import { cell, fromRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { decodeBatch } from '../columnar/wire.ts';
import { createOperator } from '../operators/create.ts';
import { ACCUMULATORS, Collector, groupSpec, INPUT, keyedBytes, textOf, windowSpec } from '../operators/harness.ts';
import type { Operator, OperatorSnapshot } from '../operators/operator.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import { sectionSchema, type StateSchema } from '../state/schema.ts';
import { MemoryObjectStore } from '../storage/memory-object-store.ts';
import { readPageIndex } from './page-file.ts';
import { readOperatorPages } from './page-reader.ts';
import { PageWriter } from './page-writer.ts';
import { StateFolder } from './state-folder.ts';
import type { TaskStateHandle } from './storage.ts';

const ALL = keyGroupRange(0, 1);
const SPAN = 1000;

/** All groups of encoded batches, as sorted text. */
function groupsOf(schema: unknown, batches: Iterable<Uint8Array>): string[] {
  const columns = sectionSchema(schema as StateSchema);
  const found: string[] = [];
  for (const bytes of batches) {
    const batch = decodeBatch(columns, bytes);
    for (let row = 0; row < batch.rows; row++) found.push(textOf(columns.map((_field, i) => cell(batch, i, row))));
  }
  return found.sort();
}

interface Completed {
  checkpointId: number;
  handle: TaskStateHandle;
  groups: string[];
}

/** One subtask with its writer, and what its checkpoints have to be. */
class Subtask {
  readonly shared = new StateFolder(new MemoryObjectStore(), 'shared/', 'shared');
  readonly completed: Completed[] = [];
  readonly collector = new Collector();
  readonly operator: Operator;
  private readonly writer: PageWriter;
  private nextId = 1;
  /** Checkpoints know their groups. */
  remember = true;

  constructor(spec: ReturnType<typeof groupSpec> | ReturnType<typeof windowSpec>) {
    this.operator = createOperator(spec, this.collector.context('STREAMING'));
    // A page takes it so long that every second one ends a chunk.
    let time = 0;
    this.writer = new PageWriter({ vertexId: 'v', subtask: 0, attempt: '1', keyGroups: ALL }, () => time++);
  }

  process(batch: ColumnBatch): void {
    this.operator.processBatch(batch, this.collector);
  }

  /**
   * A checkpoint that is written while `meanwhile` goes on: after each part that storage takes. GIVEN_UP: before its second part. ABORTED: written, but
   * other tasks did not write theirs.
   */
  async checkpoint(
    meanwhile: () => void = () => undefined,
    outcome: 'COMPLETED' | 'GIVEN_UP' | 'ABORTED' = 'COMPLETED',
  ): Promise<void> {
    this.operator.flush?.(this.collector);
    const groups = this.remember ? this.groups() : [];
    const snapshot = this.operator.snapshot()!;
    const checkpointId = this.nextId++;
    const write = this.writer.begin(checkpointId, this.completed.at(-1)?.checkpointId ?? null, [snapshot]);
    let left = outcome === 'GIVEN_UP' ? 1 : Infinity;
    const given = function* (): Generator<Uint8Array> {
      meanwhile();
      for (const part of write.parts()) {
        if (left-- === 0) throw new Error('given up');
        yield part;
        meanwhile();
      }
    };
    const done = this.shared.store.put(this.shared.key(write.name), given());
    const written = await done.then(
      () => true,
      () => false,
    );
    snapshot.keyed?.release();
    if (written && outcome !== 'ABORTED') this.completed.push({ checkpointId, handle: write.handle(), groups });
  }

  /** What is in a checkpoint now. */
  async restored({ handle }: Completed): Promise<string[]> {
    const [operator] = handle.operators;
    const { pages } = await readOperatorPages(this.shared, handle, operator!.operatorId, ALL);
    const batches: Uint8Array[] = [];
    for await (const page of pages) batches.push(page);
    return groupsOf(operator!.stateSchema, batches);
  }

  /** Files that no completed checkpoint but the last `retained` refers to are removed, as the coordinator has it. */
  async sweep(retained: number): Promise<void> {
    const used = new Set(this.completed.slice(-retained).flatMap(({ handle }) => handle.pages!.files));
    for (const name of await this.shared.list())
      if (!used.has(name)) await this.shared.store.delete(this.shared.key(name));
  }

  private groups(): string[] {
    const snapshot: OperatorSnapshot = this.operator.snapshot()!;
    return groupsOf(snapshot.stateSchema, keyedBytes(snapshot, 'SECTIONS'));
  }
}

/** Rows of `count` keys from `first` on. */
function rowsOf(first: number, count: number, stride: number, at: number): ColumnBatch {
  const byName = (id: number, name: string): CellValue =>
    ({ id: BigInt(id), name: `n${id}`, amount: BigInt(at), label: `${at}`.repeat(id % 5), ts: at })[name] ?? null;
  const rows = Array.from({ length: count }, (_, i) => INPUT.map(({ name }) => byName(first + i * stride, name)));
  return fromRows(INPUT, rows);
}

const step = fc.record({
  first: fc.nat(900),
  count: fc.integer({ min: 1, max: 150 }),
  stride: fc.integer({ min: 1, max: 5 }),
  after: fc.constantFrom<null | 'COMPLETED' | 'GIVEN_UP' | 'ABORTED'>(
    null,
    null,
    'COMPLETED',
    'COMPLETED',
    'GIVEN_UP',
    'ABORTED',
  ),
  at: fc.nat(SPAN - 1),
  watermark: fc.boolean(),
});
const specs = [
  groupSpec(['id']),
  groupSpec(['name']),
  windowSpec(['id'], 250),
  windowSpec(['level', 'id'], 100, 0, ACCUMULATORS.slice(0, 13)),
];

test('each of the last two completed checkpoints restores to the state at its barrier', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...specs), fc.array(step, { maxLength: 16, size: 'max' }), async (spec, steps) => {
      const subtask = new Subtask(spec);
      let time = 0;
      for (const { first, count, stride, after, at, watermark } of steps) {
        time = Math.max(time, watermark ? at : 0);
        subtask.process(rowsOf(first, count, stride, Math.max(at, time)));
        if (watermark) subtask.operator.processWatermark(time - 1, subtask.collector);
        if (after === null) continue;
        const meanwhile = (): void => subtask.process(rowsOf(first + 1, count, 1, SPAN - 1));
        await subtask.checkpoint(meanwhile, after);
        await subtask.sweep(2);
        for (const checkpoint of subtask.completed.slice(-2))
          expect(await subtask.restored(checkpoint)).toEqual(checkpoint.groups);
      }
      subtask.operator.close();
    }),
    { numRuns: 30 },
  );
});

describe('of a state of which little changes', () => {
  const started = async (): Promise<Subtask> => {
    const subtask = new Subtask(groupSpec(['id']));
    subtask.process(rowsOf(0, 5000, 1, 1));
    await subtask.checkpoint();
    return subtask;
  };
  const liveBytes = ({ handle }: Completed): number => handle.operators[0]!.keyedBytes;

  test('little is written', async () => {
    const subtask = await started();
    subtask.process(rowsOf(3000, 10, 1, 2));
    await subtask.checkpoint();
    await subtask.checkpoint();
    const [all, some, none] = subtask.completed.map(({ handle }) => handle.length);
    expect(some!).toBeLessThan(all! / 8);
    expect(none!).toBeLessThan(some! / 5);
    expect(subtask.completed.map(liveBytes)).toEqual([
      liveBytes(subtask.completed[0]!),
      ...subtask.completed.slice(1).map(liveBytes),
    ]);
    expect(await subtask.restored(subtask.completed[2]!)).toEqual(subtask.completed[2]!.groups);
  });

  test('what is kept is at most twice what is needed', async () => {
    const subtask = await started();
    subtask.remember = false;
    // Of each file all pages but one are written again: it would stay for that one.
    for (let first = 0; first < 4900; first += 256) {
      subtask.process(rowsOf(first, 5000 - first, 1, 2));
      await subtask.checkpoint();
      await subtask.sweep(1);
      const last = subtask.completed.at(-1)!;
      const index = await readPageIndex(subtask.shared, last.handle);
      expect(new Set(await subtask.shared.list())).toEqual(new Set(index.files));
      let bytes = 0;
      for (const name of index.files) bytes += (await subtask.shared.store.size(subtask.shared.key(name)))!;
      // Beside pages, each file has an index.
      expect(bytes).toBeLessThan(2 * liveBytes(last) + index.files.length * 2500);
    }
  });

  test('what is kept is in a bounded number of files', async () => {
    const wide = Array.from({ length: 8 }, (_, i) => ACCUMULATORS.map((one) => ({ ...one, name: `${one.name} ${i}` })));
    const subtask = new Subtask(groupSpec(['id'], wide.flat()));
    subtask.remember = false;
    const perPage = 64;
    subtask.process(rowsOf(0, 180 * perPage, 1, 1));
    await subtask.checkpoint();
    const { operators } = await readPageIndex(subtask.shared, subtask.completed[0]!.handle);
    expect(operators[0]!.pages).toHaveLength(180);
    const files: number[] = [];
    for (let page = 0; page < 80; page++) {
      subtask.process(rowsOf(perPage * page, 1, 1, 2));
      await subtask.checkpoint();
      files.push(subtask.completed.at(-1)!.handle.pages!.files.length);
    }
    expect(Math.max(...files)).toBeLessThanOrEqual(64);
  });

  test('a checkpoint refers to the completed one that it is told of, not to those that came to nothing', async () => {
    const subtask = await started();
    subtask.process(rowsOf(0, 10, 1, 2));
    await subtask.checkpoint(() => undefined, 'GIVEN_UP');
    subtask.process(rowsOf(0, 10, 1, 3));
    await subtask.checkpoint(() => undefined, 'ABORTED');
    expect(subtask.completed).toHaveLength(1);
    await subtask.checkpoint();
    await subtask.sweep(1);
    expect(await subtask.restored(subtask.completed[1]!)).toEqual(subtask.completed[1]!.groups);
    expect(await subtask.shared.list()).toEqual(['v-0-1-1.pages', 'v-0-1-4.pages']);
  });
});
