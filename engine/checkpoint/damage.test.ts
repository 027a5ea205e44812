// Every changed byte, every truncation, every missing, foreign or swapped file of a savepoint or checkpoint is refused by name before anything of it is
// used; and what is whole comes back at any parallelism.
import fc from 'fast-check';
import type { CellValue } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import { Collector, groupSpec, rowsArbitrary, Subtasks, textOf, toBatches, windowSpec } from '../operators/harness.ts';
import { createOperator } from '../operators/create.ts';
import type { GroupAggregateSpec, WindowAggregateSpec } from '../plan/exec-plan.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import { MemoryObjectStore } from '../storage/memory-object-store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { inspectState } from './inspect.ts';
import { encodeManifest, MANIFEST_NAME } from './manifest-file.ts';
import { ObjectCheckpointStorage } from './object-checkpoint-storage.ts';
import { PageWriter } from './page-writer.ts';
import { writeStateFile } from './state-file.ts';
import { StateFolder } from './state-folder.ts';
import { MANIFEST_VERSION, type CheckpointStorage, type Manifest, type TaskStateHandle } from './storage.ts';

type Spec = GroupAggregateSpec | WindowAggregateSpec;

const JOB = '0123456789abcdef0123456789abcdef';
const FOLDER = `checkpoints/${JOB}/chk-2`;
const groups: Spec = { ...groupSpec(['name', 'id']), id: 'a'.repeat(32), uid: 'agg:a' };
const windows: Spec = { ...windowSpec(['level'], 100), id: 'b'.repeat(32), uid: 'window-agg:b' };

/** A store of which some objects have been changed (null: removed) behind its back. */
class Tampered implements ObjectStore {
  private readonly store: ObjectStore;
  readonly objects = new Map<string, Uint8Array | null>();

  constructor(store: ObjectStore) {
    this.store = store;
  }

  async get(key: string): Promise<Uint8Array | null> {
    return this.objects.has(key) ? this.objects.get(key)! : this.store.get(key);
  }

  async size(key: string): Promise<number | null> {
    return this.objects.has(key) ? (this.objects.get(key)?.length ?? null) : this.store.size(key);
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    const changed = this.objects.get(key);
    if (changed === undefined) return this.store.getRange(key, offset, length);
    if (changed === null || offset + length > changed.length)
      throw new EngineError(changed === null ? 'OBJECT_NOT_FOUND' : 'OBJECT_TRUNCATED', key);
    return changed.slice(offset, offset + length);
  }

  async list(prefix: string): Promise<string[]> {
    return this.store.list(prefix);
  }

  put = async (): Promise<never> => Promise.reject(new Error('a restore writes nothing'));
  delete = async (): Promise<never> => Promise.reject(new Error('a restore removes nothing'));
  removeUnfinished = async (): Promise<never> => Promise.reject(new Error('a restore removes nothing'));
}

function storageOn(store: ObjectStore): CheckpointStorage {
  const open = (directory: string): StateFolder => new StateFolder(store, `${directory}/`, directory);
  const savepointPath = (parent: string, name: string): string => `${parent}/${name}`;
  return new ObjectCheckpointStorage({ store, writer: 'test', pathOf: (key) => key, savepointPath, open });
}

function manifestOf(kind: Manifest['kind'], files: TaskStateHandle[], parallelism: number): Manifest {
  return {
    formatVersion: MANIFEST_VERSION,
    kind,
    jobId: JOB,
    jobName: 'job',
    checkpointId: 2,
    epoch: 1,
    triggerTimestamp: 1,
    maxParallelism: 128,
    operators: [groups, windows].map(({ id, uid, name }) => ({ operatorId: id, uid, name, vertexId: id, parallelism })),
    files,
    sources: [{ operatorId: 'c'.repeat(32), splits: [] }],
    committables: [],
    endOfInput: false,
  };
}

interface Taken {
  store: MemoryObjectStore;
  /** Names of its files, relative to the store. */
  keys: string[];
}

