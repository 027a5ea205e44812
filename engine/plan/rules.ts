// Rewrites of the logical plan: only columns that somebody reads, one scan of each table for the whole job, one Calc where there were several.
import type { Expr } from './exec-plan.ts';
import { and, column, forEachColumn, literal, sizeOf, substitute } from './expressions.ts';
import {
  inputsOf,
  withInputs,
  type CalcNode,
  type LogicalField,
  type LogicalNode,
  type ScanNode,
} from './logical-plan.ts';
import { columnExpression, tableFields, type TableDefinition } from './catalog.ts';
import { isText } from './type-rules.ts';
import { sqlType } from './types.ts';

/** The plans of all INSERTs of a job, optimized together. In streaming mode a scan keeps what its watermark needs. */
export function optimize(roots: LogicalNode[], mode: 'STREAMING' | 'BATCH'): LogicalNode[] {
  const pruned = roots.map((root) => prune(root, allOf(root)).node);
  const shared = shareScans(pruned, mode);
  return shared.map(mergeCalcs);
}

const allOf = (node: LogicalNode): Set<number> => new Set(node.fields.keys());

interface Pruned {
  node: LogicalNode;
  /** New index of each old column that is still there. */
  places: Map<number, number>;
}

/** `node` with the columns of `required` only, in their order; every node keeps at least one column, as rows without columns cannot be counted. */
function prune(node: LogicalNode, required: ReadonlySet<number>): Pruned {
  switch (node.kind) {
    case 'scan':
      return pruneScan(node, required);
    case 'values': {
      const kept = sorted(required);
      const rows = node.rows.map((row) => kept.map((i) => row[i]!));
      return { node: { ...node, rows, fields: kept.map((i) => node.fields[i]!) }, places: placesOf(kept) };
    }
    case 'calc':
      return pruneCalc(node, required);
    case 'aggregate': {
      const needed = new Set(node.keys);
      if (node.window !== null) needed.add(node.window.rowtime);
      for (const { argument, filter } of node.accumulators)
        for (const expr of [argument, filter]) if (expr !== null) forEachColumn(expr, (i) => needed.add(i));
      const { node: input, places } = prune(node.input, needed);
      const move = (expr: Expr | null): Expr | null => (expr === null ? null : moved(expr, places));
      const pruned: LogicalNode = {
        ...node,
        input,
        keys: node.keys.map((key) => places.get(key)!),
        window: node.window === null ? null : { ...node.window, rowtime: places.get(node.window.rowtime)! },
        accumulators: node.accumulators.map((accumulator) => ({
          ...accumulator,
          argument: move(accumulator.argument),
          filter: move(accumulator.filter),
        })),
      };
      return { node: pruned, places: placesOf([...node.fields.keys()]) };
    }
    case 'sort': {
      const { node: input, places } = prune(node.input, new Set([...required, ...node.keys.map((key) => key.index)]));
      const keys = node.keys.map((key) => ({ ...key, index: places.get(key.index)! }));
      return { node: { ...node, input, keys, fields: input.fields }, places };
    }
    case 'union': {
      const parts = node.inputs.map((input) => prune(input, required));
      const [first] = parts as [Pruned];
      const fields = first.node.fields.map((field, place) => {
        const old = [...first.places].find(([, at]) => at === place)?.[0];
        return old === undefined ? field : node.fields[old]!;
      });
      return { node: { ...node, inputs: parts.map((part) => part.node), fields }, places: first.places };
    }
  }
}

function pruneScan(node: ScanNode, required: ReadonlySet<number>): Pruned {
  const kept = sorted(required);
  // A column of fixed width is the cheapest to count rows by.
  if (kept.length === 0)
    kept.push(
      Math.max(
        0,
        node.fields.findIndex((field) => !isText(field.type)),
      ),
    );
  const columns = kept.map((i) => node.columns[i]!);
  return { node: { ...node, columns, fields: kept.map((i) => node.fields[i]!) }, places: placesOf(kept) };
}

const UNIT: LogicalField = { name: '$unit', type: sqlType.int(false), digest: '0', rowtime: false, window: null };

function pruneCalc(node: CalcNode, required: ReadonlySet<number>): Pruned {
  const kept = sorted(required);
  const needed = new Set<number>();
  for (const i of kept) forEachColumn(node.projections[i]!, (index) => needed.add(index));
  if (node.condition !== null) forEachColumn(node.condition, (index) => needed.add(index));
  const { node: input, places } = prune(node.input, needed);
  const projections = kept.map((i) => moved(node.projections[i]!, places));
  const fields = kept.map((i) => node.fields[i]!);
  const condition = node.condition === null ? null : moved(node.condition, places);
  const pruned: LogicalNode =
    kept.length === 0
      ? { ...node, input, condition, projections: [literal(0, UNIT.type)], fields: [UNIT] }
      : { ...node, input, condition, projections, fields };
  return { node: pruned, places: placesOf(kept) };
}

