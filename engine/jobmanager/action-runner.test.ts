// What an attempt may still do to storage when a later one has taken the job: nothing.
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import { connectors } from '../connectors/registry.ts';
import type { JobResult, Manifest } from '../checkpoint/storage.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { ActionRunner } from './action-runner.ts';
import type { Action } from './coordinator/messages.ts';
import { TaskManagerLinks } from './task-manager-links.ts';

const JOB = 'ab'.repeat(16);

function manifestOf(epoch: number, checkpointId: number): Manifest {
  return {
    formatVersion: 2,
    kind: 'CHECKPOINT',
    jobId: JOB,
    jobName: 'test',
    checkpointId,
    epoch,
    triggerTimestamp: 0,
    maxParallelism: 128,
    operators: [],
    files: [],
    sources: [],
    committables: [],
    endOfInput: false,
  };
}

const result: JobResult = {
  jobId: JOB,
  state: 'FAILED',
  startTime: 0,
  endTime: 1,
  failure: 'late',
  savepointPath: null,
  summary: {},
};

test('an attempt that wakes up behind a later one removes, publishes, commits and reports nothing, and ends', async () => {
  const root = await mkdtemp(join(tmpdir(), 'flowjob-fence-'));
  try {
    const storage = new LocalCheckpointStorage(root);
    const old = await storage.acquireAttempt(1, 'old');
    const next = await storage.acquireAttempt(2, 'new');
    // Both attempts counted on from the same checkpoint: the directory is the same one.
    const directory = storage.checkpointPath(JOB, 6);
    await storage.publishManifest(next, directory, manifestOf(2, 6));
    const actions: Action[] = [
      { type: 'dispose', directory },
      { type: 'publishManifest', directory: storage.checkpointPath(JOB, 7), manifest: manifestOf(1, 7) },
      { type: 'commit', commit: 1, committables: [{ connector: 'filesystem', operatorId: 'sink', payload: {} }] },
      { type: 'writeResult', result },
    ];
    for (const action of actions)
      await new Promise<void>((fenced, failed) => {
        const unexpected = (): void => failed(new Error(`${action.type} was not fenced`));
        const greeting = { type: 'registered', jobId: JOB, epoch: 1 } as const;
        new ActionRunner({
          attempt: old,
          jobId: JOB,
          storage,
          connectors,
          outputs: { sink: '/data' },
          temporaryFiles: localTemporaryFiles,
          clearSinks: async () => undefined,
          links: new TaskManagerLinks(null, greeting, unexpected),
          deliver: unexpected,
          halt: () => fenced(),
          ended: unexpected,
          log: unexpected,
        }).run(action);
      });
    await access(join(directory, '_metadata'));
    expect((await storage.listCheckpoints(JOB)).map(({ checkpointId }) => checkpointId)).toEqual([6]);
    expect(await storage.readJobResult(JOB)).toBeNull();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