/** The state of the rows at a parallelism, as a savepoint, or as a checkpoint that refers to pages of an earlier one. */
async function take(kind: Manifest['kind'], rows: CellValue[][], parallelism: number): Promise<Taken> {
  const store = new MemoryObjectStore();
  const folder = new StateFolder(store, `${FOLDER}/`, FOLDER);
  const files: TaskStateHandle[] = [];
  for (const spec of [groups, windows]) {
    const batches = toBatches(rows, [rows.length - 1]);
    const subtasks = new Subtasks(spec, 'STREAMING', parallelism);
    const writers = Array.from(
      { length: parallelism },
      (_, subtask) =>
        new PageWriter(
          { vertexId: spec.id, subtask, attempt: '1', keyGroups: keyGroupRange(subtask, parallelism) },
          () => 0,
        ),
    );
    for (const [step, batch] of batches.entries()) {
      subtasks.process(batch);
      subtasks.flush();
      const last = step === batches.length - 1;
      if (!last && kind === 'SAVEPOINT') continue;
      for (const [subtask, snapshot] of subtasks.snapshots().entries()) {
        if (kind === 'SAVEPOINT')
          files.push(await writeStateFile(folder, { vertexId: spec.id, subtask, attempt: '1' }, [snapshot]));
        else {
          const write = writers[subtask]!.begin(step + 1, step === 0 ? null : step, [snapshot]);
          const shared = folder.sibling('shared');
          await store.put(shared.key(write.name), write.parts());
          if (last) files.push(write.handle());
        }
        snapshot.keyed?.release();
      }
    }
    subtasks.close();
  }
  await store.put(folder.key(MANIFEST_NAME), [encodeManifest(manifestOf(kind, files, parallelism))]);
  const used = new Set(files.flatMap(({ path, pages }) => pages?.files.map((name) => `../shared/${name}`) ?? [path]));
  const keys = [...used].map((name) =>
    name.startsWith('../') ? `checkpoints/${JOB}/${name.slice(3)}` : folder.key(name),
  );
  return { store, keys: [folder.key(MANIFEST_NAME), ...keys] };
}

/** What a task reads when it restores: everything of its operators, through storage. */
async function readAll(storage: CheckpointStorage): Promise<Uint8Array> {
  const manifest = await storage.readManifest(FOLDER);
  const parts: Uint8Array[] = [encodeManifest(manifest)];
  for (const { id } of [groups, windows]) {
    const state = await storage.readOperatorState(FOLDER, manifest, id, { start: 0, end: 127 });
    for await (const bytes of state!.keyed) parts.push(bytes);
    parts.push(...state!.union);
  }
  return Buffer.concat(parts);
}

/** The rows of both aggregations after a restore at a parallelism, with a snapshot taken from it. */
async function restore(storage: CheckpointStorage, parallelism: number): Promise<string[]> {
  const manifest = await storage.readManifest(FOLDER);
  const rows: string[] = [];
  for (const spec of [groups, windows]) {
    const collector = new Collector();
    for (let subtask = 0; subtask < parallelism; subtask++) {
      const operator = createOperator(spec, collector.context('BATCH', subtask, parallelism));
      const range = keyGroupRange(subtask, parallelism);
      await operator.restore((await storage.readOperatorState(FOLDER, manifest, spec.id, range))!);
      operator.finish(collector);
      operator.close();
    }
    rows.push(...collector.rows.map(textOf));
  }
  return rows.sort();
}

async function refusal<T>(work: () => Promise<T>): Promise<EngineError | T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
}

const SMALL: CellValue[][] = [
  [1n, 'a', 1, 0.5, true, 1, 5n, 100n, 1, 3, 'x', 10],
  [2n, 'b', null, 0.5, null, 1, null, 100n, 1, 3, 'y', 120],
  [null, null, 2, 0.5, false, 1, 7n, null, 1, 3, null, 30],
];

