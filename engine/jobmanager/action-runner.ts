// Carries out what the coordinator decides: messages, storage, commits. What storage answers goes back as events.
import type { CheckpointStorage } from '../checkpoint/storage.ts';
import type { Committable } from '../connectors/connector.ts';
import type { Connectors } from '../connectors/registry.ts';
import { describeError, EngineError } from '../errors.ts';
import { spillExists } from '../shuffle/spill-input.ts';
import type { Action, CoordinatorEvent } from './coordinator/messages.ts';
import type { TaskManagerLinks } from './task-manager-links.ts';

export interface ActionRunnerOptions {
  epoch: number;
  jobId: string;
  storage: CheckpointStorage;
  connectors: Connectors;
  links: TaskManagerLinks;
  deliver: (event: CoordinatorEvent) => void;
  /** A higher epoch exists: this process must end. */
  fenced: (error: EngineError) => void;
  ended: (status: 'FINISHED' | 'FAILED' | 'CANCELED') => void;
  log: (message: string) => void;
}

export class ActionRunner {
  private readonly options: ActionRunnerOptions;

  constructor(options: ActionRunnerOptions) {
    this.options = options;
  }

  run(action: Action): void {
    const { epoch, jobId, storage, connectors, links, deliver, log } = this.options;
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
          storage.publishManifest(action.directory, action.manifest),
          () => deliver({ type: 'manifestPublished', checkpointId }),
          (message) => deliver({ type: 'publishFailed', checkpointId, message }),
        );
        return;
      }
      case 'commit': {
        const { commit } = action;
        this.settle(
          commitAll(storage, connectors, epoch, action.committables),
          () => deliver({ type: 'committed', commit }),
          (message) => deliver({ type: 'commitFailed', commit, message }),
        );
        return;
      }
      case 'writeResult':
        this.settle(
          storage.assertEpoch(epoch).then(async () => storage.writeJobResult(jobId, action.result)),
          () => deliver({ type: 'resultWritten' }),
          (message) => deliver({ type: 'resultFailed', message }),
        );
        return;
      case 'dispose':
        // A later attempt counts on from the same checkpoint: what is of no use to this one may be what that one lives on.
        this.settle(
          storage.assertEpoch(epoch).then(async () => storage.dispose(action.directory)),
          () => undefined,
          (message) => log(`${action.directory} could not be removed: ${message}`),
        );
        return;
      case 'checkFiles': {
        const missing = action.paths.filter((path) => !spillExists({ path, partition: 0 }));
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

  private settle(work: Promise<void>, done: () => void, failed: (message: string) => void): void {
    void work.then(done, (error: unknown) => {
      if (error instanceof EngineError && error.code === 'FENCED') this.options.fenced(error);
      else failed(describeError(error));
    });
  }
}

/** Makes committables visible, connector by connector, under the fence. */
export async function commitAll(
  storage: CheckpointStorage,
  connectors: Connectors,
  epoch: number,
  committables: Committable[],
): Promise<void> {
  await storage.assertEpoch(epoch);
  for (const connector of new Set(committables.map((committable) => committable.connector)))
    await connectors
      .committer(connector)
      .commit(committables.filter((committable) => committable.connector === connector));
}
