// What becomes of a publication that is cut short at each of its steps, what is left over and who removes it, and which checkpoint counts as the newest.
import { EngineError } from '../errors.ts';
import { MemoryObjectStore } from '../storage/memory-object-store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { AcquiredAttempt } from './attempt.ts';
import { ObjectCheckpointStorage } from './object-checkpoint-storage.ts';
import { StateFolder } from './state-folder.ts';
import type { JobResult, Manifest } from './storage.ts';

const JOB = 'ab'.repeat(16);

let shared: MemoryObjectStore;
beforeEach(() => {
  shared = new MemoryObjectStore();
});

function storageOn(store: ObjectStore, writer = 'a'): ObjectCheckpointStorage {
  return new ObjectCheckpointStorage({
    store,
    writer,
    pathOf: (key) => key,
    savepointPath: (parent, name) => `${parent}/${name}`,
    open: (directory) => new StateFolder(store, `${directory}/`, directory),
  });
}

type Put = ObjectStore['put'];

/** The shared store, whose puts may fail. */
function failing(put: (key: string, really: () => ReturnType<Put>) => ReturnType<Put>): ObjectStore {
  const store = Object.create(shared) as ObjectStore;
  store.put = (key, parts, options) => put(key, () => shared.put(key, parts, options));
  return store;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof EngineError ? error.code : String(error)),
  );
}

function manifest(attempt: AcquiredAttempt, checkpointId: number, more: Partial<Manifest> = {}): Manifest {
  return {
    formatVersion: 2,
    kind: 'CHECKPOINT',
    jobId: JOB,
    jobName: 'job',
    checkpointId,
    epoch: attempt.epoch,
    restart: attempt.restart,
    triggerTimestamp: 0,
    maxParallelism: 128,
    operators: [],
    files: [],
    sources: [],
    committables: [],
    endOfInput: false,
    ...more,
  };
}

const chk = (id: number): string => `checkpoints/${JOB}/chk-${id}`;

async function ids(storage: ObjectCheckpointStorage): Promise<number[]> {
  return (await storage.listCheckpoints(JOB)).map(({ checkpointId }) => checkpointId);
}

