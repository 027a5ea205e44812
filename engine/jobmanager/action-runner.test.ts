// What an attempt may still do to storage when a later one has taken the job: nothing. And in what order things are removed.
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcquiredAttempt } from '../checkpoint/attempt.ts';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import { connectors } from '../connectors/registry.ts';
import type { CheckpointStorage, JobResult, Manifest } from '../checkpoint/storage.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { ActionRunner, type ActionRunnerOptions } from './action-runner.ts';
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

function runnerOf(
  attempt: AcquiredAttempt,
  storage: CheckpointStorage,
  answers: Pick<ActionRunnerOptions, 'deliver' | 'halt' | 'log'>,
): ActionRunner {
  return new ActionRunner({
    attempt,
    jobId: JOB,
    storage,
    connectors,
    outputs: { sink: '/data' },
    temporaryFiles: localTemporaryFiles,
    clearSinks: async () => undefined,
    links: new TaskManagerLinks(null, { type: 'registered', jobId: JOB, epoch: 1 }, answers.deliver),
    ended: () => undefined,
    ...answers,
  });
}

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
        runnerOf(old, storage, { deliver: unexpected, halt: () => fenced(), log: unexpected }).run(action);
      });
    await access(join(directory, '_metadata'));
    expect((await storage.listCheckpoints(JOB)).map(({ checkpointId }) => checkpointId)).toEqual([6]);
    expect(await storage.readJobResult(JOB)).toBeNull();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

/** Runs the actions on storage that keeps a record of what it is told, and fails where `fails` says so. Resolves when the removals are through. */
async function removed(actions: Action[], fails: (call: string) => boolean = () => false): Promise<string[]> {
  const calls: string[] = [];
  const remember = (name: string) => async (argument: unknown) => {
    // Later than what a call that waits for nothing would do.
    for (let i = 0; i < 10; i++) await Promise.resolve();
    const call = typeof argument === 'string' ? `${name} ${argument}` : name;
    calls.push(call);
    if (fails(call)) throw new Error('EIO');
  };
  const storage = {
    assertAttempt: async () => undefined,
    dispose: remember('dispose'),
    sweepPages: remember('sweep'),
    removeCheckpoints: remember('remove the rest'),
  } as unknown as CheckpointStorage;
  await new Promise<void>((resolve, reject) => {
    const runner = runnerOf({ epoch: 1 } as AcquiredAttempt, storage, {
      deliver: ({ type }) => {
        if (type === 'removalsEnded') resolve();
      },
      halt: reject,
      log: (message) => calls.push(`log: ${message}`),
    });
    for (const action of actions) runner.run(action);
    runner.run({ type: 'awaitRemovals' });
  });
  return calls;
}

test('a sweep begins when all is gone that was disposed of before it', async () => {
  const actions: Action[] = [
    { type: 'dispose', directory: 'chk-1' },
    { type: 'dispose', directory: 'chk-2' },
    { type: 'sweepPages', through: 3 },
    { type: 'removeCheckpoints' },
  ];
  expect(await removed(actions)).toEqual(['dispose chk-1', 'dispose chk-2', 'sweep', 'remove the rest']);
});

test('what could not be removed is told of, and tried again with the next sweep and the last', async () => {
  let errors = 2;
  const actions: Action[] = [
    { type: 'dispose', directory: 'sp' },
    { type: 'sweepPages', through: 1 },
    { type: 'removeCheckpoints' },
  ];
  expect(await removed(actions, (call) => call === 'dispose sp' && errors-- > 0)).toEqual([
    'dispose sp',
    expect.stringMatching(/^log: sp could not be removed: .*EIO/),
    'dispose sp',
    expect.stringMatching(/^log: sp could not be removed: .*EIO/),
    'sweep',
    'dispose sp',
    'remove the rest',
  ]);
});
