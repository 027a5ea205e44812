// Which window each row of a batch belongs to, and which rows are late. Rows mostly come in the order of time, so that a batch has few windows.
import { isNull, type ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import type { WindowAggregateSpec } from '../plan/exec-plan.ts';

/** Takes the rows of one window: all rows when `selection` is null, else the first `count` of it. Valid during the call. */
export type WindowRows = (windowEnd: number, selection: Int32Array | null, count: number) => void;

export class WindowAssigner {
  private readonly spec: WindowAggregateSpec;
  /** End of the window of each row. */
  private ends = new Float64Array(0);
  /** Rows sorted by window, in their order within each. */
  private rows = new Int32Array(0);

  constructor(spec: WindowAggregateSpec) {
    this.spec = spec;
  }

  /**
   * Hands the rows of each window to `take`, earliest window first. Rows of windows that `watermark` has passed are left out; returns how many.
   * Throws ROWTIME_NULL for a NULL event time.
   */
  assign(batch: ColumnBatch, watermark: number, take: WindowRows): number {
    const times = this.timesOf(batch);
    const { size, offset } = this.spec.window;
    const { rows } = batch;
    if (rows === 0) return 0;
    let low = times[0]!;
    let high = low;
    for (let row = 1; row < rows; row++) {
      const time = times[row]!;
      if (time < low) low = time;
      if (time > high) high = time;
    }
    const first = Math.floor((low - offset) / size);
    const last = Math.floor((high - offset) / size);
    if (first === last) {
      const end = (first + 1) * size + offset;
      if (end - 1 <= watermark) return rows;
      take(end, null, rows);
      return 0;
    }
    return this.split(times, rows, watermark, take);
  }

  /** A batch of several windows: sorts the rows by window, stably. */
  private split(times: Float64Array, rows: number, watermark: number, take: WindowRows): number {
    const { size, offset } = this.spec.window;
    if (this.ends.length < rows) {
      this.ends = new Float64Array(rows);
      this.rows = new Int32Array(rows);
    }
    const { ends, rows: sorted } = this;
    const counts = new Map<number, number>();
    let end = NaN;
    let run = 0;
    for (let row = 0; row < rows; row++) {
      const next = (Math.floor((times[row]! - offset) / size) + 1) * size + offset;
      ends[row] = next;
      if (next === end) run++;
      else {
        if (run > 0) counts.set(end, (counts.get(end) ?? 0) + run);
        end = next;
        run = 1;
      }
    }
    counts.set(end, (counts.get(end) ?? 0) + run);
    const windows = [...counts.keys()].sort((a, b) => a - b);
    const places = new Map<number, { at: number }>();
    let at = 0;
    for (const window of windows) {
      places.set(window, { at });
      at += counts.get(window)!;
    }
    let place = places.get(ends[0]!)!;
    end = ends[0]!;
    for (let row = 0; row < rows; row++) {
      if (ends[row] !== end) {
        end = ends[row]!;
        place = places.get(end)!;
      }
      sorted[place.at++] = row;
    }
    let late = 0;
    let from = 0;
    for (const window of windows) {
      const count = counts.get(window)!;
      if (window - 1 <= watermark) late += count;
      else take(window, sorted.subarray(from, from + count), count);
      from += count;
    }
    return late;
  }

  private timesOf(batch: ColumnBatch): Float64Array {
    const index = this.spec.window.rowtime;
    const column = batch.columns[index]!;
    const name = this.spec.inputSchema[index]?.name ?? String(index);
    if (!(column.physical === 'f64' && column.values instanceof Float64Array))
      throw new EngineError(
        'ROWTIME_TYPE',
        `event time ${name} of ${this.spec.uid} is not a timestamp in milliseconds`,
      );
    if (column.validity !== null)
      for (let row = 0; row < batch.rows; row++) if (isNull(column, row)) throw rowtimeNull(name, this.spec.uid);
    return column.values;
  }
}

/** A row without event time belongs to no window: it is refused as in Flink's WatermarkAssignerOperator. */
export function rowtimeNull(column: string, operator: string): EngineError {
  return new EngineError('ROWTIME_NULL', `the event time ${column} of a row is NULL (in ${operator})`, {
    hint: `leave such rows out: WHERE ${column} IS NOT NULL`,
  });
}
