// The contract of operators: small classes with the same few methods, run by a task on one thread, never concurrently.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { TemporaryFiles } from '../storage/temporary-files.ts';

/** Where an operator sends its results: the next operator of the chain, or the partitioner of an edge. Synchronous. */
export interface Output {
  emit(batch: ColumnBatch): void;
  /** Event time, milliseconds since the epoch: no row with a lower or equal time follows. Never decreases. */
  emitWatermark(watermark: number): void;
}

/** The last watermark of every stream: fires all windows. Long.MAX_VALUE in Flink; a double here. */
export const MAX_WATERMARK = Number.MAX_SAFE_INTEGER;
export const MIN_WATERMARK = Number.MIN_SAFE_INTEGER;

/** Part of an operator subtask's keyed state at a barrier: some groups. */
export interface PageRef {
  /** Names the page in all snapshots of one operator subtask. */
  readonly id: string;
  /** Two snapshots of one operator subtask that have the page with the same version have the same page. */
  readonly version: number;
}

/**
 * Keyed state as it was at a barrier, read while the operator goes on: what is to be changed is copied first as long as it is still needed here. It is
 * read once, either by pages or by sections; both are encoded batches (columnar/wire.ts) with the columns of the state's schema and belong to who reads
 * them. Reading throws EngineError when what the operator has spilled cannot be read.
 */
export interface KeyedSnapshot {
  /**
   * In the order in which they are to be restored: a later page overrides an earlier one that has the same key. Who asks for them reads pages, at
   * once or later, and no sections.
   */
  pages(): readonly PageRef[];
  /** Once per page: then it is not kept any more. */
  readPage(page: PageRef): Uint8Array;
  /** The page will not be read: it need not be kept. */
  skipPage(page: PageRef): void;
  /** At most one section per key group, in ascending order: the canonical form, in which a key comes once. */
  sections(): Iterable<{ keyGroup: number; bytes: Uint8Array }>;
  /** Nothing is read any more. Twice does no harm. */
  release(): void;
}

/** State of one operator subtask at one barrier. */
export interface OperatorSnapshot {
  operatorId: string;
  /** Columns of the keyed state, as JSON (state/schema.ts); null when there is none. */
  stateSchema: unknown;
  /** Null when the operator has no keyed state. Whoever asked for the snapshot has to release it. */
  keyed: KeyedSnapshot | null;
  /** Union state: on restore every subtask sees the entries of all subtasks. The arrays belong to the receiver. */
  union: Uint8Array[];
}

/** What an operator subtask gets back. */
export interface OperatorRestore {
  stateSchema: unknown;
  /** Encoded batches, read as they are asked for. They may hold keys of other key groups; a later batch overrides an earlier one that has the same key. */
  keyed: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** About how many bytes of `keyed` are of the key groups that the subtask owns: tables are made as large at once. Absent: not known. */
  ownedBytes?: number;
  /** First and last (inclusive) of the key groups that the subtask owns: it leaves the keys of others out. */
  keyGroups: { start: number; end: number };
  /** The entries of all subtasks. */
  union: Uint8Array[];
}

export interface OperatorContext {
  subtask: number;
  parallelism: number;
  mode: 'STREAMING' | 'BATCH';
  /** Wall clock in milliseconds, for processing time; never `Date.now()` in an operator. */
  now: () => number;
  /** Counts under Flink's or our own metric names, e.g. `numLateRecordsDropped`. */
  count: (metric: string, delta: number) => void;
  /** Bytes that the operator may hold as state in memory: what is beyond goes to disk. Infinity: all. */
  stateBudget: number;
  /** In a stream, a group without window that was not updated for so many milliseconds is gone (Flink's table.exec.state.ttl); null: never. */
  stateTimeToLive: number | null;
  /** A directory of this attempt for spill files, made on first use and removed by the task. */
  spillDirectory: () => string;
  temporaryFiles: TemporaryFiles;
}

/**
 * Life: construct(spec, context) -> restore()? -> (processBatch | processWatermark | snapshot)* -> finish() -> close().
 * Methods throw EngineError on bad data; the task then fails with that error.
 */
export interface Operator {
  processBatch(batch: ColumnBatch, output: Output): void;
  /** An operator that holds back rows by time emits them here, then passes the watermark on. */
  processWatermark(watermark: number, output: Output): void;
  /** The input has ended (a MAX_WATERMARK came before): emit what is held. In batch mode aggregations emit here. */
  finish(output: Output): void;
  /** True while rows or changes are held back only to be emitted together with others; absent where nothing ever is. */
  readonly pending?: boolean;
  /** Emits those now. The task calls it when its thread has nothing else to do, at the latest after a fifth of a second, and before each snapshot. */
  flush?(output: Output): void;
  /**
   * Bytes that its state takes in memory, what is read of spilled state and the rows that wait for the end of a batch's input included; absent where an
   * operator has neither.
   */
  readonly stateBytes?: number;
  /** The state now, or null when the operator has none. Called between batches, at a barrier. */
  snapshot(): OperatorSnapshot | null;
  /** Nothing else is called until it has resolved. */
  restore(state: OperatorRestore): void | Promise<void>;
  close(): void;
}
