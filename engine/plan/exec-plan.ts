// The physical plan: what the planner hands to the coordinator and the coordinator to the tasks. Plain JSON throughout.
import type { Schema, SqlType } from './types.ts';

/** A bound expression over the columns of one input. Operands already have the types that the function wants: casts are explicit. */
export type Expr =
  | { kind: 'column'; index: number; type: SqlType }
  /** BIGINT and DECIMAL values as decimal text ("12", "1.50"); temporal values as their physical number; null is NULL. */
  | { kind: 'literal'; value: boolean | number | string | null; type: SqlType }
  /** `fn` is a name of plan/functions.ts. CASE takes when1, then1, ..., else; CAST takes one operand and `type` is its target. */
  | { kind: 'call'; fn: string; args: Expr[]; type: SqlType };

/** A table as the connectors see it. */
export interface TableSpec {
  /** Name as declared. */
  name: string;
  /** Value of the WITH option 'connector'. */
  connector: string;
  /** All WITH options, 'connector' included, keys as written. */
  options: Record<string, string>;
  /** Physical columns, in the order of the declaration: computed columns and metadata are not here. */
  schema: Schema;
}

/** One accumulator column of an aggregation's state. Aggregates are made of these, so that equal ones are held once. */
export interface AccumulatorSpec {
  /** Canonical and stable: `count(*)`, `sum(delay)`; the name of its column in state. Two specs are the same iff names are equal. */
  name: string;
  /**
   * Of a `count(*)`: other names of the same number, `count(delay)` where delay is NOT NULL. The count goes on under them when the column becomes
   * nullable.
   */
  aliases?: string[];
  fn: 'COUNT' | 'SUM' | 'MIN' | 'MAX';
  /** Over the operator's input; null for COUNT(*). */
  argument: Expr | null;
  /** FILTER (WHERE ...) over the operator's input, or null. */
  filter: Expr | null;
  /** COUNT: BIGINT NOT NULL. SUM: type of the argument (wraps on overflow as in Flink), nullable. MIN, MAX: as the argument, nullable. */
  type: SqlType;
}

export interface WindowSpec {
  kind: 'TUMBLE';
  /** Input column of the event time (TIMESTAMP(3) or TIMESTAMP_LTZ(3)). */
  rowtime: number;
  /** Milliseconds. */
  size: number;
  offset: number;
}

export interface SortKey {
  index: number;
  descending: boolean;
  nullsFirst: boolean;
}

interface OperatorBase {
  /** 32 hex digits, stable under changes elsewhere in the text; names the operator's state in savepoints. */
  id: string;
  /** What the id was derived from, for people: `agg:hourly/flights:[origin]`. */
  uid: string;
  /** As shown in plans: `Calc(select=[origin, delay], where=[delay > 0])`. */
  name: string;
  /** The operator of the same vertex whose output this one reads; null for the head, which reads the vertex's inputs (or is a source). */
  input: string | null;
  outputSchema: Schema;
}

/** Reads a table. Output: `projection` of the table's physical columns, in that order. */
export interface SourceSpec extends OperatorBase {
  type: 'Source';
  table: TableSpec;
  projection: number[];
}
/** Rows of constants, once, by subtask 0. */
export interface ValuesSpec extends OperatorBase {
  type: 'Values';
  rows: (boolean | number | string | null)[][];
}
/** Filters by `condition` (NULL counts as false), then computes one column per projection. */
export interface CalcSpec extends OperatorBase {
  type: 'Calc';
  inputSchema: Schema;
  condition: Expr | null;
  projections: Expr[];
}
/** Passes rows on and, in streaming mode, emits the greatest value seen of `expr` (milliseconds) as watermark, less 1 ms as in Flink. */
export interface WatermarkAssignerSpec extends OperatorBase {
  type: 'WatermarkAssigner';
  inputSchema: Schema;
  rowtime: number;
  expr: Expr;
}
/** Output: the key columns, then one column per accumulator. In streaming mode a changelog, one update per key between two flushes at most. */
export interface GroupAggregateSpec extends OperatorBase {
  type: 'GroupAggregate';
  inputSchema: Schema;
  keys: number[];
  accumulators: AccumulatorSpec[];
}
/** Output: keys, accumulators, then window_start, window_end (TIMESTAMP(3) NOT NULL), window_time (rowtime type). Late rows are dropped and counted. */
export interface WindowAggregateSpec extends OperatorBase {
  type: 'WindowAggregate';
  inputSchema: Schema;
  keys: number[];
  window: WindowSpec;
  accumulators: AccumulatorSpec[];
}
/** Batch only, parallelism 1. `limit` null means all; empty `keys` means a plain LIMIT. */
export interface SortSpec extends OperatorBase {
  type: 'Sort';
  inputSchema: Schema;
  keys: SortKey[];
  limit: number | null;
  offset: number;
}
/** Writes to a table. Input columns are those of `table.schema`, in order. */
export interface SinkSpec extends OperatorBase {
  type: 'Sink';
  table: TableSpec;
}

export type OperatorSpec =
  | SourceSpec
  | ValuesSpec
  | CalcSpec
  | WatermarkAssignerSpec
  | GroupAggregateSpec
  | WindowAggregateSpec
  | SortSpec
  | SinkSpec;

/**
 * How rows go from the subtasks of one vertex to those of the next. HASH: by key group of the `keys` columns (state/key-groups.ts). FORWARD:
 * subtask i to subtask i. REBALANCE: round robin by batch. SINGLETON: all to subtask 0.
 */
export type Exchange =
  { kind: 'HASH'; keys: number[] } | { kind: 'FORWARD' } | { kind: 'REBALANCE' } | { kind: 'SINGLETON' };

export interface ExecEdge {
  /** `${sourceOperator}->${targetVertex}`. */
  id: string;
  sourceVertex: string;
  /** The operator of the source vertex whose output flows here. */
  sourceOperator: string;
  targetVertex: string;
  exchange: Exchange;
  /** PIPELINED in streaming mode, BLOCKING in batch mode. */
  shuffle: 'PIPELINED' | 'BLOCKING';
  schema: Schema;
}

export interface ExecVertex {
  /** 32 hex digits: the id of its head operator. */
  id: string;
  name: string;
  parallelism: number;
  /** Largest parallelism that it may be rescaled to: 128, or 1 for singletons. */
  maxParallelism: number;
  /** In topological order: a tree with one head. */
  operators: OperatorSpec[];
}

export interface ExecPlan {
  formatVersion: 1;
  jobName: string;
  mode: 'STREAMING' | 'BATCH';
  vertices: ExecVertex[];
  edges: ExecEdge[];
  /** SET statements of the text, last one wins. Keys and values as written. */
  settings: Record<string, string>;
}

export function operatorsOf<T extends SourceSpec | SinkSpec>(plan: ExecPlan, type: T['type']): T[] {
  return plan.vertices.flatMap((vertex) =>
    vertex.operators.filter((operator): operator is T => operator.type === type),
  );
}
