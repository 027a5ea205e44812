// Flink's pendingRecords (FLIP-33) of a source's subtasks: how many rows there are that have not been read. What is not known has none.
import type { SourceBacklog } from '../../connectors/connector.ts';

/** Splits of a source that no subtask has been given. */
export interface UnassignedSplits {
  /** Null: of one nothing is known. */
  unread: { rows: number; bytes: number } | null;
  /** Only the first so many subtasks get splits. */
  maxReaders: number;
}

/**
 * Of each subtask its own splits' rows and an even share of those that nobody reads yet. Where a source knows bytes only, rows are reckoned from how long those
 * were that have been read. A source that keeps to a rate has pending what the rate has made due, as far as there is so much.
 *
 * @param backlogs by subtask; null of one that does not run or does not tell
 */
export function pendingRecords(
  backlogs: readonly (SourceBacklog | null)[],
  { unread, maxReaders }: UnassignedSplits,
): (number | null)[] {
  const reading = backlogs.flatMap((backlog, subtask) => (backlog !== null && subtask < maxReaders ? [subtask] : []));
  const rowsPerByte = density(backlogs);
  const shared = unread === null ? null : rowsIn(unread, rowsPerByte);
  return backlogs.map((backlog, subtask) => {
    if (backlog === null) return null;
    const own = backlog.unread === null ? null : rowsIn(backlog.unread, rowsPerByte);
    const share = shared === null ? null : shareOf(shared, reading.length, reading.indexOf(subtask));
    const rows = own === null || share === null ? null : own + share;
    if (backlog.due !== null) return Math.min(backlog.due, rows ?? Infinity);
    return rows === Infinity ? null : rows;
  });
}

/** Rows per byte of what all subtasks have read; null: nothing yet. */
function density(backlogs: readonly (SourceBacklog | null)[]): number | null {
  let rows = 0;
  let bytes = 0;
  for (const backlog of backlogs) {
    rows += backlog?.read.rows ?? 0;
    bytes += backlog?.read.bytes ?? 0;
  }
  return rows === 0 || bytes === 0 ? null : rows / bytes;
}

/** Rounded up: where there is something left there is at least one row. */
function rowsIn({ rows, bytes }: { rows: number; bytes: number }, rowsPerByte: number | null): number | null {
  if (bytes === 0) return rows;
  return rowsPerByte === null ? null : rows + Math.ceil(bytes * rowsPerByte);
}

/** The parts add up to the whole. `index` -1: none. */
function shareOf(whole: number, parts: number, index: number): number {
  if (index < 0) return 0;
  if (whole === Infinity) return Infinity;
  return Math.floor((whole * (index + 1)) / parts) - Math.floor((whole * index) / parts);
}