describe('a publication that is cut short', () => {
  test('before the log has it leaves nothing behind and can be tried again', async () => {
    let broken = true;
    const storage = storageOn(
      failing(async (key, really) => {
        if (broken && key.startsWith('log/')) throw new Error('ENOSPC');
        return really();
      }),
    );
    const attempt = await storageOn(shared).acquireAttempt(1, 'x');
    expect(await codeOf(storage.publishManifest(attempt, chk(1), manifest(attempt, 1)))).toContain('ENOSPC');
    expect(await ids(storage)).toEqual([]);
    expect(await shared.list('checkpoints/')).toEqual([]);
    broken = false;
    await storage.publishManifest(attempt, chk(1), manifest(attempt, 1));
    expect(await ids(storage)).toEqual([1]);
  });

  test('counts when its entry was written although the store said that it failed', async () => {
    const attempt = await storageOn(shared).acquireAttempt(1, 'x');
    let answered = 0;
    const storage = storageOn(
      failing(async (key, really) => {
        const result = await really();
        if (key.startsWith('log/') && answered++ === 0) throw new Error('EIO');
        return result;
      }),
    );
    await storage.publishManifest(attempt, chk(1), manifest(attempt, 1));
    expect(await ids(storage)).toEqual([1]);
    expect(await shared.list('checkpoints/')).toEqual([`${chk(1)}/_metadata`]);
  });

  test('ends the process when nobody can say whether it counts; the next attempt finds out', async () => {
    const attempt = await storageOn(shared).acquireAttempt(1, 'x');
    const storage = storageOn(
      failing(async (key, really) => {
        const result = await really();
        if (key.startsWith('log/')) throw new Error('EIO');
        return result;
      }),
    );
    expect(await codeOf(storage.publishManifest(attempt, chk(1), manifest(attempt, 1)))).toBe('STORAGE_UNCERTAIN');
    const next = storageOn(shared, 'b');
    await next.acquireAttempt(1, 'y');
    expect(await ids(next)).toEqual([1]);
  });

  test('behind its decision is complete for readers, and the next attempt gives it its name', async () => {
    const attempt = await storageOn(shared).acquireAttempt(1, 'x');
    const storage = storageOn(
      failing(async (key, really) => {
        if (key.endsWith('/_metadata')) throw new Error('EIO');
        return really();
      }),
    );
    expect(await codeOf(storage.publishManifest(attempt, chk(7), manifest(attempt, 7)))).toBe('STORAGE_UNCERTAIN');
    const reader = storageOn(shared, 'reader');
    expect(await ids(reader)).toEqual([7]);
    expect((await reader.readManifest(chk(7))).checkpointId).toBe(7);
    expect(await shared.list('checkpoints/')).toEqual([`${chk(7)}/_metadata.1.pending`]);
    await reader.acquireAttempt(2, 'next');
    expect(await shared.list('checkpoints/')).toEqual([`${chk(7)}/_metadata`]);
  });

  test('so is a result', async () => {
    const attempt = await storageOn(shared).acquireAttempt(1, 'x');
    const storage = storageOn(
      failing(async (key, really) => {
        if (key.startsWith('results/')) throw new Error('EIO');
        return really();
      }),
    );
    const result: JobResult = {
      jobId: JOB,
      state: 'FINISHED',
      startTime: 1,
      endTime: 2,
      failure: null,
      savepointPath: null,
      summary: {},
    };
    expect(await codeOf(storage.writeJobResult(attempt, result))).toBe('STORAGE_UNCERTAIN');
    const next = storageOn(shared, 'b');
    expect(await next.readJobResult(JOB)).toEqual(result);
    await next.acquireAttempt(1, 'y');
    expect(await shared.list('results/')).toHaveLength(1);
    expect(await next.readJobResult(JOB)).toEqual(result);
  });
});

describe('a manifest that its attempt is about to name', () => {
  /** The next attempt takes over, completes a checkpoint of its own, and disposes of the one before. */
  async function takeOver(): Promise<void> {
    const next = storageOn(shared, 'b');
    const attempt = await next.acquireAttempt(2, 'y');
    await next.removeOrphans(attempt, JOB);
    await next.publishManifest(attempt, chk(2), manifest(attempt, 2));
    await next.dispose(chk(1));
  }

  test.each(['has read it', 'is writing it'])(
    'does not come back once the next attempt has disposed of it: it %s',
    async (moment) => {
      let before = true;
      const once = async (): Promise<void> => {
        if (before) {
          before = false;
          await takeOver();
        }
      };
      const store = Object.create(shared) as ObjectStore;
      store.get = async (key) => {
        const bytes = await shared.get(key);
        if (moment === 'has read it' && key.endsWith('.pending')) await once();
        return bytes;
      };
      store.put = async (key, parts, options) =>
        shared.put(
          key,
          (async function* () {
            yield* parts;
            if (moment === 'is writing it' && key.endsWith('/_metadata')) await once();
          })(),
          options,
        );
      const storage = storageOn(store);
      const attempt = await storage.acquireAttempt(1, 'x');
      await storage.publishManifest(attempt, chk(1), manifest(attempt, 1)).catch(() => undefined);
      expect(before).toBe(false);
      expect(await shared.list('checkpoints/')).toEqual([`${chk(2)}/_metadata`]);
    },
  );
});

