// Checkpoint storage: fencing, round trips, and that no damaged byte is ever restored from.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError } from '../errors.ts';
import type { OperatorSnapshot } from '../operators/operator.ts';
import { attemptTag, type AcquiredAttempt } from './attempt.ts';
import { LocalCheckpointStorage } from './local-storage.ts';
import type { JobResult, Manifest } from './storage.ts';

const JOB = 'abcdef0123456789abcdef0123456789';
const ALL = { start: 0, end: 127 };
let root: string;
let storage: LocalCheckpointStorage;
let first: AcquiredAttempt;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'storage-'));
  storage = new LocalCheckpointStorage(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

function snapshot(operatorId: string, keyGroups: number[], union: string[]): OperatorSnapshot {
  return {
    operatorId,
    stateSchema: { of: operatorId },
    keyed: {
      pages: () => [],
      readPage: () => Buffer.of(),
      skipPage: () => undefined,
      sections: () => keyGroups.map((keyGroup) => ({ keyGroup, bytes: Buffer.from(`${operatorId}/${keyGroup}`) })),
      release: () => undefined,
    },
    union: union.map((text) => Buffer.from(text)),
  };
}

async function writeCheckpoint(checkpointId: number, attempt: AcquiredAttempt, directory?: string): Promise<string> {
  const path = directory ?? storage.checkpointPath(JOB, checkpointId);
  const files = [
    await storage.writeTaskState(path, { vertexId: 'v', subtask: 0, attempt: attemptTag(attempt) }, [
      snapshot('a', [1, 5], ['x']),
      snapshot('b', [5], []),
    ]),
    await storage.writeTaskState(path, { vertexId: 'v', subtask: 1, attempt: attemptTag(attempt) }, [
      snapshot('a', [70, 127], ['y']),
    ]),
  ];
  await storage.publishManifest(attempt, path, manifest(checkpointId, attempt.epoch, files));
  return path;
}

function manifest(checkpointId: number, epoch: number, files: Manifest['files']): Manifest {
  return {
    formatVersion: 2,
    kind: 'CHECKPOINT',
    jobId: JOB,
    jobName: 'job',
    checkpointId,
    epoch,
    triggerTimestamp: 1,
    maxParallelism: 128,
    operators: [],
    files,
    sources: [],
    committables: [],
    endOfInput: false,
  };
}

/** Everything that a restore reads. */
async function readAll(directory: string): Promise<unknown> {
  const read = await storage.readManifest(directory);
  const states = [];
  for (const operatorId of ['a', 'b']) {
    const state = await storage.readOperatorState(directory, read, operatorId, ALL);
    const keyed: Uint8Array[] = [];
    for await (const bytes of state!.keyed) keyed.push(bytes);
    states.push({ ...state, keyed });
  }
  return [read, states];
}

describe('attempts', () => {
  test('rise by epoch; the same epoch again is its next restart', async () => {
    expect(await storage.currentAttempt()).toBeNull();
    const one = await storage.acquireAttempt(1, 'one');
    const three = await storage.acquireAttempt(3, 'three');
    expect(attemptTag(three)).toBe('3');
    expect(await storage.currentAttempt()).toEqual({ epoch: 3, restart: 0 });
    for (const epoch of [1, 2]) expect(await codeOf(storage.acquireAttempt(epoch, 'late'))).toBe('FENCED');
    await storage.assertAttempt(three);
    expect(await codeOf(storage.assertAttempt(one))).toBe('FENCED');
    const again = await storage.acquireAttempt(3, 'three, restarted');
    expect(attemptTag(again)).toBe('3.1');
    expect(await codeOf(storage.assertAttempt(three))).toBe('FENCED');
    await storage.assertAttempt(again);
  });

  test('of many that ask for one epoch at once each gets a restart of its own, and one has the state', async () => {
    const asked = await Promise.all(Array.from({ length: 8 }, (_, i) => storage.acquireAttempt(7, `asker ${i}`)));
    expect(new Set(asked.map(attemptTag)).size).toBe(8);
    const codes = await Promise.all(asked.map((attempt) => codeOf(storage.assertAttempt(attempt))));
    expect(codes.filter((code) => code === 'nothing thrown')).toHaveLength(1);
    expect(codes.filter((code) => code === 'FENCED')).toHaveLength(7);
  });

  test('an epoch is a positive whole number', async () => {
    for (const epoch of [0, -1, 1.5, Number.NaN])
      expect(await codeOf(storage.acquireAttempt(epoch, 'nobody'))).toBe('EPOCH_INVALID');
  });

  test('one with a lower epoch publishes nothing, and leaves nothing temporary behind', async () => {
    const old = await storage.acquireAttempt(1, 'old');
    await storage.acquireAttempt(2, 'new');
    const path = storage.checkpointPath(JOB, 4);
    expect(await codeOf(writeCheckpoint(4, old))).toBe('FENCED');
    expect((await readdir(path)).sort()).toEqual(['v-0-1.state', 'v-1-1.state']);
    expect(await storage.listCheckpoints(JOB)).toEqual([]);
    expect(await codeOf(storage.readManifest(path))).toBe('SAVEPOINT_NOT_FOUND');
  });

  test('what version 0.1.0 took without a log counts, and finds itself fenced', async () => {
    await mkdir(join(root, 'epochs'));
    for (const epoch of [1, 4]) await writeFile(join(root, 'epochs', String(epoch)), '{}');
    expect(await storage.currentAttempt()).toEqual({ epoch: 4, restart: 0 });
    expect(await codeOf(storage.acquireAttempt(3, 'late'))).toBe('FENCED');
    expect(attemptTag(await storage.acquireAttempt(4, 'upgraded in place'))).toBe('4.1');
    await storage.acquireAttempt(5, 'next');
    expect((await readdir(join(root, 'epochs'))).sort()).toEqual(['1', '4', '5']);
  });

  test('a damaged entry of the log is refused by name', async () => {
    const attempt = await storage.acquireAttempt(1, 'one');
    const file = join(root, 'log', String(attempt.seq).padStart(16, '0'));
    const intact = await readFile(file, 'utf8');
    for (const damaged of ['', intact.slice(0, -1), intact.replace('one', 'two')]) {
      await writeFile(file, damaged);
      for (const work of [
        () => storage.assertAttempt(attempt),
        () => storage.acquireAttempt(2, 'next'),
        () => storage.listCheckpoints(JOB),
      ])
        await expect(work()).rejects.toMatchObject({
          code: 'LOG_CORRUPT',
          message: expect.stringContaining(file) as string,
        });
    }
  });
});

describe('state', () => {
  beforeEach(async () => {
    first = await storage.acquireAttempt(1, 'test');
  });

  test('comes back by operator and key group, union entries of all subtasks to everybody', async () => {
    const path = await writeCheckpoint(1, first);
    const read = await storage.readManifest(path);
    const state = await storage.readOperatorState(pathToFileURL(path).href, read, 'a', { start: 5, end: 70 });
    expect(state?.stateSchema).toEqual({ of: 'a' });
    const keyed: string[] = [];
    for await (const bytes of state!.keyed) keyed.push(Buffer.from(bytes).toString());
    expect(keyed).toEqual(['a/5', 'a/70']);
    expect(state?.union.map((bytes) => Buffer.from(bytes).toString())).toEqual(['x', 'y']);
    expect(await storage.readOperatorState(path, read, 'unknown', ALL)).toBeNull();
  });

  test('a savepoint can be moved to another folder', async () => {
    const path = await writeCheckpoint(1, first, storage.savepointPath(JOB, 'f'.repeat(32)));
    const moved = join(root, 'moved');
    await mkdir(moved);
    for (const name of await readdir(path)) await writeFile(join(moved, name), await readFile(join(path, name)));
    expect(await readAll(moved)).toEqual(await readAll(path));
  });

  test('every truncation and every flipped byte is refused, and the file is named', async () => {
    const path = await writeCheckpoint(1, first);
    const names = (await readdir(path)).sort();
    expect(names).toEqual(['_metadata', 'v-0-1.state', 'v-1-1.state']);
    for (const name of names) {
      const file = join(path, name);
      const intact = await readFile(file);
      const expectRefused = async (damaged: Uint8Array, what: string): Promise<void> => {
        await writeFile(file, damaged);
        const error: unknown = await readAll(path).then(
          () => `${what} was accepted`,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(EngineError);
        expect((error as EngineError).code).toBe('SAVEPOINT_CORRUPT');
        expect((error as EngineError).message).toContain(name);
      };
      for (let length = 0; length < intact.length; length++)
        await expectRefused(intact.subarray(0, length), `${name} cut to ${length} bytes`);
      await expectRefused(Buffer.concat([intact, Buffer.from([0])]), `${name} with one byte more`);
      for (let at = 0; at < intact.length; at++) {
        const damaged = Buffer.from(intact);
        damaged[at]! ^= 1 << (at % 8);
        await expectRefused(damaged, `${name} with byte ${at} flipped`);
      }
      await rm(file);
      const missing = await codeOf(readAll(path));
      expect(missing).toBe(name === '_metadata' ? 'SAVEPOINT_NOT_FOUND' : 'SAVEPOINT_CORRUPT');
      await writeFile(file, intact);
    }
    await readAll(path);
  }, 60_000);

  test('a manifest that names a file outside its folder is not written', async () => {
    const outside = { vertexId: 'v', subtask: 0, path: '../v.state', length: 1, indexCrc32: 0, operators: [] };
    expect(await codeOf(storage.publishManifest(first, join(root, 'c'), manifest(1, 1, [outside])))).toBe('STATE_PATH');
  });
});

describe('checkpoints of a job', () => {
  test('are listed newest first, by attempt before number; incomplete ones are not', async () => {
    first = await storage.acquireAttempt(1, 'test');
    await writeCheckpoint(9, first);
    await writeCheckpoint(10, first);
    const second = await storage.acquireAttempt(2, 'test');
    await writeCheckpoint(3, second);
    await storage.writeTaskState(storage.checkpointPath(JOB, 11), { vertexId: 'v', subtask: 0, attempt: '2' }, []);
    const listed = await storage.listCheckpoints(JOB);
    expect(listed.map(({ checkpointId }) => checkpointId)).toEqual([3, 10, 9]);
    expect(listed[0]?.path).toBe(storage.checkpointPath(JOB, 3));
  });

  test('are disposed of with what was left half written, twice without error, and without touching foreign files', async () => {
    first = await storage.acquireAttempt(1, 'test');
    const path = await writeCheckpoint(1, first);
    await writeFile(join(path, '._metadata.other-77.tmp'), 'half');
    await storage.dispose(path);
    await storage.dispose(path);
    expect(existsSync(path)).toBe(false);
    const foreign = join(root, 'foreign');
    await mkdir(foreign);
    await writeFile(join(foreign, 'thesis.txt'), 'mine');
    expect(await codeOf(storage.dispose(foreign))).toBe('DISPOSE_FOREIGN_FILES');
    expect(await readdir(foreign)).toEqual(['thesis.txt']);
  });

  test('a savepoint has its path from job and trigger id alone', () => {
    const id = '0123456789abcdef0123456789abcdef';
    expect(storage.savepointPath(JOB, id)).toBe(join(root, 'savepoints', `savepoint-abcdef-${id}`));
    expect(storage.savepointPath(JOB, id, 'file:///elsewhere')).toBe(`/elsewhere/savepoint-abcdef-${id}`);
  });
});

test('the result of a job is written once', async () => {
  const result: JobResult = {
    jobId: JOB,
    state: 'FINISHED',
    startTime: 1,
    endTime: 2,
    failure: null,
    savepointPath: null,
    summary: { rows: 3 },
  };
  first = await storage.acquireAttempt(1, 'test');
  expect(await storage.readJobResult(JOB)).toBeNull();
  await storage.writeJobResult(first, result);
  await storage.writeJobResult(first, result);
  expect(await storage.readJobResult(JOB)).toEqual(result);
  expect(await codeOf(storage.writeJobResult(first, { ...result, state: 'FAILED' }))).toBe('JOB_RESULT_EXISTS');
  expect(await storage.readJobResult(JOB)).toEqual(result);
});
