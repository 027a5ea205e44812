// The engine's program for a volume that no JobManager has mounted: says what the state on it is, or removes some of it. For pods that the operator starts.
import { rm } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalCheckpointStorage } from './checkpoint/local-storage.ts';
import { viewStorage, type StorageQuestion } from './checkpoint/storage-view.ts';
import { EngineError } from './errors.ts';

/** What is to be done, as JSON on the command line. */
export type StorageCommand =
  /** `needed`: state that the job may go back to, asked of Flink's program alone, which clears what earlier runs have left but for that, and nothing where this is absent; nor what the run `preparedJobId` has. */
  | ({ kind: 'view'; needed?: readonly string[] | undefined; preparedJobId?: string | undefined } & StorageQuestion)
  /** A savepoint that nobody wants any more. */
  | { kind: 'dispose'; path: string }
  /** Checkpoints and results. Epochs stay: they fence attempts of whoever comes next under this name. Savepoints are FlowSavepoints' own. */
  | { kind: 'removeState' };

/** Bytes of a container's termination message, at most (Kubernetes). */
const MESSAGE_BYTES = 4096;

/** Writes its answer, JSON, to the file `answer`. */
export async function runStorageCommand(root: string, command: StorageCommand, answer: string): Promise<void> {
  const storage = new LocalCheckpointStorage(root);
  switch (command.kind) {
    case 'view':
      return write(answer, shortened(await viewStorage(storage, command)));
    case 'dispose':
      await storage.dispose(command.path);
      return write(answer, '{}');
    case 'removeState':
      await storage.markRemoved();
      for (const part of ['checkpoints', 'results']) await rm(join(root, part), { recursive: true, force: true });
      return write(answer, '{}');
    default:
      throw new EngineError(
        'ARGUMENT_INVALID',
        `--command: ${JSON.stringify(command)} is none of view, dispose, removeState`,
      );
  }
}

function write(file: string, text: string): void {
  writeFileSync(file, text);
}

/** The texts for people are cut until it fits. */
function shortened(view: Awaited<ReturnType<typeof viewStorage>>): string {
  for (let limit = 1000; ; limit = limit >> 1) {
    const cut = (text: string | null): string | null => (text === null ? null : text.slice(0, limit));
    const text = JSON.stringify({
      ...view,
      unreadable: { checkpoints: cut(view.unreadable.checkpoints), savepoint: cut(view.unreadable.savepoint) },
      result: view.result === null ? null : { ...view.result, failure: cut(view.result.failure) },
      found: view.found === null ? null : { ...view.found, unreadable: cut(view.found.unreadable) },
      savepoint: view.savepoint === null ? null : { ...view.savepoint, message: cut(view.savepoint.message) },
    });
    if (Buffer.byteLength(text) <= MESSAGE_BYTES) return text;
  }
}