describe('the newest checkpoint', () => {
  test('is refused by name when it is damaged; an older one that is damaged hinders nobody', async () => {
    const storage = storageOn(shared);
    const attempt = await storage.acquireAttempt(1, 'x');
    for (const id of [1, 2, 3]) await storage.publishManifest(attempt, chk(id), manifest(attempt, id));
    await shared.put(`${chk(2)}/_metadata`, [Buffer.from('torn')]);
    expect(await ids(storage)).toEqual([3, 1]);
    await shared.put(`${chk(3)}/_metadata`, [Buffer.from('torn')]);
    await expect(storage.listCheckpoints(JOB)).rejects.toMatchObject({
      code: 'SAVEPOINT_CORRUPT',
      message: expect.stringContaining(`${chk(3)}/_metadata`) as string,
    });
  });

  test('is refused by name when it is gone, unless the job has ended', async () => {
    const storage = storageOn(shared);
    const attempt = await storage.acquireAttempt(1, 'x');
    for (const id of [1, 2]) await storage.publishManifest(attempt, chk(id), manifest(attempt, id));
    await storage.dispose(chk(2));
    await expect(storage.listCheckpoints(JOB)).rejects.toMatchObject({
      code: 'SAVEPOINT_CORRUPT',
      message: expect.stringContaining(chk(2)) as string,
    });
    const result = { jobId: JOB, startTime: 1, endTime: 2, failure: null, savepointPath: null, summary: {} };
    await storage.writeJobResult(attempt, { ...result, state: 'CANCELED' });
    expect(await ids(storage)).toEqual([1]);
  });

  test('without a log, as version 0.1.0 kept none, must be readable whichever it is', async () => {
    const storage = storageOn(shared);
    const attempt = await storage.acquireAttempt(1, 'x');
    for (const id of [1, 2]) await storage.publishManifest(attempt, chk(id), manifest(attempt, id));
    for (const key of await shared.list('log/')) await shared.delete(key);
    expect(await ids(storage)).toEqual([2, 1]);
    await shared.put(`${chk(1)}/_metadata`, [Buffer.from('torn')]);
    expect(await codeOf(storage.listCheckpoints(JOB))).toBe('SAVEPOINT_CORRUPT');
  });
});

