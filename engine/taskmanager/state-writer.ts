// The state of one task on its way to storage, beside the work: decided at the barrier, encoded a chunk at a time as storage takes it.
import { attemptTag } from '../checkpoint/attempt.ts';
import { PageWriter } from '../checkpoint/page-writer.ts';
import type { CheckpointStorage, TaskStateHandle } from '../checkpoint/storage.ts';
import { EngineError } from '../errors.ts';
import type { KeyedSnapshot, OperatorSnapshot } from '../operators/operator.ts';
import type { Barrier, TaskDeployment } from '../rpc/protocol.ts';
import { keyGroupRange } from '../state/key-groups.ts';

/** The state of one checkpoint. Its snapshots are let go of when it is written, when that fails, and when it is given up. */
export interface StateWrite {
  /** Once. Null when the task has no state. Rejects with CHECKPOINT_ABANDONED when it has been given up. */
  write(): Promise<TaskStateHandle | null>;
}

interface Underway {
  checkpointId: number;
  abandon(): void;
}

export class StateWriter {
  private readonly task: { vertexId: string; subtask: number; attempt: string };
  private readonly storage: CheckpointStorage;
  private readonly pages: PageWriter;
  private readonly underway = new Set<Underway>();

  /** `monotonic`: milliseconds. */
  constructor(deployment: TaskDeployment, storage: CheckpointStorage, monotonic: () => number) {
    const { vertex, subtask } = deployment;
    this.task = { vertexId: vertex.id, subtask, attempt: attemptTag(deployment) };
    this.storage = storage;
    this.pages = new PageWriter({ ...this.task, keyGroups: keyGroupRange(subtask, vertex.parallelism) }, monotonic);
  }

  /** At the barrier, before the operators go on. */
  begin(barrier: Barrier, snapshots: OperatorSnapshot[]): StateWrite {
    if (snapshots.length === 0) return { write: () => Promise.resolve(null) };
    return barrier.format === 'PAGES' ? this.beginPages(barrier, snapshots) : this.beginSections(barrier, snapshots);
  }

  /** Nobody waits for the state of this checkpoint any more; null: of any. */
  abandon(checkpointId: number | null): void {
    for (const write of this.underway)
      if (checkpointId === null || write.checkpointId === checkpointId) write.abandon();
  }

  private beginPages({ checkpointId, base, directory }: Barrier, snapshots: OperatorSnapshot[]): StateWrite {
    const pages = this.pages.begin(checkpointId, base, snapshots);
    return this.started(checkpointId, snapshots, async (check) => {
      await this.storage.writePages(directory, pages.name, checked(pages.parts(), check));
      return pages.handle();
    });
  }

  private beginSections({ checkpointId, directory }: Barrier, snapshots: OperatorSnapshot[]): StateWrite {
    return this.started(checkpointId, snapshots, async (check) =>
      this.storage.writeTaskState(
        directory,
        this.task,
        snapshots.map((snapshot) => ({
          ...snapshot,
          keyed: snapshot.keyed === null ? null : checkedSections(snapshot.keyed, check),
        })),
      ),
    );
  }

  private started(
    checkpointId: number,
    snapshots: OperatorSnapshot[],
    write: (check: () => void) => Promise<TaskStateHandle>,
  ): StateWrite {
    let abandoned = false;
    const release = (): void => {
      for (const { keyed } of snapshots) keyed?.release();
    };
    const underway: Underway = {
      checkpointId,
      abandon: () => {
        abandoned = true;
        release();
      },
    };
    this.underway.add(underway);
    const check = (): void => {
      if (abandoned) throw new EngineError('CHECKPOINT_ABANDONED', `checkpoint ${checkpointId} has been given up`);
    };
    return {
      write: async () => {
        try {
          check();
          return await write(check);
        } finally {
          this.underway.delete(underway);
          release();
        }
      },
    };
  }
}

/** The same, but `check` may end it with an error before each part. */
function* checked<T>(parts: Iterable<T>, check: () => void): Generator<T> {
  check();
  for (const part of parts) {
    yield part;
    check();
  }
}

function checkedSections(keyed: KeyedSnapshot, check: () => void): KeyedSnapshot {
  return {
    pages: () => keyed.pages(),
    readPage: (page) => keyed.readPage(page),
    skipPage: (page) => keyed.skipPage(page),
    sections: () => checked(keyed.sections(), check),
    release: () => keyed.release(),
  };
}
