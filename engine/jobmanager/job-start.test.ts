// How a JobManager begins: what is wrong with its machine is not wrong with the job, and a job that has ended stays as it ended.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import type { CheckpointStorage, Manifest } from '../checkpoint/storage.ts';
import { systemClock } from '../clock.ts';
import { EngineConfig } from '../config.ts';
import { connectors } from '../connectors/registry.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { JobMaster } from './job-master.ts';

const JOB = 'ab'.repeat(16);
const SQL = `
  CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '10');
  CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
  INSERT INTO nowhere SELECT n FROM numbers;`;

let root: string;
let storage: LocalCheckpointStorage;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowjob-master-'));
  storage = new LocalCheckpointStorage(join(root, 'state'));
});
afterEach(() => rmSync(root, { recursive: true }));

function jobMaster(
  epoch: number,
  on: CheckpointStorage,
  job: { jobId?: string; fromSavepoint?: string } = {},
): { master: JobMaster; logged: string[]; exits: number[] } {
  const logged: string[] = [];
  const exits: number[] = [];
  const master = new JobMaster({
    config: new EngineConfig({}),
    job: { jobId: JOB, epoch, sql: () => SQL, fromSavepoint: null, allowNonRestoredState: false, ...job },
    storage: on,
    connectors,
    temporaryFiles: localTemporaryFiles,
    network: {
      listen: async () => ({ port: 1, close: () => undefined }),
      connect: () => {
        throw new Error('a JobManager connects to nobody');
      },
    },
    clock: { ...systemClock, after: () => () => undefined },
    token: null,
    owner: 'test',
    serve: async () => undefined,
    announce: () => undefined,
    removeSpilled: () => undefined,
    log: (message) => logged.push(message),
    exit: (code) => exits.push(code),
  });
  return { master, logged, exits };
}

/** Storage on which one step fails as a disk does. */
function failing(step: 'listCheckpoints' | 'removeOrphans' | 'recordOutputs', code: string): CheckpointStorage {
  const broken = Object.create(storage) as CheckpointStorage;
  broken[step] = async () => {
    throw Object.assign(new Error(`${code}: ${step}`), { code });
  };
  return broken;
}

function manifest(kind: Manifest['kind'], committables: Manifest['committables'] = []): Manifest {
  return {
    formatVersion: 2,
    kind,
    jobId: JOB,
    jobName: 'job',
    checkpointId: 1,
    epoch: 1,
    restart: 0,
    triggerTimestamp: 0,
    maxParallelism: 128,
    operators: [],
    files: [],
    sources: [],
    committables,
    endOfInput: false,
  };
}

test.each([
  ['removeOrphans', 'EIO'],
  ['listCheckpoints', 'EIO'],
  ['recordOutputs', 'ENOSPC'],
] as const)(
  'a disk that fails as it begins (%s, %s) ends the process and not the job: the next one runs it',
  async (step, code) => {
    const { master } = jobMaster(1, failing(step, code));
    await expect(master.start()).rejects.toMatchObject({ code });
    expect(await storage.readJobResult(JOB)).toBeNull();
    const next = jobMaster(1, storage).master;
    await next.start();
    expect(next.view()!.status).toBe('CREATED');
  },
);

test('a disk that fails as it begins, when another has taken over, leaves the job to the other', async () => {
  const broken = failing('recordOutputs', 'EIO');
  const fail = broken.recordOutputs.bind(broken);
  broken.recordOutputs = async (...which) => {
    await storage.acquireAttempt(2, 'successor');
    return fail(...which);
  };
  await expect(jobMaster(1, broken).master.start()).rejects.toMatchObject({ code: 'EIO' });
  expect(await storage.readJobResult(JOB)).toBeNull();
});

test.each([
  ['damaged', (file: string) => writeFileSync(file, 'torn')],
  ['gone', (file: string) => rmSync(file)],
])(
  'a newest checkpoint that is %s fails the job for good; when it is there again a new job starts from it, as the hint says',
  async (_how, harm) => {
    const attempt = await storage.acquireAttempt(1, 'before');
    const path = storage.checkpointPath(JOB, 1);
    await storage.publishManifest(attempt, path, manifest('CHECKPOINT'));
    const file = join(path, '_metadata');
    const bytes = readFileSync(file);
    harm(file);
    await jobMaster(1, storage).master.start();
    expect((await storage.readJobResult(JOB))!.failure).toContain('bring it back and start a new job from it');
    mkdirSync(path, { recursive: true });
    writeFileSync(file, bytes);
    const again = jobMaster(1, storage).master;
    await again.start();
    expect(again.view()!.status).toBe('FAILED');
    const { master } = jobMaster(2, storage, { jobId: 'cd'.repeat(16), fromSavepoint: path });
    await master.start();
    expect(master.view()!.status).toBe('CREATED');
  },
);

test('a job that was stopped with a savepoint is as it ended, though its readers took its last files away', async () => {
  const attempt = await storage.acquireAttempt(1, 'before');
  const sink = 'e'.repeat(32);
  mkdirSync(join(root, 'out'));
  await storage.recordOutputs(attempt, JOB, { [sink]: join(root, 'out') });
  const savepointPath = storage.savepointPath(JOB, 'f'.repeat(32));
  const last = { connector: 'filesystem', operatorId: sink, payload: { from: '.a', to: 'a.csv' } };
  await storage.publishManifest(attempt, savepointPath, manifest('SAVEPOINT', [last]));
  const ended = { jobId: JOB, state: 'FINISHED', startTime: 0, endTime: 1, failure: null, summary: {} } as const;
  await storage.writeJobResult(attempt, { ...ended, savepointPath });
  const { master, logged } = jobMaster(1, storage);
  await master.start();
  expect(master.view()!.status).toBe('FINISHED');
  expect(logged.join('\n')).toContain('a.csv');
});