describe('what is left over', () => {
  const state = async (storage: ObjectCheckpointStorage, directory: string, attempt: string, subtask = 0) =>
    storage.writeTaskState(directory, { vertexId: 'v', subtask, attempt }, []);

  test('an attempt that gives a checkpoint up removes what it wrote for it, and nothing of another', async () => {
    const storage = storageOn(shared);
    await state(storage, chk(4), '1');
    await state(storage, chk(4), '1.1');
    await state(storage, chk(4), '2');
    await storage.discard(chk(4), { epoch: 1, restart: 1 });
    expect(await shared.list('')).toEqual([`${chk(4)}/v-0-1.state`, `${chk(4)}/v-0-2.state`]);
  });

  test('the next attempt removes what no complete checkpoint or savepoint refers to, but nothing of its own', async () => {
    const storage = storageOn(shared);
    const old = await storage.acquireAttempt(1, 'x');
    const used = await state(storage, chk(1), '1');
    await state(storage, chk(1), '1', 9);
    await storage.publishManifest(old, chk(1), manifest(old, 1, { files: [used] }));
    await state(storage, chk(2), '1');
    const savepoint = storage.savepointPath(JOB, 'f'.repeat(32));
    const kept = await state(storage, savepoint, '1');
    await storage.publishManifest(old, savepoint, manifest(old, 2, { kind: 'SAVEPOINT', files: [kept] }));
    const givenUp = storage.savepointPath(JOB, 'e'.repeat(32));
    await state(storage, givenUp, '1');
    const next = await storage.acquireAttempt(1, 'y');
    await state(storage, chk(2), '1.1');
    await storage.removeOrphans(next, JOB);
    expect(await shared.list('checkpoints/')).toEqual([
      `${chk(1)}/_metadata`,
      `${chk(1)}/v-0-1.state`,
      `${chk(2)}/v-0-1.1.state`,
    ]);
    expect(await shared.list('savepoints/')).toEqual([`${savepoint}/_metadata`, `${savepoint}/v-0-1.state`]);
    expect(await codeOf(storage.removeOrphans(old, JOB))).toBe('FENCED');
  });

  test('of a job that has ended all goes that storage has written for its checkpoints; savepoints and what others wrote stay', async () => {
    const storage = storageOn(shared);
    const attempt = await storage.acquireAttempt(1, 'x');
    const file = await state(storage, chk(1), '1');
    for (const id of [1, 2]) await storage.publishManifest(attempt, chk(id), manifest(attempt, id, { files: [file] }));
    await storage.writePages(chk(2), 'v-0-1-2.pages', []);
    await shared.put(`${chk(3)}/_metadata.1.pending`, []);
    await shared.put(`${chk(2)}/note.txt`, []);
    const savepoint = storage.savepointPath(JOB, 'f'.repeat(32));
    await storage.publishManifest(attempt, savepoint, manifest(attempt, 3, { kind: 'SAVEPOINT' }));
    await state(storage, storage.savepointPath(JOB, 'e'.repeat(32)), '1');
    await storage.removeCheckpoints(attempt, JOB);
    expect(await shared.list('checkpoints/')).toEqual([`${chk(2)}/note.txt`]);
    expect(await shared.list('savepoints/')).toEqual([`${savepoint}/_metadata`]);
    await storage.acquireAttempt(2, 'y');
    expect(await codeOf(storage.removeCheckpoints(attempt, JOB))).toBe('FENCED');
  });

  test('an older checkpoint may be disposed of while the next attempt removes what no checkpoint refers to', async () => {
    const late = storageOn(shared);
    const old = await late.acquireAttempt(1, 'x');
    for (const id of [1, 2]) await late.publishManifest(old, chk(id), manifest(old, id));
    await state(late, chk(3), '1');
    const store = Object.create(shared) as ObjectStore;
    store.get = async (key) => {
      const bytes = await shared.get(key);
      // It was asked for before the fence, by one that is slow.
      if (key === `${chk(1)}/_metadata`) await late.dispose(chk(1));
      return bytes;
    };
    const storage = storageOn(store, 'b');
    const next = await storage.acquireAttempt(2, 'y');
    await storage.removeOrphans(next, JOB);
    expect(await shared.list('checkpoints/')).toEqual([`${chk(2)}/_metadata`]);
  });

  test.each(['removeOrphans', 'removeCheckpoints'] as const)(
    '%s ends writes that earlier attempts left unfinished, wherever',
    async (remove) => {
      const storage = storageOn(shared);
      const attempt = await storage.acquireAttempt(1, 'x');
      const keys = [
        `${chk(1)}/_metadata`,
        'savepoints/savepoint-a/v-0-1.state',
        `outputs/${JOB}/1.json`,
        `results/${JOB}.json`,
      ];
      for (const key of [...keys, 'log/0000000000000009']) {
        let go: () => void = () => undefined;
        const held = new Promise<void>((resolve) => (go = resolve));
        const put = shared.put(
          key,
          (async function* () {
            await held;
            yield Buffer.from('late');
          })(),
        );
        await storage[remove](attempt, JOB);
        go();
        expect(await codeOf(put)).toBe('OBJECT_NOT_FOUND');
      }
    },
  );

  test('savepoints of one trigger id are found, also one that was taken beside another', async () => {
    const storage = storageOn(shared);
    const attempt = await storage.acquireAttempt(3, 'x');
    const trigger = 'f'.repeat(32);
    const own = storage.savepointPath(JOB, trigger);
    expect(await storage.findSavepoints(JOB, trigger)).toEqual([]);
    for (const [id, path] of [
      [1, own],
      [2, `${own}-3`],
    ] as const)
      await storage.publishManifest(attempt, path, manifest(attempt, id, { kind: 'SAVEPOINT' }));
    await storage.publishManifest(attempt, `${own}0`, manifest(attempt, 3, { kind: 'SAVEPOINT' }));
    expect((await storage.findSavepoints(JOB, trigger)).sort()).toEqual([own, `${own}-3`]);
  });
});
