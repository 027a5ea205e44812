// What is told of a job's checkpoints: how many there were, the newest of each kind, the last ones one by one, and numbers of all that are complete.
// Flink's CheckpointStatsTracker.
import type { CheckpointView, JobView } from '../../rest/gateway.ts';

/** Listed one by one. */
const HISTORY = 10;
/** Completed ones whose numbers are kept: as many as Flink's summary is made of. */
const NUMBERS = 10_000;

type Checkpoints = JobView['checkpoints'];

export class CheckpointStatistics {
  private readonly counts = { restored: 0, total: 0, inProgress: 0, completed: 0, failed: 0 };
  /** Newest first. */
  private readonly history: CheckpointView[] = [];
  private readonly latest: Checkpoints['latest'] = { completed: null, savepoint: null, failed: null };
  private readonly numbers: Checkpoints['numbers'] = [];
  private restored: Checkpoints['restored'] = null;

  /** The view changes until `ended`. */
  triggered(view: CheckpointView): void {
    this.counts.total++;
    this.counts.inProgress++;
    this.history.unshift(view);
    this.history.length = Math.min(this.history.length, HISTORY);
  }

  /** It is COMPLETED or FAILED. */
  ended(view: CheckpointView): void {
    const { counts, latest, numbers } = this;
    counts.inProgress--;
    if (view.status === 'FAILED') {
      counts.failed++;
      latest.failed = view;
      return;
    }
    counts.completed++;
    latest[view.kind === 'CHECKPOINT' ? 'completed' : 'savepoint'] = view;
    const { checkpointedSize, stateSize, triggerTimestamp, endTimestamp } = view;
    // The wall clock may have been set back meanwhile.
    const duration = Math.max(0, endTimestamp! - triggerTimestamp);
    numbers.push({ checkpointedSize, stateSize, duration });
    if (numbers.length > NUMBERS) numbers.shift();
  }

  discarded(directory: string): void {
    for (const view of [...this.history, this.latest.completed, this.latest.savepoint])
      if (view?.externalPath === directory) view.discarded = true;
  }

  restoredFrom(restored: NonNullable<Checkpoints['restored']>): void {
    this.counts.restored++;
    this.restored = restored;
  }

  view(): Checkpoints {
    const { counts, history, latest, numbers, restored } = this;
    const copy = (view: CheckpointView | null): CheckpointView | null => (view === null ? null : { ...view });
    return {
      counts: { ...counts },
      history: history.map((view) => ({ ...view })),
      latest: { completed: copy(latest.completed), savepoint: copy(latest.savepoint), failed: copy(latest.failed) },
      numbers,
      restored,
    };
  }
}
