// `flink-storage`: says what state of a job on Apache Flink is on a volume or on S3 that no JobManager answers for, or removes some of it. For pods that the operator
// starts; it takes the same command line as the engine's own program for that, and answers in the same form.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { StorageCommand } from '../engine/storage-command.ts';
import type { S3Access } from './api/s3.ts';
import { stateFiles } from './engine-client/flink/state-files/by-scheme.ts';
import { StoreUnavailable, type StateFiles } from './engine-client/flink/state-files/port.ts';
import { clearState, disposeSavepoint, removeState, viewStateFolder } from './engine-client/flink/state-folder.ts';

/** Milliseconds that may be spent on what nobody waits for: the job goes on once this program has ended. */
const CLEARING = 3_000;
/** Of an answer that is longer the kubelet would keep a part. */
const LONGEST_ANSWER = 4_096;

const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    command: { type: 'string' },
    answer: { type: 'string' },
    /** How S3 is reached, as JSON; credentials are in the environment. */
    s3: { type: 'string' },
  },
});
const { root, command, answer, s3 } = values;
if (root === undefined || command === undefined || answer === undefined) {
  console.error('flink-storage: --root, --command and --answer are needed');
  process.exit(2);
}
try {
  const files = await stateFiles(s3 === undefined ? undefined : (JSON.parse(s3) as S3Access));
  const asked = JSON.parse(command) as StorageCommand;
  const view = await run(files, root, asked);
  writeFileSync(answer, JSON.stringify(view));
  if (asked.kind === 'view') {
    const uncleared = await clear(files, root, asked);
    if (uncleared !== null) addToAnswer(answer, { ...view, uncleared: uncleared.slice(0, 500) });
  }
} catch (error) {
  if (!(error instanceof StoreUnavailable)) throw error;
  console.error(error.message);
  process.exit(1);
}

async function run(files: StateFiles, folder: string, asked: StorageCommand): Promise<object> {
  switch (asked.kind) {
    case 'view':
      // Flink takes no epochs: whoever had the state before is proven gone by its pods.
      return { epoch: 0, ...(await viewStateFolder(files, folder, asked)) };
    case 'dispose':
      await disposeSavepoint(files, asked.path);
      return {};
    case 'removeState':
      await removeState(files, folder);
      return {};
  }
}

/** What has been answered stays true when something cannot be removed, or is left when the time is over: the next look tries again. Answers why it cannot. */
async function clear(...what: Parameters<typeof clearState>): Promise<string | null> {
  setTimeout(() => process.exit(0), CLEARING).unref();
  try {
    await clearState(...what);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function addToAnswer(file: string, view: object): void {
  const text = JSON.stringify(view);
  if (Buffer.byteLength(text) <= LONGEST_ANSWER) writeFileSync(file, text);
}
