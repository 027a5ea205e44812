// What a JobManager does around its coordinator: whom it leads its TaskManagers to.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import { EngineConfig } from '../config.ts';
import { connectors } from '../connectors/registry.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { EXIT_FENCED, JobMaster } from './job-master.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'job-master-'));
});
afterEach(() => rm(root, { recursive: true }));

/** What a JobMaster of epoch 1 said and did when `meanwhile` happened while it opened what it serves. */
async function startWhile(meanwhile: (storage: LocalCheckpointStorage) => Promise<unknown>): Promise<string[]> {
  const storage = new LocalCheckpointStorage(root);
  const did: string[] = [];
  const master = new JobMaster({
    config: new EngineConfig({}),
    // Without a statement it fails before it runs.
    job: { jobId: 'ab'.repeat(16), epoch: 1, sql: () => '', fromSavepoint: null, allowNonRestoredState: false },
    storage,
    connectors,
    temporaryFiles: localTemporaryFiles,
    network: {
      listen: async () => ({ port: 7, close: () => undefined }),
      connect: () => {
        throw new Error('a JobManager opens no connections');
      },
    },
    clock: {
      now: () => 0,
      monotonic: () => 0,
      after: () => () => undefined,
      soon: (run) => setImmediate(run),
    },
    token: null,
    owner: 'test',
    serve: async () => void (await meanwhile(storage)),
    announce: ({ epoch }, port) => did.push(`epoch ${epoch} is at ${port}`),
    removeSpilled: () => undefined,
    log: () => undefined,
    exit: (code) => did.push(`exit ${code}`),
  });
  await master.start();
  return did;
}

test('it tells where it listens once it does', async () => {
  expect(await startWhile(async () => undefined)).toEqual(['epoch 1 is at 7']);
});

test.each([
  ['the next epoch', 2],
  ['a restart of its own epoch', 1],
])('one that has lost the job to %s before it could serve leads nobody to itself', async (_name, epoch) => {
  const did = await startWhile(async (storage) => storage.acquireAttempt(epoch, 'another'));
  expect(did).toEqual([`exit ${EXIT_FENCED}`]);
});