function sorted(indexes: ReadonlySet<number>): number[] {
  return [...indexes].sort((a, b) => a - b);
}

function placesOf(kept: number[]): Map<number, number> {
  return new Map(kept.map((old, place) => [old, place]));
}

function moved(expr: Expr, places: ReadonlyMap<number, number>): Expr {
  if (expr.kind === 'literal') return expr;
  if (expr.kind === 'column') return column(places.get(expr.index)!, expr.type);
  return { ...expr, args: expr.args.map((arg) => moved(arg, places)) };
}

/**
 * All scans of a table read the columns that any of them needs, so that they are one source; each has its own columns by a Calc behind it. Computed
 * columns are computed there too, but for those that the watermark needs.
 */
function shareScans(roots: LogicalNode[], mode: 'STREAMING' | 'BATCH'): LogicalNode[] {
  const sources = new Map<TableDefinition, Set<number>>();
  const collect = (node: LogicalNode): void => {
    if (node.kind === 'scan') {
      const read = sources.get(node.table) ?? watermarkColumns(node.table, mode);
      for (const index of node.columns)
        if (!read.has(index)) for (const physical of physicalColumns(node.table, index)) read.add(physical);
      sources.set(node.table, read);
    }
    for (const input of inputsOf(node)) collect(input);
  };
  for (const root of roots) collect(root);
  const widen = (node: LogicalNode): LogicalNode => {
    if (node.kind !== 'scan') return withInputs(node, inputsOf(node).map(widen));
    const { table } = node;
    const columns = sorted(sources.get(table)!);
    const all = tableFields(table);
    const source = { ...node, columns, fields: columns.map((index) => all[index]!) };
    const places = table.spec.schema.map((field, i) =>
      column(columns.indexOf(table.columns.findIndex((candidate) => candidate.physical === i)), field.type),
    );
    const projections = node.columns.map((index, i) => {
      const place = columns.indexOf(index);
      if (place >= 0) return column(place, node.fields[i]!.type);
      return substitute(columnExpression(table.columns[index]!), places);
    });
    return { kind: 'calc', input: source, condition: null, projections, fields: node.fields };
  };
  return roots.map(widen);
}

/** Columns of the table that its WatermarkAssigner reads. */
function watermarkColumns({ watermark }: TableDefinition, mode: 'STREAMING' | 'BATCH'): Set<number> {
  const columns = new Set<number>();
  if (watermark === null || mode === 'BATCH') return columns;
  columns.add(watermark.column);
  forEachColumn(watermark.expression, (index) => columns.add(index));
  return columns;
}

/** The physical columns, by their place in the table, of which a column is made. */
function physicalColumns({ columns }: TableDefinition, index: number): number[] {
  const found: number[] = [];
  forEachColumn(columnExpression(columns[index]!), (physical) =>
    found.push(columns.findIndex((candidate) => candidate.physical === physical)),
  );
  // A constant needs no column, but its rows have to be counted.
  return found.length > 0 ? found : [columns.findIndex((candidate) => candidate.physical !== null)];
}

/** Bottom up: a Calc over a Calc becomes one, and a Calc that changes nothing goes. */
function mergeCalcs(node: LogicalNode): LogicalNode {
  const rebuilt = withInputs(node, inputsOf(node).map(mergeCalcs));
  if (rebuilt.kind !== 'calc') return rebuilt;
  const merged = withoutTruth(merge(rebuilt));
  return isIdentity(merged) ? merged.input : merged;
}

/** How many parts of expressions a merge may repeat. */
const REPEATED_PARTS = 64;

function merge(outer: CalcNode): CalcNode {
  const { input } = outer;
  if (input.kind !== 'calc') return outer;
  const condition = outer.condition === null ? null : substitute(outer.condition, input.projections);
  const projections = outer.projections.map((expr) => substitute(expr, input.projections));
  const conditions = [input.condition, condition].filter((expr) => expr !== null);
  // What the inner Calc computes once would be computed wherever it is used: not worth it when that multiplies the work.
  const before = totalSize(outer) + totalSize(input);
  const after = [...projections, ...conditions].reduce((sum, expr) => sum + sizeOf(expr), 0);
  if (after > before + REPEATED_PARTS) return outer;
  return {
    ...outer,
    input: input.input,
    condition: conditions.length === 0 ? null : conditions.reduce(and),
    projections,
  };
}

/** WHERE TRUE filters nothing. */
function withoutTruth(node: CalcNode): CalcNode {
  const { condition } = node;
  return condition?.kind === 'literal' && condition.value === true ? { ...node, condition: null } : node;
}

function totalSize({ projections, condition }: CalcNode): number {
  return projections.reduce((sum, expr) => sum + sizeOf(expr), condition === null ? 0 : sizeOf(condition));
}

function isIdentity({ input, condition, projections }: CalcNode): boolean {
  return (
    condition === null &&
    projections.length === input.fields.length &&
    projections.every((expr, i) => expr.kind === 'column' && expr.index === i)
  );
}
