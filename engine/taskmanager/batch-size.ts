// How many rows a task takes from its source at once: fewer where a row takes long. A barrier waits until the batch before it is through, and a batch of the
// usual size of which each row takes a millisecond would hold up checkpoints, savepoints and the thread's other tasks for eight seconds.
import { BATCH_ROWS } from '../columnar/batch.ts';

/** What a batch may take, milliseconds. */
const BATCH_MS = 100;

export class BatchSize {
  /** Rows of the next batch, 1 to BATCH_ROWS. */
  rows = BATCH_ROWS;

  /** A batch of `rows` took `ms` milliseconds to be processed. One that took long for once, as when garbage is collected, is made up for at once. */
  took(rows: number, ms: number): void {
    const fits = ms <= 0 ? Infinity : Math.floor((rows * BATCH_MS) / ms);
    // A short batch tells little of a long one.
    this.rows = Math.max(1, Math.min(fits, 2 * Math.max(rows, this.rows), BATCH_ROWS));
  }
}
