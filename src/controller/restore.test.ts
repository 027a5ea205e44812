// Where new jobs start, with the operator's loop, real processes and storage, and a stand-in for the engine.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { LocalRuntime } from '../runtime/local/local-runtime.ts';
import { stopJobs } from '../runtime/local/stop-jobs.ts';
import { LocalRevisions } from '../store/local/local-revisions.ts';
import { LocalStore } from '../store/local/local-store.ts';
import { Controller } from './controller.ts';

const engineFile = resolve(__dirname, '../runtime/local/fake-engine.fixture.ts');
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const keyOf = (name: string) => ({ namespace: 'default', name });

let directory: string;
let store: LocalStore;
let runtime: LocalRuntime;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flowjob-restore-'));
  store = new LocalStore({ directory, now: () => new Date() });
  runtime = new LocalRuntime({ directory, node: process.execPath, engineFile, now: Date.now });
  abort = new AbortController();
  running = new Controller({
    ...{ store, runtime, revisions: new LocalRevisions(directory) },
    ...{ checkSql: () => null, now: Date.now, log },
  }).run(abort.signal);
});

afterEach(async () => {
  abort.abort();
  await running;
  await stopJobs({ runtime, store, now: Date.now, checkpointMs: 0 });
  runtime.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

const apply = (name: string, restore?: object, spec: object = {}) =>
  store.apply({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name },
    spec: {
      mode: 'Streaming',
      job: { sql: { inline: 'SELECT 1' } },
      taskManager: { replicas: 1 },
      ...(restore === undefined ? {} : { state: { restore } }),
      ...spec,
    },
  });

async function until<T>(what: string, probe: () => Promise<T | null | false>): Promise<T> {
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== false) return found;
    if (Date.now() > giveUpAt) throw new Error(`waited in vain until ${what}`);
    await pause(10);
  }
}

const jobThat = (name: string, what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  until(`${name} ${what}`, async () => {
    const job = await store.get('FlowJob', keyOf(name));
    return job !== null && holds(job) && job;
  });
const runs = (name: string) => jobThat(name, 'runs', ({ status }) => status?.state === 'Running');
const stalled = (name: string, reason: string) =>
  jobThat(name, `is stalled: ${reason}`, ({ status }) =>
    (status?.conditions ?? []).some((one) => one.type === 'Stalled' && one.reason === reason),
  );
const isGone = (kind: 'FlowJob' | 'FlowSavepoint', name: string) =>
  until(`${name} is gone`, async () => (await store.get(kind, keyOf(name))) === null);

async function removed(name: string): Promise<void> {
  await store.delete('FlowJob', keyOf(name));
  await isGone('FlowJob', name);
}

async function savepoint(name: string, job: string): Promise<FlowSavepoint> {
  await store.create({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowSavepoint',
    metadata: { name },
    spec: { jobRef: { name: job }, disposalPolicy: 'Delete' },
  });
  return until(`${name} is complete`, async () => {
    const found = await store.get('FlowSavepoint', keyOf(name));
    return found?.status?.state === 'Completed' && found;
  });
}

test('a job that was deleted with a savepoint does not start empty under its name; with policy Newest it goes on from that savepoint', async () => {
  await apply('orders');
  await runs('orders');
  await removed('orders');
  await apply('orders');
  const waiting = await stalled('orders', 'StateFound');
  expect(waiting.status).toMatchObject({ state: 'Pending' });
  expect(waiting.status?.attempt).toBeUndefined();
  expect(runtime.processes(keyOf('orders'))).toEqual([]);
  await apply('orders', { policy: 'Newest' });
  const { status } = await runs('orders');
  expect(status?.attempt?.restoreFrom).toContain(join(directory, 'state', 'orders', 'savepoints'));
  // The new run has a higher epoch than any of the job that was deleted.
  expect(status?.attempt?.epoch).toBe(2);
}, 60_000);

test('a job whose state was removed with it starts anew', async () => {
  await apply('orders', undefined, { deletionPolicy: 'Delete' });
  await runs('orders');
  await savepoint('kept', 'orders');
  await removed('orders');
  await apply('orders');
  expect((await runs('orders')).status?.attempt?.restoreFrom).toBeUndefined();
}, 60_000);

test('a job starts from the FlowSavepoint of another job that was deleted, and waits for one that is not there', async () => {
  await apply('orders');
  await runs('orders');
  await apply('copy', { savepointRef: { name: 'before' } });
  await stalled('copy', 'SavepointNotFound');
  const { status } = await savepoint('before', 'orders');
  expect((await runs('copy')).status?.attempt?.restoreFrom).toBe(status?.path);
  await removed('orders');
  await apply('second', { savepointRef: { name: 'before' } });
  expect((await runs('second')).status?.attempt?.restoreFrom).toBe(status?.path);
}, 60_000);

test('the files of a FlowSavepoint stay while a job waits to start from it, and go when it has its first checkpoint', async () => {
  await apply('orders');
  await runs('orders');
  const taken = await savepoint('before', 'orders');
  const path = taken.status!.path!;
  await removed('orders');
  await apply('copy', { savepointRef: { name: 'before' } }, { suspend: true });
  await jobThat('copy', 'is suspended', ({ status }) => status?.state === 'Suspended');
  await store.delete('FlowSavepoint', keyOf('before'));
  const held = await until('it is held', async () => {
    const found = await store.get('FlowSavepoint', keyOf('before'));
    return found?.status?.conditions.some(({ reason }) => reason === 'InUse') === true && found;
  });
  expect(held.status?.conditions[0]?.message).toContain('FlowJob copy');
  expect(existsSync(join(path, '_metadata'))).toBe(true);
  await apply('copy', { savepointRef: { name: 'before' } });
  expect((await runs('copy')).status?.attempt?.restoreFrom).toBe(path);
  await isGone('FlowSavepoint', 'before');
  expect(existsSync(join(path, '_metadata'))).toBe(false);
}, 60_000);
