// The contract of operators: small classes with the same few methods, run by a task on one thread, never concurrently.
import type { ColumnBatch } from '../columnar/batch.ts';

/** Where an operator sends its results: the next operator of the chain, or the partitioner of an edge. Synchronous. */
export interface Output {
  emit(batch: ColumnBatch): void;
  /** Event time, milliseconds since the epoch: no row with a lower or equal time follows. Never decreases. */
  emitWatermark(watermark: number): void;
}

/** The last watermark of every stream: fires all windows. Long.MAX_VALUE in Flink; a double here. */
export const MAX_WATERMARK = Number.MAX_SAFE_INTEGER;
export const MIN_WATERMARK = Number.MIN_SAFE_INTEGER;

/** State of one operator subtask at one barrier. The byte arrays belong to the receiver: the operator goes on without touching them. */
export interface OperatorSnapshot {
  operatorId: string;
  /** Columns of the keyed state, as JSON (state/schema.ts); null when there is none. */
  stateSchema: unknown;
  /** At most one section per key group; `bytes` is an encoded batch (columnar/wire.ts) of the state's schema. */
  keyed: { keyGroup: number; bytes: Uint8Array }[];
  /** Union state: on restore every subtask sees the entries of all subtasks. */
  union: Uint8Array[];
}

/** What an operator subtask gets back: only key groups that it owns, but the union entries of all. */
export interface OperatorRestore {
  stateSchema: unknown;
  keyed: { keyGroup: number; bytes: Uint8Array }[];
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
  /** A directory of this attempt for spill files, made on first use and removed by the task. */
  spillDirectory: () => string;
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
  /** The state now, or null when the operator has none. Called between batches, at a barrier. */
  snapshot(): OperatorSnapshot | null;
  restore(state: OperatorRestore): void;
  close(): void;
}
