// The simulation finds what it is for: each defect that is planted between the engine and the world is noticed within a few hundred histories.
import { dirname } from 'node:path';
import type { AttemptLog } from '../../engine/checkpoint/attempt-log.ts';
import type { AcquiredAttempt } from '../../engine/checkpoint/attempt.ts';
import type { CheckpointStorage, Manifest } from '../../engine/checkpoint/storage.ts';
import type { FileSystem, OpenFile } from '../../engine/storage/file-system.ts';
import type { Parts } from './cluster.ts';
import { simulate } from './simulate.ts';

const HISTORIES = 400;

const withoutSync = (file: OpenFile): OpenFile => Object.assign(file, { sync: async () => undefined });

const changed = (fileSystem: FileSystem, changes: Partial<FileSystem>): FileSystem =>
  Object.assign(fileSystem, changes);

/** Storage whose manifests read otherwise. */
function rereading(storage: CheckpointStorage, manifest: { sources?: []; committables?: [] }): CheckpointStorage {
  const read = storage.readManifest.bind(storage);
  return Object.assign(storage, { readManifest: async (path: string) => ({ ...(await read(path)), ...manifest }) });
}

const defects: [string, Partial<Parts>][] = [
  [
    'files are acknowledged before they are synced',
    {
      fileSystem: (fileSystem) => {
        const [create, createSync] = [fileSystem.create.bind(fileSystem), fileSystem.createSync.bind(fileSystem)];
        return changed(fileSystem, {
          create: async (path, options) => withoutSync(await create(path, options)),
          createSync: (path, options) => withoutSync(createSync(path, options)),
        });
      },
    },
  ],
  [
    'names are acknowledged before they are synced',
    { fileSystem: (fileSystem) => changed(fileSystem, { syncDirectory: async () => undefined }) },
  ],
  [
    'new directories are used before their names are synced',
    {
      fileSystem: (fileSystem) => {
        const [create, sync] = [fileSystem.create.bind(fileSystem), fileSystem.syncDirectory.bind(fileSystem)];
        const holdsFiles = new Set<string>();
        return changed(fileSystem, {
          create: async (path, options) => {
            holdsFiles.add(dirname(path));
            return create(path, options);
          },
          syncDirectory: async (path) => (holdsFiles.has(path) ? sync(path) : undefined),
        });
      },
    },
  ],
  ['the positions of sources are forgotten', { storage: (storage) => rereading(storage, { sources: [] }) }],
  [
    'what a restored checkpoint holds is not committed',
    { storage: (storage) => rereading(storage, { committables: [] }) },
  ],
  ['state is not restored', { storage: (storage) => Object.assign(storage, { readOperatorState: async () => null }) }],
  [
    'checkpoints of a job that has ended stay',
    { storage: (storage) => Object.assign(storage, { removeCheckpoints: async () => undefined }) },
  ],
  [
    'a checkpoint is published by an attempt after a later one has the state',
    {
      storage: (storage) => {
        const publish = storage.publishManifest.bind(storage);
        return Object.assign(storage, {
          publishManifest: async (attempt: AcquiredAttempt, path: string, manifest: Manifest) => {
            const { log } = storage as unknown as { log: AttemptLog };
            const owner = await log.newest();
            await publish({ ...attempt, seq: owner!.attempt.seq }, path, manifest);
          },
        });
      },
    },
  ],
  [
    'fewer checkpoints are kept than are asked for',
    {
      storage: (storage) => {
        const publish = storage.publishManifest.bind(storage);
        return Object.assign(storage, {
          publishManifest: async (attempt: AcquiredAttempt, path: string, manifest: Manifest) => {
            await publish(attempt, path, manifest);
            await storage.dispose(storage.checkpointPath(manifest.jobId, manifest.checkpointId - 1));
          },
        });
      },
    },
  ],
  [
    'the checkpoint behind the one that is disposed of goes, too',
    {
      storage: (storage) => {
        const dispose = storage.dispose.bind(storage);
        return Object.assign(storage, {
          dispose: async (path: string) => {
            await dispose(path);
            const match = /^(.*\/chk-)(\d+)$/.exec(path);
            if (match !== null) await dispose(`${match[1]}${Number(match[2]) + 1}`);
          },
        });
      },
    },
  ],
];

test.each(defects)(
  'it is noticed when %s',
  async (_name, parts) => {
    let found: string | null = null;
    for (let seed = 1; seed <= HISTORIES && found === null; seed++)
      found = (await simulate(seed, { parts })).violations[0] ?? null;
    expect(found).not.toBeNull();
  },
  120_000,
);