describe.each(['SAVEPOINT', 'CHECKPOINT'] as const)('a %s', (kind) => {
  let taken: Taken;
  let store: Tampered;
  let storage: CheckpointStorage;
  let whole: string[];
  let intact: Uint8Array;

  beforeEach(async () => {
    taken = await take(kind, SMALL, 2);
    store = new Tampered(taken.store);
    storage = storageOn(store);
    whole = await restore(storage, 1);
    expect(whole).toHaveLength(6);
    intact = await readAll(storage);
  });

  const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

  async function expectRefused(key: string, changed: Uint8Array | null, what: string): Promise<void> {
    store.objects.set(key, changed);
    const error = await refusal(() => readAll(storage));
    store.objects.delete(key);
    const missing = key.endsWith(MANIFEST_NAME) && changed === null;
    // Of the files of earlier checkpoints only the pages are read that are still referred to: what else is in them does no harm.
    if (!(error instanceof EngineError) && key.endsWith('-1.pages') && Buffer.compare(error, intact) === 0) return;
    if (!(error instanceof EngineError)) throw new Error(`${what} was accepted`);
    const named = error.message.includes(missing ? FOLDER : nameOf(key)) && error.hint !== undefined;
    const code = missing ? 'SAVEPOINT_NOT_FOUND' : 'SAVEPOINT_CORRUPT';
    if (error.code !== code || !named) throw new Error(`${what} was refused otherwise`, { cause: error });
  }

  test('with any byte changed is refused, and the file is named', async () => {
    let random = 1;
    for (const key of taken.keys) {
      const bytes = (await taken.store.get(key))!;
      for (let at = 0; at < bytes.length; at++) {
        random = (Math.imul(random, 1103515245) + 12345) >>> 1;
        // All bits one by one, all together, and one value more; of a checkpoint, which has more files, one bit.
        const bits = kind === 'SAVEPOINT' ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (at % 8)];
        const values = [...bits, 255, (random >>> 8) & 255 || 3];
        for (const value of values) {
          const changed = bytes.slice();
          changed[at]! ^= value;
          await expectRefused(key, changed, `${nameOf(key)} with byte ${at} changed by ${value}`);
        }
      }
    }
  }, 120_000);

  test('with any value in place of the bytes of its headers and ends is refused', async () => {
    for (const key of taken.keys.slice(0, 2)) {
      const bytes = (await taken.store.get(key))!;
      for (const at of [...Array(16).keys(), ...Array.from({ length: 24 }, (_, i) => bytes.length - 24 + i)])
        for (let value = 1; value < 256; value++) {
          const changed = bytes.slice();
          changed[at]! ^= value;
          await expectRefused(key, changed, `${nameOf(key)} with byte ${at} changed by ${value}`);
        }
    }
  }, 120_000);

  test('cut short or made longer anywhere is refused', async () => {
    for (const key of taken.keys) {
      const bytes = (await taken.store.get(key))!;
      for (let length = 0; length < bytes.length; length++)
        await expectRefused(key, bytes.slice(0, length), `${nameOf(key)} cut to ${length} bytes`);
      for (const more of [1, 8, 100])
        await expectRefused(key, Buffer.concat([bytes, Buffer.alloc(more)]), `${nameOf(key)} with ${more} bytes more`);
    }
  }, 120_000);

  test('that lacks a file, or has one in the place of another, is refused', async () => {
    for (const key of taken.keys) {
      await expectRefused(key, null, `${nameOf(key)} removed`);
      for (const other of taken.keys)
        if (other !== key)
          await expectRefused(key, await taken.store.get(other), `${nameOf(key)} replaced by ${nameOf(other)}`);
    }
  });

  test('that has a file of another one of the same job is refused', async () => {
    const changed = SMALL.map((row) => row.with(6, 9n));
    const other = await take(kind, changed, 2);
    for (const key of taken.keys.slice(1)) {
      const [bytes, foreign] = [await taken.store.get(key), await other.store.get(key)];
      if (Buffer.compare(bytes!, foreign!) !== 0) await expectRefused(key, foreign, `${nameOf(key)} of another one`);
    }
  });

  test('is refused by an operator before it has taken anything, and by whoever looks through it', async () => {
    const folder = new StateFolder(store, `${FOLDER}/`, FOLDER);
    for (const key of taken.keys.slice(1).filter((name) => !name.endsWith('-1.pages'))) {
      const bytes = (await taken.store.get(key))!;
      const changed = bytes.slice();
      changed[bytes.length >> 1]! ^= 4;
      store.objects.set(key, changed);
      const error = await refusal(() => restore(storage, 2));
      expect((await inspectState(folder)).damages.join()).toContain(nameOf(key));
      expect(error).toMatchObject({ code: 'SAVEPOINT_CORRUPT' });
      store.objects.delete(key);
    }
    expect((await inspectState(folder)).damages).toEqual([]);
  });

  test('with files that are not its own is as it is without them', async () => {
    const folder = new StateFolder(taken.store, `${FOLDER}/`, FOLDER);
    await taken.store.put(folder.key('notes.txt'), [Buffer.from('mine')]);
    expect(await restore(storage, 1)).toEqual(whole);
    expect((await inspectState(folder)).strangers).toEqual(['notes.txt']);
  });

  test('comes back whole at any parallelism from 1 to 128, whatever it was taken at', async () => {
    const parallelism = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 128 }));
    await fc.assert(
      fc.asyncProperty(
        rowsArbitrary(500, { minLength: 2, maxLength: 40 }),
        parallelism,
        parallelism,
        async (rows, before, after) => {
          const { store: other } = await take(kind, rows, before);
          const expected = await restore(storageOn((await take(kind, rows, 1)).store), 1);
          expect(await restore(storageOn(other), after)).toEqual(expected);
        },
      ),
      { numRuns: 8 },
    );
  }, 60_000);
});

test('a newer version is refused as such, and never as damage', async () => {
  const { store } = await take('SAVEPOINT', SMALL, 1);
  const folder = new StateFolder(store, `${FOLDER}/`, FOLDER);
  const manifest = await storageOn(store).readManifest(FOLDER);
  await store.put(folder.key(MANIFEST_NAME), [encodeManifest({ ...manifest, formatVersion: 3 as 2 })]);
  const error = await refusal(() => readAll(storageOn(store)));
  expect(error).toMatchObject({ code: 'SAVEPOINT_TOO_NEW' });
  expect((error as EngineError).message).toBe(
    `${FOLDER}/_metadata is of format version 3; this engine reads versions up to 2`,
  );
});
