// The contract of connectors: how a table is found in splits, read into batches, written, and committed exactly once.
import type { Attempt } from '../checkpoint/attempt.ts';
import type { Clock } from '../clock.ts';
import type { ColumnBatch } from '../columnar/batch.ts';
import type { Schema } from '../plan/types.ts';
import type { TableSpec } from '../plan/exec-plan.ts';

/**
 * A part of a source that one reader reads from `position` on; plain JSON. It goes into checkpoints with the position reached, and on restore
 * to any subtask. `ordinal` is the order in which splits are handed out.
 */
export interface SourceSplit {
  id: string;
  ordinal: number;
  /**
   * What the split is a part of (a file). In streaming mode the enumerator keeps event time in order within a group: a subtask takes the next split of the
   * group it last read; without one it takes the lowest unread group; a subtask that has read nothing yet may join a group that others read. A subtask
   * whose group is used up takes no split of a group that others read: its own watermark may be ahead of those rows, which would then be late. In
   * batch mode splits go to whoever asks, by ordinal.
   */
  group: string;
  /** Connector's own: file, byte range, row group, rows already read, ... Never an absolute path: data may be moved, and savepoints too. */
  position: Record<string, unknown>;
  /** Where a source that follows a schedule was when the position was taken. Absent: it had not begun, or follows none. */
  pace?: Pace;
}

/** How far a schedule of rates has come. */
export interface Pace {
  /** Milliseconds for which the source has been read. */
  elapsed: number;
  /** Rows that were due by then and had not been read. */
  behind: number;
}

/** What is left of a split from its position on. Rows are Infinity where it has no end. */
export type SplitSize = { rows: number } | { bytes: number };

/** What one reader has still to read. */
export interface SourceBacklog {
  /** Rows and bytes of its splits, some splits being measured in rows and others in bytes; null: of one nothing is known. */
  unread: { rows: number; bytes: number } | null;
  /** Rows that its rate has made due and that are not read; null: it reads as fast as it can. */
  due: number | null;
  /** What it has read of splits that are measured in bytes: how long a row is. */
  read: { rows: number; bytes: number };
}

export interface SourceDescription {
  boundedness: 'BOUNDED' | 'UNBOUNDED';
  /** At most this many subtasks get splits (1 for a replay in time order). */
  maxParallelism: number;
}

/** What the planner and the coordinator need to know of a source, and finding its splits. Runs in the JobManager. */
export interface SourceConnector {
  /** Checks options and schema; throws EngineError that names table, option, value and remedy. No I/O. */
  describe(table: TableSpec): SourceDescription;
  /** Lists the splits at submission. Reads the file system. */
  discoverSplits(table: TableSpec): Promise<SourceSplit[]>;
  /**
   * Checks splits of a checkpoint or savepoint before the table is read on from their positions: throws SOURCE_CHANGED when they are positions in
   * something else than what the table names now.
   */
  checkSplits(table: TableSpec, splits: SourceSplit[]): Promise<void>;
  createReader(context: ReaderContext): SourceReader;
  /** How much there is to read in a split; null: not known. No I/O. */
  sizeOf(split: SourceSplit): SplitSize | null;
}

export interface ReaderContext {
  table: TableSpec;
  /** Indexes of the physical columns to read, in output order. */
  projection: number[];
  outputSchema: Schema;
  subtask: number;
  parallelism: number;
  /** Wall clock, for the values of rows. */
  now: Clock['now'];
  /** For what takes its time. */
  monotonic: Clock['monotonic'];
  after: Clock['after'];
  count: (metric: string, delta: number) => void;
  /** To be called when a poll that returned null may succeed now. */
  wake: () => void;
}

/** Reads splits one after the other, lowest ordinal first. Lives on a task's thread. */
export interface SourceReader {
  addSplit(split: SourceSplit): void;
  /**
   * The next batch, of at most `limit` rows (BATCH_ROWS unless told); null when none is ready now (wake() is called when one is, or when more splits are needed see `needsSplit`). May block
   * on local disk for the time of a chunk, never longer. Throws EngineError with file, row and reason on bad data.
   */
  poll(limit?: number): ColumnBatch | null;
  /** True when all splits given so far are read to their end: the task then asks the coordinator for the next one. */
  needsSplit(): boolean;
  /**
   * The splits given and not yet finished, with positions just behind the last batch polled. A source that follows a schedule and has finished all of them
   * tells the last one, of which nothing is left, with its pace.
   */
  snapshot(): SourceSplit[];
  backlog(): SourceBacklog;
  close(): void;
}

/** Something to be made visible when the checkpoint that holds it has completed: plain JSON, idempotent to commit. */
export interface Committable {
  connector: string;
  /**
   * The sink whose writer made it. Where that sink writes is not in here: savepoints are carried to other places. Absent in what version 1 wrote, whose
   * payload named the place.
   */
  operatorId?: string;
  /** Connector's own. For files: `{from, to, rows, bytes}`, both names in the table's folder. */
  payload: Record<string, unknown>;
}

/** What connectors do whose writers make committables. A place is where those of one table become visible; for files, the path of its folder. */
export interface Committer {
  place(table: TableSpec): string;
  /** Makes the committables visible, in order; doing it again changes nothing. Runs in the JobManager, after the manifest is published. */
  commit(place: string, committables: Committable[]): Promise<void>;
  /** Whether what the committable stands for is there, visible or not yet. */
  holds(place: string, committable: Committable): Promise<boolean>;
  /** True when there is nothing at all, or no such place. */
  isEmpty(place: string): Promise<boolean>;
  /** The place that one of version 1 names itself; null: it names none. */
  formerPlace(committable: Committable): string | null;
}

export interface SinkConnector {
  /** Checks options and schema. `changelog` tells whether updates may arrive: throws when the sink takes only inserts. No I/O. */
  describe(table: TableSpec, changelog: boolean): void;
  createWriter(context: WriterContext): SinkWriter;
  /** Absent: its writers make nothing that is to be committed. */
  committer?: Committer;
  /**
   * Removes what was left in progress by earlier attempts than `attempt`, and by those executions of its own that are numbered below `execution`. What
   * checkpoints hold has been committed before.
   */
  cleanUp(table: TableSpec, jobKey: string, attempt: Attempt, execution: number): Promise<void>;
}

export interface WriterContext {
  table: TableSpec;
  subtask: number;
  parallelism: number;
  /** Identifies the FlowJob (or the run) among writers to the same place: goes into names of files. */
  jobKey: string;
  /** Tag of the attempt: goes into names of files, so that two attempts never write the same file. */
  attemptTag: string;
  /**
   * Counts the executions of this subtask within the attempt: goes there too. A file that was committed by one execution has left its name, and
   * must not be found under it again when the checkpoint that held it is committed once more.
   */
  attempt: number;
  /** Operator id of the sink, for names that are unique within the job. */
  operatorId: string;
  now: () => number;
  count: (metric: string, delta: number) => void;
  /** One line for people on the job's standard output: the print connector. */
  print: (line: string) => void;
}

export interface SinkWriter {
  write(batch: ColumnBatch): void;
  /**
   * Ends what is in progress and returns what is to be committed with `checkpointId` (also at the end of input). Durable (fsync) when the
   * promise resolves; `write` may be called meanwhile and belongs to the next checkpoint.
   */
  prepareCommit(checkpointId: number): Promise<Committable[]>;
  /** Gives up: removes what is in progress. */
  abort(): Promise<void>;
}
