// The logical plan: relational operators over bound expressions. Nodes are immutable; rules make new ones.
import type { AccumulatorSpec, Expr, SortKey } from './exec-plan.ts';
import type { Field, Schema, SqlType } from './types.ts';
import type { TableDefinition } from './catalog.ts';

/** A window of a TUMBLE table function, one object for each time that it stands in the text. */
export interface TumbleWindow {
  /** Milliseconds. */
  size: number;
  offset: number;
}

/**
 * A column of a logical node. `digest` says what it is in terms of the source's columns: it names keys and accumulators in state, so that it may
 * depend neither on aliases nor on places.
 */
export interface LogicalField {
  name: string;
  type: SqlType;
  digest: string;
  /** Event time: watermarks speak of it. */
  rowtime: boolean;
  /** window_start, window_end or window_time of a table function, before the aggregation that gives it a value; `time` is the event time. */
  window: { column: 'start' | 'end' | 'time'; of: TumbleWindow; time: Field } | null;
}

/** Reads `columns` of a table (indexes into `table.columns`, physical and computed), with its watermark. */
export interface ScanNode {
  kind: 'scan';
  table: TableDefinition;
  columns: number[];
  fields: LogicalField[];
}

export interface ValuesNode {
  kind: 'values';
  rows: (boolean | number | string | null)[][];
  fields: LogicalField[];
}

/** Filter, then projection. */
export interface CalcNode {
  kind: 'calc';
  input: LogicalNode;
  condition: Expr | null;
  projections: Expr[];
  fields: LogicalField[];
}

/** Output: keys, accumulators and, with a window, window_start, window_end, window_time. */
export interface AggregateNode {
  kind: 'aggregate';
  input: LogicalNode;
  keys: number[];
  window: (TumbleWindow & { rowtime: number }) | null;
  accumulators: AccumulatorSpec[];
  fields: LogicalField[];
}

export interface SortNode {
  kind: 'sort';
  input: LogicalNode;
  keys: SortKey[];
  limit: number | null;
  offset: number;
  fields: LogicalField[];
}

export interface UnionNode {
  kind: 'union';
  inputs: LogicalNode[];
  fields: LogicalField[];
}

export type LogicalNode = ScanNode | ValuesNode | CalcNode | AggregateNode | SortNode | UnionNode;

export function inputsOf(node: LogicalNode): readonly LogicalNode[] {
  if (node.kind === 'union') return node.inputs;
  return node.kind === 'scan' || node.kind === 'values' ? [] : [node.input];
}

export function schemaOf(fields: readonly LogicalField[]): Schema {
  return fields.map(({ name, type }) => ({ name, type }));
}

/** The same node over other inputs. */
export function withInputs(node: LogicalNode, inputs: LogicalNode[]): LogicalNode {
  if (node.kind === 'scan' || node.kind === 'values') return node;
  return node.kind === 'union' ? { ...node, inputs } : { ...node, input: inputs[0]! };
}

const weights = new WeakMap<LogicalNode, number>();

/** Number of nodes, shared ones counted each time that they are reached. */
export function weightOf(node: LogicalNode): number {
  let weight = weights.get(node);
  if (weight === undefined) {
    weight = inputsOf(node).reduce((sum, input) => sum + weightOf(input), 1);
    weights.set(node, weight);
  }
  return weight;
}
