// Carries out what the coordinator decides: messages, storage, commits. What storage answers goes back as events.
import type { AcquiredAttempt } from '../checkpoint/attempt.ts';
import type { CheckpointStorage } from '../checkpoint/storage.ts';
import type { Connectors } from '../connectors/registry.ts';
import type { ErrorCode } from '../error-codes.ts';
import { describeError, EngineError } from '../errors.ts';
import { spillExists } from '../shuffle/spill-input.ts';
import type { TemporaryFiles } from '../storage/temporary-files.ts';
import { commitOwn, type Outputs } from './commit.ts';
import type { Action, CoordinatorEvent } from './coordinator/messages.ts';
import type { TaskManagerLinks } from './task-manager-links.ts';

/** After these nothing can be tried again: the next process reads what is recorded and goes on from there. */
const FATAL: readonly ErrorCode[] = ['FENCED', 'STORAGE_UNCERTAIN', 'LOG_CORRUPT', 'JOB_RESULT_EXISTS'];

export function isFatal(error: unknown): error is EngineError {
  return error instanceof EngineError && FATAL.includes(error.code);
}

export interface ActionRunnerOptions {
  attempt: AcquiredAttempt;
  jobId: string;
  storage: CheckpointStorage;
  connectors: Connectors;
  /** Where the job's sinks write. */
  outputs: Outputs;
  /** Of this machine. */
  temporaryFiles: TemporaryFiles;
  /** Removes what executions of the attempt that are numbered below left unfinished, and all of earlier attempts. */
  clearSinks: (execution: number) => Promise<void>;
  links: TaskManagerLinks;
  deliver: (event: CoordinatorEvent) => void;
  /** Another attempt has the state, or what storage holds cannot be told any more: this process must end. */
  halt: (error: EngineError) => void;
  ended: (status: 'FINISHED' | 'FAILED' | 'CANCELED') => void;
  log: (message: string) => void;
}

export class ActionRunner {
  private readonly options: ActionRunnerOptions;
  /** One after the other, in the order they were decided on: a sweep has to find manifests gone that were disposed of before it. Never rejects. */
  private removals: Promise<void> = Promise.resolve();
  /** Directories that could not be removed. They are tried again with each sweep: what does not count must not stay as if it did. */
  private readonly owed = new Set<string>();

  constructor(options: ActionRunnerOptions) {
    this.options = options;
  }

  run(action: Action): void {
    const { attempt, jobId, storage, connectors, outputs, links, deliver, log } = this.options;
    switch (action.type) {
      case 'send':
        links.send(action.taskManagerId, action.message);
        return;
      case 'dropTaskManager':
        links.drop(action.taskManagerId, action.reason);
        return;
      case 'publishManifest': {
        const { checkpointId } = action.manifest;
        this.settle(
          storage.publishManifest(attempt, action.directory, action.manifest),
          () => deliver({ type: 'manifestPublished', checkpointId }),
          (message) => deliver({ type: 'publishFailed', checkpointId, message }),
        );
        return;
      }
      case 'commit': {
        const { commit } = action;
        this.settle(
          commitOwn(storage, connectors, attempt, action.committables, outputs),
          () => deliver({ type: 'committed', commit }),
          (message) => deliver({ type: 'commitFailed', commit, message }),
        );
        return;
      }
      case 'writeResult':
        this.settle(
          storage.writeJobResult(attempt, action.result),
          () => deliver({ type: 'resultWritten' }),
          (message) => deliver({ type: 'resultFailed', message }),
        );
        return;
      case 'dispose':
        this.remove(
          async () => {
            this.owed.add(action.directory);
            await this.dispose(action.directory);
          },
          () => undefined,
        );
        return;
      case 'discard':
        this.remove(
          async () => storage.discard(action.directory, attempt),
          (message) => log(`what was written to ${action.directory} could not be removed: ${message}`),
        );
        return;
      case 'sweepPages':
        this.remove(
          async () => {
            await this.disposeOwed();
            await storage.sweepPages(attempt, jobId, action.through);
          },
          (message) => log(`files of pages that are not needed any more could not be removed: ${message}`),
        );
        return;
      case 'removeCheckpoints':
        this.remove(
          async () => {
            await this.disposeOwed();
            await storage.removeCheckpoints(attempt, jobId);
          },
          (message) => log(`what is left of the job's checkpoints could not be removed: ${message}`),
        );
        return;
      case 'awaitRemovals':
        void this.removals.then(() => deliver({ type: 'removalsEnded' }));
        return;
      case 'clearSinks':
        this.remove(
          async () => this.options.clearSinks(action.execution),
          (message) => log(`what tasks left unfinished in sinks could not be removed: ${message}`),
        );
        return;
      case 'checkFiles': {
        const { temporaryFiles } = this.options;
        const missing = action.paths.filter((path) => !spillExists(temporaryFiles, path));
        if (missing.length > 0) queueMicrotask(() => deliver({ type: 'filesMissing', paths: missing }));
        return;
      }
      case 'log':
        log(action.message);
        return;
      case 'ended':
        this.options.ended(action.status);
        return;
    }
  }

  private async dispose(directory: string): Promise<void> {
    const { attempt, storage, log } = this.options;
    try {
      await storage.assertAttempt(attempt);
      await storage.dispose(directory);
      this.owed.delete(directory);
    } catch (error) {
      if (isFatal(error)) throw error;
      // All that storage has written there is gone then: what is left is somebody else's.
      if (error instanceof EngineError && error.code === 'DISPOSE_FOREIGN_FILES') this.owed.delete(directory);
      log(`${directory} could not be removed: ${describeError(error)}`);
    }
  }

  private async disposeOwed(): Promise<void> {
    for (const directory of this.owed) await this.dispose(directory);
  }

  private remove(work: () => Promise<void>, failed: (message: string) => void): void {
    this.removals = this.removals.then(work).catch((error: unknown) => {
      if (isFatal(error)) this.options.halt(error);
      else failed(describeError(error));
    });
  }

  private settle(work: Promise<void>, done: () => void, failed: (message: string) => void): void {
    void work.then(done, (error: unknown) => {
      if (isFatal(error)) this.options.halt(error);
      else failed(describeError(error));
    });
  }
}
