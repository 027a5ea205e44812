// What a job that has never run is told of the state that lies in its storage.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcquiredAttempt } from './attempt.ts';
import { LocalCheckpointStorage } from './local-storage.ts';
import type { JobResult } from './storage.ts';
import { viewStorage } from './storage-view.ts';

const [FIRST, SECOND] = ['a'.repeat(32), 'b'.repeat(32)];
let root: string;
let storage: LocalCheckpointStorage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'found-'));
  storage = new LocalCheckpointStorage(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function publish(
  attempt: AcquiredAttempt,
  kind: 'CHECKPOINT' | 'SAVEPOINT',
  jobId: string,
  checkpointId: number,
  triggerTimestamp: number,
): Promise<string> {
  const path =
    kind === 'CHECKPOINT'
      ? storage.checkpointPath(jobId, checkpointId)
      : storage.savepointPath(jobId, checkpointId.toString(16).padStart(32, '0'));
  await storage.publishManifest(attempt, path, {
    formatVersion: 2,
    kind,
    jobId,
    jobName: 'orders',
    checkpointId,
    epoch: attempt.epoch,
    triggerTimestamp,
    maxParallelism: 128,
    operators: [],
    files: [],
    sources: [],
    committables: [],
    endOfInput: false,
  });
  return path;
}

const result = (jobId: string, endTime: number, savepointPath: string | null): JobResult => ({
  jobId,
  state: 'FINISHED',
  startTime: 0,
  endTime,
  failure: null,
  savepointPath,
  summary: {},
});

test('nothing is found where no job was, or where one has taken the state and left none', async () => {
  expect(await storage.findState()).toBeNull();
  await storage.acquireAttempt(3, 'test');
  expect(await storage.findState()).toBeNull();
  const view = await viewStorage(storage, { findState: true });
  expect(view).toMatchObject({ epoch: 3, found: null, savepoint: null });
});

test('the newest is that of the latest attempt, then of the highest number, whichever job has written it', async () => {
  const one = await storage.acquireAttempt(1, 'test');
  await publish(one, 'CHECKPOINT', FIRST, 9, 100);
  const stopped = await publish(one, 'SAVEPOINT', FIRST, 10, 110);
  expect((await storage.findState())?.newest).toEqual({ path: stopped, kind: 'Savepoint' });
  const two = await storage.acquireAttempt(2, 'test');
  const newest = await publish(two, 'CHECKPOINT', SECOND, 1, 200);
  expect(await storage.findState()).toEqual({
    newest: { path: newest, kind: 'Checkpoint' },
    finished: false,
    unreadable: null,
  });
});

test('a job that came to its end after its newest state is told as finished, one that ran on is not', async () => {
  const attempt = await storage.acquireAttempt(1, 'test');
  await publish(attempt, 'SAVEPOINT', FIRST, 1, 100);
  await storage.writeJobResult(attempt, result(FIRST, 200, null));
  expect(await storage.findState()).toMatchObject({ finished: true });
  const again = await storage.acquireAttempt(2, 'test');
  await publish(again, 'CHECKPOINT', SECOND, 1, 300);
  expect(await storage.findState()).toMatchObject({ finished: false });
});

test('a newest checkpoint that is damaged or gone is told, and a savepoint of the last stop that is gone', async () => {
  const attempt = await storage.acquireAttempt(1, 'test');
  const older = await publish(attempt, 'CHECKPOINT', FIRST, 1, 100);
  const newer = await publish(attempt, 'CHECKPOINT', FIRST, 2, 200);
  await writeFile(join(newer, '_metadata'), 'damaged bytes of a manifest');
  const damaged = await storage.findState();
  expect(damaged?.newest?.path).toBe(older);
  expect(damaged?.unreadable).toContain(newer);
  await rm(newer, { recursive: true });
  expect((await storage.findState())?.unreadable).toMatch(/the newest checkpoint of the last job is gone/);

  const savepoint = await publish(attempt, 'SAVEPOINT', FIRST, 3, 300);
  await storage.writeJobResult(attempt, result(FIRST, 301, savepoint));
  expect(await storage.findState()).toMatchObject({ newest: { path: savepoint }, unreadable: null });
  await storage.dispose(savepoint);
  expect((await storage.findState())?.unreadable).toContain('the savepoint of the last job is gone');
});

test('state that was removed on purpose is not found, what a later job leaves is; its savepoints can still be named', async () => {
  const attempt = await storage.acquireAttempt(1, 'test');
  const savepoint = await publish(attempt, 'SAVEPOINT', FIRST, 1, 100);
  await storage.markRemoved();
  await storage.markRemoved();
  expect(await storage.findState()).toBeNull();
  expect((await viewStorage(storage, { savepoint })).savepoint).toBeNull();
  const next = await storage.acquireAttempt(2, 'test');
  const newest = await publish(next, 'CHECKPOINT', SECOND, 1, 200);
  expect((await storage.findState())?.newest?.path).toBe(newest);
});

test('a savepoint that is to be started from is told to be missing or damaged', async () => {
  const attempt = await storage.acquireAttempt(1, 'test');
  const nowhere = join(root, 'savepoints', 'none');
  expect((await viewStorage(storage, { savepoint: nowhere })).savepoint).toMatchObject({ kind: 'NotFound' });
  const path = await publish(attempt, 'SAVEPOINT', FIRST, 1, 100);
  expect((await viewStorage(storage, { savepoint: `file://${path}` })).savepoint).toBeNull();
  await writeFile(join(path, '_metadata'), 'damaged bytes of a manifest');
  expect((await viewStorage(storage, { savepoint: path })).savepoint).toMatchObject({ kind: 'Unusable' });
});
